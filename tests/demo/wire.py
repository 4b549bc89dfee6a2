"""Servers that are not quite HTTP: what a broken or hostile FHIR server may put on the wire."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Answer = Callable[[bytes], bytes]
"""From the head of a request to all that is sent for it."""


class _Connection(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        with suppress(OSError):
            while head := self._head():
                self.wfile.write(self.server.answer(head))
                if not self.server.keeps:
                    return

    def _head(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()).strip():
            lines.append(line)
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, answer: Answer, keeps: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answer = answer
        self.keeps = keeps
        self.taken: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.taken.append(connection)
        return connection, address

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/fhir"

    def push(self, unasked: bytes) -> None:
        """Say this on every open connection."""
        for connection in self.taken:
            with suppress(OSError):
                connection.sendall(unasked)


@contextmanager
def _serving(answer: Answer, keeps: bool) -> Iterator[_Server]:
    with _Server(answer, keeps) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            for connection in server.taken:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The base of a FHIR server that says `answer` to whatever it is asked, and hangs up."""
    with _serving(lambda _: answer, keeps=False) as server:
        yield server.base


@contextmanager
def echoing() -> Iterator[tuple[str, Callable[[bytes], None]]]:
    """A base under which each read is answered with its own address, and how to say more.

    Connections are kept.
    """

    def echo(head: bytes) -> bytes:
        target = head.split()[1]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)

    with _serving(echo, keeps=True) as server:
        yield server.base, server.push
