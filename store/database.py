"""The database: SQLite in a file (WAL) or PostgreSQL, by URL.

Connections are in autocommit and transactions are spelled out, since both drivers would otherwise
begin one unasked, SQLite's without the write lock. What is written here may be written again:
every row has a key made of what it says, so a lost connection is tried once more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text

from store.errors import StoreDown, StoreError
from store.statements import driver
from store.tables import REVISION
from web.errors import StartError

# Seconds. A hook call has about half a second; whoever waits for longer holds a thread for nothing.
PATIENCE = 1.0
_QUICK = 0.5

_FORMS = "Give sqlite:////path/to/file or postgresql+psycopg://user:password@host/database."
_MIGRATE = "Run: flask --app app store migrate"

T = TypeVar("T")
Work = Callable[[Connection], T]


def connect(url: str, patience: float = PATIENCE) -> Engine:
    """The database at this URL, opened when it is first used. `patience`: seconds for a lock, a
    connection or a statement; a command may wait for longer than a hook call.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        # The text of the error quotes the URL, which may hold a password.
        raise StartError(f"The database URL cannot be read. {_FORMS}") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return _sqlite(parsed, patience)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql(parsed, patience)
    raise StartError(f"The database is neither an SQLite file nor PostgreSQL. {_FORMS}")


def _sqlite(url: URL, patience: float) -> Engine:
    # One connection a process: SQLite has one writer, and threads that queue here are served in
    # turn, while those that wait for its lock sleep for up to 100 ms at a time.
    engine = _engine(url, patience, pool_size=1, max_overflow=0, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for pragma in (
            "journal_mode=WAL",
            # A commit is with the operating system when it returns, so it outlives the process;
            # a power cut it outlives where `write` is told to be durable.
            "synchronous=NORMAL",
            # Whoever moves the log into the file waits for the disk: one call in some hundreds.
            "wal_autocheckpoint=4000",
            "foreign_keys=ON",
            # Purged drafts are not to be found in the file's free pages.
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _postgresql(url: URL, patience: float) -> Engine:
    from store.postgresql import opener  # psycopg is loaded only where it is used

    # One connection a thread, kept: those beyond the pool would be closed after each use.
    engine = _engine(url, patience, pool_size=16, pool_use_lifo=True, max_overflow=0)
    event.listen(engine, "do_connect", opener(patience))
    return engine


def _engine(url: URL, patience: float, **options: Any) -> Engine:
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_timeout=patience,
        **options,
    )


def single(engine: Engine, work: Work[T]) -> T:
    """Do `work`, which is a transaction by itself, as one statement is.

    It may go past SQLAlchemy (store/statements.py).
    """
    return _tried(engine, work)


def write(engine: Engine, work: Work[T], *, durable: bool = False) -> T:
    """Do `work` in one transaction. `durable`: it outlives a power cut once this has returned."""
    transaction = _on_sqlite if engine.name == "sqlite" else _on_postgresql
    return _tried(engine, lambda connection: transaction(connection, work, durable))


def _on_sqlite(connection: Connection, work: Work[T], durable: bool) -> T:
    if not durable:
        return _transaction(connection, "BEGIN IMMEDIATE", work)
    connection.exec_driver_sql("PRAGMA synchronous=FULL")
    try:
        return _transaction(connection, "BEGIN IMMEDIATE", work)
    finally:
        if not connection.invalidated:  # else the next one begins as NORMAL
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


def _on_postgresql(connection: Connection, work: Work[T], durable: bool) -> T:
    begin = "BEGIN; SET LOCAL synchronous_commit TO on" if durable else "BEGIN"
    return _transaction(connection, begin, work)


def _transaction(connection: Connection, begin: str, work: Work[T]) -> T:
    connection.exec_driver_sql(begin)
    try:
        done = work(connection)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except exc.SQLAlchemyError:
            connection.invalidate()
        raise
    return done


def _tried(engine: Engine, work: Work[T]) -> T:
    began = time.monotonic()
    try:
        try:
            return _once(engine, work)
        except exc.DBAPIError as error:
            # The server was restarted since this connection was last used; a new one may do.
            if not error.connection_invalidated or time.monotonic() - began > _QUICK:
                raise
        return _once(engine, work)
    except (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError) as error:
        raise StoreDown(_kind(error)) from None
    except exc.DBAPIError as error:
        raise StoreError(_kind(error)) from None


def _once(engine: Engine, work: Work[T]) -> T:
    driver_error = engine.dialect.loaded_dbapi.Error
    with engine.connect() as connection:
        try:
            return work(connection)
        except driver_error as error:  # of a statement that went past SQLAlchemy
            if engine.dialect.is_disconnect(error, driver(connection), None):
                # Now SQLAlchemy hears of it, and gives up all connections that were made before.
                connection.exec_driver_sql("SELECT 1")
            raise exc.DBAPIError.instance("", (), error, driver_error) from None


def _kind(error: exc.SQLAlchemyError) -> str:
    return type(getattr(error, "orig", error)).__name__


def migrate(engine: Engine) -> str:
    """Bring the tables up to this version, from nothing or from an older one; its revision."""
    from store import migrations  # Alembic is loaded only where it is used

    file = engine.url.database
    if engine.name == "sqlite" and file:
        try:
            Path(file).touch(0o600)  # SQLite gives its other files the same mode
        except OSError as error:
            raise StartError(
                f"The database file cannot be made: {error.strerror}. Make its folder, and let "
                "the server's user write there."
            ) from None
    write(engine, migrations.run, durable=True)
    return REVISION


def require_current(engine: Engine) -> None:
    """Stop the start where the tables are not those of this version."""
    file = engine.url.database
    if engine.name == "sqlite" and not os.path.exists(str(file)):
        raise StartError(f"There is no database yet. {_MIGRATE}")
    try:
        found = single(engine, _revision)
    except StoreDown as error:
        raise StartError(
            f"The database cannot be used ({error}). Start it, or correct its URL."
        ) from None
    if found != REVISION:
        raise StartError(
            f"The database is at revision {found or 'none'}, and this version works with "
            f"{REVISION}. {_MIGRATE}"
        )


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
