"""The checks: each a function from a chart to what it finds, one file a group."""
