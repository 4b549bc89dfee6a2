"""Resources inside a hook context: orders, appointments, problems that are not in the record yet.

Never validated as FHIR. Published samples and real clients send Bundles without a type, STU3 and
DSTU2 shapes, and an object where R4 has an array; a clinical check judges only what it can read.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Literal, get_args

import msgspec
from msgspec import Raw, Struct

from fhir.bundle import UNREADABLE
from fhir.owner import Owner
from fhir.records import Draft, Record, Reference
from web.errors import Problem

_NULL = Raw(b"null")


class _Actor(Struct):
    actor: Reference | None = None


class _Header(Struct, rename="camel"):
    """Decoded member by member, so that one odd member does not hide the others."""

    resource_type: str
    id: str | None = None
    subject: Raw = _NULL
    patient: Raw = _NULL
    beneficiary: Raw = msgspec.field(name="for", default=_NULL)
    participant: Raw = _NULL
    focus: Raw = _NULL


class _Entry(Struct, rename="camel"):
    resource: Raw = _NULL
    full_url: Raw = _NULL


class _Bundle(Struct, rename="camel"):
    # Not a tag: msgspec lets the tag of a lone struct be absent, and {} is no Bundle.
    resource_type: Literal["Bundle"]
    entry: list[_Entry] = []


class _Wrapped(Struct):
    resource: Raw


_READ = {type_.__name__ for type_ in get_args(Record)}

# An order session has dozens of orders.
_MOST = 500

_decode_bundle = msgspec.json.Decoder(_Bundle).decode
_decode_array = msgspec.json.Decoder(list[Raw]).decode
_decode_header = msgspec.json.Decoder(_Header).decode
_decode_reference = msgspec.json.Decoder(Reference | None).decode
_decode_actor = msgspec.json.Decoder(_Actor).decode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_record = msgspec.json.Decoder(Record).decode


def read_bundle(
    raw: Raw, path: str, owner: Owner, types: frozenset[str], not_empty: bool
) -> tuple[Draft, ...]:
    """The entries of a context Bundle. `types` is empty where any resource type may stand."""
    try:
        bundle = _decode_bundle(_unwrapped(raw))
    except UNREADABLE:
        raise Problem(400, "structure", "This field is a FHIR Bundle.", path) from None
    if not_empty and not bundle.entry:
        raise Problem(400, "required", "This Bundle holds at least one entry.", path)
    entries = [entry for entry in bundle.entry if bytes(entry.resource) != b"null"]
    drafts = _drafts([entry.resource for entry in entries], path, owner, types)
    named = [
        replace(draft, full_url=_full_url(entry))
        for draft, entry in zip(drafts, entries, strict=True)
    ]
    return tuple(_told_apart(named))


def read_array(raw: Raw, path: str, owner: Owner, types: frozenset[str]) -> list[Draft]:
    """The resources of a JSON array."""
    try:
        resources = _decode_array(raw)
    except UNREADABLE:
        raise Problem(400, "structure", "This field is an array of resources.", path) from None
    return _told_apart(_drafts(resources, path, owner, types))


def read_one(raw: Raw, path: str, owner: Owner, types: frozenset[str]) -> Draft:
    """A single context resource, of one of `types`."""
    return _draft(_unwrapped(raw), path, owner, types)


def focus_of(draft: Draft) -> str | None:
    """What a Task is about."""
    try:
        focus = _decode_reference(_decode_header(draft.original).focus)
    except UNREADABLE:
        return None
    return focus.reference if focus else None


def _full_url(entry: _Entry) -> str:
    with suppress(*UNREADABLE):
        return _decode_text(entry.full_url) or ""
    return ""


def _drafts(resources: list[Raw], path: str, owner: Owner, types: frozenset[str]) -> list[Draft]:
    if len(resources) > _MOST:
        raise Problem(400, "too-long", f"This field holds at most {_MOST} resources.", path)
    return [_draft(resource, path, owner, types) for resource in resources]


def _told_apart(drafts: list[Draft]) -> list[Draft]:
    """A finding speaks of one order, so no two may go by the same reference."""
    times = Counter(draft.reference for draft in drafts)
    return [
        draft
        if times[draft.reference] == 1 and not draft.reference.endswith("/")
        else replace(draft, reference=f"{draft.reference}#{number}", addressable=False)
        for number, draft in enumerate(drafts, 1)
    ]


def _draft(raw: Raw, path: str, owner: Owner, types: frozenset[str]) -> Draft:
    try:
        header = _decode_header(raw)
    except UNREADABLE:
        raise Problem(400, "structure", "This field holds FHIR resources.", path) from None
    patients, odd = _patients(header)
    if odd and header.resource_type in _READ:
        text = f"The subject of a {header.resource_type} is a Reference."
        raise Problem(400, "structure", text, path)
    if types and header.resource_type not in types:
        expected = " or ".join(sorted(types))
        raise Problem(400, "value", f"This field holds a resource of type {expected}.", path)
    if not all(map(owner.owns, patients)):
        raise Problem(400, "value", "A resource of the context names another patient.", path)
    try:
        record: Record | None = _decode_record(raw)
    except UNREADABLE:
        record = None
    return Draft(f"{header.resource_type}/{header.id or ''}", record, bytes(raw))


def _patients(header: _Header) -> tuple[list[Reference], bool]:
    """Each reference to a patient by which the resource says whose it is, and whether one of the
    members that hold them is none.
    """
    references: list[Reference | None] = []
    odd = False
    for raw in (header.subject, header.patient, header.beneficiary):
        try:
            references.append(_decode_reference(raw))
        except UNREADABLE:
            odd = True
    # Participants of other resource types have other shapes, so an odd one is passed over.
    for actor in _participants(header):
        with suppress(*UNREADABLE):
            references.append(_decode_actor(actor).actor)
    return [each for each in references if each and "Patient/" in (each.reference or "")], odd


def _participants(header: _Header) -> list[Raw]:
    try:
        return _decode_array(header.participant)
    except UNREADABLE:
        return [header.participant]


def _unwrapped(raw: Raw) -> Raw:
    """The library's samples wrap a resource once in {"resource": ...}."""
    try:
        return msgspec.json.decode(raw, type=_Wrapped).resource
    except UNREADABLE:
        return raw
