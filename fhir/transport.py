"""The only outgoing FHIR traffic: guarded, parallel, within one deadline.

Guards: only bases that this EHR's trust record lists; no redirects, cookies, proxies from the
environment or compressed answers; caps on pages and bytes; `next` links only under the base that
was asked. One connection pool and one breaker an EHR, so that a slow EHR costs only its own calls.

The requests of all threads run on one event loop of their own (`fhir/loop.py`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

import aiohttp
from yarl import URL

from fhir.bundle import Refused, next_link, normal
from fhir.loop import loop


@dataclass(frozen=True, slots=True)
class Query:
    """A FHIR read (`id` given) or search. `follow`: a search of which every page is wanted."""

    type: str
    id: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    follow: bool = True


@dataclass(frozen=True, slots=True)
class NextPage:
    """The rest of a search whose first page is at hand."""

    url: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. `breaker_failures` in a row open the breaker."""

    pages: int = 10
    bytes: int = 5_000_000
    connections: int = 32
    breaker_failures: int = 8
    breaker_rest: float = 5.0


class _Failed(Exception):
    """One query cannot be answered. `alive`, for the breaker: what it tells of the server.

    A refusal shows as well as an answer that the server lives; None tells nothing.
    """

    def __init__(self, refused: Refused, alive: bool | None = True) -> None:
        super().__init__(refused.reason)
        self.refused = refused
        self.alive = alive


class Transport:
    """Reads from the FHIR server of one EHR. Safe to share between threads."""

    def __init__(
        self,
        bases: Sequence[str],
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bases = frozenset(map(normal, bases))
        self._limits = limits or Limits()
        self._breaker = _Breaker(self._limits, clock)
        self._session: aiohttp.ClientSession | None = None
        self._get_only: set[str] = set()

    def lists(self, base: str) -> bool:
        """Whether the trust record of this EHR names this base."""
        return base in self._bases

    def fetch(
        self,
        base: str,
        token: str | None,
        asked: Sequence[Query | NextPage],
        seconds: float,
    ) -> list[list[bytes] | Refused]:
        """The pages of each query, in the order asked, or why they cannot be had.

        Returns within `seconds`, whatever the server does.
        """
        if not self.lists(base):
            return [Refused("the FHIR server is not one of this EHR", "forbidden")] * len(asked)
        if not self._breaker.allows():
            return [_RESTING] * len(asked)
        work = loop().submit(self._fetch_all(base, token, asked, seconds))
        try:
            # The loop itself keeps the deadline; the margin is for a loop that cannot run.
            return work.result(seconds + 0.1)
        except concurrent.futures.TimeoutError:
            work.cancel()
            return [_TOO_SLOW] * len(asked)

    async def _fetch_all(
        self, base: str, token: str | None, asked: Sequence[Query | NextPage], seconds: float
    ) -> list[list[bytes] | Refused]:
        deadline = asyncio.get_running_loop().time() + seconds
        return list(await asyncio.gather(*(self._guard(base, token, a, deadline) for a in asked)))

    async def _guard(
        self, base: str, token: str | None, asked: Query | NextPage, deadline: float
    ) -> list[bytes] | Refused:
        try:
            async with asyncio.timeout_at(deadline):
                pages = await self._pages(base, token, asked)
        except TimeoutError:
            self._breaker.failed()
            return _TOO_SLOW
        except _Failed as failed:
            if failed.alive:
                self._breaker.worked()
            elif failed.alive is not None:
                self._breaker.failed()
            return failed.refused
        except (aiohttp.ClientError, ValueError):
            # aiohttp reports a malformed answer or header as either.
            self._breaker.failed()
            return Refused("the FHIR server could not be reached or broke off")
        self._breaker.worked()
        return pages

    async def _pages(self, base: str, token: str | None, asked: Query | NextPage) -> list[bytes]:
        pages: list[bytes] = []
        url: str | None
        if isinstance(asked, NextPage):
            url = asked.url
        else:
            pages.append(await self._first(base, token, asked))
            url = next_link(pages[0]) if asked.follow and asked.id is None else None
        seen: set[str] = set()
        while url is not None:
            if len(pages) >= self._limits.pages or url in seen:
                raise _Failed(Refused("the FHIR server has more pages than are read"))
            seen.add(url)
            room = self._limits.bytes - sum(map(len, pages))
            pages.append(await self._get(_under(base, url), token, room))
            url = next_link(pages[-1])
        return pages

    async def _first(self, base: str, token: str | None, query: Query) -> bytes:
        if query.id is not None:
            url = f"{base}/{query.type}/{quote(query.id, safe='')}"
            return await self._get(url, token, self._limits.bytes)
        form = urlencode(query.params, quote_via=quote, safe=",:")
        target = f"{base}/{query.type}"
        if target not in self._get_only:
            # Search by POST keeps the patient's id out of the access logs on the way.
            status, body = await self._send(
                "POST", f"{target}/_search", token, self._limits.bytes, form
            )
            if status not in (404, 405, 501):
                return _checked(status, body)
        body = await self._get(f"{target}?{form}", token, self._limits.bytes)
        self._get_only.add(target)
        return body

    async def _get(self, url: str, token: str | None, room: int) -> bytes:
        return _checked(*await self._send("GET", url, token, room))

    async def _send(
        self, method: str, url: str, token: str | None, room: int, form: str | None = None
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/fhir+json", "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self._open().request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=form.encode() if form is not None else None,
            allow_redirects=False,
        ) as answer:
            if answer.status != 200:
                return answer.status, b""
            if answer.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
                raise _Failed(Refused("the FHIR server compressed an answer unasked"), alive=False)
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > room:
                    raise _Failed(Refused("the FHIR server sent more data than is read"))
            return answer.status, bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        """This EHR's own pool. Runs on the loop, so it is made once without a lock."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # A connection a query: what a server sends unasked on an idle one (a 408, say)
                # would be taken for the answer to the next query, and all after it be off by one.
                connector=aiohttp.TCPConnector(limit=self._limits.connections, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
            )
            loop().at_end(self._session.close)
        return self._session


class _Breaker:
    """Rests after failures in a row; then lets one call try while the others still rest."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0

    def allows(self) -> bool:
        with self._lock:
            if self._failures < self._limits.breaker_failures:
                return True
            now = self._clock()
            if now < self._rests_until:
                return False
            self._rests_until = now + self._limits.breaker_rest
            return True

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == self._limits.breaker_failures:
                self._rests_until = self._clock() + self._limits.breaker_rest

    def worked(self) -> None:
        with self._lock:
            self._failures = 0


_ELSEWHERE = Refused("the next page is not under the FHIR server's address", "forbidden")
_TOO_SLOW = Refused("the FHIR server did not answer in time", "timeout")
_RESTING = Refused("the FHIR server failed repeatedly and is given a rest", "timeout")


def _checked(status: int, body: bytes) -> bytes:
    if status == 200:
        return body
    if status in (401, 403):
        raise _Failed(Refused("the FHIR server does not permit this", "forbidden"))
    if status in (404, 410):
        raise _Failed(Refused("the FHIR server has no such resource", "not-found"))
    if 300 <= status < 400:
        raise _Failed(Refused("the FHIR server answered with a redirect"))
    raise _Failed(Refused(f"the FHIR server answered {status}"), alive=status < 500)


def _under(base: str, url: str) -> str:
    """A `next` link, checked: same origin, below the same path, nothing that walks out of it."""
    try:
        link, root = urlsplit(url), urlsplit(base)
    except ValueError:
        raise _Failed(_ELSEWHERE, alive=None) from None
    # Servlet containers cut ";..." off a segment, and some proxies decode twice.
    segments = [segment.partition(";")[0] for segment in unquote(link.path).split("/")]
    inside = (
        (link.scheme, link.netloc) == (root.scheme, root.netloc)
        and (link.path == root.path or link.path.startswith(root.path + "/"))
        and not {".", ".."} & set(segments)
        and not re.search(r"%(2e|2f|5c)|\\", unquote(link.path), re.IGNORECASE)
        and url.isprintable()
        and " " not in url
    )
    if not inside:
        raise _Failed(_ELSEWHERE, alive=None)
    return url
