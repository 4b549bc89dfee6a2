"""Reading for a page that people wait for: what came is kept, and why the rest did not is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from fhir.bundle import Failure, Refused
from fhir.transport import Pages, Query, Transport
from sandbox.fhir.server import FhirServer
from sandbox.http import faults
from sandbox.http.faults import Fault

LABS = Query("Observation", None, (("patient", "p1"),))
CHART = {
    "resourceType": "Bundle",
    "entry": [
        {
            "resource": {
                "resourceType": "Observation",
                "id": f"o{number}",
                "subject": {"reference": "Patient/p1"},
            }
        }
        for number in range(6)
    ],
}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART], page_size=2) as running:
        yield running


def read(server: FhirServer, transport: Transport | None = None, seconds: float = 8.0) -> Pages:
    (answer,) = (transport or Transport([server.base])).read(server.base, None, [LABS], seconds)
    return answer


def ids(pages: Pages) -> list[str]:
    return [each["resource"]["id"] for body in pages.bodies for each in json.loads(body)["entry"]]


def test_a_whole_answer_has_no_rest(server: FhirServer) -> None:
    answer = read(server)
    assert ids(answer) == ["o0", "o1", "o2", "o3", "o4", "o5"]
    assert answer.rest is None


@pytest.mark.req("SL-109")
def test_what_arrived_before_the_deadline_is_kept(server: FhirServer) -> None:
    class SlowLater(faults.Endless):
        """The first page at once, each other one never."""

        def pieces(self, answer: faults.Answer) -> Iterator[tuple[float, bytes]]:
            late = b"_page=3" in answer.body
            yield 3600.0 if late else 0.0, answer.head + answer.body

    server.plant("Observation", SlowLater())
    answer = read(server, seconds=1.0)
    assert ids(answer) == ["o0", "o1"]
    assert answer.rest
    assert answer.rest.failure == "slow"


@pytest.mark.req("SL-108")
@pytest.mark.parametrize(
    ("fault", "failure", "status"),
    [
        (faults.Status(401), "expired", 401),
        (faults.Status(403), "forbidden", 403),
        (faults.Status(404), "not-found", 404),
        (faults.Status(410), "gone", 410),
        (faults.Status(418), "broken", 418),
        (faults.Status(429), "throttled", 429),
        (faults.Status(503), "broken", 503),
        (faults.Redirect("http://127.0.0.1:9/"), "redirect", 302),
        (faults.Truncated(), "unreachable", None),
        (faults.Huge(6_000_000), "too-large", None),
    ],
    ids=lambda each: str(each),
)
def test_each_failure_has_its_name_and_its_status(
    server: FhirServer, fault: Fault, failure: Failure, status: int | None
) -> None:
    server.plant("Observation", fault)
    answer = read(server)
    assert answer.bodies == []
    assert answer.rest
    assert (answer.rest.failure, answer.rest.status) == (failure, status)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with FhirServer([CHART]) as server:
        base = server.base
    (answer,) = Transport([base]).read(base, None, [LABS], 4.0)
    assert answer.rest
    assert answer.rest.failure == "unreachable"


def test_a_base_of_nobody_is_not_asked(server: FhirServer) -> None:
    (answer,) = Transport(["http://127.0.0.1:1/fhir"]).read(server.base, None, [LABS], 4.0)
    assert answer.rest
    assert answer.rest.failure == "elsewhere"
    assert server.seen == []


@pytest.mark.req("SL-108")
@pytest.mark.parametrize(
    ("said", "wait"), [(7, 7), (3600, 3600), (-1, None)], ids=["short", "long", "no number"]
)
def test_how_long_to_wait_is_told(server: FhirServer, said: int, wait: int | None) -> None:
    server.plant("Observation", faults.Throttled(said))
    answer = read(server, seconds=2.0)
    assert answer.rest
    assert answer.rest.wait == wait


@pytest.mark.req("SL-108")
def test_a_server_that_asks_for_a_pause_has_it(server: FhirServer) -> None:
    transport = Transport([server.base])
    server.plant("Observation", faults.Throttled(30))
    read(server, transport, seconds=2.0)
    server.clear()
    server.seen.clear()
    answer = read(server, transport, seconds=2.0)
    assert answer.rest
    assert answer.rest.failure == "throttled"
    assert server.seen == []


def test_a_hook_call_neither_waits_nor_keeps_a_part(server: FhirServer) -> None:
    transport = Transport([server.base])
    server.plant("Observation", faults.Throttled(1))
    started = time.monotonic()
    assert transport.fetch(server.base, None, [LABS], 8.0) == [
        Refused("the FHIR server answered 429")
    ]
    assert time.monotonic() - started < 0.9
    server.plant("Observation", faults.ForeignNext("http://127.0.0.1:9/"))
    (answer,) = transport.fetch(server.base, None, [LABS], 8.0)
    assert isinstance(answer, Refused)
