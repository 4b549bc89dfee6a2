"""The keys that an EHR's OpenID provider signs with, as it publishes them. RFC 7517.

They are kept for each record and address, for an hour. A signature that none of them verifies has
them asked for anew, once a minute: the EHR may have new ones.
"""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from fhir.documents import Unavailable, request
from launch.errors import Kind, LaunchError
from web.logs import log
from web.trust import Ehr

Key = ECKey | RSAKey

# Seconds.
KEPT = 3600.0
ASKED_AGAIN = 60.0
FAILURE_KEPT = 30.0

_MOST_KEYS = 100
_SMALLEST_RSA, _LARGEST_RSA = 2048, 4096
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class _Jwk(Struct):
    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    key_ops: list[str] | None = None
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


class _JwkSet(Struct):
    keys: list[Any]


@dataclass(frozen=True, slots=True)
class Published:
    """A key that may be used. `kind`: RSA, or the curve."""

    kid: str | None
    kind: str
    alg: str | None
    key: Key


@dataclass(frozen=True, slots=True)
class Known:
    """`since` they are known, when they were last `asked` for, and when for an unknown key."""

    keys: tuple[Published, ...]
    since: float
    asked: float
    again: float = float("-inf")
    failure: LaunchError | None = None


class IssuerKeys:
    """All key sets. Safe to share between threads. `now`: in seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[tuple[str, str], Known] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def at(self, ehr: Ehr, jwks: str, but: Known | None = None) -> Known:
        """The keys at this address; newer ones than `but`, which did not do, if it is time to ask.

        Raises LaunchError where there are none.
        """
        place = ehr.id, jwks
        with self._lock:
            asking = self._asking.setdefault(place, threading.Lock())
        with asking:
            now, known = self._now(), self._known.get(place)
            again = known is not None and known is but
            if known is None or _is_due(known, now, again):
                known = self._known[place] = _asked(ehr, jwks, now, known, again)
        if known.failure and not known.keys:
            raise LaunchError(known.failure.kind, known.failure.reason)
        return known


def _is_due(known: Known, now: float, again: bool) -> bool:
    if known.failure:
        return now - known.asked >= FAILURE_KEPT
    return now - known.since >= KEPT or (again and now - known.again >= ASKED_AGAIN)


def _asked(ehr: Ehr, jwks: str, now: float, known: Known | None, again: bool) -> Known:
    assert ehr.smart
    before = known or Known((), now, now)
    rested = now if again else before.again
    try:
        return Known(_download(jwks, ehr.smart.private_network), now, now, rested)
    except LaunchError as error:
        log.warning("keys not fetched", ehr=ehr.id, reason=error.reason)
        # Keys that were good a short while ago are better than that nobody can sign in.
        kept = before.keys if now - before.since < 2 * KEPT else ()
        return Known(kept, before.since, now, rested, error)


def _download(jwks: str, private: bool) -> tuple[Published, ...]:
    try:
        reply = request("GET", jwks, headers={"Accept": "application/json"}, private=private)
    except Unavailable as failed:
        raise LaunchError(_KINDS.get(failed.reason, "ehr-setup"), f"keys: {failed}") from None
    if reply.status != 200:
        raise LaunchError("ehr-unavailable", f"keys: status {reply.status}")
    try:
        entries = msgspec.json.decode(reply.body, type=_JwkSet).keys[:_MOST_KEYS]
    except (msgspec.MsgspecError, RecursionError):
        raise LaunchError("ehr-setup", "keys: there is no JWK set") from None
    return tuple(key for key in map(_published, entries) if key)


_KINDS: Mapping[str, Kind] = {"slow": "ehr-slow", "unreachable": "ehr-unavailable"}


def _published(entry: Any) -> Published | None:
    """The key in an entry, None if it is not one for signatures that we would use."""
    try:
        jwk = msgspec.convert(entry, _Jwk)
        if _PRIVATE & entry.keys() or jwk.use not in (None, "sig"):
            return None
        if "verify" not in (jwk.key_ops or ("verify",)):
            return None
        if jwk.kty == "EC":
            ec = ECKey.import_key({"kty": "EC", "crv": jwk.crv, "x": jwk.x, "y": jwk.y})
            return Published(jwk.kid, jwk.crv, jwk.alg, ec)
        # joserfc only warns of short keys, and a very long one costs seconds a signature.
        if jwk.kty == "RSA" and _SMALLEST_RSA <= _bits(jwk.n) <= _LARGEST_RSA:
            rsa = RSAKey.import_key({"kty": "RSA", "n": jwk.n, "e": jwk.e})
            return Published(jwk.kid, "RSA", jwk.alg, rsa)
    except (msgspec.ValidationError, JoseError, ValueError):
        pass
    return None


def _bits(number: str) -> int:
    padded = number.encode() + b"=" * (-len(number) % 4)
    return int.from_bytes(b64decode(padded, b"-_", validate=True)).bit_length()
