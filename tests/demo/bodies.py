"""The project's own request bodies, and small changes to them.

A body in tests/bodies is valid, complete and about one synthetic patient. It names the FHIR base
`PLACEHOLDER`; a test puts the base of its own FHIR server there.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLACEHOLDER = "https://ehr.test/fhir"
FOLDER = Path(__file__).parents[1] / "bodies"
PATIENT_ID = "zofie-1957"
TOKEN = "demo-access-token"

Json = dict[str, Any]

# The body's file and the id of the service that answers it.
SERVICES = {
    file.stem: "demo-shared" if file.stem.startswith("shared-") else f"demo-{file.stem}"
    for file in sorted(FOLDER.glob("*.json"))
}
HOOKS = tuple(name for name in SERVICES if not name.startswith("shared-"))


class _Drop:
    """Takes a member away."""


DROP = _Drop()


def raw(name: str, base: str = PLACEHOLDER) -> bytes:
    """The body as it stands in its file, byte for byte but for the FHIR base."""
    return (FOLDER / f"{name}.json").read_bytes().replace(PLACEHOLDER.encode(), base.encode())


def body(name: str, base: str = PLACEHOLDER, edits: Mapping[str, Any] | None = None) -> Json:
    """The body as a value of its own, with `edits`: {"context.userId": "Patient/x"}, DROP to drop.

    A number in a path is the place in an array.
    """
    value: Json = json.loads(raw(name, base))
    for path, new in (edits or {}).items():
        edit(value, path, new)
    return value


def edit(value: Any, path: str, new: Any) -> None:
    """Change one member in place."""
    *way, last = path.split(".")
    for step in way:
        value = value[int(step)] if step.isdigit() else value[step]
    if new is DROP:
        del value[last]
    elif last.isdigit():
        value[int(last)] = copy.deepcopy(new)
    else:
        value[last] = copy.deepcopy(new)


def encoded(value: Any) -> bytes:
    """JSON as most clients write it: UTF-8, nothing escaped that needs no escape."""
    return json.dumps(value, ensure_ascii=False).encode()


def bundle(*resources: Json, **members: Any) -> Json:
    """A searchset of these resources."""
    entries = [{"resource": resource} for resource in resources]
    found: Json = {"resourceType": "Bundle", "type": "searchset", **members}
    return {**found, "entry": entries} if entries else found


def resources(value: Json) -> list[Json]:
    """The resources of a Bundle."""
    return [entry["resource"] for entry in value.get("entry", ())]


def chart() -> Json:
    """The record that all bodies quote, as one Bundle for a FHIR server."""
    found: dict[tuple[str, str], Json] = {}
    for name in SERVICES:
        for value in body(name).get("prefetch", {}).values():
            for each in resources(value) if value["resourceType"] == "Bundle" else [value]:
                found[each["resourceType"], each["id"]] = each
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in found.values()],
    }


def without_prefetch(name: str, base: str, edits: Mapping[str, Any] | None = None) -> Json:
    """The same body where all must be fetched."""
    return body(name, base, {"prefetch": DROP, **(edits or {})})


def another_patient(value: Json, id: str, name: str) -> Json:
    """The same body about somebody else: every mention of the patient is replaced."""
    text = json.dumps(value).replace(PATIENT_ID, id)
    changed: Json = json.loads(text)
    if "patient" in changed.get("prefetch", {}):
        changed["prefetch"]["patient"]["name"] = [{"family": name}]
    return changed
