"""From the JSON of one answer to records of this patient: own, foreign, unreadable, next page.

Used for prefetch values and for answers of a FHIR server alike (FHIR R4, 3.1.1.4 searchset). The
whole value is decoded in one pass; only when that fails are the entries decoded one by one, so
that one bad entry costs that entry and not the chart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from fhir.records import (
    Medication,
    Observation,
    OperationOutcome,
    Patient,
    Record,
    Records,
    Reference,
    Resource,
    Unreadable,
)

# What decoding a value raises that is malformed, of another shape, or nested beyond all reason.
UNREADABLE = (msgspec.MsgspecError, RecursionError)


class _Search(Struct, frozen=True, gc=False):
    mode: str | None = None


class _Link(Struct, frozen=True, gc=False):
    relation: str | None = None
    url: str | None = None


class _Entry(Struct, frozen=True, gc=False):
    resource: Record | OperationOutcome | None = None
    search: _Search | None = None


class _Bundle(Struct, frozen=True, gc=False, tag_field="resourceType", tag="Bundle"):
    entry: list[_Entry] = []
    link: list[_Link] = []


_NULL = Raw(b"null")


class _RawEntry(Struct, frozen=True, gc=False):
    resource: Raw = _NULL
    search: _Search | None = None


class _RawBundle(Struct, frozen=True, gc=False, tag_field="resourceType", tag="Bundle"):
    entry: list[_RawEntry] = []
    link: list[_Link] = []


class _Linked(Struct, frozen=True, gc=False):
    link: list[_Link] = []


class _Header(Struct, frozen=True, gc=False, rename="camel"):
    resource_type: str
    id: str = ""


_decode_value = msgspec.json.Decoder(Record | OperationOutcome | _Bundle | None).decode
_decode_raw_bundle = msgspec.json.Decoder(_RawBundle).decode
_decode_resource = msgspec.json.Decoder(Record | OperationOutcome).decode
_decode_links = msgspec.json.Decoder(_Linked).decode
_decode_header = msgspec.json.Decoder(_Header).decode


class Owner:
    """The patient of this chart, and every way a reference can name them.

    An id is theirs when it is the chart's patient id or when their own Patient record links to it
    (merged records). An absolute reference is theirs only under a base of this EHR.
    """

    def __init__(self, patient_id: str, bases: Iterable[str], links: Iterable[str] = ()) -> None:
        self.patient_id = patient_id
        self._bases = tuple(bases)
        ids = {patient_id, *links}
        self._own = frozenset(
            f"{base}Patient/{id}" for id in ids for base in ("", *(f"{b}/" for b in self._bases))
        )

    def owns(self, subject: Reference | None) -> bool:
        if subject is None or subject.reference is None:
            return False
        return (
            subject.reference in self._own
            or subject.reference.partition("/_history/")[0] in self._own
        )

    def linked(self, patient: Patient) -> Owner:
        """The same owner, with the other ids that this patient's own record names."""
        links = [link.other.reference for link in patient.link if link.other]
        ids = [
            reference.rpartition("Patient/")[2]
            for reference in links
            if reference and self._is_local(reference)
        ]
        return Owner(self.patient_id, self._bases, ids) if ids else self

    def _is_local(self, reference: str) -> bool:
        return reference.startswith(("Patient/", *(f"{base}/Patient/" for base in self._bases)))


@dataclass(frozen=True, slots=True)
class Given:
    """Data to reason on. `value` is a resource or `Records`; `gaps` say what of it is not used."""

    value: Resource | Records[Resource]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Not there, or not an answer to the question asked: worth asking the FHIR server."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Asked for and not to be had; asking again is no use."""

    reason: str
    code: Literal["forbidden", "not-found", "timeout", "incomplete", "invalid"] = "incomplete"


Answer = Given | Missing | Refused


@dataclass(slots=True)
class Page:
    """One page of a searchset, sorted by whether it may be used."""

    records: list[Resource] = field(default_factory=list)
    included: dict[str, Medication] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    unowned: int = 0
    incomplete: bool = False
    next: str | None = None


def read_resource(raw: bytes | Raw, wanted: type[Resource], owner: Owner) -> Answer:
    """The answer to a FHIR read. `null` means that the EHR looked and found none."""
    try:
        value = _decode_value(raw)
    except UNREADABLE:
        return _unreadable(raw, wanted)
    if value is None:
        return Refused("the EHR found no such resource", "not-found")
    if isinstance(value, OperationOutcome):
        return _outcome(value)
    if not isinstance(value, wanted):
        return Missing(f"holds {_name(type(value))}, not {wanted.__name__}")
    if isinstance(value, Patient):
        own = value.id == owner.patient_id
    else:
        own = isinstance(value, Medication) or owner.owns(getattr(value, "subject", None))
    return Given(value) if own else Missing("is the record of another patient")


def read_page(raw: bytes | Raw, wanted: type[Resource], owner: Owner) -> Page | Missing | Refused:
    """One page of the answer to a FHIR search. `null` means that the EHR looked and found none."""
    try:
        value = _decode_value(raw)
    except UNREADABLE:
        return _entry_by_entry(raw, wanted, owner)
    if value is None:
        return Page()
    if isinstance(value, OperationOutcome):
        failed = _outcome(value)
        return Page() if isinstance(failed, Missing) else failed
    if not isinstance(value, _Bundle):
        return Missing(f"holds {_name(type(value))}, not a Bundle of {wanted.__name__}")
    page = Page(next=_next(value.link))
    for entry in value.entry:
        wrong = _sort_entry(page, entry.resource, _mode(entry), wanted, owner)
        if wrong:
            return wrong
    return page


def searchset(pages: Iterable[Page], wanted: type[Resource]) -> Given:
    """All pages of one search as one list, with its gaps in words."""
    records: list[Resource] = []
    included: dict[str, Medication] = {}
    unreadable: list[Unreadable] = []
    unowned, incomplete = 0, False
    for page in pages:
        records += page.records
        included |= page.included
        unreadable += page.unreadable
        unowned += page.unowned
        incomplete |= page.incomplete
    gaps = [f"{bad.type}/{bad.id} could not be read" for bad in unreadable]
    if unowned:
        gaps.append(f"{unowned} {wanted.__name__} without a subject of this chart not used")
    if incomplete:
        gaps.append(f"the EHR reported an error while it searched {wanted.__name__}")
    return Given(Records(records, tuple(unreadable), included), tuple(gaps))


def _sort_entry(
    page: Page,
    resource: Resource | None,
    mode: str,
    wanted: type[Resource],
    owner: Owner,
) -> Missing | None:
    """Put one entry where it belongs; an entry that the search cannot have found is an error."""
    if type(resource) is wanted and mode != "include":
        subject: Reference | None = getattr(resource, "subject", None)
        if not owner.owns(subject):
            if subject is not None and subject.reference is not None:
                # The search ran unfiltered (a token that the client could not fill, say), so
                # what is missing from it is as unknown as what does not belong in it.
                return Missing("holds the record of another patient")
            page.unowned += 1
        elif type(resource) is Observation and not all(map(owner.owns, resource.focus)):
            page.unowned += 1
        else:
            page.records.append(resource)
    elif isinstance(resource, OperationOutcome):
        page.incomplete |= _is_error(resource)
    elif isinstance(resource, Medication):
        page.included[f"Medication/{resource.id}"] = resource
    elif resource is not None and mode != "include":
        return Missing(f"holds {_name(type(resource))}, not only {wanted.__name__}")
    return None


def _entry_by_entry(
    raw: bytes | Raw, wanted: type[Resource], owner: Owner
) -> Page | Missing | Refused:
    try:
        bundle = _decode_raw_bundle(raw)
    except UNREADABLE:
        failed = _unreadable(raw, wanted)
        return failed if isinstance(failed, Missing) else Missing("is not a Bundle")
    page = Page(next=_next(bundle.link))
    for entry in bundle.entry:
        if bytes(entry.resource) == b"null":
            continue
        try:
            wrong = _sort_entry(page, _decode_resource(entry.resource), _mode(entry), wanted, owner)
        except UNREADABLE:
            wrong = _sort_unreadable(page, entry, wanted)
        if wrong:
            return wrong
    return page


def _sort_unreadable(page: Page, entry: _RawEntry, wanted: type[Resource]) -> Missing | None:
    try:
        header = _decode_header(entry.resource)
    except UNREADABLE:
        page.unreadable.append(Unreadable(wanted.__name__, "?"))
        return None
    if header.resource_type == wanted.__name__:
        page.unreadable.append(Unreadable(header.resource_type, header.id))
    elif _mode(entry) == "match":
        return Missing(f"holds other resources than {wanted.__name__}")
    return None


def _unreadable(raw: bytes | Raw, wanted: type[Resource]) -> Missing | Refused:
    try:
        header = _decode_header(raw)
    except UNREADABLE:
        return Missing("is not a FHIR resource")
    if header.resource_type != wanted.__name__:
        return Missing(f"holds another resource than {wanted.__name__}")
    return Refused(f"holds {wanted.__name__} that could not be read", "invalid")


def _outcome(outcome: OperationOutcome) -> Missing | Refused:
    if not _is_error(outcome):
        return Missing("holds only a notice")
    return Refused("the EHR reports that it could not provide this")


def _name(type_: type) -> str:
    return type_.__name__.strip("_")


def _is_error(outcome: OperationOutcome) -> bool:
    """An outcome without a readable severity is taken for an error."""
    return not outcome.issue or any(
        issue.severity not in ("warning", "information") for issue in outcome.issue
    )


def _mode(entry: _Entry | _RawEntry) -> str:
    return (entry.search.mode if entry.search else None) or "match"


def next_link(page: bytes) -> str | None:
    """The address of the page after this one; None on the last. "" where it is not said."""
    try:
        return _next(_decode_links(page).link)
    except UNREADABLE:
        return None  # not a readable Bundle: whoever reads the page says so


def _next(links: list[_Link]) -> str | None:
    return next((link.url or "" for link in links if link.relation == "next"), None)
