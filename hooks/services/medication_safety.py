"""Medication safety: is an order that is being chosen or signed safe for this patient?

order-sign stands after order-select: the public sandbox keeps the last hook of an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from clinical.chart import Chart, evaluate
from clinical.checks.allergy import allergy
from clinical.checks.duplicates import duplicates
from clinical.checks.interactions import interactions
from clinical.checks.metformin import metformin_renal
from clinical.checks.opioids import opioids
from clinical.checks.pregnancy import pregnancy_orders
from clinical.checks.qt import qt_pairs
from clinical.checks.renal import renal
from clinical.finding import Result
from fhir.records import (
    AllergyIntolerance,
    Condition,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    ServiceRequest,
)
from hooks import service
from hooks.contexts import OrderSelect, OrderSign
from hooks.standard import (
    ALLERGIES,
    CONDITIONS,
    EXCLUDING_PROCEDURES,
    LABS,
    MEDICATIONS,
    ORDERS,
    PATIENT,
    SOCIAL,
    STATEMENTS,
    VITALS,
)


@service(
    "order-select",
    "order-sign",
    id="medication-safety",
    title="Medication safety",
    description="Checks medication orders against what this patient has, takes and must not have.",
    prefetch={
        "patient": PATIENT,
        "medications": MEDICATIONS,
        "statements": STATEMENTS,
        "allergies": ALLERGIES,
        "conditions": CONDITIONS,
        "labs": LABS,
        "vitals": VITALS,
        "social": SOCIAL,
        "orders": ORDERS,
        "excluding_procedures": EXCLUDING_PROCEDURES,
    },
)
def medication_safety(
    context: OrderSelect | OrderSign,
    patient: Patient,
    medications: list[MedicationRequest] | None,
    statements: list[MedicationStatement] | None,
    allergies: list[AllergyIntolerance] | None,
    conditions: list[Condition] | None,
    labs: list[Observation] | None,
    vitals: list[Observation] | None,
    social: list[Observation] | None,
    orders: list[ServiceRequest] | None,
    excluding_procedures: list[Procedure] | None,
    today: date,
    zone: tzinfo,
) -> Iterator[Result]:
    chart = Chart(
        patient=patient,
        today=today,
        zone=zone,
        drafts=context.draft_orders,
        medications=medications,
        statements=statements,
        allergies=allergies,
        conditions=conditions,
        labs=labs,
        vitals=vitals,
        social=social,
        orders=orders,
        procedures=excluding_procedures,
    )
    return evaluate(
        chart,
        interactions,
        allergy,
        duplicates,
        metformin_renal,
        renal,
        opioids,
        pregnancy_orders,
        qt_pairs,
    )
