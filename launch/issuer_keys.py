"""The keys that an EHR's OpenID provider signs with, as it publishes them. RFC 7517.

They are kept for each record and address, for an hour. A signature that none of them verifies has
them asked for anew, once a minute: the EHR may have new ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from fhir.documents import Unavailable, request
from launch.errors import Kind, LaunchError
from web.jwk import PublicKey, Unusable, public_key
from web.logs import log
from web.trust import Ehr

# Seconds.
KEPT = 3600.0
ASKED_AGAIN = 60.0
FAILURE_KEPT = 30.0

# For each algorithm that a record may allow: the kind of its keys.
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
}

_MOST_KEYS = 100
_LARGEST_RSA = 4096


class _JwkSet(Struct):
    keys: list[Any]


@dataclass(frozen=True, slots=True)
class Known:
    """`since` they are known, when they were last `asked` for, and when for an unknown key."""

    keys: tuple[PublicKey, ...]
    since: float
    asked: float
    again: float = float("-inf")
    failure: LaunchError | None = None


class IssuerKeys:
    """All key sets. Safe to share between threads. `now`: in seconds since 1970.

    Without `keeping`, they are asked for each time.
    """

    def __init__(self, now: Callable[[], float], *, keeping: bool = True) -> None:
        self._now = now
        self._keeping = keeping
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
            now, known = self._now(), self._known.get(place) if self._keeping else None
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


def _download(jwks: str, private: bool) -> tuple[PublicKey, ...]:
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
    return tuple(_usable(entries))


_KINDS: Mapping[str, Kind] = {"slow": "ehr-slow", "unreachable": "ehr-unavailable"}


def _usable(entries: Sequence[Any]) -> Iterator[PublicKey]:
    for entry in entries:
        with suppress(Unusable):
            yield public_key(entry, ALGORITHMS, _LARGEST_RSA)
