"""A database that is gone, stuck or full is told in time, and no error quotes what was stored."""

import os
import signal
import socket
import sqlite3
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, exc, insert, text

from store import StoreDown, StoreError, database
from store.feedback import Stored, add_feedback
from store.replay import Replay
from store.tables import replay
from tests.store import postgres
from tests.store.build import ISSUER, NOW, SEAL, card, overridden, shown
from web.errors import StartError

SECRET = "zofie-1957"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def first_use(engine: Engine, jti: str = "a") -> bool:
    return Replay(engine).first_use(ISSUER, jti, time.time() + 300)


def listener() -> socket.socket:
    """A server that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


def silent(port: int) -> str:
    return f"postgresql+psycopg://user:{SECRET}@127.0.0.1:{port}/chartside"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://user:zofie-1957@127.0.0.1/x",
        "postgresql+psycopg2://user:zofie-1957@127.0.0.1/x",
        "zofie-1957",
        "",
    ],
)
def test_another_database_stops_the_start_without_telling_its_url(url: str) -> None:
    with pytest.raises(StartError, match="Give sqlite:") as told:
        database.connect(url)
    assert SECRET not in "".join(traceback.format_exception(told.value))


def test_a_folder_that_is_not_there_is_store_down(tmp_path: Path) -> None:
    with within(1), pytest.raises(StoreDown):
        first_use(database.connect(f"sqlite:///{tmp_path}/nowhere/chartside.db"))


def test_a_database_without_tables_is_no_success(empty: str) -> None:
    engine = database.connect(empty)
    with pytest.raises(StoreError):
        first_use(engine)
    engine.dispose()


def test_a_closed_port_is_store_down_at_once() -> None:
    with listener() as closed:
        port = closed.getsockname()[1]
    with within(1), pytest.raises(StoreDown):
        first_use(database.connect(silent(port)))


def test_a_silent_server_is_store_down_within_its_patience() -> None:
    with listener() as open_, within(3), pytest.raises(StoreDown) as told:
        first_use(database.connect(silent(open_.getsockname()[1])))
    assert SECRET not in "".join(traceback.format_exception(told.value))


def test_a_server_that_cannot_be_reached_stops_the_start_with_a_remedy() -> None:
    with listener() as closed:
        port = closed.getsockname()[1]
    with pytest.raises(StartError, match="Start it, or correct its URL"):
        database.require_current(database.connect(silent(port)))


def test_a_server_that_stands_still_is_store_down_and_recovers(cluster: postgres.Cluster) -> None:
    engine = database.connect(cluster.database())
    database.migrate(engine)
    process = database.single(engine, lambda it: it.scalar(text("SELECT pg_backend_pid()")))
    os.kill(process, signal.SIGSTOP)
    try:
        with within(3), pytest.raises(StoreDown):
            first_use(engine)
    finally:
        os.kill(process, signal.SIGCONT)
    assert first_use(engine, "b")
    engine.dispose()


def test_a_statement_that_waits_for_a_lock_is_store_down(cluster: postgres.Cluster) -> None:
    url = cluster.database()
    patient = database.connect(url)
    database.migrate(patient)
    patient.dispose()
    engine = database.connect(url, patience=0.3)
    other = database.connect(str(engine.url))

    def locked(connection: Connection) -> None:
        connection.execute(text("LOCK TABLE replay"))
        with within(2), pytest.raises(StoreDown):
            first_use(engine)

    database.write(other, locked)
    assert first_use(engine)
    engine.dispose()
    other.dispose()


def test_a_connection_that_was_cut_is_made_anew(cluster: postgres.Cluster) -> None:
    engine = database.connect(cluster.database())
    database.migrate(engine)
    other = database.connect(str(engine.url))
    process = database.single(engine, lambda it: it.scalar(text("SELECT pg_backend_pid()")))
    cut = text("SELECT pg_terminate_backend(:process, 5000)")
    assert database.single(other, lambda it: it.scalar(cut, {"process": process}))
    assert first_use(engine)
    engine.dispose()
    other.dispose()


def test_a_locked_file_is_store_down_and_recovers(tmp_path: Path) -> None:
    file = tmp_path / "chartside.db"
    engine = database.connect(f"sqlite:///{file}", patience=0.2)
    database.migrate(engine)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with within(1), pytest.raises(StoreDown):
        first_use(engine)
    other.execute("ROLLBACK")
    assert first_use(engine)
    other.close()
    engine.dispose()


def test_a_full_disk_is_store_down_and_keeps_what_was_stored(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/chartside.db")
    database.migrate(engine)
    records = [card() for _ in range(1000)]
    shown(engine, *records)
    assert first_use(engine)

    def limit(pages: int) -> None:
        statement = text(f"PRAGMA max_page_count = {pages}")
        database.single(engine, lambda it: it.execute(statement))

    limit(1)  # no more than there are
    with pytest.raises(StoreDown):
        shown(engine, *(card() for _ in range(1000)))
    limit(1)
    with pytest.raises(StoreDown):
        add_feedback(engine, SEAL, "north", [overridden(each) for each in records], NOW)
    assert not first_use(engine)
    limit(1_000_000)
    items = [overridden(each) for each in records]
    assert add_feedback(engine, SEAL, "north", items, NOW) == Stored(len(items), 0, 0)
    engine.dispose()


def test_threads_that_wait_for_a_connection_in_vain_get_store_down(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/chartside.db", patience=0.2)
    database.migrate(engine)

    def busy(_: Connection) -> None:
        with within(1), pytest.raises(StoreDown):
            first_use(engine)

    database.single(engine, busy)
    engine.dispose()


def test_an_error_quotes_no_value(engine: Engine) -> None:
    row = {"key": SECRET, "issuer": SECRET, "at": None, "until": None}
    for run in (database.single, database.write):
        with pytest.raises(StoreError) as told:
            run(engine, lambda it: it.execute(insert(replay), row))
        assert not isinstance(told.value, StoreDown)
        assert SECRET not in "".join(traceback.format_exception(told.value))


def test_parameters_are_hidden_even_in_sqlalchemys_own_errors(engine: Engine) -> None:
    statement = text("SELECT * FROM nowhere WHERE key = :key")
    with engine.connect() as connection, pytest.raises(exc.DBAPIError) as told:
        connection.execute(statement, {"key": SECRET})
    assert SECRET not in str(told.value)


def test_a_file_is_opened_with_its_safeguards(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/chartside.db")

    def pragma(name: str) -> Any:
        return database.single(engine, lambda it: it.scalar(text(f"PRAGMA {name}")))

    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("secure_delete") == 1
    assert pragma("busy_timeout") == 1000 * database.PATIENCE
    assert pragma("synchronous") == 1
    full = database.write(engine, lambda it: it.scalar(text("PRAGMA synchronous")), durable=True)
    assert full == 2
    assert pragma("synchronous") == 1
    engine.dispose()


def test_a_server_waits_for_the_disk_with_feedback_only(cluster: postgres.Cluster) -> None:
    engine = database.connect(cluster.database())
    setting = text("SHOW synchronous_commit")
    assert database.single(engine, lambda it: it.scalar(setting)) == "off"
    assert database.write(engine, lambda it: it.scalar(setting), durable=True) == "on"
    assert database.single(engine, lambda it: it.scalar(setting)) == "off"
    engine.dispose()
