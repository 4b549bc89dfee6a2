"""The steps that bring a database to the tables of this version (Alembic).

A step is a file in `versions/`, written by hand and never changed once released. The newest one's
revision stands in `store/tables.py` too, so that a server's start need not load Alembic.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

# Any number, as long as it is always the same: two hosts must not migrate at once.
_LOCK = 7_301_202_611


def run(connection: Connection) -> None:
    """All steps that are missing, in the transaction of this connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    command.upgrade(configuration(connection), "head")


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
