"""From the members of `context` to the typed context of its hook.

Each field is read by its annotation, so a wrong one is named in the error. Tolerated, because real
clients and the library's own samples do it: the names of order-dispatch 1.0 and names with dashes,
one level of {"resource": ...} wrapping, a single reference where a list belongs, unknown members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, get_type_hints

from msgspec import Raw

from fhir.bundle import UNREADABLE
from fhir.owner import Owner
from fhir.records import Draft
from hooks.contexts import HOOKS, Context, Id, OrderDispatch, OrderSelect, camel
from hooks.drafts import focus_of, read_array, read_bundle, read_one
from hooks.members import Inner, reader
from web.errors import Problem

Read = Callable[[Any, Owner], Any]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    json: str
    required: bool
    read: Read


def read_context(
    hook: str, named: Mapping[str, Inner], bases: tuple[str, ...]
) -> tuple[Context, Owner]:
    """The typed context and the owner of its chart; raises Problem (400) naming the field."""
    for old, name in _ALIASES.get(hook, {}).items():
        if old in named:
            named = {name: named[old], **named}
    if "patientId" not in named:
        raise Problem(400, "required", "This field is required.", "context.patientId")
    owner = Owner(
        _checked(named["patientId"], _read_id, "context.patientId", _FORMS["patientId"]), bases
    )
    values = {}
    for field in _FIELDS[hook]:
        if field.json in named and (field.required or not _is_empty(named[field.json])):
            values[field.name] = field.read(named[field.json], owner)
        elif field.required:
            raise Problem(400, "required", "This field is required.", f"context.{field.json}")
    context = HOOKS[hook](**values)
    if isinstance(context, OrderSelect):
        context = _with_selection(context)
    if isinstance(context, OrderDispatch):
        _check_tasks(context)
    return context, owner


def _with_selection(context: OrderSelect) -> OrderSelect:
    selected = set(context.selections)
    if not selected <= {_named(draft) for draft in context.draft_orders}:
        raise Problem(400, "value", "A selection is not in draftOrders.", "context.selections")
    return replace(
        context,
        draft_orders=tuple(
            replace(draft, selected=_named(draft) in selected) for draft in context.draft_orders
        ),
    )


def _named(draft: Draft) -> str:
    """The reference as the EHR wrote it."""
    return draft.reference if draft.addressable else draft.reference.rpartition("#")[0]


def _check_tasks(context: OrderDispatch) -> None:
    orders = set(context.dispatched_orders)
    for task in context.fulfillment_tasks:
        focus = focus_of(task)
        if focus is not None and focus not in orders:
            raise Problem(
                400, "value", "A task is not for a dispatched order.", "context.fulfillmentTasks"
            )


def _is_empty(value: Inner) -> bool:
    return bytes(value) in (b"null", b'""') if isinstance(value, Raw) else value in (None, "")


def _checked(value: Inner, read: Callable[[Inner], Any], path: str, form: str) -> Any:
    try:
        return read(value)
    except UNREADABLE:
        raise Problem(400, "value", f"This field is {form}.", path) from None


def _reader(json: str, annotation: Any) -> Read:
    path = f"context.{json}"
    types = _TYPES.get(json, frozenset())
    if annotation == Draft:
        return lambda raw, owner: read_one(raw, path, owner, types)
    if annotation == tuple[Draft, ...]:
        not_empty = json in _NOT_EMPTY
        return lambda raw, owner: read_bundle(raw, path, owner, types, not_empty)
    if annotation == list[Draft]:
        return lambda raw, owner: read_array(_as_array(raw), path, owner, types)
    read, form = reader(annotation), _FORMS[json]
    if json in _ALIASES["order-dispatch"].values():
        return lambda raw, _: _checked(_as_array(raw), read, path, form)
    return lambda value, _: _checked(value, read, path, form)


def _as_array(raw: Raw) -> Raw:
    """order-dispatch 1.0 has one order and one task where 1.1 has arrays of them."""
    return raw if memoryview(raw)[0] == ord("[") else Raw(b"[" + bytes(raw) + b"]")


# Names that order-dispatch 1.0, the library's own samples and the Inferno kit use.
_ALIASES: dict[str, dict[str, str]] = {
    "order-dispatch": {
        "order": "dispatchedOrders",
        "dispatched-orders": "dispatchedOrders",
        "task": "fulfillmentTasks",
        "fulfillment-tasks": "fulfillmentTasks",
    },
    "medication-verify": {"order": "medication"},
}

# The resource types of a field where any other one means that the client sent the wrong thing.
_TYPES: dict[str, frozenset[str]] = {
    "appointments": frozenset({"Appointment"}),
    "conditions": frozenset({"Condition"}),
    "allergyIntolerance": frozenset({"AllergyIntolerance"}),
    "medication": frozenset({"MedicationRequest", "MedicationOrder"}),
    "fulfillmentTasks": frozenset({"Task"}),
}

# What a field that is no resource looks like, for whoever has to send it right.
_FORMS = {
    "patientId": "a bare FHIR id, such as p-123",
    "encounterId": "a bare FHIR id, such as e-123",
    "userId": "a reference to the user whom this hook allows, such as Practitioner/123",
    "performer": "a reference such as Organization/123",
    "selections": "a list of references such as MedicationRequest/123",
    "dispatchedOrders": "a list of at least one reference such as ServiceRequest/123",
}

# These hooks say that something was just entered, so an empty Bundle contradicts them.
_NOT_EMPTY = {"appointments", "conditions"}

_read_id = reader(Id)

_FIELDS: dict[str, tuple[_Field, ...]] = {
    hook: tuple(
        _Field(
            field.name,
            camel(field.name),
            field.default is MISSING and field.default_factory is MISSING,
            _reader(camel(field.name), get_type_hints(type_, include_extras=True)[field.name]),
        )
        for field in fields(type_)
    )
    for hook, type_ in HOOKS.items()
}
