"""What the application has in its database."""

from typing import Any

from sqlalchemy import Row, Table, create_engine, select

from tests.launch.stage import Stage


def rows(site: Stage, table: Table) -> list[Row[Any]]:
    """All that the table holds."""
    engine = create_engine(site.database)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(table)).all())
    finally:
        engine.dispose()
