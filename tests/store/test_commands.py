"""`flask --app app store migrate` and `purge`."""

import socket
from datetime import timedelta

from click.testing import CliRunner, Result
from sqlalchemy import Engine

from store import commands
from store.purge import Retention
from store.tables import REVISION, metadata
from tests.store.build import NOW, rows, shown


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(commands.group(lambda: url), arguments)


def test_migrate_makes_the_tables_and_may_be_repeated(empty: str) -> None:
    for _ in range(2):
        done = run(empty, "migrate")
        assert (done.exit_code, done.output) == (0, f"The database is at revision {REVISION}.\n")


def test_purge_tells_what_it_deleted(url: str, engine: Engine) -> None:
    shown(engine, at=NOW - timedelta(days=5000))
    done = run(url, "purge")
    assert done.exit_code == 0
    assert "calls: 1 deleted\n" in done.output
    assert {line.partition(":")[0] for line in done.output.splitlines()} == set(metadata.tables)
    assert rows(engine, metadata.tables["cards"]) == []


def test_purge_keeps_to_the_sites_retention(url: str, engine: Engine) -> None:
    shown(engine, at=NOW - timedelta(days=5000))
    group = commands.group(lambda: url, lambda: Retention(calls=timedelta(days=36500)))
    assert "calls: 0 deleted\n" in CliRunner().invoke(group, ["purge"]).output


def test_purge_needs_the_tables(empty: str) -> None:
    done = run(empty, "purge")
    assert done.exit_code == 1
    assert "Run: flask --app app store migrate" in done.output


def test_a_wrong_database_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"postgresql+psycopg://user:zofie-1957@127.0.0.1:{port}/chartside"
    for command, wrong in (("migrate", url), ("purge", url), ("migrate", "mysql://zofie-1957@x")):
        done = run(wrong, command)
        assert done.exit_code == 1
        assert done.output.startswith("Error: The database ")
        assert "zofie-1957" not in done.output
