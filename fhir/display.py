"""The read model of a page: what people are shown beyond what clinical code reads.

The same resources with more fields (FHIR R4), and the records of people who are no patients. Kept
apart from `fhir/records.py`, so that a hook call does not pay for fields that it never looks at.
"""

from __future__ import annotations

from fhir import records
from fhir.bundle import Model
from fhir.records import (
    CodeableConcept,
    Element,
    HumanName,
    Medication,
    Period,
    Quantity,
    Reference,
    Resource,
)


class Identifier(Element, frozen=True):
    use: str | None = None
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None
    period: Period | None = None


class Range(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class ReferenceRange(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    text: str | None = None


class Component(Element, frozen=True):
    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()


class Dosage(Element, frozen=True):
    text: str | None = None
    patient_instruction: str | None = None


class Reaction(Element, frozen=True):
    manifestation: tuple[CodeableConcept, ...] = ()
    severity: str | None = None


class Patient(records.Patient, frozen=True):
    identifier: tuple[Identifier, ...] = ()


class Condition(records.Condition, frozen=True):
    onset_period: Period | None = None
    onset_string: str | None = None


class MedicationRequest(records.MedicationRequest, frozen=True):
    dosage_instruction: tuple[Dosage, ...] = ()


class AllergyIntolerance(records.AllergyIntolerance, frozen=True):
    criticality: str | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None
    reaction: tuple[Reaction, ...] = ()


class Observation(records.Observation, frozen=True):
    value_codeable_concept: CodeableConcept | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    value_time: str | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()
    component: tuple[Component, ...] = ()


Shown = Patient | Condition | MedicationRequest | AllergyIntolerance | Observation | Medication

MODEL = Model(Shown)


class Practitioner(Resource, frozen=True):
    name: tuple[HumanName, ...] = ()


class RelatedPerson(Resource, frozen=True):
    name: tuple[HumanName, ...] = ()


class Person(Resource, frozen=True):
    name: tuple[HumanName, ...] = ()


class PractitionerRole(Resource, frozen=True):
    practitioner: Reference | None = None


User = Practitioner | RelatedPerson | Person | PractitionerRole
