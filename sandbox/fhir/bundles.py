"""Bundles of records: what is in them, and those that the development EHR comes with."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sandbox import stories
from sandbox.http.answer import Resource

_FOLDER = Path(__file__).parents[1]


def shipped_bundles(today: date | None = None) -> list[Resource]:
    """The synthetic patients that the development EHR comes with, one Bundle each, as of a day.

    The day is the current one in UTC unless it is given.
    """
    day = today or datetime.now(UTC).date()
    return [stories.read(path, day) for path in sorted((_FOLDER / "patients").glob("*.json"))]


def staff() -> Resource:
    """The people who can sign in to the development EHR, and where they work."""
    bundle: Resource = json.loads((_FOLDER / "staff.json").read_text("utf-8"))
    return bundle


def contents(bundles: Iterable[Resource]) -> Iterator[Resource]:
    """The resources in Bundles of any type, each with an id, that refer to each other by it."""
    entries = [entry for bundle in bundles for entry in bundle.get("entry", ())]
    resources = [_identified(entry) for entry in entries]
    places = {
        entry["fullUrl"]: f"{resource['resourceType']}/{resource['id']}"
        for entry, resource in zip(entries, resources, strict=True)
        if "fullUrl" in entry
    }
    for resource in resources:
        yield relocated(resource, lambda reference: places.get(reference, reference))


def relocated(element: Any, place: Callable[[str], str]) -> Any:
    """The element with each of its references turned into the place of what it refers to."""
    if isinstance(element, list):
        return [relocated(item, place) for item in element]
    if isinstance(element, dict):
        return {
            name: place(value)
            if name == "reference" and isinstance(value, str)
            else relocated(value, place)
            for name, value in element.items()
        }
    return element


def _identified(entry: Resource) -> Resource:
    # An entry to be created need not have an id yet: its fullUrl has one.
    return {"id": re.split("[:/]", entry.get("fullUrl", ""))[-1], **entry["resource"]}
