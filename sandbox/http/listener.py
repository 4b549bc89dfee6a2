"""The HTTP/1.1 side of the FHIR server: sockets, threads and pauses, no FHIR.

Each connection is kept alive and has a thread. An answer is a series of pieces, each sent after a
pause; closing the listener ends every pause and every connection at once.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Piece = tuple[float, bytes]
"""Seconds to wait, then bytes to send."""

Pairs = list[tuple[str, str]]

# Bytes of a body: whole records are sent as one Bundle, a form is short.
LONGEST_BUNDLE = 200_000_000
_LONGEST = 1_000_000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """A request as it came in: `params` are those of the query and of a form, in this order.

    The names of `headers` are in lower case.
    """

    method: str
    path: str
    params: Pairs
    authorization: str | None
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> Pairs:
        """The parameters of the query, the empty ones too."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> Pairs:
        """The parameters of a form, the empty ones too; none if the body is something else."""
        if self.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
            return []
        return parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True)


Respond = Callable[[Request], Iterable[Piece]]
"""What answers a request. To hang up instead, it raises ConnectionAbortedError."""


class Listener(ThreadingTCPServer):
    """Listens on 127.0.0.1 once it is made; an OSError if the port is taken."""

    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, port: int, respond: Respond) -> None:
        self.respond = respond
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._accepting = threading.Thread(target=self.serve_forever, args=(0.01,))
        super().__init__(("127.0.0.1", port), _Connection)

    def start(self) -> None:
        """Answers what comes in, and what has come in since it was made."""
        self._accepting.start()

    def close(self) -> None:
        """Ends every connection and waits for the threads, which takes no time."""
        self.closing.set()
        self.shutdown()
        self._accepting.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)


class _Connection(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds in which nothing comes; a thread waits no longer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        target = self.requestline.split()[1]
        try:
            address = urlsplit(target)
        except ValueError:
            self.send_error(400)
            return
        length = self.headers.get("Content-Length", "0")
        if status := self._unreadable(length, address.path):
            self.send_error(status)
            return
        body = self.rfile.read(int(length))
        request = Request(
            method=self.command,
            path=unquote(address.path),
            params=parse_qsl(address.query) + self._posted(body),
            authorization=self.headers.get("Authorization"),
            target=target,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        for pause, piece in self.server.respond(request):
            if self.server.closing.wait(pause):
                raise ConnectionAbortedError
            self.wfile.write(piece)

    def _unreadable(self, length: str, path: str) -> int | None:
        """The status to refuse a body with that is not read, if it is not."""
        if "Transfer-Encoding" in self.headers:
            # What is not understood would be taken for the next request.
            return 411
        if not (length.isascii() and length.isdigit()):
            return 400
        longest = LONGEST_BUNDLE if path.startswith("/fhir") else _LONGEST
        return 413 if len(length) > 9 or int(length) > longest else None

    def _posted(self, body: bytes) -> Pairs:
        # A form that does not say so is read all the same; a long resource is not taken for one.
        is_json = "json" in self.headers.get("Content-Type", "").lower()
        return [] if is_json else parse_qsl(body.decode(errors="replace"))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a query string has no place in a log."""
