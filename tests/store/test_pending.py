"""Launches that wait: found by all who have all of it, used once, never too many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine

from store import pending
from store.tables import pending as table
from tests.store import crew
from tests.store.build import NOW, rows

LIFE = timedelta(minutes=10)
ASKED = {"id": "id-1", "state": "state-1", "cookie": "cookie-1", "ehr_id": "north"}


def ask(engine: Engine, number: int = 1, **changes: Any) -> None:
    at = changes.get("at", NOW)
    given = {
        "id": f"id-{number}",
        "ehr_id": "north",
        "cookie": f"cookie-{number}",
        "jar": "jar",
        "state": "state-1",
        "sealed": b"asked",
        "at": at,
        "until": at + LIFE,
    }
    pending.ask(engine, **{**given, **changes})


def waiting(engine: Engine) -> set[str]:
    return {row.id for row in rows(engine, table)}


def take(engine: Engine, **changes: Any) -> bytes | None:
    return pending.take(engine, **{**ASKED, "now": NOW, **changes})


@pytest.mark.req("SL-037", "T-09")
def test_it_is_taken_once(engine: Engine) -> None:
    ask(engine)
    assert take(engine) == b"asked"
    assert take(engine) is None
    assert rows(engine, table) == []


@pytest.mark.req("SL-038", "T-06")
@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "state-2"},
        {"cookie": "cookie-2"},
        {"ehr_id": "south"},
        {"id": "id-2"},
        {"now": NOW + LIFE},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_whoever_lacks_something_takes_nothing_and_spoils_nothing(
    engine: Engine, wrong: dict[str, Any]
) -> None:
    ask(engine)
    assert take(engine, **wrong) is None
    assert take(engine) == b"asked"


@pytest.mark.req("SL-031")
def test_asking_again_voids_the_earlier_state(engine: Engine) -> None:
    ask(engine)
    ask(engine, state="state-2", sealed=b"again")
    assert take(engine) is None
    assert take(engine, state="state-2") == b"again"


@pytest.mark.req("SL-018", "T-27")
def test_ten_wait_in_a_jar_and_the_oldest_makes_room(engine: Engine) -> None:
    ask(engine, 100, jar="another")
    for number in range(15):
        ask(engine, number, at=NOW + timedelta(seconds=number))
    assert waiting(engine) == {"id-100", *(f"id-{number}" for number in range(5, 15))}


@pytest.mark.req("SL-018", "T-27")
def test_asking_again_makes_no_room(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 10)
    for number in range(10):
        ask(engine, number, at=NOW + timedelta(seconds=number))
    ask(engine, 3, at=NOW + timedelta(seconds=20))
    assert len(waiting(engine)) == 10


@pytest.mark.req("SL-018", "T-27")
def test_of_a_thousand_the_oldest_makes_room_and_nobody_is_shut_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pending.MOST == 1000
    monkeypatch.setattr(pending, "MOST", 3)
    for number in range(5):
        ask(engine, number, jar=f"jar-{number}", at=NOW + timedelta(seconds=number))
        assert len(waiting(engine)) <= 3
    assert waiting(engine) == {"id-2", "id-3", "id-4"}
    ask(engine, 5, at=NOW + LIFE + timedelta(seconds=5))
    assert waiting(engine) == {"id-5"}


@pytest.mark.req("SL-018", "T-27")
def test_a_flood_at_one_ehr_ends_no_launch_of_another(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST", 4)
    ask(engine, 100, ehr_id="south", jar="clinician")
    for number in range(9):
        ask(engine, number, jar=f"jar-{number}", at=NOW + timedelta(seconds=number + 1))
    assert waiting(engine) == {"id-100", "id-6", "id-7", "id-8"}
    # Nor does it keep another from beginning there.
    ask(engine, 101, ehr_id="south", jar="another", at=NOW + timedelta(seconds=20))
    assert waiting(engine) == {"id-100", "id-101", "id-7", "id-8"}


@pytest.mark.req("SL-039", "T-09")
def test_of_many_threads_one_takes_it(engine: Engine) -> None:
    ask(engine)
    with ThreadPoolExecutor(10) as threads:
        taken = list(threads.map(lambda _: take(engine), range(20)))
    assert [each for each in taken if each is not None] == [b"asked"]


@pytest.mark.req("SL-039", "T-09")
def test_of_many_processes_one_takes_it(engine: Engine, url: str) -> None:
    ask(engine)
    with crew.processes.Pool(3) as workers:
        taken = workers.starmap(crew.take_pending, [(url, ASKED, NOW)] * 3, chunksize=1)
    assert sorted(chain(*taken)) == [False] * 14 + [True]
