"""Taking away what was kept for long enough, table by table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, select, tuple_

from store import database
from store.overrides import HIDDEN_FOR
from store.tables import calls, cards, comments, drafts, feedback, launches, pending, replay

# Few enough that a hook call does not wait for long behind one transaction.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long records are kept. Replay entries, drafts and launches carry their own end.

    Calls and feedback, a little over a year: this month can be compared with the same month of the
    last year. Comments are personal data and for less long. All three are local choices.
    """

    calls: timedelta = timedelta(days=400)
    feedback: timedelta = timedelta(days=400)
    comments: timedelta = timedelta(days=90)

    def __post_init__(self) -> None:
        if self.feedback < HIDDEN_FOR:
            raise ValueError(f"overrides count for {HIDDEN_FOR.days} days: keep feedback as long")


def purge(engine: Engine, now: datetime, retention: Retention | None = None) -> dict[str, int]:
    """Take away all that is past its time; how many rows of each table."""
    retention = retention or Retention()
    old_call = f"{(now - retention.calls).astimezone(UTC):%Y%m%d}"
    # Children first, so that they are counted.
    past: dict[Table, ColumnElement[bool]] = {
        replay: replay.c.until < now,
        drafts: drafts.c.until < now,
        pending: pending.c.until < now,
        launches: launches.c.until < now,
        comments: comments.c.at < now - retention.comments,
        feedback: feedback.c.at < now - retention.feedback,
        cards: cards.c.call < old_call,
        calls: calls.c.id < old_call,
    }
    return {table.name: _delete(engine, table, which) for table, which in past.items()}


def _delete(engine: Engine, table: Table, which: ColumnElement[bool]) -> int:
    key = tuple_(*table.primary_key)
    some = delete(table).where(key.in_(select(*table.primary_key).where(which).limit(_AT_ONCE)))

    def delete_some(connection: Connection) -> int:
        return connection.execute(some).rowcount

    total = 0
    while deleted := database.single(engine, delete_some):
        total += deleted
    return total
