"""Several interactions in one. FHIR R4, "RESTful API", heading "batch/transaction"."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any

import msgspec

from sandbox.fhir.access import Access
from sandbox.fhir.bundles import relocated
from sandbox.fhir.errors import Refused
from sandbox.fhir.index import Kept
from sandbox.fhir.interaction import Interaction, of_entry
from sandbox.fhir.store import Store
from sandbox.fhir.writes import Planned, existing, planned_create, planned_update
from sandbox.http.answer import Answer, Resource, refused

_LONGEST = 50_000_000
"""Bytes of the answers to what a Bundle reads: its entries are short, their answers need not be."""

Answering = Callable[[Interaction], Answer]


def bounded(answering: Answering) -> Answering:
    """Answers until what was answered is long; the rest is refused."""
    left = _LONGEST

    def answered(asked: Interaction) -> Answer:
        nonlocal left
        if left <= 0:
            text = "The answers to the entries before are long enough: ask for this by itself."
            return refused(413, "too-costly", text)
        answer = answering(asked)
        left -= len(answer.body)
        return answer

    return answered


def batch(bundle: Resource, base: str, prefer: str, answering: Answering) -> Answer:
    """The answers to the entries, each as if it had come alone."""
    answers = []
    for entry in _entries(bundle):
        try:
            answers.append(answering(of_entry(entry, base, prefer)))
        except Refused as refusal:
            answers.append(refusal.answer)
    return _answer("batch-response", answers)


def transaction(
    bundle: Resource,
    base: str,
    prefer: str,
    store: Store,
    access: Access | None,
    answering: Answering,
    written: Callable[[Planned, Interaction], Answer],
) -> Answer:
    """All entries or, Refused, none; the entries refer to each other by their fullUrl."""
    entries = _entries(bundle)
    asked, targets, plans = [], [], []
    with store.alone():
        places = _Places(store, access)
        for number, entry in enumerate(entries):
            with _of_entry(number):
                asked.append(of_entry(entry, base, prefer))
                targets.append(places.target(asked[-1], entry.get("fullUrl")))
        for number, (interaction, target) in enumerate(zip(asked, targets, strict=True)):
            with _of_entry(number):
                plans.append(places.planned(interaction, target) if target else None)
        answers = {
            number: written(plan, asked[number]) for number, plan in enumerate(plans) if plan
        }
        # What is read is read when all is written.
        for number, interaction in enumerate(asked):
            if number not in answers:
                answers[number] = answering(interaction)
    return _answer("transaction-response", [answers[number] for number in range(len(asked))])


@dataclass(frozen=True)
class _Target:
    """Where a write goes; `there` is what a conditional create has found."""

    resource_type: str
    resource_id: str
    there: Kept | None = None


class _Places:
    """What the references of a transaction become: the places where its resources will be."""

    def __init__(self, store: Store, access: Access | None) -> None:
        self._store = store
        self._access = access
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def target(self, asked: Interaction, full_url: Any) -> _Target | None:
        """Where this entry goes, None for what is no write."""
        there = None
        match asked.method, asked.path:
            case "POST", (resource_type,):
                resource_id = str(uuid.uuid4())
                if asked.if_none_exist:
                    there = existing(self._store, resource_type, asked.if_none_exist, self._access)
                    resource_id = there.resource["id"] if there else resource_id
            case "PUT", (resource_type, resource_id):
                pass
            case "GET", _:
                return None
            case _:
                raise Refused(400, "not-supported", "A transaction has POST, PUT and GET only.")
        place = f"{resource_type}/{resource_id}"
        if not there and place in self._taken:
            raise Refused(400, "duplicate", f"{place} is written twice.")
        self._taken.add(place)
        if isinstance(full_url, str):
            self._known[full_url] = place
        return _Target(resource_type, resource_id, there)

    def planned(self, asked: Interaction, target: _Target) -> Planned:
        """The write of an entry, once all targets are known."""
        if target.there:
            return Planned(target.there.resource, new=True, there=target.there)
        resource = relocated(asked.resource, self._place)
        where = target.resource_type, target.resource_id
        if asked.method == "POST":
            return planned_create(self._store, *where, resource, self._access)
        return planned_update(self._store, *where, resource, self._access, asked.if_match)

    def _place(self, reference: str) -> str:
        if reference not in self._known and _CONDITIONAL.fullmatch(reference):
            resource_type = reference.partition("?")[0]
            kept = existing(self._store, resource_type, reference, self._access)
            if kept is None:
                raise Refused(412, "not-found", f"There is no {reference!r}.")
            self._known[reference] = kept.place
        return self._known.get(reference, reference)


_CONDITIONAL = re.compile(r"[A-Z][A-Za-z]+\?.+")


@contextmanager
def _of_entry(number: int) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise refusal.of_entry(number) from None


def _entries(bundle: Resource) -> list[Any]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Refused(400, "structure", "Bundle.entry is not a list.", "Bundle.entry")
    return entries


def _answer(bundle_type: str, answers: Iterable[Answer]) -> Answer:
    entries = [_entry(answer) for answer in answers]
    bundle = {"resourceType": "Bundle", "type": bundle_type}
    return Answer(200, msgspec.json.encode({**bundle, "entry": entries} if entries else bundle))


def _entry(answer: Answer) -> Resource:
    response: Resource = {"status": f"{answer.status} {responses.get(answer.status, '')}"}
    for name, header in (("location", "Location"), ("etag", "ETag")):
        if header in answer.headers:
            response[name] = answer.headers[header]
    if "Last-Modified" in answer.headers:
        changed = parsedate_to_datetime(answer.headers["Last-Modified"])
        response["lastModified"] = changed.isoformat()
    # As they are: a page of a search is long, and encoded already.
    body = msgspec.Raw(answer.body)
    if answer.status >= 400:
        return {"response": {**response, "outcome": body}}
    return {"response": response, **({"resource": body} if answer.body else {})}
