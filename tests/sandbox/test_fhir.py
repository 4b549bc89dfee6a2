"""The sandbox's FHIR server, as any client meets it."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer

Ask = Callable[..., Any]

RESOURCES = [
    {"resourceType": "Patient", "id": "p1"},
    *(
        {"resourceType": "Observation", "id": f"o{n}", "subject": {"reference": "Patient/p1"}}
        for n in range(1, 5)
    ),
]
CHART = {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in RESOURCES]}


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART]) as running:
        yield running


def port(server: FhirServer) -> int:
    return int(server.base.split(":")[2].split("/")[0])


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.001)


def test_a_read_answers_the_resource(server: FhirServer, ask: Ask) -> None:
    reply = ask(server, "Observation/o1")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/fhir+json"
    meta = reply.json["meta"]
    assert meta["versionId"] == "1"
    assert reply.json == {**RESOURCES[1], "meta": meta}


@pytest.mark.parametrize(
    "address", ["Observation/none", "Nonsense/1", "Nonsense?_id=1", "Observation/o1/_history", ""]
)
def test_what_does_not_exist_is_a_404_with_an_outcome(
    server: FhirServer, ask: Ask, address: str
) -> None:
    reply = ask(server, address)
    assert reply.status == 404
    assert reply.json["issue"][0]["severity"] == "error"


def test_an_address_outside_the_base_is_a_404(server: FhirServer, ask: Ask) -> None:
    assert ask(server, server.base.removesuffix("/fhir") + "/Patient/p1").status == 404


def test_metadata_names_the_version_and_the_search_parameters(server: FhirServer, ask: Ask) -> None:
    statement = ask(server, "metadata").json
    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    resources = {r["type"]: r["searchParam"] for r in statement["rest"][0]["resource"]}
    assert {"name": "patient", "type": "reference"} in resources["Observation"]


@pytest.mark.parametrize("method", ["DELETE", "POST", "PATCH"])
def test_nothing_is_taken_away_or_patched(server: FhirServer, ask: Ask, method: str) -> None:
    reply = ask(server, "Patient/p1", form=[("a", "b")], method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, PUT")


def test_the_server_pages_by_itself_whatever_the_client_asks(ask: Ask) -> None:
    with FhirServer([CHART], page_size=2) as server:
        for query in ("Observation", "Observation?_count=50"):
            assert ask(server, query).ids == ["o1", "o2"]
            assert ask(server, ask(server, query).link("next")).ids == ["o3", "o4"]


def test_search_by_post_can_be_switched_off(ask: Ask) -> None:
    with FhirServer([CHART], post_search=False) as server:
        assert ask(server, "Observation/_search", form=[("_id", "o1")]).status == 405


def test_with_a_token_only_its_bearer_is_answered(ask: Ask) -> None:
    with FhirServer([CHART], token="good") as server:
        assert ask(server, "Patient/p1", token="good").status == 200
        for token in (None, "bad", "good "):
            reply = ask(server, "Patient/p1", token=token)
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert reply.json["issue"][0]["code"] == "login"
        assert ask(server, "metadata").status == 200


def test_the_server_remembers_what_it_was_asked(ask: Ask) -> None:
    with FhirServer([CHART], token="good") as server:
        ask(server, "Patient/p1", token="bad")
        ask(server, "Observation?code=a%7Cb&code=c")
        ask(server, "Observation/_search?_count=1", form=[("patient", "p1")], token="good")
        read, search, post = server.seen
    assert (read.method, read.path, read.params) == ("GET", "/fhir/Patient/p1", [])
    assert read.authorization == "Bearer bad"
    assert search.target == "/fhir/Observation?code=a%7Cb&code=c"
    assert search.params == [("code", "a|b"), ("code", "c")]
    assert search.authorization is None
    assert (post.method, post.path) == ("POST", "/fhir/Observation/_search")
    assert post.params == [("_count", "1"), ("patient", "p1")]


def test_a_connection_is_kept_alive_after_every_kind_of_answer(server: FhirServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=5)
    connection.connect()
    sock = connection.sock
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, path, body, status in [
        ("GET", "Patient/p1", None, 200),
        ("GET", "Patient/none", None, 404),
        ("POST", "Patient/_search", "_id=p1", 200),
        ("POST", "Patient", "a=b", 415),
        ("GET", "Observation?patient=p1", None, 200),
    ]:
        connection.request(method, f"/fhir/{path}", body, form)
        response = connection.getresponse()
        response.read()
        assert (response.status, connection.sock) == (status, sock)
    connection.close()


def test_an_answer_is_sent_in_one_piece(server: FhirServer) -> None:
    with socket.create_connection(("127.0.0.1", port(server)), 5) as sock:
        sock.sendall(b"GET /fhir/Patient/p1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).endswith(b"}")


def test_many_connections_wait_in_line_and_are_answered() -> None:
    server = FhirServer([CHART])
    waiting = [socket.create_connection(("127.0.0.1", port(server)), 5) for _ in range(100)]
    with server:
        for sock in waiting:
            sock.sendall(b"GET /fhir/Patient/p1 HTTP/1.1\r\nHost: x\r\n\r\n")
        for sock in waiting:
            assert sock.recv(12) == b"HTTP/1.1 200"
            sock.close()


def test_nothing_is_logged(server: FhirServer, ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    ask(server, "Observation?patient=p1")
    assert ask(server, "Observation?patient=p1", method="BREW").status == 501
    assert capfd.readouterr() == ("", "")


def test_a_delay_holds_every_answer_back() -> None:
    with (
        FhirServer([CHART], delay=3600) as server,
        socket.create_connection(("127.0.0.1", port(server)), 5) as sock,
    ):
        sock.sendall(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: bool(server.seen))
        sock.settimeout(0.02)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_no_thread_and_no_connection_outlives_the_server(ask: Ask) -> None:
    before = set(threading.enumerate())
    with FhirServer([CHART]) as server:
        idle = socket.create_connection(("127.0.0.1", port(server)), 5)
        ask(server, "Patient/p1")
    assert set(threading.enumerate()) == before
    with idle:
        assert idle.recv(1) == b""


def test_a_taken_port_is_refused_at_once(server: FhirServer) -> None:
    with pytest.raises(OSError, match="in use"):
        FhirServer([], port=port(server))
