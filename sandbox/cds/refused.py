"""What is not done at a chart, and why."""


class Refused(Exception):
    """Nothing was changed; the text says why, for the person at the EHR."""
