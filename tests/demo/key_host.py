"""An EHR's key host on 127.0.0.1: a JWK set that can be changed, and faults to plant."""

import json
from collections.abc import Iterator
from typing import Self

from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request
from tests.demo.bodies import Json


class KeyHost:
    """Bound at once, serves inside `with`, the same set under every path.

    `keys` may be replaced at any time, as an EHR does that rotates its keys. `seen` are the
    requests it got, in order.
    """

    def __init__(self, *keys: Json) -> None:
        self.keys: list[Json] = list(keys)
        self.seen: list[Request] = []
        self.fault = Fault()
        self._listener = Listener(0, self._respond)
        self.address = f"127.0.0.1:{self._listener.server_address[1]}"
        self.jku = f"http://{self.address}/.well-known/jwks.json"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _respond(self, request: Request) -> Iterator[Piece]:
        self.seen.append(request)
        body = json.dumps({"keys": self.keys}).encode()
        answer = Answer(200, body, {"Content-Type": "application/json"})
        yield from self.fault.pieces(self.fault.change(answer))
