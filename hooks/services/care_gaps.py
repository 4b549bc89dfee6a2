"""Care gaps: what this patient is due for, or off target with, as the chart opens.

What is information is put into one card; what is a warning has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.blood_pressure import screen, uncontrolled
from clinical.checks.diabetes import hba1c
from clinical.checks.diabetes_care import albumin, statin
from clinical.checks.immunizations import immunizations as vaccines
from clinical.checks.kidney_disease import kidney_disease
from clinical.checks.screening import screening
from clinical.finding import Result
from fhir.records import (
    Condition,
    DiagnosticReport,
    Immunization,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
)
from hooks import service
from hooks.standard import (
    CONDITIONS,
    IMMUNIZATIONS,
    LABS,
    MEDICATIONS,
    PATIENT,
    PROCEDURES,
    REPORTS,
    SCREENING_TESTS,
    SOCIAL,
    STATEMENTS,
    VITALS,
)

# The first three of what is due are named in the one card.
CHECKS = (
    hba1c,
    albumin,
    kidney_disease,
    uncontrolled,
    screening,
    screen,
    vaccines,
    statin,
)


@service(
    "patient-view",
    id="care-gaps",
    title="Care gaps",
    description=(
        "Points out screening, vaccines and tests that may be due, blood pressure and HbA1c far "
        "off target, and kidney disease that is not on the problem list."
    ),
    prefetch={
        "patient": PATIENT,
        "conditions": CONDITIONS,
        "labs": LABS,
        "screening_tests": SCREENING_TESTS,
        "procedures": PROCEDURES,
        "reports": REPORTS,
        "vitals": VITALS,
        "social": SOCIAL,
        "immunizations": IMMUNIZATIONS,
        "medications": MEDICATIONS,
        "statements": STATEMENTS,
    },
)
def care_gaps(
    patient: Patient,
    conditions: list[Condition] | None,
    labs: list[Observation] | None,
    screening_tests: list[Observation] | None,
    procedures: list[Procedure] | None,
    reports: list[DiagnosticReport] | None,
    vitals: list[Observation] | None,
    social: list[Observation] | None,
    immunizations: list[Immunization] | None,
    medications: list[MedicationRequest] | None,
    statements: list[MedicationStatement] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        conditions=conditions,
        labs=labs,
        tests=screening_tests,
        procedures=procedures,
        reports=reports,
        vitals=vitals,
        social=social,
        immunizations=immunizations,
        medications=medications,
        statements=statements,
    )
    return evaluate(chart, *CHECKS)
