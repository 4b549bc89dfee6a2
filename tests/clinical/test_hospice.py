"""Hospice and palliative care: live, going on, or within a year."""

from typing import Any

import pytest

from clinical.hospice import in_hospice
from fhir.records import Condition, Period, Procedure
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    TYPE_2,
    ago,
    chart,
    concept,
    condition,
    procedure,
    unreadable,
)

VISIT = (ICD, "Z51.5", "Encounter for palliative care")


def visit(**changes: Any) -> Condition:
    """An encounter diagnosis, which some records keep without a status."""
    return condition(VISIT, **{"clinical_status": None} | changes)


def lasting(start: str, end: str | None) -> Procedure:
    """Care that the record calls in progress."""
    period = Period(start, end)
    return Procedure("pr1", "in-progress", concept(IN_HOSPICE), performed_period=period)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, False),
        ({"conditions": [condition(IN_HOSPICE)]}, True),
        ({"conditions": [condition(IN_HOSPICE, clinical_status="resolved")]}, False),
        ({"procedures": [procedure(IN_HOSPICE, ago(365))]}, True),
        ({"procedures": [procedure(IN_HOSPICE, ago(366))]}, False),
        ({"procedures": [procedure(IN_HOSPICE, ago(0))]}, True),
        ({"procedures": [procedure(IN_HOSPICE, ago(-1))]}, False),
        ({"procedures": [procedure(IN_HOSPICE, ago(2000), "in-progress")]}, True),
        ({"procedures": [procedure(IN_HOSPICE, ago(10), "not-done")]}, False),
        ({"procedures": [procedure(IN_HOSPICE, ago(10), "entered-in-error")]}, False),
        ({"procedures": [procedure(IN_HOSPICE, None)]}, None),
        ({"procedures": [procedure(IN_HOSPICE, "2026")]}, None),
        ({"procedures": [procedure(IN_HOSPICE, "2015")]}, False),
        ({"procedures": [procedure(IN_HOSPICE, ago(3), "unknown")]}, None),
        ({"procedures": [procedure(IN_HOSPICE, ago(366), "unknown")]}, False),
        ({"procedures": [lasting("2011-01-01", "2012-01-01")]}, False),
        ({"procedures": [lasting("2011-01-01", ago(365))]}, True),
        ({"procedures": [lasting("2011-01-01", ago(-30))]}, True),
        ({"procedures": [lasting("2011-01-01", None)]}, True),
        # A visit counts for a time, whatever the record calls it.
        ({"conditions": [visit(recorded_date=ago(365))]}, True),
        ({"conditions": [visit(recorded_date=ago(366))]}, False),
        ({"conditions": [visit(onset_date_time="2016")]}, False),
        ({"conditions": [visit(onset_date_time="2026")]}, None),
        ({"conditions": [visit()]}, None),
        ({"conditions": [visit(recorded_date=ago(10), clinical_status="resolved")]}, False),
        ({"procedures": [procedure(VISIT, ago(10))]}, True),
        ({"procedures": [procedure(TYPE_2, None)]}, False),
        ({"procedures": None}, None),
        ({"procedures": None, "conditions": [condition(IN_HOSPICE)]}, True),
        ({"procedures": unreadable("Procedure")}, None),
        ({"conditions": None}, None),
        ({"conditions": unreadable("Condition")}, None),
    ],
)
def test_in_hospice(changes: dict[str, Any], answer: bool | None) -> None:
    assert in_hospice(chart(**changes)) is answer
