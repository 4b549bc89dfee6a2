"""The problem list: which diagnoses are live."""

from __future__ import annotations

from clinical.chart import Chart, is_live, unreadable
from clinical.codes import Code, CodeSet


def live(chart: Chart, codes: CodeSet) -> Code | None:
    """The first live diagnosis of a set, as our table has it; None where none is on record."""
    rows = (codes.find(each.code) for each in chart.conditions or () if is_live(each))
    return next((row for row in rows if row), None)


def are_known(chart: Chart) -> bool:
    """Whether "none on record" may be concluded."""
    return chart.conditions is not None and not unreadable(chart.conditions)
