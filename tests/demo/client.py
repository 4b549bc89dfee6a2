"""A CDS client that speaks HTTP/1.1 over 127.0.0.1 and judges every answer it gets.

What holds for all answers (CH-003, CH-005, CH-007, CH-115) is asserted here, for each of them.
"""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from tests.demo.bodies import Json, encoded

PATIENCE = 20.0


@dataclass(frozen=True)
class Reply:
    """An answer, whole."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return parsed(self.body)

    @property
    def cards(self) -> list[Json]:
        assert self.status == 200, self.body
        cards: list[Json] = self.json["cards"]
        return cards

    @property
    def card(self) -> Json:
        """The only card."""
        (card,) = self.cards
        return card

    @property
    def issue(self) -> Json:
        """The only issue of an OperationOutcome."""
        outcome = self.json
        assert outcome["resourceType"] == "OperationOutcome"
        (issue,) = outcome["issue"]
        return issue  # type: ignore[no-any-return]

    @property
    def field(self) -> str | None:
        """The member that an error is about."""
        expression = self.issue.get("expression")
        return expression[0] if expression else None


class Client:
    """Calls the server at `base`, for instance "http://127.0.0.1:5000/x"."""

    def __init__(self, base: str) -> None:
        self.base = base
        url = urlsplit(base)
        self.port = url.port or 80
        self._prefix = url.path

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Json | None = None,
        headers: dict[str, str] | None = None,
        *,
        fails: bool = False,
    ) -> Reply:
        """One request on a connection of its own. `fails`: the server's own fault is expected."""
        reply = self.unjudged(method, path, body, headers)
        judge(reply, fails=fails)
        return reply

    def unjudged(
        self,
        method: str,
        path: str,
        body: bytes | Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request whose answer may be of any kind."""
        content = encoded(body) if isinstance(body, dict) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            # A server may answer and hang up before it has read all (RFC 9112, 9.5).
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._prefix + path, content, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, headers=headers)

    def call(
        self,
        service: str,
        body: bytes | Json,
        headers: dict[str, str] | None = None,
        *,
        fails: bool = False,
    ) -> Reply:
        """Call a service by its id."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", f"/cds-services/{service}", body, sent, fails=fails)

    def discovery(self) -> list[Json]:
        """The published services."""
        reply = self.get("/cds-services")
        assert reply.status == 200
        services: list[Json] = reply.json["services"]
        return services

    def send(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Bytes as they are, and all that comes back until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as sock:
            got = b""
            with suppress(ConnectionError, OSError):
                sock.sendall(sent)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            # It may hang up on a request that it will not read.
            with suppress(ConnectionError):
                while more := sock.recv(65536):
                    got += more
            return got


def judge(reply: Reply, *, fails: bool = False) -> None:
    """What holds for every answer of a CDS service."""
    assert fails or reply.status < 500, reply.body[:500]
    assert reply.status < 300 or reply.status >= 400, reply.headers.get("Location")
    if not reply.body:
        return
    assert reply.headers["Content-Type"].startswith("application/json"), reply.headers.items()
    value = parsed(reply.body)
    assert isinstance(value, dict)
    assert list(empty(value)) == []
    if reply.status >= 400:
        assert value["resourceType"] == "OperationOutcome"
        for issue in value["issue"]:
            assert issue["severity"] in ("error", "fatal")
            assert re.fullmatch("[a-z-]+", issue["code"])
            assert "Traceback" not in issue["diagnostics"]


def parsed(body: bytes) -> Any:
    """JSON, strictly: UTF-8, no NaN, no member twice, no lone surrogate."""

    def constant(word: str) -> Any:
        raise AssertionError(f"{word} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> Json:
        value = dict(pairs)
        assert len(value) == len(pairs), pairs
        return value

    value = json.loads(body.decode(), parse_constant=constant, object_pairs_hook=unique)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def empty(value: Any, path: str = "$") -> Iterator[str]:
    """The paths of null and of empty texts, arrays and objects; only two may be empty."""
    if value is None or (value in ("", [], {}) and path not in ("$.cards", "$.services")):
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from empty(member, f"{path}.{name}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from empty(member, f"{path}.{number}")
