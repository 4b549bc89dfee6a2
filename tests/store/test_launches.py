"""Live launches: found with their cookie only, eight in a jar, renewed by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine

from store import launches
from store.launches import IDLE, LONGEST, Kept
from store.tables import launches as table
from tests.store import crew
from tests.store.build import NOW, rows

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)


def kept(number: int = 1, **changes: Any) -> Kept:
    given: dict[str, Any] = {
        "handle": f"handle-{number}",
        "ehr_id": "north",
        "cookie": f"cookie-{number}",
        "user_hash": "user-1",
        "patient_hash": f"patient-{number}",
        "at": NOW,
        "sealed": b"sealed",
    }
    return Kept(**{**given, **changes})


def add(engine: Engine, number: int = 1, jar: str = "0" * 32, **changes: Any) -> set[str]:
    """Keep a launch; the handles of those that it ended."""
    ended = launches.add(engine, kept(number, **changes), jar)
    return {each.handle for each in ended}


def use(engine: Engine, number: int = 1, now: datetime = NOW) -> Kept | None:
    return launches.use(engine, f"handle-{number}", f"cookie-{number}", now)


@pytest.mark.req("SL-080")
def test_it_is_found_by_handle_and_cookie_only(engine: Engine) -> None:
    add(engine)
    add(engine, 2)
    assert use(engine) == kept()
    assert launches.use(engine, "handle-1", "cookie-2", NOW) is None
    assert launches.use(engine, "handle-3", "cookie-1", NOW) is None


@pytest.mark.req("SL-086", "T-17")
def test_it_ends_when_it_was_not_used_for_a_quarter_of_an_hour(engine: Engine) -> None:
    assert timedelta(minutes=15) == IDLE
    add(engine)
    assert use(engine, now=NOW + IDLE - SECOND)
    assert use(engine, now=NOW + 2 * IDLE - 2 * SECOND)
    assert use(engine, now=NOW + 3 * IDLE) is None
    assert launches.read(engine, "handle-1", NOW + 3 * IDLE) is None


@pytest.mark.req("SL-086")
def test_it_ends_after_eight_hours_even_if_it_is_used(engine: Engine) -> None:
    assert timedelta(hours=8) == LONGEST
    add(engine)
    now = NOW
    while now < NOW + LONGEST - IDLE:
        now += IDLE / 2
        assert use(engine, now=now)
    assert use(engine, now=NOW + LONGEST - SECOND)
    assert use(engine, now=NOW + LONGEST) is None


def test_reading_is_no_use(engine: Engine) -> None:
    add(engine)
    assert launches.read(engine, "handle-1", NOW + IDLE - SECOND)
    assert use(engine, now=NOW + IDLE) is None


@pytest.mark.req("SL-087")
def test_the_ninth_in_a_jar_ends_the_oldest(engine: Engine) -> None:
    add(engine, 100, jar="1" * 32)
    for number in range(8):
        assert add(engine, number, at=NOW + number * SECOND) == set()
    # Used last, and still the oldest.
    assert use(engine, 0, NOW + 10 * SECOND)
    assert add(engine, 8, at=NOW + 11 * SECOND) == {"handle-0"}
    assert add(engine, 9, at=NOW + 12 * SECOND) == {"handle-1"}
    assert len(rows(engine, table)) == 9
    assert use(engine, 100)


@pytest.mark.req("T-16", "SL-077")
@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        ("user-1", "user-1", False),
        ("user-1", "user-2", True),
        ("user-1", None, True),
        (None, "user-1", True),
        (None, None, True),
    ],
)
def test_another_user_in_the_jar_ends_what_was_there(
    engine: Engine, before: str | None, after: str | None, ends: bool
) -> None:
    add(engine, 1, user_hash=before)
    add(engine, 2, user_hash=before, jar="1" * 32)
    assert add(engine, 3, user_hash=after) == ({"handle-1"} if ends else set())
    assert use(engine, 2)


def test_those_over_their_time_take_no_place(engine: Engine) -> None:
    for number in range(8):
        add(engine, number, at=NOW - 2 * IDLE + number * SECOND)
    assert len(add(engine, 9)) == 8
    assert len(rows(engine, table)) == 1


@pytest.mark.req("SL-087")
def test_launches_that_come_at_once_are_counted(engine: Engine) -> None:
    with ThreadPoolExecutor(12) as threads:
        ended = list(
            threads.map(lambda n: add(engine, n, at=NOW + timedelta(milliseconds=n)), range(30))
        )
    assert len(rows(engine, table)) == 8
    assert sorted(chain(*ended)) == sorted(set().union(*ended))


@pytest.mark.req("SL-102", "T-26")
def test_one_at_a_time_renews(engine: Engine) -> None:
    add(engine)
    assert launches.lease(engine, "handle-1", "me", NOW, LEASE) == kept()
    assert launches.lease(engine, "handle-1", "you", NOW + SECOND, LEASE) is None
    assert not launches.release(engine, "handle-1", "you", b"yours")
    assert launches.release(engine, "handle-1", "me", b"renewed")
    assert launches.lease(engine, "handle-1", "you", NOW + SECOND, LEASE) == kept(sealed=b"renewed")


@pytest.mark.req("SL-102")
def test_a_lease_of_somebody_who_died_is_over_in_time(engine: Engine) -> None:
    add(engine)
    assert launches.lease(engine, "handle-1", "me", NOW, LEASE)
    assert launches.lease(engine, "handle-1", "you", NOW + LEASE, LEASE)
    assert not launches.release(engine, "handle-1", "me", b"too late")


@pytest.mark.req("T-26")
def test_of_many_processes_one_renews(engine: Engine, url: str) -> None:
    add(engine)
    with crew.processes.Pool(3) as workers:
        leased = workers.starmap(crew.lease_launch, [(url, "handle-1", NOW)] * 3, chunksize=1)
    assert sorted(chain(*leased)) == [False] * 14 + [True]


@pytest.mark.req("SL-101")
def test_it_is_gone_when_it_ends_and_ends_once(engine: Engine) -> None:
    add(engine)
    assert launches.end(engine, "handle-1") == kept()
    assert launches.end(engine, "handle-1") is None
    assert use(engine) is None
    assert rows(engine, table) == []


@pytest.mark.req("SL-101")
def test_the_sweeper_takes_what_is_over(engine: Engine) -> None:
    add(engine, 1, at=NOW - IDLE)
    add(engine, 2, at=NOW - IDLE + SECOND, jar="1" * 32)
    assert [each.handle for each in launches.sweep(engine, NOW)] == ["handle-1"]
    assert launches.sweep(engine, NOW) == []
    assert [row.handle for row in rows(engine, table)] == ["handle-2"]
