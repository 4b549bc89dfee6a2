"""The statements of every call as text, for the driver: SQLAlchemy takes longer to build and pass
on a statement than the database to run it.

The tables stay the one truth: a statement is written in SQLAlchemy Core and compiled once. Its
parameters are named, and given as the database has them (`tables.ticks`, `tables.json`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects import postgresql, sqlite

_DIALECTS = {
    # SQLite's driver takes parameters by position too; by name both take the same rows.
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call]
}


@cache
def sql(statement: ClauseElement, dialect: str) -> str:
    """The statement as the driver of this dialect takes it."""
    return str(statement.compile(dialect=_DIALECTS[dialect]))


def driver(connection: Connection) -> Any:
    """The driver's own connection (sqlite3 or psycopg): for `execute` and `cursor`."""
    return connection.connection.driver_connection
