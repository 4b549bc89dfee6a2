"""One guarded HTTP exchange with an EHR's other servers: small documents, and token requests.

Runs on the loop of all that goes out, since only there does one deadline end a slow connect,
headers that drip and a body without an end. No redirects, no cookies, nothing from the environment
(proxies, .netrc), and no address of an inner network unless that was agreed: a name is checked when
it is resolved for the connection itself, so that it cannot mean another machine a moment later.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from fhir.loop import loop

Reason = Literal["slow", "unreachable", "redirect", "too-large", "forbidden"]

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Unavailable(Exception):
    """There is no answer that may be used. "forbidden": its address is none that may be asked."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status below 300 or from 400; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    limit: int = 64 * 1024,
    seconds: float = 5.0,
    private: bool = False,
) -> Reply:
    """One exchange within `seconds`, with at most `limit` bytes of an answer. `private`: addresses
    of an inner network will do. Raises Unavailable.
    """
    work = loop().submit(exchange(method, url, headers, body, limit, seconds, private))
    try:
        # The loop itself keeps the deadline; the margin is for a loop that cannot run.
        return work.result(seconds + 0.1)
    except concurrent.futures.TimeoutError:
        work.cancel()
        raise Unavailable("slow") from None


async def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limit: int,
    seconds: float,
    private: bool,
) -> Reply:
    """The same, on the loop."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        raise Unavailable("forbidden") from None
    # This machine is asked only by its own name, as in development.
    resolver = None if host in LOCAL else _Checked(private)
    if resolver is not None and not _may_be_asked(host, private, unless_a_name=True):
        raise Unavailable("forbidden")
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, resolver=resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.request(
                method,
                URL(url, encoded=True),
                headers={**headers, "Accept-Encoding": "identity"},
                data=body,
                allow_redirects=False,
            ) as answer,
        ):
            return await _reply(answer, limit)
    except TimeoutError:
        raise Unavailable("slow") from None
    except _Forbidden:
        raise Unavailable("forbidden") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # aiohttp reports a malformed answer or header as ValueError.
        forbidden = isinstance(error.__cause__ or error.__context__, _Forbidden)
        raise Unavailable("forbidden" if forbidden else "unreachable") from None


async def _reply(answer: aiohttp.ClientResponse, limit: int) -> Reply:
    if 300 <= answer.status < 400:
        raise Unavailable("redirect")
    if answer.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise Unavailable("unreachable")
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > limit:
            raise Unavailable("too-large")
    return Reply(
        answer.status,
        {name.lower(): value for name, value in answer.headers.items()},
        bytes(content),
    )


class _Forbidden(OSError):
    """A name stands for an address of an inner network."""


class _Checked(AbstractResolver):
    """Finds the addresses of a name, and refuses the name if one of them may not be asked."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(_may_be_asked(each["host"], self._private) for each in found):
            raise _Forbidden
        return found

    async def close(self) -> None:
        await self._resolver.close()


# 6to4 (RFC 3056) and NAT64 (RFC 6052) carry an address of IPv4 in one of IPv6.
_CARRIERS = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("64:ff9b::/96"))


def _may_be_asked(host: str, private: bool, *, unless_a_name: bool = False) -> bool:
    """Whether an address is public, or at least one of a machine in an inner network."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return unless_a_name
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address.is_multicast or address.is_loopback:
        return False  # cloud metadata, everybody, ourselves
    if any(address in network for network in _CARRIERS if network.version == address.version):
        return False
    return address.is_global or (private and address.is_private and not address.is_unspecified)
