"""The tables. `migrations/` makes them in a database; a test keeps both equal.

What was said is added and never changed; `drafts` is renewed by a repeated call, and `pending` and
`launches` are what is going on now. Every row names its EHR, when it was written (`at`) and where
it comes from: a call has service, hook and version, a card its call, feedback all of them, since it
outlives the call. Hashes are those of `store/hashes.py`. Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

# The migration that makes the tables below.
REVISION = "0002"

# Characters of a digest or a keyed hash.
KEY = 32

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def ticks(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // _TICK


def instant(ticks: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return EPOCH + ticks * _TICK


def json(value: Any) -> str:
    """The value as a JSON column takes it."""
    return msgspec.json.encode(value).decode()


class Instant(TypeDecorator[datetime]):
    """An aware datetime. Not the database's own type: SQLite has none and drops the offset."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else ticks(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


metadata = MetaData()


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    # Keys are digests: without a rowid a row stands in one tree instead of two.
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


# Tokens that were used, until they could not be used anyhow. `key`: of issuer and jti.
replay = _table(
    "replay",
    Column("key", String(KEY), primary_key=True),
    Column("issuer", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Index("replay_until", "until"),
)

# One answer to a service call. `id` begins with its day, so that a day can be purged at once.
calls = _table(
    "calls",
    Column("id", String(KEY), primary_key=True),
    Column("ehr", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("service", String, nullable=False),
    Column("hook", String, nullable=False),
    Column("version", String, nullable=False),
    Column("hook_instance", String, nullable=False),
    Column("patient_hash", String(KEY), nullable=False),
    Column("user_hash", String(KEY)),
    Column("gaps", Integer, nullable=False),
    Column("took_ms", Integer),
)

# Each finding of an answer: a card, or what would have been one and why it was `hidden`.
cards = _table(
    "cards",
    Column("call", String(KEY), ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    Column("card", String(36), primary_key=True),
    Column("ehr", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("finding_hash", String(KEY), nullable=False),
    Column("rule", String, nullable=False),
    Column("indicator", String(8), nullable=False),
    Column("drug", String),
    Column("severity", Double),
    Column("suggestions", JSON, nullable=False),
    Column("hidden", String),
    Index("cards_card", "card"),
)

# What a user did with a card. It repeats what suppression needs, so that no join does.
feedback = _table(
    "feedback",
    Column("id", String(KEY), primary_key=True),
    Column("ehr", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("service", String, nullable=False),
    Column("hook", String, nullable=False),
    Column("version", String, nullable=False),
    Column("call", String(KEY), nullable=False),
    Column("card", String(36), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("outcome_at", Instant, nullable=False),
    Column("suggestions", JSON, nullable=False),
    Column("reason_code", String),
    Column("reason_system", String),
    Column("patient_hash", String(KEY), nullable=False),
    Column("user_hash", String(KEY)),
    Column("finding_hash", String(KEY), nullable=False),
    Column("rule", String, nullable=False),
    Column("indicator", String(8), nullable=False),
    Column("drug", String),
    Column("severity", Double),
    Index("feedback_person", "patient_hash", "user_hash"),
)

# The user's own words with an override, encrypted; apart, since they are kept for less long.
comments = _table(
    "comments",
    Column(
        "feedback", String(KEY), ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("ehr", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# The draft orders that a card with an app link speaks of, encrypted.
drafts = _table(
    "drafts",
    Column("ehr", String, primary_key=True),
    Column("card", String(36), primary_key=True),
    Column("patient_hash", String(KEY), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# SMART launches that wait for the EHR's answer. Only digests of what the browser holds are kept:
# whoever reads the database can finish nobody's launch.
pending = _table(
    "pending",
    Column("id", String(KEY), primary_key=True),
    Column("ehr", String, nullable=False),
    Column("cookie", String(KEY), nullable=False),
    Column("state", String(KEY)),
    Column("jar", String(KEY), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("pending_jar", "jar"),
)

# Live launches; `sealed` holds the tokens. `lease`: who renews them now, until when.
launches = _table(
    "launches",
    Column("handle", String(KEY), primary_key=True),
    Column("ehr", String, nullable=False),
    Column("cookie", String(KEY), nullable=False),
    Column("jar", String(KEY), nullable=False),
    Column("user_hash", String(KEY)),
    Column("patient_hash", String(KEY), nullable=False),
    Column("at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("lease", String(KEY)),
    Column("lease_until", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index("launches_jar", "jar"),
)


Insert = sqlite.Insert | postgresql.Insert


def inserting(table: Table, dialect: str) -> Insert:
    """An insert that may say what to do about a row that is there already."""
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.execution_options(preserve_rowcount=True)  # of many rows too


@cache
def adding(table: Table, dialect: str) -> Insert:
    """An insert that leaves a row alone that is there already."""
    return inserting(table, dialect).on_conflict_do_nothing()
