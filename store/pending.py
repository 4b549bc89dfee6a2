"""Launches that wait for the EHR's answer: ten minutes, used once.

A row is found by what only one browser knows: the launch's id and the value of its own cookie, of
both of which the database has digests. What must be read again is sealed by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from store import database
from store.tables import pending

MOST_IN_A_JAR = 10
MOST = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A launch that waits. `cookie`: the digest that its cookie must have."""

    ehr_id: str
    cookie: str
    sealed: bytes


def begin(
    engine: Engine,
    id: str,
    ehr_id: str,
    cookie: str,
    jar: str,
    sealed: bytes,
    at: datetime,
    until: datetime,
) -> bool:
    """Keep a launch; the oldest of the same jar makes room. False if too many wait altogether."""
    row = {
        "id": id,
        "ehr": ehr_id,
        "cookie": cookie,
        "jar": jar,
        "at": at,
        "until": until,
        "sealed": sealed,
    }
    oldest = (
        select(pending.c.id)
        .where(pending.c.jar == jar)
        .order_by(pending.c.at.desc(), pending.c.id)
        .offset(MOST_IN_A_JAR - 1)
    )

    def keep(connection: Connection) -> bool:
        connection.execute(delete(pending).where(pending.c.until <= at))
        connection.execute(delete(pending).where(pending.c.id.in_(oldest)))
        waiting = connection.scalar(select(func.count()).select_from(pending)) or 0
        if waiting >= MOST:
            return False
        connection.execute(insert(pending), row)
        return True

    return database.write(engine, keep)


def look(engine: Engine, id: str, now: datetime) -> Waiting | None:
    """The launch with this id, if it still waits."""
    statement = select(pending.c.ehr, pending.c.cookie, pending.c.sealed).where(
        pending.c.id == id, pending.c.until > now
    )
    found = database.single(engine, lambda connection: connection.execute(statement).first())
    return Waiting(*found) if found else None


def ask(engine: Engine, id: str, cookie: str, state: str, sealed: bytes, now: datetime) -> bool:
    """Note that the EHR is asked now, with this state; an earlier state of the launch is void."""
    statement = (
        update(pending)
        .where(pending.c.id == id, pending.c.cookie == cookie, pending.c.until > now)
        .values(state=state, sealed=sealed)
    )
    return database.single(engine, lambda connection: connection.execute(statement).rowcount == 1)


def take(
    engine: Engine, id: str, state: str, cookie: str, ehr_id: str, now: datetime
) -> bytes | None:
    """What was kept, once: a single statement finds the row and takes it away.

    A wrong state, cookie or EHR takes nothing, so nobody can use up the launch of another.
    """
    statement = (
        delete(pending)
        .where(
            pending.c.id == id,
            pending.c.state == state,
            pending.c.cookie == cookie,
            pending.c.ehr == ehr_id,
            pending.c.until > now,
        )
        .returning(pending.c.sealed)
    )
    return database.single(engine, lambda connection: connection.scalar(statement))
