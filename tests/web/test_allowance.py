"""How much an EHR may call (429), and how much the server takes on at once (503)."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import pytest

from hooks import Finding, service
from hooks.contexts import PatientView
from tests.demo.bodies import Json, body, without_prefetch
from tests.demo.client import Client
from tests.demo.services import DEMO, told
from tests.demo.signing import JSON, NORTH, SOUTH, production
from web.allowance import Rate
from web.errors import Problem

SERVICE = "demo-patient-view"
PATH = f"/cds-services/{SERVICE}"


def statuses(client: Client, times: int) -> list[int]:
    return [NORTH.call(client, SERVICE, body("patient-view")).status for _ in range(times)]


# --- the allowance of an EHR -------------------------------------------------------------------


@pytest.fixture
def limited() -> Iterator[Client]:
    """North and South may each call three times a minute."""
    with production(NORTH.record(calls_a_minute=3), SOUTH.record(calls_a_minute=3)) as client:
        yield client


def test_one_call_too_many_is_told_when_to_come_again(limited: Client) -> None:
    assert statuses(limited, 3) == [200] * 3
    reply = NORTH.call(limited, SERVICE, body("patient-view"))
    assert (reply.status, reply.issue["code"]) == (429, "throttled")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_others_do_not_notice(limited: Client) -> None:
    assert statuses(limited, 5) == [200] * 3 + [429] * 2
    south = [SOUTH.call(limited, SERVICE, body("patient-view")).status for _ in range(4)]
    assert south == [200] * 3 + [429]
    assert limited.get("/cds-services").status == 200
    assert limited.request("OPTIONS", PATH).status == 204


def test_feedback_and_wrong_bodies_count(limited: Client) -> None:
    assert NORTH.call(limited, SERVICE, b"{").status == 400
    assert NORTH.feedback(limited, SERVICE).status == 200
    assert NORTH.call(limited, "demo-order-sign", body("order-sign")).status == 200
    assert NORTH.feedback(limited, SERVICE).status == 429


def test_nobody_uses_up_the_allowance_of_another(limited: Client) -> None:
    """What is not proven to come from an EHR does not count as its own."""
    forged = NORTH.bearer(PATH)
    forged["Authorization"] = forged["Authorization"][:-8] + "AAAAAAAA"
    for headers in (forged, forged, NORTH.bearer("/elsewhere"), {}, forged):
        reply = limited.request("POST", PATH, b"{}", {**JSON, **headers})
        assert reply.status == 401
    once = {**JSON, **NORTH.bearer(PATH)}
    replies = [limited.request("POST", PATH, b"{}", once).status for _ in range(4)]
    assert replies == [400, 401, 401, 401]
    assert statuses(limited, 3) == [200, 200, 429]


def test_calls_at_the_same_time_are_counted_one_by_one() -> None:
    with (
        production(NORTH.record(calls_a_minute=5), SOUTH.record()) as client,
        ThreadPoolExecutor(10) as threads,
    ):
        got = list(threads.map(lambda _: statuses(client, 2), range(10)))
    assert sorted(status for both in got for status in both) == [200] * 5 + [429] * 15


class Clock:
    """Tells the second it is set to."""

    def __init__(self) -> None:
        self.second = 0.0

    def __call__(self) -> float:
        return self.second


def admitted(rate: Rate, times: int, most: int, ehr: str = "north") -> int:
    """How many of these calls get through."""
    through = 0
    for _ in range(times):
        with suppress(Problem):
            rate.admit(ehr, most)
            through += 1
    return through


def test_a_burst_at_the_turn_of_the_minute_does_not_double_the_allowance() -> None:
    clock = Clock()
    rate = Rate(clock)
    clock.second = 59
    assert admitted(rate, 100, 60) == 60
    clock.second = 61
    assert admitted(rate, 100, 60) == 1
    assert admitted(rate, 100, 60, "south") == 60


def test_the_allowance_comes_back_evenly() -> None:
    clock = Clock()
    rate = Rate(clock)
    assert admitted(rate, 100, 60) == 60
    for second, more in ((60, 0), (75, 15), (90, 15), (105, 15), (119, 14)):
        clock.second = second
        assert admitted(rate, 100, 60) == more


@pytest.mark.parametrize("second", [120, 121, 600, 1e6])
def test_after_a_quiet_minute_all_of_it_is_back(second: float) -> None:
    clock = Clock()
    rate = Rate(clock)
    assert admitted(rate, 100, 60) == 60
    clock.second = second
    assert admitted(rate, 100, 60) == 60


@pytest.mark.req("T-27")
def test_whoever_has_been_quiet_is_forgotten() -> None:
    clock = Clock()
    rate = Rate(clock)
    for number in range(100):
        rate.admit(f"address {number}", 60)
    clock.second = 120
    rate.admit("another", 60)
    assert set(rate._calls) == {"another"}


@pytest.mark.parametrize(("second", "wait"), [(0.0, "60"), (0.5, "60"), (59.0, "1"), (59.99, "1")])
def test_who_is_refused_is_told_how_long_the_minute_lasts(second: float, wait: str) -> None:
    clock = Clock()
    rate = Rate(clock)
    clock.second = second
    assert admitted(rate, 1, 1) == 1
    with pytest.raises(Problem) as refused:
        rate.admit("north", 1)
    assert refused.value.headers["Retry-After"] == wait


# --- the load of the server --------------------------------------------------------------------


class Gate:
    """A service that waits inside until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.open = threading.Event()

        @service("patient-view", id="probe-gate", title="Probe", description="Waits.")
        def wait(context: PatientView) -> Iterator[Finding]:
            self.inside.release()
            assert self.open.wait(20)
            yield told("probe.gate", "Let go")

        @service("patient-view", id="probe-crash", title="Probe", description="Fails.")
        def crash(context: PatientView) -> Iterator[Finding]:
            yield told("probe.crash", str(1 // 0))

        self.services = [*DEMO, wait, crash]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def busy(gate: Gate) -> Iterator[Client]:
    """A server for two calls at once."""
    with production(services=gate.services, calls_at_once=2) as client:
        yield client


def opening() -> Json:
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"patientId": "zofie", "userId": "Practitioner/ruiz"},
    }


def test_what_would_wait_is_shed_at_once_and_nothing_is_lost(gate: Gate, busy: Client) -> None:
    with ThreadPoolExecutor(2) as threads:
        waiting = [
            threads.submit(NORTH.call, busy, "probe-gate", opening()),
            threads.submit(SOUTH.call, busy, "probe-gate", opening()),
        ]
        try:
            for _ in waiting:
                assert gate.inside.acquire(timeout=20)
            for ehr in (NORTH, SOUTH):
                began = time.monotonic()
                reply = ehr.call(busy, SERVICE, body("patient-view"), fails=True)
                assert (reply.status, reply.issue["code"]) == (503, "throttled")
                assert 1 <= int(reply.headers["Retry-After"]) <= 60
                assert time.monotonic() - began < 2
                # A page of the EHR is to see why.
                assert reply.headers["Access-Control-Allow-Origin"] == ehr.origin
            assert not any(each.done() for each in waiting)
            # What costs nothing is answered, and feedback is not to be lost.
            assert busy.get("/cds-services").status == 200
            assert NORTH.feedback(busy, SERVICE).status == 200
            assert busy.call(SERVICE, body("patient-view")).status == 401
        finally:
            gate.open.set()
        assert [each.result().status for each in waiting] == [200, 200]
    assert statuses(busy, 3) == [200] * 3


def test_a_call_that_fails_makes_room_again(busy: Client) -> None:
    needy = without_prefetch("patient-view", "https://elsewhere.test/fhir")
    for _ in range(3):
        assert NORTH.call(busy, "probe-crash", opening(), fails=True).status == 500
        assert NORTH.call(busy, SERVICE, needy).status == 412
        assert NORTH.call(busy, SERVICE, b"{").status == 400
        assert NORTH.call(busy, SERVICE, body("order-sign")).status == 400
    assert statuses(busy, 2) == [200] * 2
