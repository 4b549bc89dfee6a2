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


def begin(engine: Engine, number: int = 1, **changes: Any) -> bool:
    at = changes.pop("at", NOW)
    given = {
        "id": f"id-{number}",
        "ehr_id": "north",
        "cookie": f"cookie-{number}",
        "jar": "jar",
        "sealed": b"sealed",
        "at": at,
        "until": at + LIFE,
    }
    return pending.begin(engine, **{**given, **changes})


def asked(engine: Engine, state: str = "state-1", sealed: bytes = b"asked") -> bool:
    return pending.ask(engine, "id-1", "cookie-1", state, sealed, NOW)


def take(engine: Engine, **changes: Any) -> bytes | None:
    return pending.take(engine, **{**ASKED, "now": NOW, **changes})


@pytest.mark.req("SL-037", "T-09")
def test_it_is_taken_once(engine: Engine) -> None:
    assert begin(engine)
    assert asked(engine)
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
    begin(engine)
    asked(engine)
    assert take(engine, **wrong) is None
    assert take(engine) == b"asked"


@pytest.mark.req("SL-037")
def test_what_was_never_asked_is_not_answered(engine: Engine) -> None:
    begin(engine)
    assert take(engine, state="") is None
    assert take(engine) is None


@pytest.mark.req("SL-031")
def test_asking_again_voids_the_earlier_state(engine: Engine) -> None:
    begin(engine)
    asked(engine)
    asked(engine, "state-2", b"again")
    assert take(engine) is None
    assert take(engine, state="state-2") == b"again"


def test_only_its_own_cookie_may_ask(engine: Engine) -> None:
    begin(engine)
    assert not pending.ask(engine, "id-1", "cookie-2", "state-1", b"", NOW)
    assert not pending.ask(engine, "id-1", "cookie-1", "state-1", b"", NOW + LIFE)
    found = pending.look(engine, "id-1", NOW)
    assert found == pending.Waiting("north", "cookie-1", b"sealed")
    assert pending.look(engine, "id-1", NOW + LIFE) is None
    assert pending.look(engine, "id-2", NOW) is None


@pytest.mark.req("SL-018", "T-27")
def test_ten_wait_in_a_jar_and_the_oldest_makes_room(engine: Engine) -> None:
    begin(engine, 100, jar="another")
    for number in range(15):
        assert begin(engine, number, at=NOW + timedelta(seconds=number))
    waiting = {row.id for row in rows(engine, table) if row.jar == "jar"}
    assert waiting == {f"id-{number}" for number in range(5, 15)}
    assert pending.look(engine, "id-100", NOW)


@pytest.mark.req("SL-018", "T-27")
def test_a_thousand_wait_and_no_more_until_some_are_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pending.MOST == 1000
    monkeypatch.setattr(pending, "MOST", 3)
    assert [begin(engine, number, jar=f"jar-{number}") for number in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert begin(engine, 5, at=NOW + LIFE)
    assert [row.id for row in rows(engine, table)] == ["id-5"]


@pytest.mark.req("SL-039", "T-09")
def test_of_many_threads_one_takes_it(engine: Engine) -> None:
    begin(engine)
    asked(engine)
    with ThreadPoolExecutor(10) as threads:
        taken = list(threads.map(lambda _: take(engine), range(20)))
    assert [each for each in taken if each is not None] == [b"asked"]


@pytest.mark.req("SL-039", "T-09")
def test_of_many_processes_one_takes_it(engine: Engine, url: str) -> None:
    begin(engine)
    asked(engine)
    with crew.processes.Pool(3) as workers:
        taken = workers.starmap(crew.take_pending, [(url, ASKED, NOW)] * 3, chunksize=1)
    assert sorted(chain(*taken)) == [False] * 14 + [True]
