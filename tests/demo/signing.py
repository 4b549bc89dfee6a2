"""EHRs that sign their calls, and a server in production mode that knows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Engine, Row, Table

from store import database
from tests.demo.bodies import PLACEHOLDER, Json
from tests.demo.client import Client, Reply
from tests.demo.server import at_noon, new_database, serving
from tests.demo.services import DEMO
from tests.demo.tokens import PUBLIC_BASE, Pair, pair, token
from tests.store.build import rows
from web.trust import Cds, Ehr, Trust

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Signer:
    """An EHR with a key of its own, which the server has pinned."""

    id: str

    @property
    def issuer(self) -> str:
        return f"https://{self.id}.test"

    @property
    def origin(self) -> str:
        return f"https://app.{self.id}.test"

    @property
    def pair(self) -> Pair:
        return pair(f"key-of-{self.id}")

    def record(self, **agreed: Any) -> Ehr:
        """Its trust record, with these members changed."""
        given: dict[str, Any] = {
            "issuer": self.issuer,
            "keys": (self.pair.jwk(),),
            "audiences": (PUBLIC_BASE,),
            "origins": frozenset({self.origin}),
            **agreed,
        }
        return Ehr(id=self.id, fhir_bases=(PLACEHOLDER,), cds=Cds(**given))

    def bearer(self, path: str, **claims: Any) -> dict[str, str]:
        """The header of a call to this path, with a token that was not used before."""
        given = {"iss": self.issuer, "aud": PUBLIC_BASE + path, **claims}
        return {"Authorization": "Bearer " + token(self.pair, claims=given, now=time.time())}

    def post(
        self, client: Client, path: str, body: bytes | Json, *, fails: bool = False, **claims: Any
    ) -> Reply:
        """Send this to a path, as this EHR does from its own web page."""
        sent = {**JSON, "Origin": self.origin, **self.bearer(path, **claims)}
        return client.request("POST", path, body, sent, fails=fails)

    def call(self, client: Client, service: str, body: bytes | Json, **how: Any) -> Reply:
        return self.post(client, f"/cds-services/{service}", body, **how)

    def feedback(self, client: Client, service: str, *items: Json, **how: Any) -> Reply:
        sent = {"feedback": list(items)}
        return self.post(client, f"/cds-services/{service}/feedback", sent, **how)


NORTH, SOUTH = Signer("north"), Signer("south")


@contextmanager
def production(
    *ehrs: Ehr,
    services: Iterable[Callable[..., Any]] = DEMO,
    clock: Callable[[tzinfo], datetime] = at_noon,
    url: str | None = None,
    **settings: Any,
) -> Iterator[Client]:
    """The server in production mode for these EHRs, or for North and South; its database is ready.

    `url`: of a database that a test wants to look into.
    """
    url = url or new_database()
    engine = database.connect(url)
    database.migrate(engine)
    engine.dispose()
    trust = Trust(ehrs or (NORTH.record(), SOUTH.record()))
    given = {"mode": "production", "public_url": PUBLIC_BASE, "database": url, "trust": trust}
    with serving(services, clock=clock, **{**given, **settings}) as client:
        yield client


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The database, by a connection that is not the server's."""
    engine = database.connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def stored(url: str, table: Table) -> list[Row[Any]]:
    """All rows of a table."""
    with opened(url) as engine:
        return rows(engine, table)
