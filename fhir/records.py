"""The read model: the fields of FHIR R4 resources that clinical code reads, and no others.

Tolerant by design. Unknown members are skipped, every member is optional, partial dates stay
text, and what older servers send is accepted: a status as plain text where R4 has a
CodeableConcept, one interpretation where R4 has a list. The structs are not tracked by the garbage
collector (`gc=False`): they are trees that come from JSON and cannot form a cycle, and a long chart
makes thousands of them.

To let services read one more resource type, add its struct here and to `Record`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct, field


class Element(Struct, frozen=True, gc=False, rename="camel"):
    """A FHIR data type."""


class Coding(Element, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Element, frozen=True):
    coding: list[Coding] = []
    text: str | None = None


class Reference(Element, frozen=True):
    reference: str | None = None
    display: str | None = None


class Quantity(Element, frozen=True):
    """A measured value. `code` is UCUM where the server says so, `unit` is for people."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Element, frozen=True):
    start: str | None = None
    end: str | None = None


class HumanName(Element, frozen=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str | None] = []


class PatientLink(Element, frozen=True):
    other: Reference | None = None
    type: str | None = None


class Ingredient(Element, frozen=True):
    item_codeable_concept: CodeableConcept | None = None


class Contained(Element, frozen=True):
    """A resource inside another one; only the coded medicine is read."""

    id: str = ""
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] = []


class Duration(Element, frozen=True):
    value: float | None = None
    unit: str | None = None
    code: str | None = None


class DispenseRequest(Element, frozen=True):
    validity_period: Period | None = None
    number_of_repeats_allowed: float | None = None
    expected_supply_duration: Duration | None = None


class Repeat(Element, frozen=True):
    """How often a medicine is taken, and from when to when."""

    frequency: float | None = None
    frequency_max: float | None = None
    period: float | None = None
    period_max: float | None = None
    period_unit: str | None = None
    when: tuple[str, ...] | str | None = None
    bounds_period: Period | None = None


class Timing(Element, frozen=True):
    repeat: Repeat | None = None
    code: CodeableConcept | None = None


class DoseRange(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class DoseAndRate(Element, frozen=True):
    dose_quantity: Quantity | None = None
    dose_range: DoseRange | None = None


class Dosage(Element, frozen=True):
    text: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()
    # Where the dose stood before R4.
    dose_quantity: Quantity | None = None


class Reaction(Element, frozen=True):
    """What an allergy did."""

    substance: CodeableConcept | None = None
    manifestation: tuple[CodeableConcept, ...] = ()
    description: str | None = None
    onset: str | None = None
    severity: str | None = None


class Component(Element, frozen=True):
    """A part of a result, such as one of the two pressures of a blood pressure."""

    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()


class Participant(Element, frozen=True):
    actor: Reference | None = None
    status: str | None = None


class Resource(Struct, frozen=True, gc=False, rename="camel", tag_field="resourceType"):
    """A FHIR resource; its class name is its `resourceType`."""

    id: str = ""


class Patient(Resource, frozen=True):
    name: list[HumanName] = []
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    link: list[PatientLink] = []


class Condition(Resource, frozen=True):
    clinical_status: CodeableConcept | str | None = None
    verification_status: CodeableConcept | str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    onset_date_time: str | None = None
    abatement_date_time: str | None = None
    recorded_date: str | None = None


class Observation(Resource, frozen=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    focus: tuple[Reference, ...] = ()
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    value_quantity: Quantity | None = None
    value_string: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] | CodeableConcept = ()
    component: tuple[Component, ...] = ()


class DiagnosticReport(Resource, frozen=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None


class Procedure(Resource, frozen=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None


class AllergyIntolerance(Resource, frozen=True):
    clinical_status: CodeableConcept | str | None = None
    verification_status: CodeableConcept | str | None = None
    type: str | None = None
    criticality: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = field(name="patient", default=None)
    onset_date_time: str | None = None
    recorded_date: str | None = None
    reaction: tuple[Reaction, ...] = ()


class Immunization(Resource, frozen=True):
    status: str | None = None
    vaccine_code: CodeableConcept | None = None
    subject: Reference | None = field(name="patient", default=None)
    occurrence_date_time: str | None = None
    occurrence_string: str | None = None


class Appointment(Resource, frozen=True):
    status: str | None = None
    start: str | None = None
    description: str | None = None
    participant: tuple[Participant, ...] = ()

    @property
    def subject(self) -> Reference | None:
        """The patient among those who take part."""
        actors = (each.actor for each in self.participant)
        return next((each for each in actors if each and _is_patient(each)), None)


class Task(Resource, frozen=True):
    status: str | None = None
    focus: Reference | None = None
    subject: Reference | None = field(name="for", default=None)


class Communication(Resource, frozen=True):
    status: str | None = None
    subject: Reference | None = None
    about: tuple[Reference, ...] = ()


class Encounter(Resource, frozen=True):
    """`kind`: its class, a code before R4, a coding in R4, concepts after."""

    status: str | None = None
    kind: Coding | tuple[CodeableConcept, ...] | str | None = field(name="class", default=None)
    subject: Reference | None = None
    period: Period | None = None


class MedicationRequest(Resource, frozen=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    contained: list[Contained] = []
    prior_prescription: Reference | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: DispenseRequest | None = None


class MedicationStatement(Resource, frozen=True):
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    contained: list[Contained] = []
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    dosage: tuple[Dosage, ...] = ()


class ServiceRequest(Resource, frozen=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    # A single one before R4.
    performer: tuple[Reference, ...] | Reference = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    specimen: tuple[Reference, ...] = ()
    body_site: tuple[CodeableConcept, ...] | CodeableConcept = ()


class Medication(Resource, frozen=True):
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] = []


class Issue(Element, frozen=True):
    severity: str | None = None
    code: str | None = None


class OperationOutcome(Resource, frozen=True):
    issue: list[Issue] = []


def _is_patient(reference: Reference) -> bool:
    return "/Patient/" in f"/{reference.reference or ''}"


# What a chart is made of: each of these has an id and, but for Patient and Medication, a subject.
Record = (
    Patient
    | Condition
    | Observation
    | DiagnosticReport
    | Procedure
    | AllergyIntolerance
    | Immunization
    | Encounter
    | Appointment
    | Task
    | Communication
    | MedicationRequest
    | MedicationStatement
    | ServiceRequest
    | Medication
)

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that exists in the record and that we could not decode. Never dropped silently."""

    type: str
    id: str


class Records(list[R]):
    """The records of one search, with what came beside them.

    `unreadable` entries exist but could not be decoded, so "none found" must not be said;
    `included` are the medicines that came along by `_include`, by relative reference.
    """

    def __init__(
        self,
        records: Iterable[R] = (),
        unreadable: tuple[Unreadable, ...] = (),
        included: Mapping[str, Medication] = MappingProxyType({}),
    ) -> None:
        super().__init__(records)
        self.unreadable = unreadable
        self.included = included


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource that the EHR shows us in the hook context, not (yet) part of the record.

    `reference` is `Type/id` as the EHR wrote it; where that names no single order (no id, or one
    id twice), `#` and a number tell them apart and `addressable` is false. `resource` is None
    where the type has no read model or its content could not be read: then nothing can be judged
    about it. `original` is its JSON, the start of any update. `selected`: it is one of the orders
    that order-select is about. `full_url`: how other entries of the Bundle may refer to it.
    """

    reference: str
    resource: Record | None
    original: bytes
    selected: bool = True
    addressable: bool = True
    full_url: str = ""
