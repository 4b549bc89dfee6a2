"""The checks: each a function from a chart to what it finds, one file a group.

What a larger one needs stands beside it: `_case`, what is known, and `_cards`, what is said.
"""
