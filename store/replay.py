"""Each token once (RFC 7519, `jti`): a store that threads, processes and hosts share."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, Engine

from store import database
from store.hashes import digest
from store.statements import driver, sql
from store.tables import EPOCH, KEY, inserting, replay, ticks

# The leeway that a token's expiry is granted, and as much again for hosts whose clocks differ.
KEPT_AFTER = timedelta(seconds=120)


class Replay:
    """The tokens that were used. `now`: seconds since 1970."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now
        entry = inserting(replay, engine.name)
        # An entry that is over and not purged yet does not count, so that the time of the purge
        # makes no difference.
        statement = entry.on_conflict_do_update(
            index_elements=["key"],
            set_={name: entry.excluded[name] for name in ("at", "until")},
            where=replay.c.until < entry.excluded.at,
        )
        self._sql = sql(statement, engine.name)

    def first_use(self, issuer: str, jti: str, expires: float) -> bool:
        """Whether this token was not used before; now it is. `expires`: its `exp`."""
        row = {
            "key": digest(issuer, jti)[:KEY],
            "issuer": issuer,
            "at": ticks(EPOCH + timedelta(seconds=self._now())),
            "until": ticks(EPOCH + timedelta(seconds=expires) + KEPT_AFTER),
        }

        def insert(connection: Connection) -> bool:
            inserted: int = driver(connection).execute(self._sql, row).rowcount
            return inserted == 1

        return database.single(self._engine, insert)
