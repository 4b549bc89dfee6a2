"""Medication safety: is an order that is being chosen or signed safe for this patient?

order-sign stands after order-select: the public sandbox keeps the last hook of an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.metformin import metformin_renal
from clinical.finding import Result
from fhir.records import Condition, MedicationRequest, Observation, Patient, ServiceRequest
from hooks import service
from hooks.contexts import OrderSelect, OrderSign
from hooks.standard import CONDITIONS, LABS, MEDICATIONS, ORDERS, PATIENT


@service(
    "order-select",
    "order-sign",
    id="medication-safety",
    title="Medication safety",
    description="Checks medication orders against this patient's kidney function: metformin.",
    prefetch={
        "patient": PATIENT,
        "medications": MEDICATIONS,
        "conditions": CONDITIONS,
        "labs": LABS,
        "orders": ORDERS,
    },
)
def medication_safety(
    context: OrderSelect | OrderSign,
    patient: Patient,
    medications: list[MedicationRequest] | None,
    conditions: list[Condition] | None,
    labs: list[Observation] | None,
    orders: list[ServiceRequest] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        drafts=context.draft_orders,
        medications=medications,
        conditions=conditions,
        labs=labs,
        orders=orders,
    )
    return evaluate(chart, metformin_renal)
