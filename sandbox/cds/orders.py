"""The order session of a visit: what is being ordered, until it is signed.

FHIR R4, "Request Pattern": a draft is nobody's order yet; signing makes it active.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import uuid4

from sandbox.cds.chart import Chart
from sandbox.cds.refused import Refused
from sandbox.fhir.checks import check
from sandbox.fhir.errors import Refused as Unfit
from sandbox.fhir.store import Store
from sandbox.http.answer import Resource

ORDERS = frozenset({"MedicationRequest", "ServiceRequest"})
_MOST = 50


class Session:
    """The drafts of one visit. `revision` counts its changes. Not safe between threads."""

    def __init__(self, chart: Chart, clock: Callable[[], float]) -> None:
        self._chart = chart
        self._clock = clock
        self._drafts: dict[str, Resource] = {}
        self.revision = 0

    @property
    def drafts(self) -> dict[str, Resource]:
        """The drafts by their id, in the order of adding."""
        return dict(self._drafts)

    def copy(self) -> "Session":
        """Another session with the same drafts, to try out what changes them."""
        copied = Session(self._chart, self._clock)
        copied.become(self)
        return copied

    def become(self, other: "Session") -> None:
        """Has the drafts of another session from now on."""
        self._drafts, self.revision = other.drafts, other.revision

    @property
    def bundle(self) -> Resource:
        """`draftOrders` of a context."""
        entries = [{"resource": draft} for draft in self._drafts.values()]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def references(self, draft_ids: Iterable[str]) -> list[str]:
        """`Type/id` of those of these drafts that are there."""
        return [
            f"{self._drafts[each]['resourceType']}/{each}"
            for each in draft_ids
            if each in self._drafts
        ]

    def made(self, order: Resource, draft_id: str | None = None) -> Resource:
        """The draft that this order would be; Refused if it is none."""
        kind = order.get("resourceType")
        if not isinstance(kind, str) or kind not in ORDERS:
            raise Refused(f"A {kind} cannot be ordered here: {' or '.join(sorted(ORDERS))} can.")
        chart = self._chart
        named = {"resourceType": kind, "id": draft_id or str(uuid4())}
        own = {"status": "draft", "subject": {"reference": f"Patient/{chart.patient_id}"}}
        usual: Resource = {**named, "status": "draft", "intent": "order"}
        if chart.encounter_id:
            usual["encounter"] = {"reference": f"Encounter/{chart.encounter_id}"}
        told = {n: v for n, v in order.items() if n not in ("id", "meta")}
        draft = {**usual, **told, **own}
        try:
            check(draft, draft["resourceType"])
        except Unfit as unfit:
            raise Refused(unfit.text) from None
        return draft

    def add(self, draft: Resource) -> str:
        """Takes in what was `made`; its id."""
        if len(self._drafts) >= _MOST:
            raise Refused(f"Sign these {_MOST} orders before you add another.")
        self._put(draft)
        return str(draft["id"])

    def change(self, draft: Resource) -> str:
        """The content of a draft, as it was `made`, instead of the one before; its id."""
        if self.find(draft.get("id"))["resourceType"] != draft["resourceType"]:
            raise Refused("An order does not become one of another kind.")
        self._put(draft)
        return str(draft["id"])

    def remove(self, draft_id: str) -> None:
        """Takes a draft out."""
        self.find(draft_id)
        del self._drafts[draft_id]
        self.revision += 1

    def find(self, draft_id: object) -> Resource:
        """A draft; Refused if there is none of this id."""
        if not isinstance(draft_id, str) or draft_id not in self._drafts:
            raise Refused("There is no such order in this session; it may be signed already.")
        return self._drafts[draft_id]

    def sign(self, store: Store) -> tuple[Resource, ...]:
        """The records that the drafts become, under the ids that they have: all, or Refused."""
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        by = {
            "status": "active",
            "intent": "order",
            "authoredOn": now,
            "requester": {"reference": self._chart.user},
        }
        with store.alone():
            for draft in self._drafts.values():
                if store.read(draft["resourceType"], draft["id"]):
                    raise Refused(
                        f"There is a record {draft['resourceType']}/{draft['id']} already, which "
                        "is the id of a draft. Remove that draft and order it anew."
                    )
            signed = tuple(store.create({**draft, **by}) for draft in self._drafts.values())
        self._drafts.clear()
        self.revision += 1
        return signed

    def _put(self, draft: Resource) -> None:
        self._drafts[draft["id"]] = draft
        self.revision += 1
