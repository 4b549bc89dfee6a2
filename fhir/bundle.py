"""From the JSON of one answer to records of this patient: own, foreign, unreadable, next page.

Used for prefetch values and for answers of a FHIR server alike (FHIR R4, 3.1.1.4 searchset). The
whole value is decoded in one pass; only when that fails are the entries decoded one by one, so
that one bad entry costs that entry and not the chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from fhir.owner import Owner
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


class Search(Struct, frozen=True, gc=False):
    """How an entry came into a searchset."""

    mode: str | None = None


class Link(Struct, frozen=True, gc=False):
    """Where a searchset goes on."""

    relation: str | None = None
    url: str | None = None


T = TypeVar("T")


class Entry(Struct, Generic[T], frozen=True, gc=False):
    """One entry of a searchset."""

    resource: T | None = None
    search: Search | None = None


class Bundle(Struct, Generic[T], frozen=True, gc=False, tag_field="resourceType", tag="Bundle"):
    """A searchset whose every entry can be read."""

    entry: list[Entry[T]] = []
    link: list[Link] = []
    total: int | None = None


# An answer that can be read whole: to a read, to a search, to either that failed or found nothing.
Value = Record | OperationOutcome | Bundle[Record | OperationOutcome] | None

_NULL = Raw(b"null")


class _RawEntry(Struct, frozen=True, gc=False):
    resource: Raw = _NULL
    search: Search | None = None


class _RawBundle(Struct, frozen=True, gc=False, rename="camel"):
    # Not a tag: msgspec lets the tag of a lone struct be absent, and {} is no empty search.
    resource_type: Literal["Bundle"]
    entry: list[_RawEntry] = []
    link: list[Link] = []
    total: int | None = None


class _Subject(Struct, frozen=True, gc=False):
    subject: Reference | None = None
    patient: Reference | None = None


class _Linked(Struct, frozen=True, gc=False):
    link: list[Link] = []


class _Header(Struct, frozen=True, gc=False, rename="camel"):
    resource_type: str
    id: str = ""


class Model:
    """Which fields are read: decoders for one union of read models, of a class a resource type.

    `CHART` is what clinical code reads. A page that shows more has a model of its own, so that a
    hook call does not pay for fields that nothing of it looks at.
    """

    def __init__(self, record: Any) -> None:
        resource = record | OperationOutcome
        bundle: Any = Bundle
        self.value = msgspec.json.Decoder(resource | bundle[resource] | None).decode
        self.resource = msgspec.json.Decoder(resource).decode


CHART = Model(Record)

_decode_raw_bundle = msgspec.json.Decoder(_RawBundle).decode
_decode_subject = msgspec.json.Decoder(_Subject).decode
_decode_links = msgspec.json.Decoder(_Linked).decode
_decode_header = msgspec.json.Decoder(_Header).decode


@dataclass(frozen=True, slots=True)
class Given:
    """Data to reason on. `value` is a resource or `Records`; `gaps` say what of it is not used."""

    value: Resource | Records[Resource]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Not there, or not an answer to the question asked: worth asking the FHIR server."""

    reason: str


# expired: the token is not (or no longer) good; forbidden: it is, and this is not permitted;
# elsewhere: it leads away from this EHR's server; foreign: it is about another patient.
Failure = Literal[
    "expired",
    "forbidden",
    "not-found",
    "gone",
    "throttled",
    "slow",
    "resting",
    "unreachable",
    "redirect",
    "elsewhere",
    "too-large",
    "foreign",
    "unreadable",
    "broken",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """Asked for and not to be had; asking again is no use.

    `failure` tells a page which words explain it, `status` is what the server answered if it did,
    `wait` the seconds it asked for before the next try.
    """

    reason: str
    code: Literal["forbidden", "not-found", "timeout", "incomplete", "invalid"] = "incomplete"
    failure: Failure = field(default="broken", compare=False)
    status: int | None = field(default=None, compare=False)
    wait: int | None = field(default=None, compare=False)


Answer = Given | Missing | Refused


@dataclass(slots=True)
class Page:
    """One page of a searchset, sorted by whether it may be used.

    `noted`: the EHR added a remark of whatever severity, so its silence may not be silence.
    """

    records: list[Resource] = field(default_factory=list)
    included: dict[str, Medication] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    unowned: int = 0
    total: int = 0
    failed: bool = False
    noted: bool = False
    next: str | None = None

    @property
    def entries(self) -> int:
        """The matches on this page, usable or not."""
        return len(self.records) + len(self.unreadable) + self.unowned


def read_resource(
    given: bytes | Raw | Value, wanted: type[Resource], owner: Owner, model: Model = CHART
) -> Answer:
    """The answer to a FHIR read, as JSON or read already. `null` means that the EHR looked and
    found none.
    """
    if isinstance(given, bytes | Raw):
        try:
            value: Value = model.value(given)
        except UNREADABLE:
            return _unreadable(given, wanted)
    else:
        value = given
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


def read_page(
    given: bytes | Raw | Value, wanted: type[Resource], owner: Owner, model: Model = CHART
) -> Page | Missing | Refused:
    """One page of the answer to a FHIR search, as JSON or read already. `null` means that the EHR
    looked and found none.
    """
    if isinstance(given, bytes | Raw):
        try:
            value: Value = model.value(given)
        except UNREADABLE:
            return _entry_by_entry(given, wanted, owner, model)
    else:
        value = given
    if value is None:
        return Page()
    if isinstance(value, OperationOutcome):
        failed = _outcome(value)
        return Page(noted=True) if isinstance(failed, Missing) else failed
    if not isinstance(value, Bundle):
        return Missing(f"holds {_name(type(value))}, not a Bundle of {wanted.__name__}")
    page = Page(next=_next(value.link), total=value.total or 0)
    plain = _plainly_own(value.entry, wanted, owner)
    if len(plain) == len(value.entry):
        page.records = plain
        return page
    for entry in value.entry:
        if wrong := _sort_entry(page, entry.resource, _mode(entry), wanted, owner):
            return wrong
    return page


def _plainly_own(entries: list[Entry[Any]], wanted: type[Any], owner: Owner) -> list[Any]:
    """The records of the wanted type that name this patient in one of the usual ways: nearly
    always all of them, and a long chart has thousands.
    """
    own = owner.references
    resources: list[Any] = [entry.resource for entry in entries]
    records = [
        each
        for each in resources
        if type(each) is wanted and each.subject is not None and each.subject.reference in own
    ]
    # A page has a read model of its own, with more fields.
    measured = issubclass(wanted, Observation)
    return [each for each in records if not each.focus] if measured else records


# A card is read in seconds: more unreadable entries than this are counted, not named.
_NAMED = 3


def searchset(
    pages: Sequence[Page], wanted: type[Resource], window: bool = False, rest: str | None = None
) -> Given:
    """All pages of one search as one list, with its gaps in words.

    `window`: only the newest were asked for, so that fewer came than there are is no gap. `rest`:
    why there are further pages that could not be had.
    """
    name = wanted.__name__
    records: Records[Resource] = Records()
    included: dict[str, Medication] = {}
    unreadable: list[Unreadable] = []
    unowned = entries = total = 0
    failed = False
    for page in pages:
        records += page.records
        included |= page.included
        unreadable += page.unreadable
        unowned += page.unowned
        entries += page.entries
        total = max(total, page.total)
        failed |= page.failed
    gaps = [f"{bad.type}/{bad.id} could not be read" for bad in unreadable[:_NAMED]]
    if len(unreadable) > _NAMED:
        gaps.append(f"{len(unreadable) - _NAMED} more {name} could not be read")
    if unowned:
        gaps.append(f"{unowned} {name} without a subject of this chart not used")
    if failed:
        gaps.append(f"the EHR reported an error while it searched {name}")
        unreadable.append(Unreadable(name, "?"))
    withheld = total - entries
    if withheld > 0 and not window:
        gaps.append(f"{withheld} more {name} were counted by the EHR and not sent")
    if rest:
        gaps.append(f"only a part of all {name} could be had: the rest {rest}")
    if rest or (withheld > 0 and not window):
        unreadable.append(Unreadable(name, "?"))
    records.unreadable, records.included = tuple(unreadable), included
    return Given(records, tuple(gaps))


def _sort_entry(
    page: Page,
    resource: Resource | None,
    mode: str,
    wanted: type[Resource],
    owner: Owner,
) -> Missing | None:
    """Put one entry where it belongs; an entry that the search cannot have found is an error."""
    if type(resource) is wanted:
        subject: Reference | None = getattr(resource, "subject", None)
        if owner.owns(subject):
            if isinstance(resource, Observation) and not all(map(owner.owns, resource.focus)):
                page.unowned += 1
            else:
                page.records.append(resource)
        elif subject is None or subject.reference is None:
            page.unowned += 1
        elif mode != "include":
            return FOREIGN
    elif resource is None:
        page.unreadable.append(Unreadable(wanted.__name__, "?"))
    elif isinstance(resource, OperationOutcome):
        page.noted = True
        page.failed |= _is_error(resource)
    elif isinstance(resource, Medication):
        page.included[f"Medication/{resource.id}"] = resource
    elif mode != "include":
        return Missing(f"holds {_name(type(resource))}, not only {wanted.__name__}")
    return None


def _entry_by_entry(
    raw: bytes | Raw, wanted: type[Resource], owner: Owner, model: Model
) -> Page | Missing | Refused:
    try:
        bundle = _decode_raw_bundle(raw)
    except UNREADABLE:
        failed = _unreadable(raw, wanted)
        return failed if isinstance(failed, Missing) else Missing("is not a Bundle")
    page = Page(next=_next(bundle.link), total=bundle.total or 0)
    for entry in bundle.entry:
        try:
            wrong = _sort_entry(
                page,
                None if entry.resource is _NULL else model.resource(entry.resource),
                _mode(entry),
                wanted,
                owner,
            )
        except UNREADABLE:
            wrong = _sort_unreadable(page, entry, wanted, owner)
        if wrong:
            return wrong
    return page


def _sort_unreadable(
    page: Page, entry: _RawEntry, wanted: type[Resource], owner: Owner
) -> Missing | None:
    try:
        header = _decode_header(entry.resource)
    except UNREADABLE:
        page.unreadable.append(Unreadable(wanted.__name__, "?"))
        return None
    if header.resource_type == wanted.__name__:
        if _is_foreign(entry.resource, owner):
            return FOREIGN
        page.unreadable.append(Unreadable(header.resource_type, header.id))
    elif header.resource_type == "OperationOutcome":
        page.noted = page.failed = True
    elif _mode(entry) == "match":
        return Missing(f"holds other resources than {wanted.__name__}")
    return None


def _is_foreign(raw: Raw, owner: Owner) -> bool:
    """Whether a resource that cannot be read still says that it is somebody else's."""
    try:
        whose = _decode_subject(raw)
    except UNREADABLE:
        return False
    subject = whose.subject or whose.patient
    return subject is not None and subject.reference is not None and not owner.owns(subject)


# The search ran unfiltered (a token that the client could not fill, say), so what is missing from
# it is as unknown as what does not belong in it.
FOREIGN = Missing("holds the record of another patient")


def _unreadable(raw: bytes | Raw, wanted: type[Resource]) -> Missing | Refused:
    try:
        header = _decode_header(raw)
    except UNREADABLE:
        return Missing("is not a FHIR resource")
    if header.resource_type != wanted.__name__:
        return Missing(f"holds another resource than {wanted.__name__}")
    reason = f"holds {wanted.__name__} that could not be read"
    return Refused(reason, "invalid", failure="unreadable")


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


def _mode(entry: Entry[Any] | _RawEntry) -> str:
    return (entry.search.mode if entry.search else None) or "match"


def next_link(page: bytes) -> str | None:
    """The address of the page after this one; None on the last. "" where it is not said."""
    try:
        return _next(_decode_links(page).link)
    except UNREADABLE:
        return None  # not a readable Bundle: whoever reads the page says so


def _next(links: list[Link]) -> str | None:
    return next((link.url or "" for link in links if link.relation == "next"), None)
