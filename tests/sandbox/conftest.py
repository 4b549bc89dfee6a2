"""A client for the sandbox's FHIR server that follows nothing and forgives nothing."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from sandbox.fhir import FhirServer


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
