"""A client for the sandbox's FHIR server that follows nothing and forgives nothing."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.fhir.server import FhirServer
from tests.sandbox.apps import CLIENTS, App, Clock


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        return [entry["resource"]["id"] for entry in self.json.get("entry", [])]

    def link(self, relation: str) -> str | None:
        return next((k["url"] for k in self.json["link"] if k["relation"] == relation), None)


Ask = Callable[..., Reply]


@pytest.fixture
def ask() -> Ask:
    """ask(server, "Type/id" or "Type?query" or a whole URL, form=pairs to POST, token=...)."""

    def send(
        server: FhirServer,
        address: str,
        form: list[tuple[str, str]] | None = None,
        token: str | None = None,
        method: str | None = None,
    ) -> Reply:
        url = urlsplit(address if address.startswith("http:") else f"{server.base}/{address}")
        target = url.path + ("?" + quote(url.query, safe="=&%+|,:") if url.query else "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", url.port or 0, timeout=5)
        try:
            connection.request(method or ("GET" if form is None else "POST"), target, body, headers)
            response = connection.getresponse()
            return Reply(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    return send


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The clock of `ehr`, which only goes forward."""
    return Clock()


@pytest.fixture(scope="module")
def ehr(clock: Clock) -> Iterator[DevelopmentEhr]:
    """A development EHR that knows `CLIENTS`; slow is what takes 0.3 seconds."""
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, slow=0.3) as running:
        yield running


@pytest.fixture
def smart(ehr: DevelopmentEhr, clock: Clock) -> App:
    """An app with a key at `ehr`. (pytest-flask has its own idea of `app` and `client`.)"""
    return App(ehr, clock=clock)
