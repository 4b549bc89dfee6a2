"""Hospice and palliative care, where targets of treatment and screening no longer help.

A live condition, or a procedure that goes on or was completed within a year (eCQM 2025: in the
measurement year), so that one old visit does not silence a chart for good.
"""

from __future__ import annotations

from clinical import codes, problems, thresholds
from clinical.chart import Chart, unreadable
from fhir.records import Procedure

HOSPICE = codes.load("hospice-palliative")
LOOK_BACK = thresholds.load("hospice", thresholds.Thresholds)["look-back"]


def in_hospice(chart: Chart) -> bool | None:
    """None where nothing says so and the record is not fully known."""
    if problems.live(chart, HOSPICE):
        return True
    procedures = [_counts(chart, each) for each in chart.procedures or () if each.code in HOSPICE]
    if True in procedures:
        return True
    unsure = chart.procedures is None or unreadable(chart.procedures) or None in procedures
    return None if unsure or not problems.are_known(chart) else False


def _counts(chart: Chart, procedure: Procedure) -> bool | None:
    if procedure.status == "in-progress":
        return True
    if procedure.status != "completed":
        return False
    done = chart.performed(procedure)
    return None if done is None else 0 <= (chart.today - done).days <= LOOK_BACK
