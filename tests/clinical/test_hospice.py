"""Hospice and palliative care: live, going on, or within a year."""

from typing import Any

import pytest

from clinical.hospice import in_hospice
from tests.clinical.build import (
    IN_HOSPICE,
    TYPE_2,
    ago,
    chart,
    condition,
    procedure,
    unreadable,
)


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
