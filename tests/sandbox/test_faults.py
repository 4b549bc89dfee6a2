"""Each planted fault, as it is on the wire."""

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer
from sandbox.http.faults import (
    Drip,
    DripHeaders,
    Endless,
    Fault,
    ForeignNext,
    GzipBomb,
    Huge,
    NotJson,
    OtherPatient,
    Outcome,
    OutcomeEntry,
    Redirect,
    Slow,
    Status,
    Truncated,
    Unreadable,
    WrongType,
)

NEVER = 3600.0

Ask = Callable[..., Any]


def lab(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"text": "Creatinine"},
        "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": 1.9, "unit": "mg/dL"},
    }


RESOURCES = [{"resourceType": "Patient", "id": "p1", "active": True}, lab(1), lab(2), lab(3)]
CHART = {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in RESOURCES]}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART]) as running:
        yield running


def searching(server: FhirServer) -> socket.socket:
    """A connection on which a search for observations is under way."""
    address = ("127.0.0.1", int(server.base.split(":")[2].split("/")[0]))
    sock = socket.create_connection(address, 5)
    sock.sendall(b"GET /fhir/Observation HTTP/1.1\r\nHost: x\r\n\r\n")
    return sock


def read(sock: socket.socket, n_bytes: int) -> bytes:
    """So many bytes, or fewer if the other side hangs up."""
    got = b""
    while len(got) < n_bytes and (more := sock.recv(n_bytes - len(got))):
        got += more
    return got


def silent(sock: socket.socket) -> bool:
    sock.settimeout(0.02)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    return False


def test_a_fault_spoils_its_type_only(server: FhirServer, ask: Ask) -> None:
    server.plant("Observation", Status(500))
    assert ask(server, "Observation").status == 500
    assert ask(server, "Observation/o1").status == 500
    assert ask(server, "Patient/p1").status == 200


def test_a_star_spoils_what_has_no_fault_of_its_own(server: FhirServer, ask: Ask) -> None:
    server.plant("*", Status(503))
    server.plant("Patient", Status(403))
    assert ask(server, "Observation").status == 503
    assert ask(server, "metadata").status == 503
    assert ask(server, "Patient/p1").status == 403


def test_the_last_fault_counts_until_all_are_cleared(server: FhirServer, ask: Ask) -> None:
    server.plant("Patient", Status(500))
    server.plant("Patient", Status(429))
    assert ask(server, "Patient/p1").status == 429
    server.clear()
    assert ask(server, "Patient/p1").status == 200


def test_a_fault_hits_searches_by_post_too(server: FhirServer, ask: Ask) -> None:
    server.plant("Observation", Status(500))
    assert ask(server, "Observation/_search", form=[]).status == 500


def test_a_refusal_for_want_of_the_token_is_not_spoilt(ask: Ask) -> None:
    with FhirServer([CHART], token="good") as server:
        server.plant("*", Outcome())
        assert ask(server, "Patient/p1").status == 401
        assert ask(server, "Patient/p1", token="good").status == 200


def test_status_comes_with_an_outcome(server: FhirServer, ask: Ask) -> None:
    server.plant("*", Status(418))
    reply = ask(server, "Patient/p1")
    assert (reply.status, reply.json["resourceType"]) == (418, "OperationOutcome")


def test_slow_answers_in_full_after_its_time(server: FhirServer, ask: Ask) -> None:
    server.plant("Patient", Slow(0.001))
    assert ask(server, "Patient/p1").json["id"] == "p1"
    server.plant("Observation", Slow(NEVER))
    with searching(server) as sock:
        assert silent(sock)


def test_drip_sends_the_headers_then_byte_by_byte(server: FhirServer, ask: Ask) -> None:
    server.plant("Patient", Drip(0.0001))
    assert ask(server, "Patient/p1").json["id"] == "p1"
    server.plant("Observation", Drip(NEVER))
    with searching(server) as sock:
        head = read(sock, 1)
        while not head.endswith(b"\r\n\r\n"):
            head += read(sock, 1)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert read(sock, 1) == b"{"
        assert silent(sock)


def test_drip_headers_sends_even_the_status_line_byte_by_byte(server: FhirServer, ask: Ask) -> None:
    server.plant("Patient", DripHeaders(0.0001))
    assert ask(server, "Patient/p1").json["id"] == "p1"
    server.plant("Observation", DripHeaders(NEVER))
    with searching(server) as sock:
        assert read(sock, 1) == b"H"
        assert silent(sock)


@pytest.mark.parametrize("fault", [Slow(NEVER), Drip(NEVER), DripHeaders(NEVER), Huge(1 << 40)])
def test_closing_the_server_ends_a_fault_at_once(fault: Fault) -> None:
    before = set(threading.enumerate())
    with FhirServer([CHART]) as server:
        server.plant("*", fault)
        sock = searching(server)
        while not server.seen:
            threading.Event().wait(0.001)
        closing = time.monotonic()
    assert time.monotonic() - closing < 2
    assert set(threading.enumerate()) == before
    sock.close()


def test_truncated_announces_more_than_it_sends(server: FhirServer, ask: Ask) -> None:
    whole = ask(server, "Observation").body
    server.plant("*", Truncated())
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(server, "Observation")
    assert whole.startswith(caught.value.partial)
    assert len(caught.value.partial) == len(whole) // 2


def test_huge_is_as_large_as_told_and_does_not_announce_it(server: FhirServer, ask: Ask) -> None:
    whole = ask(server, "Observation")
    server.plant("*", Huge(1_000_000))
    reply = ask(server, "Observation")
    assert "Content-Length" not in reply.headers
    assert (len(reply.body), reply.json) == (1_000_000, whole.json)


def test_a_client_may_leave_in_the_middle(capfd: pytest.CaptureFixture[str]) -> None:
    with FhirServer([CHART]) as server:
        server.plant("*", Huge(1 << 40))
        with searching(server) as sock:
            assert len(read(sock, 1_000_000)) == 1_000_000
    assert capfd.readouterr().err == ""


def test_gzip_bomb_is_small_until_it_is_unpacked(server: FhirServer, ask: Ask) -> None:
    whole = ask(server, "Observation")
    server.plant("*", GzipBomb(5_000_000))
    reply = ask(server, "Observation")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert len(reply.body) < 10_000
    unpacked = gzip.decompress(reply.body)
    assert (len(unpacked), json.loads(unpacked)) == (5_000_000, whole.json)


def test_redirect_names_its_address(server: FhirServer, ask: Ask) -> None:
    server.plant("*", Redirect("http://elsewhere.example/fhir"))
    reply = ask(server, "Patient/p1")
    assert (reply.status, reply.headers["Location"]) == (302, "http://elsewhere.example/fhir")


def test_not_json_calls_itself_json(server: FhirServer, ask: Ask) -> None:
    server.plant("*", NotJson())
    reply = ask(server, "Patient/p1")
    assert reply.headers["Content-Type"] == "application/fhir+json"
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def test_outcome_is_an_error_with_status_200(server: FhirServer, ask: Ask) -> None:
    server.plant("*", Outcome())
    for address in ("Patient/p1", "Observation", "Patient/none"):
        reply = ask(server, address)
        assert (reply.status, reply.json["resourceType"]) == (200, "OperationOutcome")
        assert reply.json["issue"][0]["severity"] == "error"


def test_wrong_type_answers_reads_and_searches_with_another_type(
    server: FhirServer, ask: Ask
) -> None:
    server.plant("*", WrongType())
    for address in ("Patient/p1", "Observation"):
        reply = ask(server, address)
        assert (reply.status, reply.json["resourceType"]) == (200, "Basic")


def test_endless_links_every_page_to_yet_another_address(server: FhirServer, ask: Ask) -> None:
    server.plant("*", Endless())
    addresses = ["Observation?patient=p1"]
    for _ in range(12):
        page = ask(server, addresses[-1])
        assert page.ids == ["o1", "o2", "o3"]
        addresses.append(page.link("next"))
    assert len(set(addresses)) == 13
    assert all(address.startswith(server.base) for address in addresses[1:])
    assert ask(server, "Patient/p1").json["id"] == "p1"


def test_foreign_next_leads_elsewhere(server: FhirServer, ask: Ask) -> None:
    server.plant("*", ForeignNext("http://elsewhere.example/page"))
    assert ask(server, "Observation?_count=1").link("next") == "http://elsewhere.example/page"


def test_outcome_entry_is_the_only_entry_and_counts_for_nothing(
    server: FhirServer, ask: Ask
) -> None:
    server.plant("*", OutcomeEntry())
    page = ask(server, "Observation?_count=1")
    [entry] = page.json["entry"]
    assert (page.json["total"], page.link("next")) == (0, None)
    assert entry["search"] == {"mode": "outcome"}
    assert entry["resource"]["issue"][0]["severity"] == "warning"


def test_other_patient_changes_whose_records_all_are(server: FhirServer, ask: Ask) -> None:
    server.plant("*", OtherPatient("p7"))
    page = ask(server, "Observation?patient=p1").json
    subjects = [entry["resource"]["subject"] for entry in page["entry"]]
    assert subjects == [{"reference": "Patient/p7"}] * 3
    assert ask(server, "Observation/o1").json["subject"] == {"reference": "Patient/p7"}
    assert ask(server, "Patient/p1").json["id"] == "p7"
    assert ask(server, "Patient/none").status == 404


def test_unreadable_spoils_the_types_of_one_entry_but_not_whose_it_is(
    server: FhirServer, ask: Ask
) -> None:
    server.plant("*", Unreadable())
    first, second, _ = [e["resource"] for e in ask(server, "Observation").json["entry"]]
    assert second == {**RESOURCES[2], "meta": second["meta"]}
    assert isinstance(first["valueQuantity"], str)
    assert isinstance(first["code"], str)
    for name in ("resourceType", "id", "subject"):
        assert first[name] == RESOURCES[1][name]
    assert ask(server, "Patient/p1").json["active"] == "true"


@pytest.mark.parametrize("fault", [OtherPatient(), Unreadable(), Endless(), OutcomeEntry()])
@pytest.mark.parametrize("address", ["Condition/none", "Nonsense?patient=p1"])
def test_a_refusal_has_no_entries_to_spoil(
    server: FhirServer, ask: Ask, fault: Fault, address: str
) -> None:
    sound = ask(server, address)
    server.plant("*", fault)
    assert ask(server, address) == sound


@pytest.mark.parametrize("fault", [OtherPatient(), Unreadable()])
def test_an_empty_search_has_no_entries_to_spoil(
    server: FhirServer, ask: Ask, fault: Fault
) -> None:
    sound = ask(server, "Condition?patient=p1")
    server.plant("*", fault)
    assert ask(server, "Condition?patient=p1") == sound
