"""Bodies that are no resource, or one that could not be kept, are refused by name."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer
from tests.sandbox.apps import Json, send
from tests.sandbox.writing import condition, write

LAB = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Creatinine"},
    "subject": {"reference": "Patient/p1"},
}
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "Medication/m1"},
    "subject": {"reference": "Patient/p1"},
}
DEEP = b'{"resourceType":"Condition","extension":' + b"[" * 70 + b"]" * 70 + b"}"
ABYSS = b'{"resourceType":"Condition","extension":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer([]) as running:
        yield running


@pytest.mark.parametrize("resource", [LAB, ORDER, condition("p1")])
def test_a_sound_resource_is_kept(server: FhirServer, resource: Json) -> None:
    assert write(server.base, resource["resourceType"], resource).status == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"null",
        b'"Condition"',
        b'{"resourceType":"Condition"',
        b'{"resourceType":"Condition","x":NaN}',
        b'{"resourceType":"Condition","x":"\xff"}',
        b'{"resourceType":"Condition","x":"\\ud800"}',
        DEEP,
        ABYSS,
    ],
    ids=range(11),
)
def test_a_body_that_cannot_be_read_is_refused(server: FhirServer, body: bytes) -> None:
    for address, method in (("Condition", "POST"), ("Condition/c1", "PUT"), ("", "POST")):
        reply = write(server.base, address, body, method=method)
        assert reply.status == 400
        assert reply.json["resourceType"] == "OperationOutcome"


def without(resource: Json, name: str) -> Json:
    return {key: value for key, value in resource.items() if key != name}


@pytest.mark.parametrize(
    ("resource", "status", "at"),
    [
        ({"resourceType": "Observation"}, 400, "Condition.resourceType"),
        ({"id": "c1"}, 400, "Condition.resourceType"),
        (condition("p1", subject=None), 422, "Condition.subject"),
        (condition("p1", subject={}), 422, "Condition.subject"),
        (condition("p1", subject={"display": "p1"}), 422, "Condition.subject.reference"),
        (condition("p1", subject="Patient/p1"), 422, "Condition.subject"),
        (
            condition("p1", subject=[{"reference": "Patient/p1"}]),
            422,
            "Condition.subject.reference",
        ),
        (condition("p1", subject={"reference": 1}), 422, "Condition.subject.reference"),
        (condition("p1", subject={"reference": "p1"}), 422, "Condition.subject.reference"),
        (condition("p1", asserter={"reference": "x/../y"}), 422, "Condition.asserter.reference"),
        (condition("p1", code="59621000"), 422, "Condition.code"),
        (condition("p1", code={"coding": "59621000"}), 422, "Condition.code"),
        (condition("p1", code={"coding": ["59621000"]}), 422, "Condition.code"),
        (condition("p1", code={"coding": [{"code": 1}]}), 422, "Condition.code"),
        (condition("p1", code=7), 422, "Condition.code"),
        (condition("p1", recordedDate="soon"), 422, "Condition.recordedDate"),
        (condition("p1", recordedDate=2026), 422, "Condition.recordedDate"),
        (condition("p1", onsetPeriod={"start": 1}), 422, "Condition.onsetPeriod"),
        (condition("p1", meta=[]), 422, "Condition.meta"),
        (without(LAB, "status"), 422, "Observation.status"),
        (without(LAB, "code"), 422, "Observation.code"),
        ({**LAB, "status": "done"}, 422, "Observation.status"),
        ({**LAB, "status": ["final"]}, 422, "Observation.status"),
        ({**LAB, "status": {"final": 1}}, 422, "Observation.status"),
        (without(ORDER, "intent"), 422, "MedicationRequest.intent"),
        ({**ORDER, "intent": "directive"}, 422, "MedicationRequest.intent"),
        (
            without(ORDER, "medicationReference"),
            422,
            "MedicationRequest.medicationCodeableConcept",
        ),
    ],
)
def test_what_is_wrong_is_named(server: FhirServer, resource: Json, status: int, at: str) -> None:
    address = at.partition(".")[0]
    reply = write(server.base, address, resource)
    assert reply.status == status
    [issue] = reply.json["issue"]
    assert issue["expression"] == [at]
    assert at.rpartition(".")[2] in issue["diagnostics"]


@pytest.mark.parametrize(
    ("address", "changed", "status"),
    [
        ("Condition/c1", {"id": "c2"}, 400),
        ("Condition/c1", {}, 400),
        ("Condition/c1", {"id": 1}, 422),
        ("Condition/c_1", {"id": "c_1"}, 400),
        ("Condition/" + "c" * 65, {"id": "c" * 65}, 400),
        ("Nonsense/c1", {"id": "c1", "resourceType": "Nonsense"}, 404),
        ("Nonsense", {"resourceType": "Nonsense"}, 404),
    ],
)
def test_the_address_says_what_it_is(
    server: FhirServer, address: str, changed: Json, status: int
) -> None:
    method = "PUT" if "/" in address else "POST"
    reply = write(server.base, address, {**condition("p1"), **changed}, method=method)
    assert (reply.status, reply.json["resourceType"]) == (status, "OperationOutcome")


@pytest.mark.parametrize(("length", "status"), [("-1", 400), ("many", 400), ("9" * 30, 413)])
def test_a_body_of_no_length_is_not_waited_for(
    server: FhirServer, length: str, status: int
) -> None:
    headers: dict[str, Any] = {"Content-Length": length}
    assert send(f"{server.base}/Condition", headers=headers, method="POST").status == status


def test_an_address_that_is_none_is_refused(server: FhirServer) -> None:
    port = int(server.base.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 400")
