"""Servers in production mode, each with a database of its own, and what is called there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import lineup, production, servers, services
from benchmarks.lineup import CLINICAL
from benchmarks.measure import Contender
from benchmarks.servers import Server
from benchmarks.tokens import Stock
from store import database, tables
from tests.store import postgres

COUNT = "chart-count"
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@contextmanager
def postgresql() -> Iterator[postgres.Cluster | None]:
    """A cluster of our own, None where it is not installed."""
    programs = postgres.programs()
    if programs is None:
        print("SKIPPED: PostgreSQL is not installed.")
        yield None
        return
    with postgres.cluster(programs) as cluster:
        yield cluster


class Site:
    """Starts servers, which the stack ends."""

    def __init__(self, stack: ExitStack, folder: Path, cluster: postgres.Cluster | None) -> None:
        self._stack = stack
        self._folder = folder
        self._cluster = cluster
        self._bodies = {COUNT: lineup.write(folder, COUNT, services.CHART)}
        self._files = itertools.count()
        self._recording: dict[Server, tuple[str, str, list[Stock]]] = {}
        self.databases = [SQLITE, POSTGRESQL] if cluster else [SQLITE]

    def url(self, kind: str) -> str:
        """A new database of this kind."""
        if kind == POSTGRESQL and self._cluster:
            return self._cluster.database()
        return production.sqlite(self._folder, f"site-{next(self._files)}")

    def server(self, kind: str = SQLITE, *, off: str = "", workers: int = 1) -> Server:
        """Chartside in production mode; `off` names what it leaves out."""
        url = self.url(kind)
        variables = production.environment(self._folder, [CLINICAL, COUNT], url)
        variables[services.OFF] = off
        target = "benchmarks.services:production"
        started = servers.granian("Chartside", target, self._folder, variables, workers)
        server = self._stack.enter_context(started)
        if not off:
            self._recording[server] = (f"{kind}, {workers}", url, [])
        return server

    def contender(
        self,
        name: str,
        server: Server,
        *,
        service: str = CLINICAL,
        algorithm: str | None = "RS384",
        kind: str = SQLITE,
    ) -> Contender:
        """A service there; `algorithm`: of its tokens, None without; `kind`: of its database."""
        if service not in self._bodies:
            self._bodies[service] = dict(lineup.clinical(server, self._folder).bodies)
        pid = None
        if kind == POSTGRESQL and self._cluster:
            pid = int((self._cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        stock = Stock(algorithm, service) if algorithm else None
        if stock and server in self._recording:
            self._recording[server][2].append(stock)
        return Contender(name, server, service, self._bodies[service], stock, pid)

    def recorded(self) -> str:
        """How many calls are recorded, of how many: those that a run cuts off at its end need not
        be.
        """
        return "; ".join(
            f"{_recorded(url):,} of {sum(stock.spent for stock in stocks):,} ({name})"
            for name, url, stocks in self._recording.values()
        )


def _recorded(url: str) -> int:
    engine = database.connect(url)
    statement = select(func.count()).select_from(tables.calls)
    found = database.single(engine, lambda connection: connection.scalar(statement))
    engine.dispose()
    return found or 0
