"""What other processes of the tests do. They are forked from one that has imported the store, since
the import takes longer than their work.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from sqlalchemy import Engine

from store import database, launches, pending
from store.feedback import add_feedback
from store.replay import Replay
from store.story import CardRecord
from store.tables import EPOCH
from tests.store.build import ISSUER, NOW, SEAL, overridden, shown

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.store.crew"])

THREADS = 5
ITEMS = 3


def use_all(url: str, jtis: Sequence[str]) -> list[int]:
    """How often each of these tokens was first, when all threads of this process tried."""
    engine = database.connect(url, patience=20)
    used = Replay(engine)
    with ThreadPoolExecutor(THREADS) as threads:
        tried = list(
            threads.map(
                lambda _: [used.first_use(ISSUER, jti, time.time() + 300) for jti in jtis],
                range(THREADS),
            )
        )
    engine.dispose()
    return [sum(firsts) for firsts in zip(*tried, strict=True)]


def take_pending(url: str, asked: Mapping[str, str], now: datetime) -> list[bool]:
    """Whether each thread of this process took the launch that waits."""

    def take(engine: Engine) -> bool:
        return pending.take(engine, **asked, now=now) is not None

    return _all_at_once(url, take)


def lease_launch(url: str, handle: str, now: datetime) -> list[bool]:
    """Whether each thread of this process may renew the tokens of the launch."""

    def lease(engine: Engine) -> bool:
        holder = str(threading.get_ident())
        return launches.lease(engine, handle, holder, now, timedelta(seconds=30)) is not None

    return _all_at_once(url, lease)


def _all_at_once(url: str, work: Callable[[Engine], bool]) -> list[bool]:
    engine = database.connect(url, patience=20)
    with ThreadPoolExecutor(THREADS) as threads:
        done = list(threads.map(lambda _: work(engine), range(THREADS)))
    engine.dispose()
    return done


def migrate(url: str) -> str:
    """Bring the database up to this version."""
    engine = database.connect(url, patience=20)
    try:
        return database.migrate(engine)
    finally:
        engine.dispose()


def give_feedback(url: str, record: CardRecord, first: int, acknowledged: Connection) -> None:
    """Add batches of feedback and records of calls without end; tell each batch that is stored.

    Batch n has `ITEMS` items, in the n-th second after 1970.
    """
    engine = database.connect(url, patience=20)
    numbers = iter(range(first, first + 1_000_000))
    one_at_a_time = threading.Lock()

    def work() -> None:
        while True:
            with one_at_a_time:
                batch = next(numbers)
            at = EPOCH + timedelta(seconds=batch)
            items = [
                overridden(record, at=at + timedelta(milliseconds=number), comment="kept")
                for number in range(ITEMS)
            ]
            add_feedback(engine, SEAL, "north", items, NOW)
            with one_at_a_time:
                acknowledged.send(batch)
            shown(engine)

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    threading.Event().wait()
