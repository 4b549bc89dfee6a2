"""What a server process writes, while it gets all kinds of traffic: a line a request, listed keys,
and nothing that came from outside.

The process is a real one in production mode. All that is sent to it, and all that its FHIR server
answers, is remembered and looked for in its log.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from sandbox.fhir.server import FhirServer
from sandbox.http.faults import NotJson, Redirect, Status, Truncated
from store import database
from tests.demo.bodies import DROP, TOKEN, Json, body, chart, without_prefetch
from tests.demo.client import Client, Reply
from tests.demo.hospital import SECRET, environment, running
from tests.demo.server import Granian, new_database
from tests.demo.signing import JSON, NORTH, SOUTH
from tests.demo.tokens import PUBLIC_BASE, pair, token
from web.logs import KEYS

PATH = "/cds-services/demo-patient-view"
SIGN = "/cds-services/demo-order-sign"
CRASH = "/cds-services/demo-crash"
BANNER = f"Chartside on {PUBLIC_BASE} (Ctrl-C stops it)"

# What a log line says in words of its own, although requests say it too.
OWN = {
    "patient-view",
    "order-sign",
    "order-select",
    "order-review",
    "order",
    "Bearer",
    "demo-patient-view",
    "demo-order-sign",
    "demo-crash",
    "demo.a1c-high",
    "warning",
    "request",
    "accepted",
    "overridden",
    "north",
    "south",
}


@dataclass
class Run:
    """The traffic: each request with its answer, and every text that was sent."""

    client: Client
    answers: list[tuple[str, Reply]] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)

    def request(
        self, method: str, path: str, body: bytes | Json | None = None, **headers: str
    ) -> Reply:
        headers = {**MARKED, **headers}
        self.sent |= {path.partition("?")[2], *texts(body), *headers.values()}
        reply = self.client.unjudged(method, path, body, headers)
        self.answers.append((f"{method} {path}", reply))
        return reply

    def post(self, path: str, body: bytes | Json, **headers: str) -> Reply:
        given = {**JSON, **NORTH.bearer(path), **headers}
        return self.request("POST", path, body, **given)

    def raw(self, text: bytes) -> None:
        self.sent |= set(re.findall(r"[\w.-]*[Mm]arker[\w.-]*", text.decode("latin-1")))
        self.client.send(text, half_close=True)


# What any client may add to a request.
MARKED = {
    "User-Agent": "useragent-marker/1.0",
    "Cookie": "session=cookie-marker",
    "Referer": "https://ehr.test/referer-marker?patient=zofie-1957",
    "X-Request-Id": "requestid-marker",
    "X-Forwarded-For": "203.0.113.77",
}


def texts(value: Any) -> Iterator[str]:
    """All texts of a body, and the body itself if it is none."""
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            yield value[:200].decode("latin-1")
            return
    if isinstance(value, dict):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def fhir() -> Iterator[FhirServer]:
    with FhirServer([chart()], token=TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, fhir: FhirServer) -> Iterator[Granian]:
    """North may call as it likes, South once a minute."""
    folder = tmp_path_factory.mktemp("logs")
    url = new_database()
    engine = database.connect(url)
    database.migrate(engine)
    engine.dispose()
    more = {"south": "calls_a_minute = 1"}
    variables = environment(folder, url, NORTH, SOUTH, base=fhir.base, more=more)
    with running(folder, "log", **variables, CHARTSIDE_BODY_LIMIT="200000") as started:
        yield started


@pytest.fixture(scope="module")
def run(server: Granian, fhir: FhirServer) -> Run:
    """All the traffic, once."""
    run = Run(server.client)
    run.sent |= {*texts(chart()), TOKEN, SECRET, fhir.base, NORTH.issuer, NORTH.pair.kid}
    called(run, fhir)
    refused(run)
    strange(run)
    faulty(run, fhir)
    return run


def called(run: Run, fhir: FhirServer) -> None:
    """Calls and feedback that are in order."""
    run.request("GET", "/cds-services?patient=query-marker", **NORTH.bearer("/cds-services"))
    run.request("OPTIONS", PATH + "?options-marker", Origin=NORTH.origin)
    assert run.post(PATH, body("patient-view", fhir.base)).status == 200
    card = run.post(SIGN, body("order-sign", fhir.base)).card
    assert run.post(PATH, without_prefetch("patient-view", fhir.base)).status == 200
    reasons = [
        {"userComment": "comment-marker, she would rather not"},
        {"reason": {"code": "reason marker", "system": "https://ehr.test/system-marker"}},
    ]
    items = [
        {
            "card": card["uuid"],
            "outcome": "overridden",
            "outcomeTimestamp": f"2026-11-24T11:00:0{number}Z",
            "overrideReason": reason,
        }
        for number, reason in enumerate(reasons)
    ]
    run.sent.add(card["uuid"])
    assert run.post(SIGN + "/feedback", {"feedback": items}).status == 200
    assert run.post(SIGN, body("order-sign", fhir.base)).cards == []


def refused(run: Run) -> None:
    """What a caller gets wrong: 4xx of all kinds."""
    now = time.time()
    claims = {"iss": NORTH.issuer, "aud": PUBLIC_BASE + PATH}
    foreign = pair("foreign-marker")
    used = NORTH.bearer(PATH)
    assert run.post(PATH, b'{"cut-marker', **used).status == 400
    for headers in (
        used,
        {"Authorization": ""},
        {"Authorization": "Basic bWFya2VyOm1hcmtlcg=="},
        {"Authorization": "Bearer bearer-marker"},
        {"Authorization": "Bearer a.b.c-marker"},
        {"Authorization": "Bearer " + token(foreign, claims=claims, now=now)},
        {"Authorization": "Bearer " + token(foreign, {"kid": NORTH.pair.kid}, claims, now=now)},
        NORTH.bearer(PATH, iss="https://issuer-marker.test"),
        NORTH.bearer(PATH, aud="https://audience-marker.test"),
        NORTH.bearer(PATH, exp=now - 900, iat=now - 1000, sub="subject-marker"),
        NORTH.bearer(PATH, jti=""),
        NORTH.bearer(PATH, tenant="tenant-marker"),
    ):
        assert run.post(PATH, body("patient-view"), **headers).status == 401
    closed = "/cds-services/demo-order-review"
    for status, path, sent, headers in (
        (403, closed, body("order-review"), NORTH.bearer(closed)),
        (404, "/cds-services/service-marker", b"{}", {}),
        (404, "/Patient/zofie-1957?name=query-marker", b"{}", {}),
        (400, PATH, body("patient-view", edits={"context.patientId": "id/../marker"}), {}),
        (400, PATH, body("patient-view", edits={"hook": "hook-marker"}), {}),
        (400, PATH, body("patient-view", edits={"hookInstance": "instance-marker"}), {}),
        (400, PATH, b"[" * 50_000, {}),
        (400, SIGN + "/feedback", {"feedback": [{"card": "card-marker"}]}, {}),
        (412, PATH, body("patient-view", edits={"prefetch": DROP}), {}),
        (413, PATH, b"body-marker" * 30_000, {}),
        (415, PATH, b"text-marker", {"Content-Type": "text/type-marker"}),
    ):
        reply = run.post(path, sent, **headers)
        assert reply.status == status, (path, reply.body)
    assert run.request("PUT", PATH + "?put-marker", b"{}").status == 405
    for status in (200, 429):
        assert run.post(PATH, body("patient-view"), **SOUTH.bearer(PATH)).status == status


def strange(run: Run) -> None:
    """What is hardly HTTP."""
    for line in (
        b"GET /method-marker HTTP/1.1\r\n\r\n",
        b"BREW-Marker / HTTP/1.1\r\nHost: host-marker.test\r\nConnection: close\r\n\r\n",
        b"GET /%F0%9F/escape-marker%00?x=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: lengthmarker\r\n\r\n",
        b"\x16\x03\x01marker-of-tls\r\n\r\n",
        b"POST "
        + PATH.encode()
        + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        + b"Content-Type: application/json\r\n\r\nchunkmarker\r\n",
    ):
        run.raw(line)


def faulty(run: Run, fhir: FhirServer) -> None:
    """What goes wrong behind: the FHIR server's faults, and our own."""
    needy = without_prefetch("patient-view", fhir.base)
    for fault in (
        Status(500),
        Redirect("https://redirect-marker.test/fhir"),
        NotJson(),
        Truncated(),
    ):
        fhir.plant("*", fault)
        assert run.post(PATH, needy).status in (200, 412)
    fhir.clear()
    for path, new in (
        ("fhirAuthorization.access_token", "wrong-token-marker"),
        ("fhirServer", "https://nowhere-marker.test/fhir"),
    ):
        sent = without_prefetch("patient-view", fhir.base, {path: new})
        assert run.post(PATH, sent).status == 412
    for _ in range(2):
        crashing = body("patient-view", fhir.base, {"hookInstance": str(uuid4())})
        assert run.post(CRASH, crashing).status == 500


@pytest.fixture
def lines(run: Run, server: Granian) -> list[Json]:
    """The log, once it has the line of the last request."""
    last = run.answers[-1][1].json["id"]
    end = time.monotonic() + 10
    while last not in server.log.read_text() and time.monotonic() < end:
        pass
    banner, *told = server.log.read_text().splitlines()
    assert banner == BANNER
    return [json.loads(line) for line in told]


# --- what is there -----------------------------------------------------------------------------


@pytest.mark.req("CH-144")
def test_every_line_is_json_with_listed_keys_only(lines: list[Json]) -> None:
    for line in lines:
        assert set(line) <= KEYS
        assert {"event", "level", "timestamp"} <= set(line)
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", line["timestamp"])


def test_every_request_leaves_one_line(run: Run, lines: list[Json]) -> None:
    told = [line for line in lines if line["event"] == "request"]
    ids = [line["request_id"] for line in told]
    assert len(set(ids)) == len(ids)
    assert len(told) >= len(run.answers)
    counts = {line["status"] for line in told}
    assert {200, 204, 400, 401, 403, 404, 405, 412, 413, 415, 429, 500} <= counts


def test_a_line_names_the_route_and_never_the_address(lines: list[Json]) -> None:
    routes = {line["route"] for line in lines if line["event"] == "request"}
    assert routes <= {
        None,
        "/cds-services",
        "/cds-services/<id>",
        "/cds-services/<id>/feedback",
    }
    methods = {line["method"] for line in lines if line["event"] == "request"}
    assert methods <= {"GET", "POST", "PUT", "OPTIONS", "other"}


def test_the_id_of_a_request_stands_in_its_error_and_in_its_line(
    run: Run, lines: list[Json]
) -> None:
    by_id = {line["request_id"]: line for line in lines if line["event"] == "request"}
    seen = set()
    for _, reply in run.answers:
        if reply.status >= 400 and reply.status != 401:
            line = by_id[reply.json["id"]]
            assert line["status"] == reply.status
            seen.add(reply.json["id"])
    assert len(seen) > 15
    assert "requestid-marker" not in seen


@pytest.mark.req("CH-138")
def test_all_401s_are_the_same_and_the_log_knows_the_reasons(run: Run, lines: list[Json]) -> None:
    refused = [reply for _, reply in run.answers if reply.status == 401]
    # Whether the connection is kept depends on how much of the body had come in by then.
    by_chance = {"date", "connection"}
    answers = {
        (
            *((name, text) for name, text in reply.headers.items() if name not in by_chance),
            reply.body,
        )
        for reply in refused
    }
    assert len(answers) == 1
    told = [line for line in lines if line.get("status") == 401]
    assert len(told) >= len(refused)
    assert all(line["reason"] for line in told)
    assert len({line["reason"] for line in told}) >= 9


def test_a_401_tells_whose_token_it_claims_to_be(lines: list[Json]) -> None:
    """An operator looks for what goes wrong with one EHR."""
    told = {line["reason"]: line.get("ehr") for line in lines if line.get("status") == 401}
    assert told["the token is expired"] == "north"
    assert told["the token was used before"] == "north"
    assert told["the issuer is not listed"] is None


def test_a_call_is_told_by_ehr_service_hook_and_what_came_of_it(lines: list[Json]) -> None:
    (first, *_) = [line for line in lines if line.get("hook") == "order-sign"]
    told = {"ehr": "north", "service": "demo-order-sign", "cards": 1, "status": 200}
    assert {name: first[name] for name in told} == told
    assert first["stored"] is True
    assert first["ms"] > 0
    last = [line for line in lines if line.get("hook") == "order-sign"][-1]
    assert (last["cards"], last["left_out"]) == (0, {"overridden": 1})


def test_a_fault_of_ours_tells_its_place_and_the_request(run: Run, lines: list[Json]) -> None:
    faults = [line for line in lines if line["event"] == "unhandled"]
    assert len(faults) == 2
    failed = [reply.json["id"] for _, reply in run.answers if reply.status == 500]
    for fault in faults:
        assert fault["error"] == "RuntimeError"
        assert re.fullmatch(r"[\w/.]+\.py:\d+", fault["place"])
    # Sixteen threads write into one log: without the id nobody knows whose fault it was.
    assert [fault.get("request_id") for fault in faults] == failed


# --- what is not -------------------------------------------------------------------------------


@pytest.mark.req("CH-084", "CH-144")
def test_nothing_that_was_sent_stands_in_the_log(
    run: Run, lines: list[Json], server: Granian
) -> None:
    assert lines
    log = server.log.read_text().replace(BANNER, "")
    wanted = {text for text in run.sent if len(text) > 4} - OWN
    assert len(wanted) > 150
    found = {text for text in wanted if text in log or json.dumps(text)[1:-1] in log}
    # A date of the chart may be today's, as the timestamp of every line is.
    assert {text for text in found if not re.fullmatch(r"20\d\d(-\d\d)*", text)} == set()
    assert not re.search(r"marker", log, re.IGNORECASE)
    assert not re.search(r"eyJ|Bearer |https?://|Traceback|zofie|lindqvist", log, re.IGNORECASE)


@pytest.mark.req("CH-084", "CH-144")
def test_no_part_of_a_token_stands_in_the_log(run: Run, lines: list[Json], server: Granian) -> None:
    assert lines
    log = server.log.read_text()
    tokens = {text.removeprefix("Bearer ") for text in run.sent if text.startswith("Bearer ")}
    assert len(tokens) > 20
    parts = {part for each in tokens for part in each.split(".") if len(part) > 8}
    assert [part for part in parts if part[:24] in log or part[-24:] in log] == []


def test_the_answers_quote_nothing_of_the_chart_in_an_error(run: Run) -> None:
    for what, reply in run.answers:
        if reply.status >= 400 and reply.body:
            assert not re.search(rb"[Mm]arker|[Zz]ofie|Traceback", reply.body), what
