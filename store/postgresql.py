"""Connections to PostgreSQL that give up in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus


def opener(patience: float) -> Callable[..., psycopg.Connection[Any]]:
    """Opens connections, for SQLAlchemy's event `do_connect`."""
    settings = (
        f"SET statement_timeout = {patience * 1000:.0f};"
        # A host that died in a transaction holds its locks no longer than this.
        f"SET idle_in_transaction_session_timeout = {patience * 5000:.0f};"
        # Without it a commit is visible at once and on disk within a second (three times
        # wal_writer_delay), which is enough for all but feedback.
        "SET synchronous_commit = off"
    )

    class Impatient(psycopg.Connection[Any]):
        """`statement_timeout` is the server's, and no help where the server stands still."""

        def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, patience if timeout is None else timeout)
            except psycopg.OperationalError:
                if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    self.pgconn.finish()  # an answer that comes later would be the next one's
                raise

    def opened(_: Any, __: Any, arguments: Any, named: dict[str, Any]) -> psycopg.Connection[Any]:
        # psycopg waits for at least 2 seconds, and for 130 if it is not told.
        named = {"connect_timeout": max(2, round(patience)), **named}
        connection = Impatient.connect(*arguments, **named, autocommit=True)
        try:
            connection.execute(settings)
        except BaseException:
            connection.close()
            raise
        return connection

    return opened
