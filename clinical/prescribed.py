"""What an order or a statement says of its medicine: the concepts that code it and its names."""

from __future__ import annotations

import re

from clinical.chart import Chart
from clinical.code_systems import RXNORM, canonical
from fhir.records import (
    CodeableConcept,
    Coding,
    Contained,
    Medication,
    MedicationRequest,
    MedicationStatement,
)

Order = MedicationRequest | MedicationStatement

_ID = r"[A-Za-z0-9.-]+"
_MEDICATION = re.compile(rf"(?:(?:^|/)Medication/|^urn:uuid:)({_ID})(?:/_history/{_ID})?$")


def concepts(chart: Chart, order: Order) -> list[CodeableConcept]:
    """What the order says of its medicine: the product, and what it is made of."""
    if order.medication_codeable_concept is not None:
        return [order.medication_codeable_concept]
    medication = _medication(chart, order)
    if medication is None:
        return []
    made_of = [each.item_codeable_concept for each in medication.ingredient]
    return [concept for concept in (medication.code, *made_of) if concept]


def names(chart: Chart, order: Order, beside_rxnorm: bool = True) -> list[str]:
    """What the order calls its medicine; its text only if wanted where RxNorm names it too."""
    found: list[str | None] = []
    for concept in concepts(chart, order):
        found += names_of(concept, beside_rxnorm)
    found.append(order.medication_reference.display if order.medication_reference else None)
    return [name for name in found if name and name.strip()]


def names_of(concept: CodeableConcept, beside_rxnorm: bool = True) -> list[str | None]:
    """The text of a concept, if wanted where RxNorm names it too, and its displays."""
    displays = [coding.display for coding in concept.coding]
    told = beside_rxnorm or not any(map(_is_rxnorm_name, concept.coding))
    return [concept.text, *displays] if told else [*displays]


def _is_rxnorm_name(coding: Coding) -> bool:
    return bool(coding.code and coding.display and canonical(coding.system or "") == RXNORM)


def _medication(chart: Chart, order: Order) -> Medication | Contained | None:
    """What the order refers to: inside it, beside it in the session, or beside the record's."""
    target = (order.medication_reference and order.medication_reference.reference) or ""
    if target.startswith("#"):
        # Some write the mark into the id as well.
        return next((each for each in order.contained if each.id.lstrip("#") == target[1:]), None)
    beside = [
        (each.full_url, each.resource)
        for each in chart.drafts
        if isinstance(each.resource, Medication)
    ]
    for full_url, medication in beside:
        if target and full_url == target:
            return medication
    found = _MEDICATION.search(target)
    if found is None:
        return None
    for _, medication in beside:
        if medication.id == found[1]:
            return medication
    for records in (chart.medications, chart.statements):
        included: dict[str, Medication] = getattr(records, "included", {})
        if from_record := included.get(f"Medication/{found[1]}"):
            return from_record
    return None
