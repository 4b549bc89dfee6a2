"""Launches that wait for the EHR's answer: ten minutes, used once.

A row is found by what only one browser knows: the launch's id and the value of its own cookie, of
both of which the database has digests. What must be read again is sealed by the caller.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, select

from store import database
from store.tables import inserting, pending

MOST_IN_A_JAR = 10
MOST = 1000


def ask(
    engine: Engine,
    id: str,
    ehr_id: str,
    cookie: str,
    jar: str,
    state: str,
    sealed: bytes,
    at: datetime,
    until: datetime,
) -> None:
    """Note that the EHR is asked now, with this state; an earlier state of the launch is void.

    Older launches make room: the oldest of the jar, and if too many wait altogether the oldest of
    the EHR that has most. To refuse the new one would let whoever begins a thousand shut out all.
    """
    row = {
        "id": id,
        "ehr": ehr_id,
        "cookie": cookie,
        "state": state,
        "jar": jar,
        "at": at,
        "until": until,
        "sealed": sealed,
    }
    others = pending.c.id != id
    of_jar = (
        select(pending.c.id)
        .where(pending.c.jar == jar, others)
        .order_by(pending.c.at.desc(), pending.c.id)
        .offset(MOST_IN_A_JAR - 1)
    )
    fullest = (
        select(pending.c.ehr)
        .where(others)
        .group_by(pending.c.ehr)
        .order_by(func.count().desc(), pending.c.ehr)
        .limit(1)
        .scalar_subquery()
    )
    oldest = select(pending.c.id).where(pending.c.ehr == fullest, others).order_by(pending.c.at)
    entry = inserting(pending, engine.name)
    keep = entry.on_conflict_do_update(
        index_elements=["id"], set_={name: entry.excluded[name] for name in row if name != "id"}
    )

    def replace(connection: Connection) -> None:
        connection.execute(delete(pending).where(pending.c.until <= at))
        connection.execute(delete(pending).where(pending.c.id.in_(of_jar)))
        count = select(func.count()).select_from(pending).where(others)
        beyond = (connection.scalar(count) or 0) - MOST + 1
        if beyond > 0:
            connection.execute(delete(pending).where(pending.c.id.in_(oldest.limit(beyond))))
        connection.execute(keep, row)

    database.write(engine, replace)


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
