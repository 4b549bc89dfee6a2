"""Hospice and palliative care, where targets of treatment and screening no longer help.

A live condition, or a procedure that goes on or was completed within a year (eCQM 2025: in the
measurement year). A visit, such as an encounter for palliative care, counts for that year too,
whatever the record calls it: one old visit must not silence a chart for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import codes, problems, thresholds
from clinical.chart import Chart, unreadable
from clinical.dates import When
from fhir.records import Procedure

HOSPICE = codes.load("hospice-palliative")
VISITS = codes.load("hospice-palliative-visits")
LOOK_BACK = thresholds.load("hospice", thresholds.Thresholds)["look-back"]


def in_hospice(chart: Chart) -> bool | None:
    """None where nothing says so and the record is not fully known."""
    if problems.live(chart, HOSPICE):
        return True
    answers = [*_visits(chart), *_procedures(chart)]
    if True in answers:
        return True
    unsure = chart.procedures is None or unreadable(chart.procedures) or None in answers
    return None if unsure or not problems.are_known(chart) else False


def may_be_in_hospice(chart: Chart) -> bool:
    """Whether a record speaks of it and does not tell whether it still counts."""
    return None in (*_visits(chart), *_procedures(chart))


def _visits(chart: Chart) -> Iterator[bool | None]:
    for visit in problems.all_live(chart, VISITS):
        yield _is_recent(chart, visit.when)


def _procedures(chart: Chart) -> Iterator[bool | None]:
    for codes_ in (HOSPICE, VISITS):
        for each, _ in chart.among(chart.procedures, codes_):
            yield _counts(chart, each)


def _counts(chart: Chart, procedure: Procedure) -> bool | None:
    when = chart.performed(procedure)
    match procedure.status:
        case "in-progress":
            ends = procedure.performed_period is not None and procedure.performed_period.end
            return not (ends and _is_old(chart, when))
        case "completed":
            return _is_recent(chart, when)
        case "unknown" | None:
            return False if _is_old(chart, when) else None
    return False


def _is_recent(chart: Chart, when: When) -> bool | None:
    if _is_old(chart, when):
        return False
    return when.day <= chart.today if when.day else None


def _is_old(chart: Chart, when: When) -> bool:
    return when.latest is not None and (chart.today - when.latest).days > LOOK_BACK
