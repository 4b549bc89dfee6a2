"""The read model of a page: what people are shown beyond what clinical code reads.

The same resources with more fields (FHIR R4), and the records of people who are no patients. Kept
apart from `fhir/records.py`, so that a hook call does not pay for fields that it never looks at.
"""

from __future__ import annotations

from decimal import Decimal

from fhir import records
from fhir.bundle import Model
from fhir.records import CodeableConcept, Element, Medication, Period, Reference, Resource


class Quantity(Element, frozen=True):
    """A measured value with the digits of the record: `Decimal` keeps the zeros of 7.40."""

    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        # Read from a text, which JSON has no such number for.
        if self.value is not None and not self.value.is_finite():
            raise ValueError("no number")


class HumanName(records.HumanName, frozen=True):
    suffix: tuple[str | None, ...] = ()
    period: Period | None = None


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
    applies_to: tuple[CodeableConcept, ...] = ()
    age: Range | None = None
    text: str | None = None


class Component(Element, frozen=True):
    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()


class DoseAndRate(Element, frozen=True):
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_ratio: object = None
    rate_range: object = None
    rate_quantity: object = None


class Timing(Element, frozen=True):
    code: CodeableConcept | None = None
    repeat: dict[str, object] | None = None
    event: tuple[object, ...] = ()
    modifier_extension: object = None


class Dosage(Element, frozen=True):
    """A dose. Of what is of no type here, a page tells only that there is more."""

    sequence: int | None = None
    text: str | None = None
    patient_instruction: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()
    additional_instruction: object = None
    site: object = None
    method: object = None
    max_dose_per_period: object = None
    max_dose_per_administration: object = None
    max_dose_per_lifetime: object = None
    modifier_extension: object = None


class Reaction(Element, frozen=True):
    substance: CodeableConcept | None = None
    description: str | None = None
    manifestation: tuple[CodeableConcept, ...] = ()
    severity: str | None = None


class Annotation(Element, frozen=True):
    text: str | None = None


class Patient(records.Patient, frozen=True):
    active: bool | None = None
    name: tuple[HumanName, ...] = ()  # type: ignore[assignment] # of names with more fields
    identifier: tuple[Identifier, ...] = ()


class Condition(records.Condition, frozen=True):
    onset_age: Quantity | None = None
    onset_range: Range | None = None
    onset_period: Period | None = None
    onset_string: str | None = None
    abatement_age: Quantity | None = None
    abatement_range: Range | None = None
    abatement_period: Period | None = None
    abatement_string: str | None = None


class MedicationRequest(records.MedicationRequest, frozen=True):
    dosage_instruction: tuple[Dosage, ...] = ()  # type: ignore[assignment] # of more fields


class AllergyIntolerance(records.AllergyIntolerance, frozen=True):
    criticality: str | None = None
    onset_date_time: str | None = None
    onset_age: Quantity | None = None
    onset_range: Range | None = None
    onset_period: Period | None = None
    onset_string: str | None = None
    recorded_date: str | None = None
    reaction: tuple[Reaction, ...] = ()  # type: ignore[assignment] # of other fields


class Observation(records.Observation, frozen=True):
    value_quantity: Quantity | None = None  # type: ignore[assignment] # of other numbers
    value_codeable_concept: CodeableConcept | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    value_time: str | None = None
    value_period: Period | None = None
    value_sampled_data: Element | None = None
    note: tuple[Annotation, ...] = ()
    interpretation: tuple[CodeableConcept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()
    component: tuple[Component, ...] = ()  # type: ignore[assignment] # of more fields


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
