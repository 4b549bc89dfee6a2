"""Results and appointments that want attention as the chart opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.appointments import missed
from clinical.checks.results import critical
from clinical.finding import Result
from fhir.records import Appointment, Communication, Observation, Patient, Task
from hooks import service
from hooks.standard import APPOINTMENTS, COMMUNICATIONS, PATIENT, RECENT_LABS, TASKS

CHECKS = (critical, missed)


@service(
    "patient-view",
    id="results-attention",
    title="Results and appointments",
    description="Points out recent critical results and repeatedly missed appointments.",
    prefetch={
        "patient": PATIENT,
        "recent_labs": RECENT_LABS,
        "tasks": TASKS,
        "communications": COMMUNICATIONS,
        "appointments": APPOINTMENTS,
    },
)
def results_attention(
    patient: Patient,
    recent_labs: list[Observation] | None,
    tasks: list[Task] | None,
    communications: list[Communication] | None,
    appointments: list[Appointment] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        labs=recent_labs,
        tasks=tasks,
        communications=communications,
        appointments=appointments,
    )
    return evaluate(chart, *CHECKS)
