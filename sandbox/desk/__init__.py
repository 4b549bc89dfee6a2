"""The pages where a person sits: patients, charts, orders, the inspector, the launcher."""
