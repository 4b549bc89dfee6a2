"""Laboratory orders: is a test that is being ordered due, and can the laboratory do it?

order-sign stands after order-select: the public sandbox keeps the last hook of an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.catalogue import incomplete
from clinical.checks.monitoring import monitoring
from clinical.checks.retest import retest
from clinical.checks.retest_pending import pending
from clinical.finding import Result
from fhir.records import (
    Condition,
    Encounter,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    ServiceRequest,
)
from hooks import service
from hooks.contexts import OrderSelect, OrderSign
from hooks.standard import (
    CONDITIONS,
    ENCOUNTER,
    LABS,
    MEDICATIONS,
    ORDERS,
    PATIENT,
    SOCIAL,
    STATEMENTS,
)


@service(
    "order-select",
    "order-sign",
    id="lab-orders",
    title="Laboratory orders",
    description=(
        "Points out tests that belong before or beside an ordered medicine, a recent result before "
        "its test is repeated, orders that stand twice, and what a laboratory outside will ask."
    ),
    prefetch={
        "patient": PATIENT,
        "encounter": ENCOUNTER,
        "medications": MEDICATIONS,
        "statements": STATEMENTS,
        "conditions": CONDITIONS,
        "labs": LABS,
        "social": SOCIAL,
        "orders": ORDERS,
    },
)
def lab_orders(
    context: OrderSelect | OrderSign,
    patient: Patient,
    encounter: Encounter | None,
    medications: list[MedicationRequest] | None,
    statements: list[MedicationStatement] | None,
    conditions: list[Condition] | None,
    labs: list[Observation] | None,
    social: list[Observation] | None,
    orders: list[ServiceRequest] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        drafts=context.draft_orders,
        encounter=encounter,
        medications=medications,
        statements=statements,
        conditions=conditions,
        labs=labs,
        social=social,
        orders=orders,
    )
    return evaluate(chart, monitoring, retest, pending, incomplete)
