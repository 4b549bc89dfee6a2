"""The RESTful API of the records: who may see and change what, and the faults in the answers.

FHIR R4, "RESTful API".
"""

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from email.utils import formatdate
from functools import partial

from sandbox.fhir.access import Access
from sandbox.fhir.batch import batch, bounded, transaction
from sandbox.fhir.capability import capability_statement
from sandbox.fhir.errors import Refused, out_of_scope
from sandbox.fhir.index import Kept
from sandbox.fhir.interaction import Interaction, of_request
from sandbox.fhir.search import query
from sandbox.fhir.searchset import searchset
from sandbox.fhir.store import Store
from sandbox.fhir.writes import Planned, done, existing, planned_create, planned_update
from sandbox.http.answer import Answer, Resource, found, refused
from sandbox.http.faults import Fault
from sandbox.http.listener import Request

_SOUND = Fault()

Admit = Callable[[Request], tuple[Access | None, Fault | None]]
"""What a request may do, None being everything, and how its answer is spoilt; or NotAdmitted."""


class NotAdmitted(Exception):
    """The request may see nothing; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Records:
    """The records behind one FHIR base, and the faults planted in the answers about them.

    `security` is what the CapabilityStatement says of how to get a token.
    """

    def __init__(
        self,
        bundles: Iterable[Resource],
        base: str,
        admit: Admit,
        *,
        security: Resource | None = None,
        post_search: bool = True,
        page_size: int = 1000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = Store(bundles, clock)
        self.base = base
        self._admit = admit
        self._security = security
        self._post_search = post_search
        self._page_size = page_size
        self._planted: dict[str, Fault] = {}

    def plant(self, resource_type: str, fault: Fault) -> None:
        """Spoils the answers about a resource type, or about all without a fault of their own: "*".

        "metadata" counts as a type. A later fault replaces an earlier one. A refusal for want of
        the token is never spoilt.
        """
        self._planted[resource_type] = fault

    def clear(self) -> None:
        """Removes all faults."""
        self._planted.clear()

    def answered(self, request: Request) -> tuple[Answer, Fault]:
        """The answer to a request at or under the base, spoilt, and how it goes out."""
        if request.path != "/fhir" and not request.path.startswith("/fhir/"):
            return refused(404, "not-found", "No such address."), _SOUND
        asked = of_request(request)
        subject = asked.path[0] if asked.path else ""
        planted = self._planted.get(subject) or self._planted.get("*")
        access, own = None, None
        # A CapabilityStatement is public: it tells clients where to get a token.
        if subject != "metadata":
            try:
                access, own = self._admit(request)
            except NotAdmitted as refusal:
                return refusal.answer, _SOUND
        fault = planted or own or _SOUND
        return fault.change(self._answer(asked, access)), fault

    def _answer(self, asked: Interaction, access: Access | None) -> Answer:
        try:
            return self._done(asked, access)
        except Refused as refusal:
            return refusal.answer

    def _done(self, asked: Interaction, access: Access | None) -> Answer:
        match asked.method, asked.path:
            case "GET", ("metadata",):
                return found(capability_statement(self.base, self._security))
            case "POST", ():
                return self._several(asked, access)
            case "GET", (resource_type,):
                return self._search(resource_type, asked, access)
            case "POST", (resource_type, "_search") if self._post_search:
                return self._search(resource_type, asked, access)
            case "GET", (resource_type, resource_id):
                return self._read(resource_type, resource_id, None, access)
            case "GET", (resource_type, resource_id, "_history", version):
                return self._read(resource_type, resource_id, version, access)
            case "POST", (resource_type,):
                return self._create(resource_type, asked, access)
            case "PUT", (resource_type, resource_id):
                return self._update(resource_type, resource_id, asked, access)
            case "GET", _:
                raise Refused(404, "not-found", "No such address.")
        allowed = {0: "POST", 1: "GET, POST", 2: "GET, PUT"}.get(len(asked.path), "GET")
        text = f"{asked.method} is not for this address."
        raise Refused(405, "not-supported", text, headers={"Allow": allowed})

    def _read(
        self, resource_type: str, resource_id: str, version: str | None, access: Access | None
    ) -> Answer:
        if access and not access.may(resource_type, "r"):
            raise out_of_scope()
        kept = (
            self.store.kept(resource_type, resource_id)
            if version is None
            else self.store.version(resource_type, resource_id, version)
        )
        if kept is None:
            raise Refused(404, "not-found", "No such resource, or no such version of it.")
        if access and not access.sees(kept, "r"):
            raise out_of_scope()
        return Answer(200, kept.body, _versioned(kept))

    def _search(self, resource_type: str, asked: Interaction, access: Access | None) -> Answer:
        if not self.store.knows(resource_type):
            raise Refused(404, "not-supported", "No such resource type.")
        if access and not access.may(resource_type, "s"):
            raise out_of_scope()
        if access and access.strays(resource_type, asked.params) and not access.lenient:
            raise out_of_scope()
        try:
            wanted = query(resource_type, asked.params)
        except ValueError as error:
            raise Refused(400, "invalid", str(error)) from None
        if wanted.ignored and asked.prefers("handling=strict"):
            unknown = ", ".join(wanted.ignored)
            raise Refused(400, "not-supported", f"{resource_type} is not searched by {unknown}.")
        return Answer(200, searchset(self.store, self.base, wanted, self._page_size, access))

    def _create(self, resource_type: str, asked: Interaction, access: Access | None) -> Answer:
        resource = asked.resource
        with self.store.alone():
            new_id = str(uuid.uuid4())
            planned = planned_create(self.store, resource_type, new_id, resource, access)
            if asked.if_none_exist:
                there = existing(self.store, resource_type, asked.if_none_exist, access)
                planned = replace(planned, there=there)
            return self._written(planned, asked)

    def _update(
        self, resource_type: str, resource_id: str, asked: Interaction, access: Access | None
    ) -> Answer:
        resource = asked.resource
        with self.store.alone():
            planned = planned_update(
                self.store, resource_type, resource_id, resource, access, asked.if_match
            )
            return self._written(planned, asked)

    def _written(self, planned: Planned, asked: Interaction) -> Answer:
        kept = done(self.store, planned)
        new = planned.new and not planned.there
        headers = _versioned(kept)
        if new:
            headers["Location"] = f"{self.base}/{kept.place}/_history/{kept.version}"
        body = b"" if asked.prefers("return=minimal") else kept.body
        return Answer(201 if new else 200, body, headers)

    def _several(self, asked: Interaction, access: Access | None) -> Answer:
        bundle = asked.resource
        answering = bounded(partial(self._answer, access=access))
        # What was sent is not sent back, unless it is wanted.
        prefer = asked.prefer or "return=minimal"
        match bundle.get("resourceType"), bundle.get("type"):
            case "Bundle", "batch":
                return batch(bundle, self.base, prefer, answering)
            case "Bundle", "transaction":
                return transaction(
                    bundle, self.base, prefer, self.store, access, answering, self._written
                )
        text = "The base takes a Bundle of type batch or transaction."
        raise Refused(400, "invalid", text, "Bundle.type")


def _versioned(kept: Kept) -> dict[str, str]:
    changed = datetime.fromisoformat(kept.resource["meta"]["lastUpdated"]).timestamp()
    return {"ETag": f'W/"{kept.version}"', "Last-Modified": formatdate(changed, usegmt=True)}
