"""Records for the tests that write, and how they are sent."""

import json
from typing import Any

from tests.sandbox.apps import Json, Reply, send

PATIENT = "sandbox-renal"
OTHER = "sandbox-healthy"


def condition(patient: str = PATIENT, **members: Any) -> Json:
    """A problem of a patient; None takes a member away."""
    given = {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "59621000"}]},
        **members,
    }
    return {name: value for name, value in given.items() if value is not None}


def write(
    base: str,
    address: str,
    resource: Any,
    token: str | None = None,
    method: str = "POST",
    **headers: str,
) -> Reply:
    """A resource, or the bytes in its place, sent to an address under a base."""
    given = {"Content-Type": "application/fhir+json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Authorization"] = f"Bearer {token}"
    body = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
    url = f"{base}/{address}" if address else base
    return send(url, headers=given, method=method, body=body)
