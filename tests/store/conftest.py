"""Each test of the store runs on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from store import database
from tests.store import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server for all tests."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: no initdb was found, or no user to run it")
    with postgres.cluster(programs) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chartside.db"
    running: postgres.Cluster = request.getfixturevalue("cluster")
    return running.database()


@pytest.fixture
def url(empty: str) -> str:
    """The URL of a database with the tables of this version."""
    engine = database.connect(empty)
    database.migrate(engine)
    engine.dispose()
    return empty


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with the tables of this version."""
    engine = database.connect(url)
    yield engine
    engine.dispose()
