"""The pages where a person sits: charts, the launcher."""
