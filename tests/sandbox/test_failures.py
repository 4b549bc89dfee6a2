"""What the development EHR does not expect is answered all the same, and told in its terminal."""

import gc
import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.auth.launches import Launch
from sandbox.auth.vault import Token
from sandbox.ehr import DevelopmentEhr
from sandbox.http import listener
from tests.sandbox.apps import App, Clock, Reply, send

LONG = "9" * 5000


def broken(*_: Any) -> Any:
    raise RuntimeError("a fault of the EHR")


@pytest.fixture
def chart(ehr: DevelopmentEhr) -> str:
    """The address of an opened chart."""
    place: str = send(f"{ehr.origin}/patients/sandbox-renal").headers["Location"]
    return ehr.origin + place


def test_a_fault_below_fhir_is_an_operation_outcome(
    ehr: DevelopmentEhr, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ehr.fhir, "answered", broken)
    reply = send(f"{ehr.base}/Patient?name=unseen")
    assert (reply.status, reply.json["issue"][0]["code"]) == (500, "exception")
    assert "a fault of the EHR" not in reply.text
    told = capfd.readouterr().err
    assert "GET '/fhir/Patient' has failed" in told
    assert "RuntimeError: a fault of the EHR" in told
    assert "unseen" not in told


def test_a_fault_elsewhere_is_a_page(
    ehr: DevelopmentEhr, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ehr.visits, "find", broken)
    reply = send(f"{ehr.origin}/visits/x")
    assert reply.status == 500
    assert "<h1>The development EHR has failed</h1>" in reply.text
    assert "Traceback" not in reply.text
    assert "RuntimeError" in capfd.readouterr().err


@pytest.mark.parametrize("number", [LONG, "x", "-1", "²"])
def test_a_number_that_is_none_opens_nothing(
    chart: str, number: str, capfd: pytest.CaptureFixture[str]
) -> None:
    send(f"{chart}/app", {})
    address = f"{chart}/app/{number.replace('²', '%C2%B2')}"
    assert send(address).status == 404
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("to", ["//[", "http://[", "/visits/other", "javascript:alert(1)"])
def test_an_act_leads_back_into_its_chart(chart: str, to: str) -> None:
    reply = send(f"{chart}/app/close", {"to": to})
    assert (reply.status, reply.headers["Location"]) == (303, urlsplit(chart).path)


@pytest.mark.parametrize("name", ["a" * 300 + ".css", "..%2Fehr.css", "visit", "base.html"])
def test_a_file_that_is_none_is_not_there(ehr: DevelopmentEhr, name: str) -> None:
    assert send(f"{ehr.origin}/pages/{name}").status == 404


@pytest.mark.parametrize("path", ["/sim/launch", "/fhir/_services/smart/Launch"])
def test_a_request_nested_without_end_is_refused(ehr: DevelopmentEhr, path: str) -> None:
    body = b'{"launchUrl":"x","parameters":{"y":' + b"[" * 100_000
    assert send(ehr.origin + path, body=body).status == 400


def head(ehr: DevelopmentEhr, *lines: str) -> Reply:
    """The answer to these lines, and then to what is taken for a second request, if it is."""
    address = urlsplit(ehr.origin)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        return Reply(response.status, dict(response.headers), body)


@pytest.mark.parametrize(
    ("length", "status"),
    [(LONG, 413), ("1000001", 413), ("-1", 400), ("+1", 400), ("x", 400), ("", 400)],
)
def test_a_length_that_is_none_or_too_much_is_refused(
    ehr: DevelopmentEhr, length: str, status: int
) -> None:
    reply = head(ehr, "POST /settings HTTP/1.1", "Host: x", f"Content-Length: {length}")
    assert (reply.status, reply.headers["Connection"]) == (status, "close")


def test_a_body_of_unknown_length_is_not_taken_for_a_request(ehr: DevelopmentEhr) -> None:
    lines = ["POST /fhir/Condition HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"]
    reply = head(ehr, *lines, "", "5", "hello", "0")
    assert (reply.status, reply.headers["Connection"]) == (411, "close")


def test_half_a_request_is_not_waited_for_without_end(
    ehr: DevelopmentEhr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener._Connection, "timeout", 0.05)
    address = urlsplit(ehr.origin)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"POST /settings HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        assert connection.recv(1) == b""


def test_long_bodies_are_not_kept(ehr: DevelopmentEhr) -> None:
    marked = b'{"long":"' + b"x" * 900_000 + b'"}'
    for _ in range(3):
        assert send(f"{ehr.base}/Condition", body=marked).status in (400, 401)
        assert send(f"{ehr.origin}/settings", body=marked).status < 500
    assert sum(len(request.body) + len(str(request.params)) for request in ehr.seen) < 100_000


def test_what_has_expired_is_let_go_of(smart: App, clock: Clock) -> None:
    smart.scope += " offline_access"
    before = held()
    for _ in range(5):
        members = smart.opened().json
        smart.refresh(members["refresh_token"])
        smart.ehr.launch("asymmetric", patient="sandbox-renal")
    assert held() > before + 15
    clock.now += 24 * 3600
    smart.refresh(smart.opened().json["refresh_token"])
    assert held() <= before + 8


def held() -> int:
    """How many launches and tokens there are in the memory."""
    gc.collect()
    return sum(isinstance(each, Launch | Token) for each in gc.get_objects())
