"""A server on 127.0.0.1 that answers each path with a document, for the tests of discovery."""

import json
from collections.abc import Iterator
from typing import Any, Self

from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request


class Documents:
    """Bound at once, serves inside `with`. `at`: the document of each path; a string is sent as it
    is. `fault` spoils every answer. `seen` are the requests it got.
    """

    def __init__(self) -> None:
        self.at: dict[str, Any] = {}
        self.seen: list[Request] = []
        self.fault = Fault()
        self._listener = Listener(0, self._respond)
        self.host = f"127.0.0.1:{self._listener.server_address[1]}"
        self.origin = f"http://{self.host}"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _respond(self, request: Request) -> Iterator[Piece]:
        self.seen.append(request)
        document = self.at.get(request.path)
        text = document if isinstance(document, str) else json.dumps(document)
        headers = {"Content-Type": "application/json"}
        answer = Answer(200 if request.path in self.at else 404, text.encode(), headers)
        yield from self.fault.pieces(self.fault.change(answer))
