"""Care gaps: what this patient is due for, or off target with, as the chart opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.diabetes import hba1c
from clinical.finding import Result
from fhir.records import Condition, Observation, Patient, Procedure
from hooks import service
from hooks.standard import CONDITIONS, HOSPICE_CARE, LABS, PATIENT


@service(
    "patient-view",
    id="care-gaps",
    title="Care gaps",
    description="Points out an overdue or uncontrolled HbA1c in people with diabetes.",
    prefetch={
        "patient": PATIENT,
        "conditions": CONDITIONS,
        "labs": LABS,
        "hospice_care": HOSPICE_CARE,
    },
)
def care_gaps(
    patient: Patient,
    conditions: list[Condition] | None,
    labs: list[Observation] | None,
    hospice_care: list[Procedure] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        conditions=conditions,
        labs=labs,
        procedures=hospice_care,
    )
    return evaluate(chart, hba1c)
