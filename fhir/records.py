"""The read model: the fields of FHIR R4 resources that clinical code reads, and no others.

Tolerant by design. Unknown members are skipped, every member is optional, partial dates stay
text, and a status that older servers send as plain text is accepted where R4 has a
CodeableConcept. The structs are not tracked by the garbage collector (`gc=False`): they are trees
that come from JSON and cannot form a cycle, and a long chart makes thousands of them.

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


class DispenseRequest(Element, frozen=True):
    validity_period: Period | None = None


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
    data_absent_reason: CodeableConcept | None = None


class Procedure(Resource, frozen=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None


class AllergyIntolerance(Resource, frozen=True):
    clinical_status: CodeableConcept | str | None = None
    verification_status: CodeableConcept | str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = field(name="patient", default=None)


class Encounter(Resource, frozen=True):
    status: str | None = None
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
    dispense_request: DispenseRequest | None = None


class ServiceRequest(Resource, frozen=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authored_on: str | None = None


class Medication(Resource, frozen=True):
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] = []


class Issue(Element, frozen=True):
    severity: str | None = None
    code: str | None = None


class OperationOutcome(Resource, frozen=True):
    issue: list[Issue] = []


# What a chart is made of: each of these has an id and, but for Patient and Medication, a subject.
Record = (
    Patient
    | Condition
    | Observation
    | Procedure
    | AllergyIntolerance
    | Encounter
    | MedicationRequest
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
