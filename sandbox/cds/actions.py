"""Actions of suggestions and system actions, applied. CDS Hooks 2.0, "Action" and "System Action".

All actions of a suggestion are applied, or none. Somebody else wrote them: they reach this
patient's records and the drafts of this visit, and an order that they create has to be signed.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

from sandbox.cds.cards import Action
from sandbox.cds.orders import ORDERS, Session
from sandbox.cds.refused import Refused
from sandbox.fhir.access import Access
from sandbox.fhir.errors import Refused as NotWritten
from sandbox.fhir.scopes import ResourceScope
from sandbox.fhir.store import Store
from sandbox.fhir.writes import Planned, done, planned_create, planned_update
from sandbox.http.answer import Resource

_ORDER = ("delete", "create", "update")
_PATIENT = re.compile(r"(?:.*/)?Patient/([^/]+)(?:/_history/.*)?")


def apply(
    actions: Iterable[Action],
    session: Session,
    store: Store,
    patient_id: str,
    *,
    drafts_only: bool = False,
) -> list[str]:
    """Applies them all; the ids of the drafts that they created or changed. Else Refused.

    `drafts_only`: nothing in the patient's record is touched.
    """
    ordered = sorted(actions, key=lambda action: _ORDER.index(action.type))
    plan = _Plan(session.copy(), store, patient_id, drafts_only)
    with store.alone():
        try:
            for action in ordered:
                plan.take(action)
        except NotWritten as refusal:
            raise Refused(refusal.text) from None
        # From here on, nothing is refused any more.
        for write in plan.writes:
            done(store, write)
        session.become(plan.session)
    return plan.touched


class _Plan:
    """What comes of the actions: `session` after them, and what is to be written.

    `touched` are the ids of the drafts that were created or changed.
    """

    def __init__(self, session: Session, store: Store, patient_id: str, drafts_only: bool) -> None:
        self.session = session
        self.writes: list[Planned] = []
        self.touched: list[str] = []
        self._store = store
        self._patient_id = patient_id
        self._drafts_only = drafts_only
        self._access = Access((ResourceScope("patient", "*", "cruds"),), patient_id)

    def take(self, action: Action) -> None:
        """Plans one more action; Refused or NotWritten if it may not be done."""
        if action.type == "delete":
            return self._delete(action)
        resource = action.resource
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise Refused(f"The action to {action.type} has no resource.")
        self._check_owner(resource, action.type)
        kind = resource["resourceType"]
        return (self._create if action.type == "create" else self._update)(kind, resource)

    def _create(self, kind: str, resource: Resource) -> None:
        new = {name: value for name, value in resource.items() if name not in ("id", "meta")}
        if kind in ORDERS:
            self.touched.append(self.session.add(self.session.made(new)))
            return
        self._check_reach()
        self.writes.append(planned_create(self._store, kind, str(uuid4()), new, self._access))

    def _update(self, kind: str, resource: Resource) -> None:
        resource_id = str(resource.get("id", ""))
        draft = self.session.drafts.get(resource_id)
        if draft is not None and draft["resourceType"] == kind:
            if resource.get("status") != "draft":
                raise Refused("It would sign the order, which is up to you.")
            made = self.session.made(resource, draft["id"])
            self.touched.append(self.session.change(made))
            return
        self._check_reach()
        if self._store.read(kind, resource_id) is None:
            raise Refused(f"It would update {kind}/{resource_id}, which is not there.")
        self.writes.append(planned_update(self._store, kind, resource_id, resource, self._access))

    def _delete(self, action: Action) -> None:
        # Services of CDS Hooks 1 have the text in `resource`.
        place = action.resource_id or (action.resource if isinstance(action.resource, str) else "")
        kind, _, draft_id = place.partition("/")
        draft = self.session.drafts.get(draft_id)
        if draft is None or draft["resourceType"] != kind:
            raise Refused(
                f"It would delete {place or 'something that it does not name'}, which is no "
                "unsigned order of this visit."
            )
        self.session.remove(draft_id)

    def _check_owner(self, resource: Resource, doing: str) -> None:
        named = {m[1] for text in _references(resource) if (m := _PATIENT.fullmatch(text))}
        if resource["resourceType"] == "Patient":
            named.add(resource.get("id") if doing == "update" else None)
        if named != {self._patient_id}:
            whose = "names another patient" if named - {self._patient_id} else "names no patient"
            raise Refused(f"It would {doing} a {resource['resourceType']} that {whose}.")

    def _check_reach(self) -> None:
        if self._drafts_only:
            raise Refused("Without being asked, a service changes unsigned orders only.")


def _references(element: Any) -> Iterator[str]:
    if isinstance(element, dict):
        for name, value in element.items():
            if name == "reference" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(element, list):
        for item in element:
            yield from _references(item)
