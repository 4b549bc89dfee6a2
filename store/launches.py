"""Live launches: who may open which chart in which window, and the tokens for it, sealed.

Times are judged here, in the statement that finds the row: a launch that was not used for `IDLE` or
has reached its end is not found, whether or not it was swept away. Ending one is a single statement
that tells what was ended, so that of all who try one revokes its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from store import database
from store.tables import launches

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
MOST_IN_A_JAR = 8

_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A launch as it is kept, with digests of its handle and its cookie.

    What says whose it is belongs into the seal's place, so that nobody who can write to the
    database can hand it to another browser.
    """

    handle: str
    ehr_id: str
    cookie: str
    user_hash: str | None
    patient_hash: str
    at: datetime
    sealed: bytes


_KEPT = (
    launches.c.handle,
    launches.c.ehr,
    launches.c.cookie,
    launches.c.user_hash,
    launches.c.patient_hash,
    launches.c.at,
    launches.c.sealed,
)


def add(engine: Engine, kept: Kept, jar: str) -> list[Kept]:
    """Keep a new launch; those of the same jar that it ends, which are gone now.

    Those are launches of another user, those over their time, and the oldest beyond the eighth.
    """
    now = kept.at
    row = {
        "handle": kept.handle,
        "ehr": kept.ehr_id,
        "cookie": kept.cookie,
        "jar": jar,
        "user_hash": kept.user_hash,
        "patient_hash": kept.patient_hash,
        "at": now,
        "used_at": now,
        "until": now + LONGEST,
        "sealed": kept.sealed,
    }
    others = and_(launches.c.jar == jar, launches.c.handle != kept.handle)
    newest = (
        select(launches.c.handle)
        .where(others, _live(now))
        .order_by(launches.c.at.desc(), launches.c.handle)
        .limit(MOST_IN_A_JAR - 1)
    )
    over = or_(
        launches.c.user_hash.is_distinct_from(kept.user_hash),
        launches.c.user_hash.is_(None),  # two whom nobody knows need not be one
        launches.c.handle.not_in(newest),
    )

    def replace(connection: Connection) -> list[Kept]:
        if engine.name == "postgresql":
            # Two launches of one jar that come at once would not see each other.
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": int(jar[:15], 16)})
        ended = connection.execute(delete(launches).where(others, over).returning(*_KEPT)).all()
        connection.execute(insert(launches), row)
        return [_kept(each) for each in ended]

    return database.write(engine, replace)


def use(engine: Engine, handle: str, cookie: str, now: datetime) -> Kept | None:
    """The launch, if it lives and this is its cookie; it has been used now."""
    statement = (
        update(launches)
        .where(launches.c.handle == handle, launches.c.cookie == cookie, _live(now))
        .values(used_at=now)
        .returning(*_KEPT)
    )
    return _one(engine, statement)


def read(engine: Engine, handle: str, now: datetime) -> Kept | None:
    """The launch as it is now, if it lives; that is no use of it."""
    return _one(engine, select(*_KEPT).where(launches.c.handle == handle, _live(now)))


def of_jar(engine: Engine, jar: str, now: datetime) -> list[str]:
    """The handles of the launches of this jar that live."""
    statement = select(launches.c.handle).where(launches.c.jar == jar, _live(now))
    return list(database.single(engine, lambda connection: connection.scalars(statement).all()))


def lease(engine: Engine, handle: str, holder: str, now: datetime, lasts: timedelta) -> Kept | None:
    """The launch, if nobody else renews its tokens; until the lease is over `holder` does."""
    statement = (
        update(launches)
        .where(
            launches.c.handle == handle,
            _live(now),
            or_(launches.c.lease_until.is_(None), launches.c.lease_until <= now),
        )
        .values(lease=holder, lease_until=now + lasts)
        .returning(*_KEPT)
    )
    return _one(engine, statement)


def release(engine: Engine, handle: str, holder: str, sealed: bytes | None = None) -> bool:
    """End the lease, with new content if there is any. False if it is not `holder`'s any more."""
    values: dict[str, Any] = {"lease": None, "lease_until": None}
    if sealed is not None:
        values["sealed"] = sealed
    statement = (
        update(launches)
        .where(launches.c.handle == handle, launches.c.lease == holder)
        .values(values)
    )
    return database.single(engine, lambda connection: connection.execute(statement).rowcount == 1)


def end(engine: Engine, handle: str) -> Kept | None:
    """Take the launch away; None if somebody else has."""
    return _one(engine, delete(launches).where(launches.c.handle == handle).returning(*_KEPT))


def sweep(engine: Engine, now: datetime) -> list[Kept]:
    """Take away some launches whose time is over; an empty list if there are none left."""
    some = select(launches.c.handle).where(~_live(now)).limit(_AT_ONCE)
    statement = delete(launches).where(launches.c.handle.in_(some)).returning(*_KEPT)
    return [
        _kept(each)
        for each in database.single(engine, lambda connection: connection.execute(statement).all())
    ]


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(launches.c.used_at > now - IDLE, launches.c.until > now)


def _one(engine: Engine, statement: Any) -> Kept | None:
    found: Sequence[Row[Any]] = database.single(
        engine, lambda connection: connection.execute(statement).all()
    )
    return _kept(found[0]) if found else None


def _kept(row: Any) -> Kept:
    return Kept(
        handle=row.handle,
        ehr_id=row.ehr,
        cookie=row.cookie,
        user_hash=row.user_hash,
        patient_hash=row.patient_hash,
        at=row.at,
        sealed=row.sealed,
    )
