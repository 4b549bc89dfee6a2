"""The three round trips that no SMART app can save, made by a client that does nothing else.

Its connections are open and its signature is made before the clock starts.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt

from launch.authorize import assertion_claims
from launch.keys import Algorithm, KeyFolder
from sandbox.auth.assertions import ASSERTION_TYPE
from sandbox.auth.vault import challenge_of
from sandbox.http.listener import Request
from web.trust import SCOPES

CLIENT = "chartside"
_FORM = "application/x-www-form-urlencoded"
_ALGORITHM: Algorithm = "ES384"

T = TypeVar("T")


class RoundTrips:
    """One launch of the EHR at `origin`, by the name and with the keys of the app."""

    def __init__(self, origin: str, keys: KeyFolder, redirect_uri: str) -> None:
        self._origin = origin
        self._netloc = urlsplit(origin).netloc
        self._keys = keys
        self._redirect_uri = redirect_uri

    def timed(self, launch: str, reads: Sequence[Request]) -> tuple[float, float, float]:
        """Seconds for the code, for the tokens, and for these reads made anew, all at once."""
        verifier = secrets.token_urlsafe(48)
        connection = self._connection()
        question = self._question(launch, verifier)
        fetching, code = _timed(lambda: self._code(connection, question))
        form = self._form(code, verifier)
        changing, token = _timed(lambda: self._token(connection, form))
        connection.close()
        connections = [self._connection() for _ in reads]
        with ThreadPoolExecutor(len(reads)) as threads:
            list(threads.map(abs, range(len(reads))))  # they run
            read = [token] * len(reads)
            reading, _ = _timed(lambda: list(threads.map(_read, connections, reads, read)))
        for each in connections:
            each.close()
        return fetching, changing, reading

    def _connection(self) -> HTTPConnection:
        connection = HTTPConnection(self._netloc, timeout=30)
        connection.connect()
        return connection

    def _question(self, launch: str, verifier: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(("launch", *SCOPES)),
            "state": secrets.token_urlsafe(32),
            "aud": f"{self._origin}/fhir",
            "launch": launch,
            "nonce": secrets.token_urlsafe(32),
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        return f"/auth/authorize?{urlencode(asked)}"

    def _form(self, code: str, verifier: str) -> str:
        claims = assertion_claims(CLIENT, f"{self._origin}/auth/token", time.time())
        key = self._keys.signing(_ALGORITHM)
        header = {"alg": _ALGORITHM, "kid": key.kid, "typ": "JWT"}
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(header, claims, key, algorithms=[_ALGORITHM]),
        }
        return urlencode(asked)

    def _code(self, connection: HTTPConnection, question: str) -> str:
        connection.request("GET", question)
        answer = connection.getresponse()
        _checked(answer, 303)
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def _token(self, connection: HTTPConnection, form: str) -> str:
        connection.request("POST", "/auth/token", form, {"Content-Type": _FORM})
        token: str = json.loads(_checked(connection.getresponse(), 200))["access_token"]
        return token


def _read(connection: HTTPConnection, request: Request, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    if request.body:
        headers["Content-Type"] = _FORM
    connection.request(request.method, request.target, request.body or None, headers)
    _checked(connection.getresponse(), 200)


def _checked(answer: HTTPResponse, status: int) -> bytes:
    body = answer.read()
    if answer.status != status:
        raise RuntimeError(f"the EHR answers {answer.status}: {body[:200]!r}")
    return body


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done
