"""The guarded exchange with an EHR's other servers, against a server that misbehaves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from fhir.documents import Reason, Unavailable, request
from sandbox.http.faults import (
    Drip,
    DripHeaders,
    Fault,
    GzipBomb,
    Huge,
    Redirect,
    Slow,
    Status,
    Truncated,
)
from tests.launch.documents import Documents


@pytest.fixture
def server() -> Iterator[Documents]:
    with Documents() as server:
        server.at["/x"] = {"a": 1}
        yield server


def test_an_answer_is_given_as_it_came(server: Documents) -> None:
    reply = request("GET", server.origin + "/x", headers={"Accept": "application/json"})
    assert (reply.status, reply.body) == (200, b'{"a": 1}')
    assert reply.headers["content-type"] == "application/json"
    server.fault = Status(400)
    assert request("GET", server.origin + "/x", headers={}).status == 400


@pytest.mark.req("SL-050", "T-24", "T-27")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Slow(20.0), "slow"),
        (Drip(0.2), "slow"),
        (DripHeaders(0.2), "slow"),
        (Huge(100_000_000), "too-large"),
        (GzipBomb(10_000_000), "unreachable"),
        (Truncated(), "unreachable"),
        (Redirect("http://127.0.0.1:1/"), "redirect"),
    ],
)
def test_no_server_holds_a_request(fault: Fault, reason: Reason, server: Documents) -> None:
    server.fault = fault
    began = time.monotonic()
    with pytest.raises(Unavailable) as failed:
        request("POST", server.origin + "/x", headers={}, body=b"code=1", seconds=1.0)
    assert failed.value.reason == reason
    assert time.monotonic() - began < 5
    assert len(server.seen) == 1


def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match="unreachable"):
        request("GET", "http://127.0.0.1:1/", headers={}, seconds=5.0)


INNER = [
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "127.0.0.2",
    "[::ffff:10.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[fe80::1]",
    "[fd00::1]",
    "[::]",
    "[64:ff9b::7f00:1]",
    "[::1",
]


@pytest.mark.req("T-03")
@pytest.mark.parametrize("host", INNER)
def test_an_inner_address_is_not_asked(host: str) -> None:
    with pytest.raises(Unavailable, match="forbidden"):
        request("GET", f"http://{host}/", headers={}, seconds=5.0)


@pytest.mark.req("T-03")
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "224.0.0.1", "127.0.0.2", "0.0.0.0", "[2002:7f00:1::]"]
)
def test_some_addresses_are_never_asked(host: str, private: bool) -> None:
    with pytest.raises(Unavailable, match="forbidden"):
        request("GET", f"http://{host}/", headers={}, seconds=5.0, private=private)


@pytest.mark.req("T-03")
@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0", "017700000001"])
def test_a_name_is_checked_by_the_address_it_stands_for(host: str, server: Documents) -> None:
    port = server.host.partition(":")[2]
    with pytest.raises(Unavailable):
        request("GET", f"http://{host}:{port}/x", headers={}, seconds=5.0)
    assert server.seen == []


@pytest.mark.req("T-29")
def test_nothing_of_the_environment_changes_a_request(
    server: Documents, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as out:
        out.write("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", netrc)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    request("GET", server.origin + "/x", headers={"Authorization": "Bearer t"})
    assert server.seen[0].authorization == "Bearer t"
