"""The worked cases of the clinical sheets, where their folder lies beside this project.

Each case tells all findings that a chart should have; only the rules of our own checks count.
"""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinical.checks.diabetes import hba1c
from clinical.checks.metformin import metformin_renal
from clinical.finding import Finding
from fhir.records import (
    Condition,
    Draft,
    MedicationRequest,
    Observation,
    Patient,
    Procedure,
    Record,
    Records,
    ServiceRequest,
)
from tests.clinical.build import chart

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(ROOT.parent.glob("*/clinical/examples/[op][sv]-*.json"))
OURS = ("renal.metformin.", "monitor.metformin", "dm.a1c-")
CHECKS = {"order-sign": metformin_renal, "patient-view": hba1c}


def read(resource: dict[str, Any]) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(resource), type=Record)
    except msgspec.ValidationError:
        return None


@pytest.mark.skipif(not CASES, reason="no worked cases beside this project")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_worked_case_comes_out(path: Path) -> None:
    case = msgspec.json.decode(path.read_bytes())
    records = [record for each in case["resources"] if (record := read(each))]

    def only(wanted: type) -> Records[Any]:
        return Records(record for record in records if isinstance(record, wanted))

    known = chart(
        patient=msgspec.convert(case["patient"], Patient),
        today=date.fromisoformat(case["now"][:10]),
        drafts=[
            Draft(f"{each['resourceType']}/{each['id']}", read(each), msgspec.json.encode(each))
            for each in case.get("draftOrders", [])
        ],
        medications=only(MedicationRequest),
        conditions=only(Condition),
        labs=only(Observation),
        orders=only(ServiceRequest),
        procedures=only(Procedure),
    )
    found = CHECKS[case["hook"]](known)
    assert sorted({each.rule for each in found if isinstance(each, Finding)}) == sorted(
        rule for rule in case["expected"] if rule.startswith(OURS)
    )


def test_the_cases_that_are_there_are_many_or_none() -> None:
    assert len(CASES) == 0 or len(CASES) > 50
