"""From an empty database to the tables of this version."""

import os
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from store import database, migrations
from store.tables import REVISION, metadata
from tests.store import crew
from web.errors import StartError


def test_the_migrations_make_the_tables(engine: Engine) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    assert database.single(engine, differences) == []


def test_the_newest_migration_is_the_one_that_a_start_asks_for() -> None:
    scripts = ScriptDirectory.from_config(migrations.configuration())
    assert scripts.get_heads() == [REVISION]


def test_a_migrated_database_lets_the_server_start(engine: Engine) -> None:
    database.require_current(engine)


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    assert database.migrate(engine) == REVISION
    database.require_current(engine)


def test_an_empty_database_stops_the_start(empty: str) -> None:
    engine = database.connect(empty)
    with pytest.raises(StartError, match="flask --app app store migrate"):
        database.require_current(engine)
    engine.dispose()


def test_looking_for_a_database_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no database yet"):
        database.require_current(database.connect(f"sqlite:///{tmp_path}/chartside.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["0000", "9999"])
def test_another_revision_stops_the_start(engine: Engine, other: str) -> None:
    statement = text("UPDATE alembic_version SET version_num = :other")
    database.single(engine, lambda connection: connection.execute(statement, {"other": other}))
    with pytest.raises(StartError, match=f"revision {other}.* works with {REVISION}"):
        database.require_current(engine)


def test_several_servers_may_migrate_at_once(empty: str) -> None:
    with crew.processes.Pool(4) as workers:
        assert workers.map(crew.migrate, [empty] * 4, chunksize=1) == [REVISION] * 4


def test_a_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/chartside.db")
    database.migrate(engine)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes["chartside.db"] == 0o600
    assert set(modes.values()) == {0o600}
    engine.dispose()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/nowhere/chartside.db")
    with pytest.raises(StartError, match="No such file or directory"):
        database.migrate(engine)


def test_a_migration_that_fails_leaves_nothing_behind(empty: str) -> None:
    engine = database.connect(empty)
    if engine.name == "sqlite":
        os.close(os.open(str(engine.url.database), os.O_CREAT))

    def broken(connection: Connection) -> None:
        migrations.run(connection)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(engine, broken)
    with pytest.raises(StartError, match="revision none"):
        database.require_current(engine)
    assert database.migrate(engine) == REVISION
    engine.dispose()
