"""The worked cases of the clinical sheets, where their folder lies beside this project.

Each case tells all findings that a chart should have.
"""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinical.checks.allergy import allergy
from clinical.checks.blood_pressure import screen, uncontrolled
from clinical.checks.catalogue import incomplete
from clinical.checks.diabetes import hba1c
from clinical.checks.diabetes_care import albumin, statin
from clinical.checks.duplicates import duplicates
from clinical.checks.immunizations import immunizations
from clinical.checks.interactions import interactions
from clinical.checks.kidney_disease import kidney_disease
from clinical.checks.metformin import metformin_renal
from clinical.checks.monitoring import monitoring
from clinical.checks.opioids import opioids
from clinical.checks.pregnancy import pregnancy_orders
from clinical.checks.qt import qt_pairs
from clinical.checks.renal import renal
from clinical.checks.results import critical
from clinical.checks.retest import retest
from clinical.checks.retest_pending import pending
from clinical.checks.screening import screening
from clinical.finding import Finding
from fhir.records import (
    AllergyIntolerance,
    Appointment,
    Communication,
    Condition,
    DiagnosticReport,
    Draft,
    Immunization,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    Record,
    Records,
    ServiceRequest,
    Task,
)
from tests.clinical.build import chart

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(ROOT.parent.glob("*/clinical/examples/[op][sv]-*.json"))
CHECKS = {
    "order-sign": (
        interactions,
        qt_pairs,
        allergy,
        duplicates,
        opioids,
        pregnancy_orders,
        metformin_renal,
        renal,
        monitoring,
        retest,
        pending,
        incomplete,
    ),
    "patient-view": (
        hba1c,
        albumin,
        statin,
        screening,
        immunizations,
        screen,
        uncontrolled,
        kidney_disease,
        critical,
    ),
}


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
        vitals=only(Observation),
        social=only(Observation),
        orders=only(ServiceRequest),
        procedures=only(Procedure),
        statements=only(MedicationStatement),
        allergies=only(AllergyIntolerance),
        immunizations=only(Immunization),
        reports=only(DiagnosticReport),
        appointments=only(Appointment),
        tasks=only(Task),
        communications=only(Communication),
    )
    found = [each for check in CHECKS[case["hook"]] for each in check(known)]
    assert sorted({each.rule for each in found if isinstance(each, Finding)}) == sorted(
        case["expected"]
    )


def test_the_cases_that_are_there_are_many_or_none() -> None:
    assert len(CASES) == 0 or len(CASES) > 50
