"""Requests to other people's servers: no redirects, and an end to the time and to the size."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class Reply:
    """An answer, whole. The names of `headers` are in lower case; `ms` is how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: float


class NoReply(Exception):
    """There was no answer that could be read; the text is for people."""

    def __init__(self, words: str, ms: float) -> None:
        super().__init__(words)
        self.ms = ms


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds: float = 10.0,
) -> Reply:
    """The answer of this http(s) URL, or NoReply."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    start = time.monotonic()
    over = threading.Event()
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, seconds)
    sockets: list[socket.socket] = []

    def end() -> None:
        # A timeout of the socket would begin anew with every byte of a server that drips.
        over.set()
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        connection.connect()
        sockets.append(connection.sock)
        connection.request(method, target or "/", body, dict(headers))
        response = connection.getresponse()
        content = response.read(MOST_BYTES + 1)
        if over.is_set():
            raise TimeoutError
        if len(content) > MOST_BYTES:
            raise NoReply(f"It sent more than {MOST_BYTES // 1_000_000} MB.", _since(start))
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, content, _since(start))
    except (OSError, http.client.HTTPException, ValueError) as error:
        words = (
            f"It did not answer within {seconds:g} seconds."
            if over.is_set() or isinstance(error, TimeoutError)
            else _why(error, parts.netloc)
        )
        raise NoReply(words, _since(start)) from None
    finally:
        timer.cancel()
        connection.close()


def _connection(
    scheme: str, host: str, port: int | None, seconds: float
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, port, timeout=seconds)


def _why(error: Exception, place: str) -> str:
    match error:
        case ConnectionRefusedError():
            return f"Nothing listens at {place}. Is the service running?"
        case socket.gaierror():
            return f"No address is known for {place}."
        case ssl.SSLError():
            return f"The TLS connection to {place} failed: {error.reason or 'no reason given'}."
        case http.client.RemoteDisconnected() | http.client.IncompleteRead() | ConnectionError():
            return "It broke the connection off."
        case http.client.HTTPException() | ValueError():
            return "It did not answer in HTTP."
    return f"{place} cannot be reached: {error}."


def _since(start: float) -> float:
    return round((time.monotonic() - start) * 1000, 1)
