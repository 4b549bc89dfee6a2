"""The patients' records: an in-memory store of FHIR resources, read by id and searched.

FHIR R4, "RESTful API", headings "read", "search", "create" and "update". Every version is a new
dict: what was handed out never changes, and is not to be changed.
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from sandbox import stories
from sandbox.fhir.dates import span
from sandbox.fhir.search import PARAMETERS, criterion, values
from sandbox.http.answer import Resource

Params = list[tuple[str, str]]

_INCLUDES = {"MedicationRequest:medication": "medicationReference"}


def shipped_bundles(today: date | None = None) -> list[Resource]:
    """The synthetic patients that the development EHR comes with, one Bundle each, as of a day.

    The day is the current one in UTC unless it is given.
    """
    day = today or datetime.now(UTC).date()
    folder = Path(__file__).parents[1] / "patients"
    return [stories.read(path, day) for path in sorted(folder.glob("*.json"))]


def staff() -> Resource:
    """The people who can sign in to the development EHR, and where they work."""
    bundle: Resource = json.loads((Path(__file__).parents[1] / "staff.json").read_text("utf-8"))
    return bundle


class VersionConflict(Exception):
    """The resource is not there in the version that the change was made of."""


class Store:
    """The resources of some Bundles, whatever the type of the Bundle, and what was written since.

    All methods may be called from any thread. `clock` gives seconds since 1970.
    """

    def __init__(self, bundles: Iterable[Resource], clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self.revision = 0
        entries = [entry for bundle in bundles for entry in bundle.get("entry", ())]
        resources = [_identified(entry) for entry in entries]
        places = {
            entry["fullUrl"]: f"{resource['resourceType']}/{resource['id']}"
            for entry, resource in zip(entries, resources, strict=True)
            if "fullUrl" in entry
        }
        self._resources: dict[str, dict[str, Resource]] = {name: {} for name in PARAMETERS}
        for resource in resources:
            self._put(_relocated(resource, places))

    def knows(self, resource_type: str) -> bool:
        """Whether this is a resource type here, be it one without resources."""
        return resource_type in self._resources

    def all(self, resource_type: str) -> list[Resource]:
        """All resources of a type, in the order of loading."""
        with self._lock:
            return list(self._resources.get(resource_type, {}).values())

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """The resource of this type and id."""
        return self._resources.get(resource_type, {}).get(resource_id)

    def create(self, resource: Resource) -> Resource:
        """The resource as it is kept: with an id, one of ours unless it has one, and a version.

        VersionConflict if there is one of this type and id.
        """
        created = {"id": str(uuid.uuid4()), **resource}
        with self._lock:
            if self.read(created["resourceType"], created["id"]):
                raise VersionConflict(f"{created['resourceType']}/{created['id']} is there already")
            return self._put(created)

    def update(self, resource: Resource, if_match: str | None = None) -> Resource:
        """The resource as it is kept in its next version; LookupError if there is none yet.

        VersionConflict if `if_match` is not the version that is there now.
        """
        with self._lock:
            current = self.read(resource["resourceType"], resource["id"])
            if current is None:
                raise LookupError(f"there is no {resource['resourceType']}/{resource['id']}")
            if if_match not in (None, current["meta"]["versionId"]):
                raise VersionConflict(f"version {current['meta']['versionId']} is the newest one")
            return self._put(resource)

    def delete(self, resource_type: str, resource_id: str) -> None:
        """Takes a resource away; LookupError if there is none."""
        with self._lock:
            del self._resources[resource_type][resource_id]
            self.revision += 1

    def _put(self, resource: Resource) -> Resource:
        of_type = self._resources.setdefault(resource["resourceType"], {})
        known = of_type.get(resource["id"])
        version = int(known["meta"]["versionId"]) + 1 if known else 1
        changed = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": changed}
        kept = {**resource, "meta": meta}
        of_type[resource["id"]] = kept
        self.revision += 1
        return kept

    def search(self, resource_type: str, params: Params) -> list[Resource]:
        """What satisfies every parameter, in the order of `_sort`, else of loading.

        ValueError for a malformed value.
        """
        known = PARAMETERS.get(resource_type, ())
        matches = self.all(resource_type)
        for name, value in params:
            if name in known:
                matches = list(filter(criterion(name, value), matches))
        sort = dict(params).get("_sort")
        if "date" in known and sort in ("date", "-date"):
            return _by_date(matches, newest_first=sort == "-date")
        return matches

    def included(self, matches: Iterable[Resource], params: Params) -> list[Resource]:
        """The resources that `_include` adds to these matches, each once."""
        elements = [_INCLUDES[v] for name, v in params if name == "_include" and v in _INCLUDES]
        references = dict.fromkeys(
            match[element].get("reference", "")
            for match in matches
            for element in elements
            if element in match
        )
        found = (self.read(*reference.rpartition("/")[::2]) for reference in references)
        return [resource for resource in found if resource]


def _identified(entry: Resource) -> Resource:
    # An entry to be created need not have an id yet: its fullUrl has one.
    return {"id": re.split("[:/]", entry.get("fullUrl", ""))[-1], **entry["resource"]}


def _relocated(element: Any, places: Mapping[str, str]) -> Any:
    """The element with its references to a fullUrl turned into `Type/id`, as a transaction does."""
    if isinstance(element, list):
        return [_relocated(item, places) for item in element]
    if isinstance(element, dict):
        return {
            name: places.get(value, value)
            if name == "reference" and isinstance(value, str)
            else _relocated(value, places)
            for name, value in element.items()
        }
    return element


def _by_date(resources: list[Resource], newest_first: bool) -> list[Resource]:
    dated = [(start, resource) for resource in resources if (start := _start(resource))]
    dated.sort(key=itemgetter(0), reverse=newest_first)
    undated = [resource for resource in resources if not _start(resource)]
    return [resource for _, resource in dated] + undated


def _start(resource: Resource) -> datetime | None:
    for value in values(resource, "date"):
        with suppress(ValueError):
            return span(value).start
    return None
