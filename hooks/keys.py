"""The keys that EHRs sign with: pinned in a trust record, or published by the EHR's key host.

CDS Hooks 2.0, JSON Web Token and Trusting CDS Clients; JWK sets after RFC 7517.

A key host is asked when an unknown `kid` turns up, and once an hour. Callers whose key is known
never wait for it, and no failure of it takes a known key away.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from fhir.documents import Reason, Unavailable, exchange
from fhir.loop import loop
from web.jwk import Key, Unusable, public_key
from web.logs import log

# CDS Hooks asks for ES384 or RS384 and leaves room for others; libraries default to 256.
ALGORITHMS = {"ES384": "P-384", "RS384": "RSA", "ES256": "P-256", "RS256": "RSA"}
"""What a token may be signed with: for each algorithm the curve or type of its keys."""

PUBLISHED = {
    "s9fOe-KDYD1myZ8YCzleUqJQgrYZL49kVijBxhnZvZc": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
    "WUEVfFenRfMtdDhwPUzCCfmqEN45h61hdHclwVoqfes": "d9cd3c4f-eb08-4304-b973-44f352fd2ca2",
    "RBFgQFFUIf4hfG8iUUZrf3vFZ_V2r3YRGPx9nKJXk5M": "4b49a739d1eb115b3225f4cf9beb6d1b",
    "Q7fgcIzqt0bVAKsWaw_FyUFSDDpOTfsGdGtjJmAnzFY": "b41528b6f37a9500edb8a905a595bdd7",
}
"""Thumbprint (RFC 7638) and `kid` of keys whose private halves stand in public repositories.

The first two are the CDS Hooks sandbox's (github.com/cds-hooks/sandbox, keys/, commits 3daf1c8 and
59d99c4), the others the Inferno CRD test kit's (github.com/inferno-framework/davinci-crd-test-kit,
crd_jwks.json, commit 29d66f3).
"""


_LARGEST_RSA = 8192


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. `interval` lies between two requests for the sake of an unknown `kid`.

    Keys are asked for again after `lifetime`, and used for `kept` if the key host fails. No more
    than `waiting` threads wait for key hosts with `patience`, the others for a `moment`, so that a
    slow one leaves threads to those who do not need it, and a burst at the start loses no call.
    """

    patience: float = 3.0
    moment: float = 0.5
    bytes: int = 256 * 1024
    keys: int = 100
    interval: float = 30.0
    lifetime: float = 3600.0
    kept: float = 24 * 3600.0
    waiting: int = 8


class Unreachable(Exception):
    """The key host has not given any keys, so nothing can be said of a token."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by their `kid`; `refused` tells of each key that is not used, and why."""

    keys: Mapping[str, Key]
    refused: tuple[str, ...]


def key_set(entries: Iterable[Any], thumbprints: Collection[str] = ()) -> KeySet:
    """The keys of a JWK set that may be used, without those of these thumbprints."""
    found: dict[str, Key] = {}
    ambiguous: set[str] = set()
    refused: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            kid, key = _key(entry)
            if thumbprint(key) in thumbprints:
                raise Unusable("its private half is published")
            if kid in found and thumbprint(found[kid]) != thumbprint(key):
                ambiguous.add(kid)
                raise Unusable("another key has the same kid")
        except Unusable as reason:
            refused.append(f"key {number}: {reason}")
        else:
            found[kid] = key
    return KeySet({kid: found[kid] for kid in found.keys() - ambiguous}, tuple(refused))


def thumbprint(key: Key) -> str:
    """RFC 7638, of the key itself: the JWK it came in may write the same numbers in another way."""
    if isinstance(key, ECKey):
        return ECKey.import_key(key.public_key).thumbprint()
    return RSAKey.import_key(key.public_key).thumbprint()


def _key(entry: Any) -> tuple[str, Key]:
    found = public_key(entry, ALGORITHMS, _LARGEST_RSA)
    if found.kid is None:
        raise Unusable("is no key with a kid")
    if not found.kid:
        raise Unusable("has no kid")
    return found.kid, found.key


def may_be_fetched(url: str) -> bool:
    """Whether keys from this address are worth anything: https, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "http":
        return parts.hostname in ("127.0.0.1", "localhost", "::1")
    return parts.scheme == "https" and bool(parts.hostname)


@dataclass(frozen=True, slots=True)
class _Known:
    keys: Mapping[str, Key]
    since: float


class Keys:
    """The keys of one EHR. Safe to share between threads.

    `waiting` is shared by all EHRs of a process and counts the threads that wait for a key host.
    """

    def __init__(
        self,
        ehr_id: str,
        pinned: Iterable[Any],
        jku: str | None,
        thumbprints: Collection[str],
        limits: Limits,
        waiting: threading.Semaphore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ehr_id = ehr_id
        self._thumbprints = thumbprints
        self._limits = limits
        self._waiting = waiting
        self._clock = clock
        self._pinned = self._usable(pinned)
        self._jku = jku
        if jku is not None and not may_be_fetched(jku):
            log.error("keys not fetched", ehr=ehr_id, reason="the jku is not https")
            self._jku = None
        self._known: _Known | None = None
        self._lock = threading.Lock()
        self._fetch: concurrent.futures.Future[None] | None = None
        self._rests_until = float("-inf")

    def find(self, kid: str) -> Key | None:
        """The key of this name, None if the EHR has none; Unreachable if that cannot be known."""
        if kid in self._pinned or self._jku is None:
            return self._pinned.get(kid)
        known = self._known
        age = self._clock() - known.since if known else float("inf")
        if known and kid in known.keys and age < self._limits.kept:
            if age >= self._limits.lifetime:
                self._refresh(self._jku, kid, known)
            return known.keys[kid]
        self._wait_for(self._refresh(self._jku, kid, known))
        known = self._known
        if known is None or self._clock() - known.since >= self._limits.kept:
            raise Unreachable
        return known.keys.get(kid)

    def warm(self) -> None:
        """Asks the key host if nothing is known yet, and does not wait for it."""
        if self._jku is not None and self._known is None:
            self._refresh(self._jku, None, None)

    def _wait_for(self, fetch: concurrent.futures.Future[None] | None) -> None:
        if fetch is None:
            return
        patient = self._waiting.acquire(blocking=False)
        try:
            # The loop itself keeps the deadline; the margin is for a loop that cannot run.
            longest = self._limits.patience + 0.1 if patient else self._limits.moment
            concurrent.futures.wait([fetch], longest)
        finally:
            if patient:
                self._waiting.release()

    def _refresh(
        self, jku: str, kid: str | None, seen: _Known | None
    ) -> concurrent.futures.Future[None] | None:
        with self._lock:
            if self._fetch is not None and not self._fetch.done():
                return self._fetch
            # Somebody else's request may have ended since this thread looked.
            if self._known is not seen or self._clock() < self._rests_until:
                return None
            self._rests_until = self._clock() + self._limits.interval
            self._fetch = loop().submit(self._get(jku, kid))
            return self._fetch

    async def _get(self, jku: str, kid: str | None) -> None:
        try:
            entries = await self._entries(jku)
        except _Failed as failed:
            log.warning("keys not fetched", ehr=self._ehr_id, reason=f"the key host {failed}")
            if failed.redirected and self._known is None:
                # It answers, and no later call finds keys there: that is not to be waited for.
                self._known = _Known({}, self._clock())
            return
        self._known = _Known(self._usable(entries), self._clock())
        # A request that brought what was looked for does not count: the next new key gets its own.
        if kid is None or kid in self._known.keys:
            self._rests_until = float("-inf")

    async def _entries(self, jku: str) -> list[Any]:
        accept = {"Accept": "application/json"}
        limits = self._limits
        try:
            reply = await exchange("GET", jku, accept, None, limits.bytes, limits.patience, True)
        except Unavailable as failed:
            raise _Failed(_WHY[failed.reason], redirected=failed.reason == "redirect") from None
        if reply.status != 200:
            raise _Failed(f"answered {reply.status}")
        try:
            entries = msgspec.json.decode(reply.body, type=_JwkSet).keys
        except (msgspec.MsgspecError, RecursionError):
            raise _Failed("did not answer with a JWK set") from None
        if len(entries) > limits.keys:
            raise _Failed("has more keys than are read")
        return entries

    def _usable(self, entries: Iterable[Any]) -> Mapping[str, Key]:
        usable = key_set(entries, self._thumbprints)
        if usable.refused:
            log.warning("keys not used", ehr=self._ehr_id, reason="; ".join(usable.refused))
        return usable.keys


class _JwkSet(Struct):
    keys: list[Any]


class _Failed(Exception):
    """What the key host did instead. `redirected`: it names another address than was agreed."""

    def __init__(self, what: str, redirected: bool = False) -> None:
        super().__init__(what)
        self.redirected = redirected


_WHY: Mapping[Reason, str] = {
    "slow": "did not answer in time",
    "unreachable": "could not be reached or broke off",
    "redirect": "answered with a redirect",
    "too-large": "sent more than is read",
    "forbidden": "is at an address that is never asked",
}
