"""The patients' records: an in-memory store of FHIR resources, read by id, searched and written.

FHIR R4, "RESTful API", headings "read", "vread", "search", "create" and "update". Every version is
a new dict: what was handed in or out is not to be changed any more.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sandbox.fhir.bundles import contents
from sandbox.fhir.index import Kept, Shelf, chosen, ordered
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.search import Criterion, Order, Params, Query, query
from sandbox.http.answer import Resource

Limits = Sequence[Sequence[Criterion]]
"""Criteria in addition to those of a search, of which one row or another has to hold."""

_UNLIMITED: Limits = ((),)


class VersionConflict(Exception):
    """The resource is not there in the version that the change was made of."""


class Store:
    """The resources of some Bundles, whatever the type of the Bundle, and what was written since.

    All methods may be called from any thread. `clock` gives seconds since 1970.
    """

    def __init__(self, bundles: Iterable[Resource], clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._kept: dict[str, dict[str, Kept]] = {name: {} for name in PARAMETERS}
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._versions: dict[str, list[Kept]] = {}
        for resource in contents(bundles):
            self._put(resource)

    def knows(self, resource_type: str) -> bool:
        """Whether this is a resource type here, be it one without resources."""
        return resource_type in self._kept

    def all(self, resource_type: str) -> list[Resource]:
        """All resources of a type, in the order of their first versions."""
        with self._lock:
            return [kept.resource for kept in self._kept.get(resource_type, {}).values()]

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """The resource of this type and id."""
        kept = self.kept(resource_type, resource_id)
        return kept.resource if kept else None

    def kept(self, resource_type: str, resource_id: str) -> Kept | None:
        """The newest version of the resource of this type and id."""
        return self._kept.get(resource_type, {}).get(resource_id)

    def version(self, resource_type: str, resource_id: str, version: str) -> Kept | None:
        """One version of a resource, be it an old one, or one of a resource that was deleted."""
        with self._lock:
            versions = self._versions.get(f"{resource_type}/{resource_id}", ())
            return next((kept for kept in versions if kept.version == version), None)

    def search(self, resource_type: str, params: Params) -> list[Resource]:
        """What satisfies every parameter, in the order of `_sort`, else of the first versions.

        ValueError for a malformed value.
        """
        return [kept.resource for kept in self.find(query(resource_type, params))]

    def find(self, asked: Query, limits: Limits = _UNLIMITED) -> Sequence[Kept]:
        """All that a search finds, in its order, whatever page it asks for."""
        with self._lock:
            return _together(
                [
                    self._found(asked.resource_type, [*asked.criteria, *row], asked.order)
                    for row in limits
                ],
                asked.order,
            )

    def included(self, matches: Iterable[Kept], asked: Query) -> list[Kept]:
        """The resources that `_include` adds to these matches, each once."""
        references = dict.fromkeys(
            match.resource[element].get("reference", "")
            for element in asked.includes
            for match in matches
            if isinstance(match.resource.get(element), dict)
        )
        found = (self.kept(*reference.rpartition("/")[::2]) for reference in references)
        return [kept for kept in found if kept]

    def create(self, resource: Resource) -> Resource:
        """The resource as it is kept: with an id, one of ours unless it has one, and a version.

        VersionConflict if there is one of this type and id.
        """
        created = {"id": str(uuid.uuid4()), **resource}
        with self._lock:
            if self.read(created["resourceType"], created["id"]):
                raise VersionConflict(f"{created['resourceType']}/{created['id']} is there already")
            return self._put(created).resource

    def update(self, resource: Resource, if_match: str | None = None) -> Resource:
        """The resource as it is kept in its next version; LookupError if there is none yet.

        VersionConflict if `if_match` is not the version that is there now.
        """
        with self._lock:
            current = self.kept(resource["resourceType"], resource["id"])
            if current is None:
                raise LookupError(f"there is no {resource['resourceType']}/{resource['id']}")
            if if_match not in (None, current.version):
                raise VersionConflict(f"version {current.version} is the newest one")
            return self._put(resource).resource

    def delete(self, resource_type: str, resource_id: str) -> None:
        """Takes a resource away; LookupError if there is none."""
        with self._lock:
            taken = self._kept[resource_type].pop(resource_id)
            self._unshelve(taken)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside, nobody else reads or writes a set of records: for what belongs together."""
        with self._lock:
            yield

    def _put(self, resource: Resource) -> Kept:
        of_type = self._kept.setdefault(resource["resourceType"], {})
        place = f"{resource['resourceType']}/{resource['id']}"
        versions = self._versions.setdefault(place, [])
        changed = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        meta = {
            **resource.get("meta", {}),
            "versionId": str(len(versions) + 1),
            "lastUpdated": changed.replace("+00:00", "Z"),
        }
        known = of_type.get(resource["id"])
        number = known.number if known else len(self._versions)
        kept = Kept({**resource, "meta": meta}, number)
        if known:
            self._unshelve(known)
        versions.append(kept)
        of_type[resource["id"]] = kept
        for patient in kept.patients:
            self._shelves.setdefault((resource["resourceType"], patient), Shelf()).put(kept)
        return kept

    def _unshelve(self, kept: Kept) -> None:
        for patient in kept.patients:
            self._shelves[kept.resource["resourceType"], patient].take(kept.place)

    def _found(
        self, resource_type: str, criteria: Sequence[Criterion], order: Order
    ) -> Sequence[Kept]:
        of_type = self._kept.get(resource_type, {})
        for each in criteria:
            if each.name == "_id":
                ids = dict.fromkeys(
                    key.removeprefix("_id=").rpartition("|")[2] for key in each.keys
                )
                named = [of_type[i] for i in ids if i in of_type]
                return ordered(chosen(named, criteria), order)
        for each in criteria:
            if each.name == "patient":
                others = [other for other in criteria if other is not each]
                return self._on_shelves(resource_type, each, others, order)
        return ordered(chosen(of_type.values(), criteria), order)

    def _on_shelves(
        self, resource_type: str, whose: Criterion, others: Sequence[Criterion], order: Order
    ) -> Sequence[Kept]:
        patients = {
            patient
            for key in whose.keys
            for patient_type, _, patient in [key.removeprefix("patient=").rpartition("/")]
            if patient_type in ("", "Patient")
        }
        shelves = [self._shelves.get((resource_type, patient)) for patient in patients]
        return _together([shelf.found(others, order) for shelf in shelves if shelf], order)


def _together(found: Sequence[Sequence[Kept]], order: Order) -> Sequence[Kept]:
    if len(found) == 1:
        return found[0]
    return ordered(list({kept.place: kept for some in found for kept in some}.values()), order)
