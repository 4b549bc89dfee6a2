"""The hook contexts: one flat type a hook. A tuple of drafts is a FHIR Bundle in JSON.

Source: CDS Hooks hook library (2.0.0 build, read 2026). User types that the library limits to
Practitioner are widened to PractitionerRole, which EHRs send for the same person.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated

import msgspec

from fhir.records import Draft

# Bare FHIR ids by alphabet and a generous length (published samples exceed FHIR's 64 characters);
# a lone "." or ".." would walk through the path of a read. U+2011 stands in published samples.
Id = Annotated[str, msgspec.Meta(pattern=r"^(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,256}\Z")]
_ID = "/(?!\\.{1,2}\\Z)[\\w.\u2011-]{1,512}\\Z"
StaffRef = Annotated[str, msgspec.Meta(pattern=r"^Practitioner(Role)?" + _ID)]
UserRef = Annotated[
    str, msgspec.Meta(pattern=r"^(Practitioner(Role)?|Patient|RelatedPerson)" + _ID)
]
PerformerRef = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Za-z]{2,63}" + _ID)]
# Orders are only compared with each other, so their ids may be whatever the EHR calls a draft.
OrderRef = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Za-z]{2,63}/[^\s/?#\\]{1,512}\Z")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every hook tells: whose chart is open."""

    patient_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientView(Context):
    user_id: UserRef
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSign(Context):
    user_id: StaffRef
    draft_orders: tuple[Draft, ...]
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSelect(OrderSign):
    """`selections` is also marked on each draft as `selected`."""

    selections: list[OrderRef]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDispatch(Context):
    """The only hook without a user."""

    dispatched_orders: Annotated[list[OrderRef], msgspec.Meta(min_length=1)]
    performer: PerformerRef
    fulfillment_tasks: list[Draft] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBook(Context):
    user_id: UserRef
    appointments: tuple[Draft, ...]
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterStart(Context):
    user_id: StaffRef
    encounter_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterDischarge(EncounterStart):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationRefill(Context):
    medications: tuple[Draft, ...]
    user_id: StaffRef | None = None
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemListItemCreate(Context):
    user_id: StaffRef
    conditions: tuple[Draft, ...]
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergyIntoleranceCreate(Context):
    user_id: StaffRef
    allergy_intolerance: Draft
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationVerify(Context):
    user_id: StaffRef
    medication: Draft
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationPrescribe(Context):
    """Deprecated by order-select and order-sign; DSTU2 and STU3 clients still send it."""

    user_id: StaffRef
    medications: tuple[Draft, ...]
    encounter_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReview(Context):
    """Deprecated by order-sign."""

    user_id: StaffRef
    orders: tuple[Draft, ...]
    encounter_id: Id | None = None


HOOKS: dict[str, type[Context]] = {
    "patient-view": PatientView,
    "order-select": OrderSelect,
    "order-sign": OrderSign,
    "order-dispatch": OrderDispatch,
    "appointment-book": AppointmentBook,
    "encounter-start": EncounterStart,
    "encounter-discharge": EncounterDischarge,
    "medication-refill": MedicationRefill,
    "problem-list-item-create": ProblemListItemCreate,
    "allergyintolerance-create": AllergyIntoleranceCreate,
    "medication-verify": MedicationVerify,
    "medication-prescribe": MedicationPrescribe,
    "order-review": OrderReview,
}


def tokens(hook: str) -> frozenset[str]:
    """The prefetch tokens `context.<field>` of a hook: its members that are a single text."""
    return frozenset(
        f"context.{camel(member.name)}"
        for member in fields(HOOKS[hook])
        if member.name in TOKEN_MEMBERS
    )


def sure_tokens(hook: str) -> frozenset[str]:
    """Those of its tokens that every call of this hook fills."""
    return frozenset(
        f"context.{camel(member.name)}"
        for member in fields(HOOKS[hook])
        if member.name in TOKEN_MEMBERS and member.default is MISSING
    )


def camel(name: str) -> str:
    """The JSON name of a member."""
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


# The members that are a single text, in the names of Python.
TOKEN_MEMBERS = ("patient_id", "user_id", "encounter_id", "performer")
