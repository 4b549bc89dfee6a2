"""What the development EHR sends back: a status, headers and a body.

FHIR R4, "RESTful API": resources go out as `application/fhir+json`, refusals as an
OperationOutcome. Other answers name their content type themselves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.client import responses
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whole; faults make another one of it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def resource(self) -> Resource:
        """The resource in the body."""
        resource: Resource = json.loads(self.body)
        return resource

    def carrying(self, resource: Resource) -> "Answer":
        """The same answer with another resource as its body."""
        return replace(self, body=json.dumps(resource).encode())

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return self.headed({"Content-Length": str(len(self.body))})

    def headed(self, framing: Mapping[str, str]) -> bytes:
        """Status line and headers, the end of the body told by `framing`."""
        headers = {"Content-Type": "application/fhir+json", **self.headers, **framing}
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_answer(
    members: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """A JSON object that is no resource."""
    kind = {"Content-Type": "application/json"}
    return Answer(status, json.dumps(members).encode(), {**kind, **(headers or {})})


def redirect(url: str) -> Answer:
    """303: whatever the method was, the client GETs the other address."""
    headers = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Answer(303, b"", {"Content-Type": "text/plain", **headers})


def found(resource: Resource) -> Answer:
    """200 with a resource."""
    return Answer(200, json.dumps(resource).encode())


def outcome(severity: str, code: str, diagnostics: str) -> Resource:
    """An OperationOutcome of one issue; `code` is of the issue-type value set."""
    issue = {"severity": severity, "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def refused(
    status: int, code: str, diagnostics: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An error status with an OperationOutcome that tells why."""
    body = json.dumps(outcome("error", code, diagnostics)).encode()
    return Answer(status, body, headers or {})
