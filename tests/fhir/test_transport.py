"""The only outgoing FHIR traffic, against a server that does everything wrong."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fhir.bundle import Refused
from fhir.transport import Limits, NextPage, Query, Transport
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
    Redirect,
    Slow,
    Status,
    Truncated,
)
from tests.demo.wire import answering, echoing

pytestmark = pytest.mark.req("CH-078", "CH-081", "CH-082", "CH-083", "CH-086", "CH-087")

TOKEN = "t0ken"
NEVER = 3600.0
PATIENT = Query("Patient", "p1")
LABS = Query("Observation", None, (("patient", "p1"), ("code", "http://loinc.org|2160-0")))

Pages = list[bytes] | Refused


def lab(number: int) -> dict[str, Any]:
    coding = {"system": "http://loinc.org", "code": "2160-0"}
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": "Patient/p1"},
    }


CHART = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": each}
        for each in ({"resourceType": "Patient", "id": "p1"}, *(lab(n) for n in range(5)))
    ],
}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART], TOKEN) as running:
        yield running


@pytest.fixture
def attacker() -> Iterator[FhirServer]:
    with FhirServer([CHART]) as running:
        yield running
        assert running.seen == []


def fetch(
    server: FhirServer | str,
    *asked: Query | NextPage,
    transport: Transport | None = None,
    token: str | None = TOKEN,
    seconds: float = 8.0,
) -> list[Pages]:
    """What a transport for this server alone gets; never later than the deadline."""
    base = server if isinstance(server, str) else server.base
    started = time.monotonic()
    answers = (transport or Transport([base])).fetch(base, token, asked, seconds)
    assert time.monotonic() - started < seconds + 0.3
    assert len(answers) == len(asked)
    return answers


def ids(pages: Pages) -> list[str]:
    assert isinstance(pages, list), pages
    bundles = [json.loads(page) for page in pages]
    return [entry["resource"]["id"] for each in bundles for entry in each.get("entry", ())]


# --- what goes out -----------------------------------------------------------------------------


def test_a_read_and_a_search_are_answered_in_the_order_asked(server: FhirServer) -> None:
    labs, patient = fetch(server, LABS, PATIENT)
    assert ids(labs) == ["o0", "o1", "o2", "o3", "o4"]
    assert isinstance(patient, list)
    assert json.loads(patient[0])["id"] == "p1"
    assert {(seen.method, seen.path) for seen in server.seen} == {
        ("POST", "/fhir/Observation/_search"),
        ("GET", "/fhir/Patient/p1"),
    }


def test_the_token_goes_along_as_bearer_and_only_if_there_is_one(server: FhirServer) -> None:
    fetch(server, LABS, PATIENT)
    assert [seen.authorization for seen in server.seen] == [f"Bearer {TOKEN}"] * 2
    server.seen.clear()
    (refused,) = fetch(server, PATIENT, token=None)
    assert refused == Refused("the FHIR server does not permit this", "forbidden")
    assert [seen.authorization for seen in server.seen] == [None]


def test_nothing_asked_is_nothing_sent(server: FhirServer) -> None:
    assert fetch(server) == []
    assert server.seen == []


def test_a_server_without_search_by_post_is_searched_by_get() -> None:
    with FhirServer([CHART], TOKEN, post_search=False) as server:
        transport = Transport([server.base])
        for _ in range(2):
            (labs,) = fetch(server, LABS, transport=transport)
            assert len(ids(labs)) == 5
        assert [seen.method for seen in server.seen] == ["POST", "GET", "GET"]
        assert server.seen[0].params == server.seen[1].params == list(LABS.params)


def test_what_one_type_cannot_do_is_not_held_against_the_others(server: FhirServer) -> None:
    transport = Transport([server.base])
    fetch(server, Query("NoSuchType", None, LABS.params), transport=transport)
    server.seen.clear()
    (labs,) = fetch(server, LABS, transport=transport)
    assert len(ids(labs)) == 5
    assert [seen.method for seen in server.seen] == ["POST"]


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_refusal_of_a_search_is_not_tried_again_with_the_id_in_the_address(
    server: FhirServer, status: int
) -> None:
    server.plant("Observation", Status(status))
    (refused,) = fetch(server, LABS)
    assert isinstance(refused, Refused)
    assert [seen.method for seen in server.seen] == ["POST"]


ODD = [
    "a.b-c",
    "...",
    "a b",
    "a/b",
    "../x",
    "?x=y",
    "#",
    "a%2fb",
    "ä",
    "\u2011",
    "a+b",
    "a&b=c",
    ";",
]


@pytest.mark.parametrize("text", ODD)
def test_ids_and_values_reach_the_server_as_they_are(server: FhirServer, text: str) -> None:
    fetch(server, Query("Patient", text), Query("Observation", None, (("code", text),)))
    read, search = sorted(server.seen, key=lambda seen: seen.method)
    assert read.path == f"/fhir/Patient/{text}"
    assert read.target.count("/") == 3
    assert "?" not in read.target
    assert search.params == [("code", text)]


@pytest.mark.parametrize("text", ODD)
def test_values_reach_a_server_that_is_searched_by_get(text: str) -> None:
    with FhirServer([CHART], TOKEN, post_search=False) as server:
        params = (("patient", "p1"), ("code", text), ("_sort", "-date"))
        fetch(server, Query("Observation", None, params))
        assert [seen.params for seen in server.seen] == [list(params)] * 2


def test_a_comma_of_a_template_stays_an_or(server: FhirServer) -> None:
    params = (("code", "http://loinc.org|2160-0,http://loinc.org|4548-4"),)
    fetch(server, Query("Observation", None, params))
    assert server.seen[0].params == list(params)


# --- where it goes -----------------------------------------------------------------------------


def test_a_base_that_is_not_listed_is_never_called(
    server: FhirServer, attacker: FhirServer
) -> None:
    transport = Transport([server.base])
    for base in (attacker.base, server.base + "/", server.base[:-1], "", "http://127.0.0.1:1/x"):
        assert not transport.lists(base)
        (refused,) = transport.fetch(base, TOKEN, [PATIENT], 5)
        assert isinstance(refused, Refused)
        assert refused.code == "forbidden"
    assert server.seen == []


def test_the_environment_names_no_proxy(
    server: FhirServer, attacker: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, attacker.base.removesuffix("/fhir"))
    (patient,) = fetch(server, PATIENT)
    assert isinstance(patient, list)


@pytest.mark.parametrize("query", [PATIENT, LABS], ids=["read", "search"])
def test_a_redirect_is_not_followed(server: FhirServer, attacker: FhirServer, query: Query) -> None:
    for url in (attacker.base, server.base + "/Patient/p1", "/fhir/Patient/p1", "x"):
        server.seen.clear()
        server.plant("*", Redirect(url))
        assert fetch(server, query) == [Refused("the FHIR server answered with a redirect")]
        assert len(server.seen) == 1


def test_a_next_page_elsewhere_is_not_followed(server: FhirServer, attacker: FhirServer) -> None:
    server.plant("Observation", ForeignNext(attacker.base + "/Observation"))
    (refused,) = fetch(server, LABS)
    assert isinstance(refused, Refused)
    assert refused.code == "forbidden"


def test_cookies_are_neither_kept_nor_sent() -> None:
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    heads.append(connection.recv(65536))
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n"
                        b"Connection: close\r\n\r\n{}"
                    )

        thread = threading.Thread(target=serve)
        thread.start()
        transport = Transport([base])
        for _ in range(2):
            assert fetch(base, PATIENT, transport=transport) == [[b"{}"]]
        thread.join()
    assert all(b"cookie" not in head.lower() for head in heads)
    assert all(b"accept-encoding: identity" in head.lower() for head in heads)


# --- pages -------------------------------------------------------------------------------------


def test_all_pages_are_fetched_unless_a_window_is_asked_for() -> None:
    with FhirServer([CHART], TOKEN, page_size=2) as server:
        (labs,) = fetch(server, LABS)
        assert ids(labs) == ["o0", "o1", "o2", "o3", "o4"]
        (window,) = fetch(server, Query(LABS.type, None, LABS.params, follow=False))
        assert ids(window) == ["o0", "o1"]


def test_the_rest_of_a_search_is_fetched() -> None:
    with FhirServer([CHART], TOKEN, page_size=2) as server:
        rest = NextPage(f"{server.base}/Observation?patient=p1&_offset=2")
        (labs,) = fetch(server, rest)
        assert ids(labs) == ["o2", "o3", "o4"]


@pytest.mark.parametrize("pages", [2, 3])
def test_more_pages_than_the_limit_are_not_half_an_answer(pages: int) -> None:
    with FhirServer([CHART], TOKEN, page_size=2) as server:
        (labs,) = fetch(server, LABS, transport=Transport([server.base], Limits(pages=pages)))
        assert isinstance(labs, list if pages == 3 else Refused)


def test_endless_pages_end_at_the_limit(server: FhirServer) -> None:
    server.plant("Observation", Endless())
    assert fetch(server, LABS) == [Refused("the FHIR server has more pages than are read")]
    assert len(server.seen) == Limits().pages


def test_a_page_that_links_to_itself_ends(server: FhirServer) -> None:
    page = f"{server.base}/Observation?patient=p1"
    server.plant("Observation", ForeignNext(page))
    (refused,) = fetch(server, LABS)
    assert isinstance(refused, Refused)
    assert len(server.seen) == 2


# --- how much ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 100_000])
def test_an_answer_over_the_limit_is_not_read(server: FhirServer, size: int) -> None:
    transport = Transport([server.base], Limits(bytes=1000))
    server.plant("Patient", Huge(size + 1))
    (refused,) = fetch(server, PATIENT, transport=transport)
    assert refused == Refused("the FHIR server sent more data than is read")
    server.plant("Patient", Huge(1000))
    (patient,) = fetch(server, PATIENT, transport=transport)
    assert isinstance(patient, list)


def test_the_limit_holds_for_all_pages_together() -> None:
    with FhirServer([CHART], TOKEN, page_size=2) as server:
        (labs,) = fetch(server, LABS)
        assert isinstance(labs, list)
        whole = sum(map(len, labs))
        for limit in (whole, whole - 1, len(labs[0]), len(labs[0]) + len(labs[1])):
            transport = Transport([server.base], Limits(bytes=limit))
            (found,) = fetch(server, LABS, transport=transport)
            assert isinstance(found, list if limit == whole else Refused), limit


def test_a_compressed_answer_is_not_opened(server: FhirServer) -> None:
    server.plant("*", GzipBomb(50_000_000))
    assert fetch(server, PATIENT) == [Refused("the FHIR server compressed an answer unasked")]


# --- how long ----------------------------------------------------------------------------------

STALLS: dict[str, Fault] = {
    "slow": Slow(NEVER),
    "drip": Drip(0.02),
    "drip of headers": DripHeaders(0.02),
    "drip that stops": Drip(NEVER),
    "drip of headers that stops": DripHeaders(NEVER),
}


@pytest.mark.parametrize("fault", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("query", [PATIENT, LABS], ids=["read", "search"])
def test_no_stall_outlasts_the_deadline(server: FhirServer, query: Query, fault: Fault) -> None:
    server.plant("*", fault)
    slow = Refused("the FHIR server did not answer in time", "timeout")
    assert fetch(server, query, seconds=0.15) == [slow]


def test_a_stall_on_a_later_page_does_not_outlast_the_deadline() -> None:
    with FhirServer([CHART], TOKEN, page_size=2, delay=0.1) as server:
        (refused,) = fetch(server, LABS, seconds=0.15)
        assert isinstance(refused, Refused)
        assert refused.code == "timeout"


def test_a_server_that_does_not_accept_does_not_outlast_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        base = f"http://127.0.0.1:{address[1]}/fhir"
        # The queue of connections takes these and then no more.
        waiting = [socket.socket() for _ in range(4)]
        try:
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(address)
            (refused,) = fetch(base, PATIENT, seconds=0.15)
            assert isinstance(refused, Refused)
            assert refused.code == "timeout"
        finally:
            for sock in waiting:
                sock.close()


def test_one_slow_type_does_not_cost_the_others(server: FhirServer) -> None:
    server.plant("Observation", Slow(NEVER))
    patient, labs = fetch(server, PATIENT, LABS, seconds=0.15)
    assert isinstance(patient, list)
    assert isinstance(labs, Refused)


def test_six_slow_answers_take_as_long_as_one(server: FhirServer) -> None:
    server.plant("*", Slow(0.25))
    started = time.monotonic()
    answers = fetch(server, *[PATIENT, LABS] * 3)
    assert all(isinstance(answer, list) for answer in answers)
    assert 0.25 <= time.monotonic() - started < 0.75


def test_a_slow_ehr_does_not_slow_another(server: FhirServer) -> None:
    server.plant("*", Slow(NEVER))
    slow = Transport([server.base], Limits(connections=2, breaker_failures=1000))
    with (
        FhirServer([CHART], TOKEN) as other,
        ThreadPoolExecutor(20) as pool,
    ):
        stalled = [
            pool.submit(fetch, server, PATIENT, transport=slow, seconds=0.5) for _ in range(16)
        ]
        (patient,) = fetch(other, PATIENT, seconds=0.4)
        assert isinstance(patient, list)
        assert all(isinstance(each.result()[0], Refused) for each in stalled)


def test_many_threads_share_one_transport(server: FhirServer) -> None:
    transport = Transport([server.base])
    with ThreadPoolExecutor(16) as pool:
        asked = [PATIENT, LABS] * 32
        answers = list(pool.map(lambda query: fetch(server, query, transport=transport), asked))
    assert all(isinstance(answer, list) for (answer,) in answers)
    assert [ids(answer) for (answer,) in answers[1::2]] == [["o0", "o1", "o2", "o3", "o4"]] * 32


# --- what comes back ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "forbidden"),
        (403, "forbidden"),
        (404, "not-found"),
        (410, "not-found"),
        (400, "incomplete"),
        (412, "incomplete"),
        (429, "incomplete"),
        (500, "incomplete"),
        (503, "incomplete"),
        (599, "incomplete"),
    ],
)
@pytest.mark.parametrize("query", [PATIENT, LABS], ids=["read", "search"])
def test_a_status_says_why_it_cannot_be_had(
    server: FhirServer, query: Query, status: int, code: str
) -> None:
    server.plant("*", Status(status))
    (refused,) = fetch(server, query)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_a_server_that_is_down_is_refused() -> None:
    with FhirServer([]) as gone:
        pass
    (refused,) = fetch(gone, PATIENT)
    assert refused == Refused("the FHIR server could not be reached or broke off")


def test_half_an_answer_is_none(server: FhirServer) -> None:
    server.plant("*", Truncated())
    broken = Refused("the FHIR server could not be reached or broke off")
    assert fetch(server, PATIENT, LABS) == [broken, broken]


def test_what_is_not_json_is_left_to_its_reader(server: FhirServer) -> None:
    server.plant("*", NotJson())
    for pages in fetch(server, PATIENT, LABS):
        assert isinstance(pages, list)
        assert pages[0].startswith(b"<!doctype")


HEAD = b"HTTP/1.1 200 OK\r\n"
WIRE: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "noise": b"\x00\xff" * 1000,
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "length in words": HEAD + b"Content-Length: two\r\n\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
    "length and chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "bad chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "shorter than announced": HEAD + b"Content-Length: 50\r\n\r\n{}",
    "a header of a megabyte": HEAD + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "a hundred thousand headers": HEAD + b"X: y\r\n" * 100_000 + b"\r\n",
    "NUL in a header": HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "continue for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,
    "status in words": b"HTTP/1.1 OK 200\r\nContent-Length: 2\r\n\r\n{}",
    "status of no class": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "part of it": b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\n{}",
    "unknown coding": HEAD + b"Content-Encoding: x\r\nContent-Length: 2\r\n\r\n{}",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n{}",
    "a refusal of five gigabytes": b"HTTP/1.1 401 No\r\nContent-Length: 5000000000\r\n\r\nx",
}


@pytest.mark.parametrize("answer", WIRE.values(), ids=WIRE)
@pytest.mark.parametrize("query", [PATIENT, LABS], ids=["read", "search"])
def test_an_answer_that_is_no_http_is_refused_at_once(answer: bytes, query: Query) -> None:
    with answering(answer) as base:
        (refused,) = fetch(base, query, seconds=1.0)
    assert isinstance(refused, Refused)


BODIES: dict[str, bytes] = {
    "deep": b'{"link":' + b"[" * 20_000,
    "deep elsewhere": b'{"resourceType":"Bundle","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a number of 5,000 digits": b'{"link":' + b"1" * 5000 + b"}",
    "no UTF-8": b'{"link":[{"relation":"\xff"}]}',
    "links of all kinds": b'{"link":[null,1,"x",[],{}]}',
    "empty": b"",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hostile_body_costs_its_own_answer_only(server: FhirServer, body: bytes) -> None:
    head = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head + body) as base:
        first, second = fetch(base, LABS, PATIENT)
    for found in (first, second):
        assert isinstance(found, Refused) or found == [body]


@pytest.mark.parametrize("status", [b"200 OK", b"408 Request Timeout"])
def test_an_answer_before_its_question_is_not_taken_for_one(status: bytes) -> None:
    # Load balancers send an unasked 408 before they hang up; a bad one may send anything.
    with echoing() as (base, push):
        transport = Transport([base])
        for id in ("p1", "p2", "p3"):
            (found,) = fetch(base, Query("Patient", id), transport=transport, seconds=1.0)
            assert found == [f"/fhir/Patient/{id}".encode()]
            push(b"HTTP/1.1 " + status + b"\r\nContent-Length: 6\r\n\r\nPOISON")


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\n", "ä", "\udc80"])
def test_a_token_that_is_no_header_value_goes_nowhere(server: FhirServer, token: str) -> None:
    (refused,) = fetch(server, PATIENT, token=token)
    assert isinstance(refused, Refused)
    assert all("X" not in (seen.authorization or "") for seen in server.seen)


# --- the breaker -------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaking(server: FhirServer, clock: Clock) -> Transport:
    """Rests for 5 seconds after 3 failures."""
    return Transport([server.base], Limits(breaker_failures=3, breaker_rest=5.0), clock)


RESTING = Refused("the FHIR server failed repeatedly and is given a rest", "timeout")


def test_a_server_that_fails_in_a_row_is_given_a_rest(
    server: FhirServer, breaking: Transport, clock: Clock
) -> None:
    server.plant("*", Status(500))
    for _ in range(3):
        assert fetch(server, PATIENT, transport=breaking) != [RESTING]
    server.clear()
    server.seen.clear()
    clock.now = 4.9
    assert fetch(server, PATIENT, LABS, transport=breaking) == [RESTING, RESTING]
    assert server.seen == []
    clock.now = 5.0
    for _ in range(5):
        (patient,) = fetch(server, PATIENT, transport=breaking)
        assert isinstance(patient, list)


def test_after_the_rest_one_call_tries_while_the_others_wait(
    server: FhirServer, breaking: Transport, clock: Clock
) -> None:
    server.plant("*", Status(500))
    for _ in range(3):
        fetch(server, PATIENT, transport=breaking)
    for rest in (5.0, 10.0, 15.0):
        clock.now = rest
        server.seen.clear()
        assert fetch(server, PATIENT, transport=breaking) != [RESTING]
        assert fetch(server, PATIENT, transport=breaking) == [RESTING]
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 429])
def test_an_answer_of_any_kind_ends_the_rest(
    server: FhirServer, breaking: Transport, clock: Clock, status: int
) -> None:
    server.plant("*", Status(500))
    for _ in range(3):
        fetch(server, PATIENT, transport=breaking)
    clock.now = 5.0
    server.clear()
    if status != 200:
        server.plant("*", Status(status))
    fetch(server, PATIENT, transport=breaking)
    assert fetch(server, PATIENT, transport=breaking) != [RESTING]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_refusals_are_no_failures(server: FhirServer, breaking: Transport, status: int) -> None:
    server.plant("*", Status(status))
    for _ in range(10):
        assert fetch(server, PATIENT, transport=breaking) != [RESTING]


def test_failures_must_follow_each_other(server: FhirServer, breaking: Transport) -> None:
    for _ in range(4):
        server.plant("*", Status(500))
        for _ in range(2):
            assert fetch(server, PATIENT, transport=breaking) != [RESTING]
        server.clear()
        assert fetch(server, PATIENT, transport=breaking) != [RESTING]


@pytest.mark.parametrize(
    "fault",
    [Slow(NEVER), DripHeaders(NEVER), Truncated(), Status(503), GzipBomb(100)],
    ids=lambda fault: type(fault).__name__,
)
def test_stalls_and_breaks_are_failures(
    server: FhirServer, breaking: Transport, fault: Fault
) -> None:
    server.plant("*", fault)
    for _ in range(3):
        assert fetch(server, PATIENT, transport=breaking, seconds=0.05) != [RESTING]
    assert fetch(server, PATIENT, transport=breaking) == [RESTING]


@pytest.mark.parametrize(
    "url", ["http://[", "http://evil.example/x", "x", "", "{base}/../x", "http://127.0.0.1:x/fhir"]
)
def test_what_the_caller_got_wrong_is_not_the_failure_of_the_server(
    server: FhirServer, breaking: Transport, url: str
) -> None:
    link = NextPage(url.format(base=server.base))
    for _ in range(10):
        (refused,) = fetch(server, link, transport=breaking)
        assert refused != RESTING
        assert isinstance(refused, Refused)
    assert server.seen == []
