"""The only outgoing FHIR traffic: guarded, parallel, within one deadline.

Guards: only bases that this EHR's trust record lists; no redirects, cookies, proxies from the
environment or compressed answers; caps on pages and bytes; `next` links only under the base that
was asked. One connection pool and one breaker an EHR, so that a slow EHR costs only its own calls.

The requests of all threads run on one event loop of their own (`fhir/loop.py`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

import aiohttp
from yarl import URL

from fhir.bundle import Failure, Refused, next_link
from fhir.loop import loop
from fhir.owner import normal


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
class Pages:
    """What came of a query, in order; `rest`: why it is not all of it, or nothing."""

    bodies: list[bytes]
    rest: Refused | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. `breaker_failures` in a row open the breaker.

    `longest_wait`: how much of a Retry-After is believed.
    """

    pages: int = 10
    bytes: int = 5_000_000
    connections: int = 32
    breaker_failures: int = 8
    breaker_rest: float = 5.0
    longest_wait: int = 30


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
        self._quiet_until: dict[tuple[str, str, str | None], float] = {}

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
        answers = self._answers(base, token, asked, seconds, waits=False)
        return [answer.rest or answer.bodies for answer in answers]

    def read(
        self,
        base: str,
        token: str | None,
        asked: Sequence[Query],
        seconds: float,
    ) -> list[Pages]:
        """The same for a page that people wait for: what did arrive of a query is not thrown away.

        A server that asks for a little patience (429, Retry-After) is asked once more if that is
        within the time, and is left alone until then if not.
        """
        return self._answers(base, token, asked, seconds, waits=True)

    def _answers(
        self,
        base: str,
        token: str | None,
        asked: Sequence[Query | NextPage],
        seconds: float,
        waits: bool,
    ) -> list[Pages]:
        if not self.lists(base):
            return [Pages([], _NOT_OURS)] * len(asked)
        if not self._breaker.allows():
            return [Pages([], _RESTING)] * len(asked)
        work = loop().submit(self._fetch_all(base, token, asked, seconds, waits))
        try:
            # The loop itself keeps the deadline; the margin is for a loop that cannot run.
            return work.result(seconds + 0.1)
        except concurrent.futures.TimeoutError:
            work.cancel()
            return [Pages([], _TOO_SLOW)] * len(asked)

    async def _fetch_all(
        self,
        base: str,
        token: str | None,
        asked: Sequence[Query | NextPage],
        seconds: float,
        waits: bool,
    ) -> list[Pages]:
        deadline = asyncio.get_running_loop().time() + seconds
        one = self._patiently if waits else self._guard
        return list(await asyncio.gather(*(one(base, token, each, deadline) for each in asked)))

    async def _patiently(
        self, base: str, token: str | None, asked: Query | NextPage, deadline: float
    ) -> Pages:
        now = asyncio.get_running_loop().time
        # A server may throttle one user only.
        about = base, asked.type if isinstance(asked, Query) else "", token
        if (left := self._quiet_until.get(about, 0) - now()) > 0:
            return Pages([], _throttled(math.ceil(left)))
        answer = await self._guard(base, token, asked, deadline)
        if answer.rest is None or answer.rest.failure != "throttled":
            return answer
        wait = min(answer.rest.wait or 0, self._limits.longest_wait)
        if answer.rest.wait is not None and now() + wait < deadline:
            await asyncio.sleep(wait)
            answer = await self._guard(base, token, asked, deadline)
        else:
            self._quiet_until = {each: t for each, t in self._quiet_until.items() if t > now()}
            self._quiet_until[about] = now() + wait
        return answer

    async def _guard(
        self, base: str, token: str | None, asked: Query | NextPage, deadline: float
    ) -> Pages:
        pages: list[bytes] = []
        try:
            async with asyncio.timeout_at(deadline):
                await self._pages(base, token, asked, pages)
        except TimeoutError:
            self._breaker.failed()
            return Pages(pages, _TOO_SLOW)
        except _Failed as failed:
            if failed.alive:
                self._breaker.worked()
            elif failed.alive is not None:
                self._breaker.failed()
            return Pages(pages, failed.refused)
        except (aiohttp.ClientError, ValueError):
            # aiohttp reports a malformed answer or header as either.
            self._breaker.failed()
            return Pages(pages, _UNREACHABLE)
        self._breaker.worked()
        return Pages(pages)

    async def _pages(
        self, base: str, token: str | None, asked: Query | NextPage, pages: list[bytes]
    ) -> None:
        url: str | None
        if isinstance(asked, NextPage):
            url = asked.url
        else:
            pages.append(await self._first(base, token, asked))
            url = next_link(pages[0]) if asked.follow and asked.id is None else None
        seen: set[str] = set()
        while url is not None:
            if len(pages) >= self._limits.pages or url in seen:
                raise _Failed(_TOO_MANY)
            seen.add(url)
            room = self._limits.bytes - sum(map(len, pages))
            pages.append(await self._get(_under(base, url), token, room))
            url = next_link(pages[-1])

    async def _first(self, base: str, token: str | None, query: Query) -> bytes:
        if query.id is not None:
            url = f"{base}/{query.type}/{quote(query.id, safe='')}"
            return await self._get(url, token, self._limits.bytes)
        form = urlencode(query.params, quote_via=quote, safe=",:")
        target = f"{base}/{query.type}"
        if target not in self._get_only:
            # Search by POST keeps the patient's id out of the access logs on the way.
            reply = await self._send("POST", f"{target}/_search", token, self._limits.bytes, form)
            if reply.status not in (404, 405, 501):
                return _checked(reply)
        body = await self._get(f"{target}?{form}", token, self._limits.bytes)
        self._get_only.add(target)
        return body

    async def _get(self, url: str, token: str | None, room: int) -> bytes:
        return _checked(await self._send("GET", url, token, room))

    async def _send(
        self, method: str, url: str, token: str | None, room: int, form: str | None = None
    ) -> _Reply:
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
                return _Reply(answer.status, b"", answer.headers.get("Retry-After", ""))
            if answer.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
                raise _Failed(Refused("the FHIR server compressed an answer unasked"), alive=False)
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > room:
                    raise _Failed(_TOO_LARGE)
            return _Reply(answer.status, bytes(body))

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


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    retry_after: str = ""


_NOT_OURS = Refused("the FHIR server is not one of this EHR", "forbidden", "elsewhere")
_ELSEWHERE = Refused(
    "the next page is not under the FHIR server's address", "forbidden", "elsewhere"
)
_TOO_SLOW = Refused("the FHIR server did not answer in time", "timeout", "slow")
_RESTING = Refused("the FHIR server failed repeatedly and is given a rest", "timeout", "resting")
_UNREACHABLE = Refused("the FHIR server could not be reached or broke off", failure="unreachable")
_TOO_MANY = Refused("the FHIR server has more pages than are read", failure="too-large")
_TOO_LARGE = Refused("the FHIR server sent more data than is read", failure="too-large")


def _throttled(wait: int | None) -> Refused:
    return Refused("the FHIR server answered 429", failure="throttled", status=429, wait=wait)


def _checked(reply: _Reply) -> bytes:
    status = reply.status
    if status == 200:
        return reply.body
    if status in (401, 403):
        failure: Failure = "expired" if status == 401 else "forbidden"
        why = "the FHIR server does not permit this"
        raise _Failed(Refused(why, "forbidden", failure, status))
    if status in (404, 410):
        failure = "gone" if status == 410 else "not-found"
        why = "the FHIR server has no such resource"
        raise _Failed(Refused(why, "not-found", failure, status))
    if 300 <= status < 400:
        why = "the FHIR server answered with a redirect"
        raise _Failed(Refused(why, failure="redirect", status=status))
    if status == 429:
        # Seconds; a date is not worth a clock that may differ from the server's.
        seconds = re.fullmatch(r"[0-9]{1,6}", reply.retry_after.strip())
        raise _Failed(_throttled(int(seconds[0]) if seconds else None))
    refused = Refused(f"the FHIR server answered {status}", status=status)
    raise _Failed(refused, alive=status < 500)


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
