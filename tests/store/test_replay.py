"""A token is used once, whoever else asks at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from store import database
from store.replay import KEPT_AFTER, Replay
from store.tables import replay
from tests.store import crew
from tests.store.build import ISSUER, rows

SOON = time.time() + 300


@pytest.mark.req("CH-136")
def test_the_second_use_of_a_token_is_refused(engine: Engine) -> None:
    used = Replay(engine)
    assert [used.first_use(ISSUER, "a", SOON) for _ in range(3)] == [True, False, False]


def test_another_issuer_may_use_the_same_jti(engine: Engine) -> None:
    used = Replay(engine)
    assert used.first_use(ISSUER, "a", SOON)
    assert used.first_use(ISSUER + "/", "a", SOON)
    # The parts are told apart: neither of these is the other.
    assert used.first_use("https://a", "bc", SOON)
    assert used.first_use("https://ab", "c", SOON)


@pytest.mark.req("CH-136")
def test_of_20_threads_exactly_one_is_first(engine: Engine) -> None:
    used = Replay(engine)
    with ThreadPoolExecutor(20) as threads:
        for number in range(20):
            found = threads.map(
                lambda _, jti=f"jti-{number}": used.first_use(ISSUER, jti, SOON), range(20)
            )
            assert sorted(found) == [False] * 19 + [True]


@pytest.mark.req("CH-136")
def test_of_several_processes_exactly_one_is_first(url: str) -> None:
    jtis = [f"jti-{number}" for number in range(100)]
    with crew.processes.Pool(4) as workers:
        found = workers.starmap(crew.use_all, [(url, jtis)] * 4, chunksize=1)
    # Each process tried each token from 5 threads.
    assert [sum(firsts) for firsts in zip(*found, strict=True)] == [1] * len(jtis)


def test_a_token_is_refused_until_it_expired_and_the_leeway_is_over(engine: Engine) -> None:
    clock = [1_000_000.0]
    used = Replay(engine, lambda: clock[0])
    assert used.first_use(ISSUER, "a", 1_000_300.0)
    clock[0] = 1_000_300.0 + KEPT_AFTER.total_seconds()
    assert not used.first_use(ISSUER, "a", 1_000_300.0)
    # An issuer that counts its tokens may come round to the same number, purge or no purge.
    clock[0] += 1
    assert used.first_use(ISSUER, "a", clock[0] + 300)
    assert not used.first_use(ISSUER, "a", clock[0] + 300)


def test_an_entry_outlives_clocks_that_differ_by_the_leeway() -> None:
    assert timedelta(seconds=2 * 60) <= KEPT_AFTER


@pytest.mark.parametrize("jti", ["\x00", "\ud800", "a\nb", "'; DROP TABLE replay; --", "x" * 8000])
def test_any_text_is_a_jti(engine: Engine, jti: str) -> None:
    used = Replay(engine)
    assert used.first_use(ISSUER, jti, SOON)
    assert not used.first_use(ISSUER, jti, SOON)


def test_the_jti_itself_is_not_stored(engine: Engine) -> None:
    Replay(engine).first_use(ISSUER, "said-by-the-token", SOON)
    assert "said-by-the-token" not in str(rows(engine, replay))


def test_a_server_that_starts_again_remembers(url: str) -> None:
    for expected in (True, False):
        engine = database.connect(url)
        assert Replay(engine).first_use(ISSUER, "a", SOON) is expected
        engine.dispose()
