"""`flask --app app store ...`: what an operator does with the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy import Engine

from store import database
from store.errors import StoreError
from store.purge import Retention, purge
from web.errors import StartError

# Seconds. Nobody waits for a command, and it may find the server at work.
_PATIENCE = 60.0


def group(url: Callable[[], str], retention: Callable[[], Retention] = Retention) -> click.Group:
    """The commands, for the database at this URL."""

    @click.group("store", help="The database: migrate, purge.")
    def store() -> None:
        """Nothing of its own."""

    @store.command("migrate", help="Bring the tables up to this version.")
    def migrate_() -> None:
        with _database(url) as engine:
            click.echo(f"The database is at revision {database.migrate(engine)}.")

    @store.command("purge", help="Delete what was kept for long enough; run it every day.")
    def purge_() -> None:
        with _database(url) as engine:
            database.require_current(engine)
            deleted = purge(engine, datetime.now(UTC), retention())
            click.echo("\n".join(f"{table}: {count} deleted" for table, count in deleted.items()))

    return store


@contextmanager
def _database(url: Callable[[], str]) -> Iterator[Engine]:
    try:
        engine = database.connect(url(), _PATIENCE)
        try:
            yield engine
        finally:
            engine.dispose()
    except StartError as error:
        raise click.ClickException(str(error)) from None
    except StoreError as error:
        raise click.ClickException(f"The database cannot be used ({error}).") from None
