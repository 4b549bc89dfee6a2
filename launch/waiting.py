"""Launches between the EHR's opening of the app and its answer (SMART App Launch, 4.2 to 4.4).

What the browser holds, the launch's id and cookie and the `state`, is known to the database by its
digest only; what must be read again is sealed under the launch's own id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Engine

from launch.authorize import Pending
from launch.cookies import digested, new_value
from launch.errors import LaunchError
from store import pending
from store.sealing import Seal

LIFE = timedelta(minutes=10)

_STATE = re.compile(r"([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class Arrival(msgspec.Struct, frozen=True):
    """What the EHR opened the app with, byte for byte. `launch`: None in a standalone launch."""

    ehr_id: str
    iss: str
    launch: str | None


class _Kept(msgspec.Struct, frozen=True):
    arrival: Arrival
    asked: Pending | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A launch that waits now: its id, for the address, and the value of its cookie."""

    id: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Found:
    """A launch that waits, and the digest that its cookie has to have."""

    arrival: Arrival
    cookie: str


class Waiting:
    """All launches that wait. `now` tells the time."""

    def __init__(self, engine: Engine, seal: Seal, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._seal = seal
        self._now = now

    def begin(self, arrival: Arrival, jar: str) -> Begun:
        """Keep what the app was opened with. Raises LaunchError where too many wait."""
        begun = Begun(secrets.token_urlsafe(16), new_value())
        now = self._now()
        kept = pending.begin(
            self._engine,
            digested(begun.id),
            arrival.ehr_id,
            digested(begun.cookie),
            digested(jar),
            self._sealed(begun.id, _Kept(arrival)),
            now,
            now + LIFE,
        )
        if not kept:
            raise LaunchError("too-many", "too many launches wait")
        return begun

    def look(self, id: str) -> Found | None:
        """The launch with this id, if it waits. Whoever asks has yet to show its cookie."""
        if not _ID.fullmatch(id):
            return None
        found = pending.look(self._engine, digested(id), self._now())
        kept = self._opened(id, found.sealed) if found else None
        return Found(kept.arrival, found.cookie) if found and kept else None

    def ask(self, id: str, found: Found, asked: Pending) -> bool:
        """Keep what the EHR is asked; what it was asked before for this launch is void."""
        return pending.ask(
            self._engine,
            digested(id),
            found.cookie,
            digested(asked.state),
            self._sealed(id, _Kept(found.arrival, asked)),
            self._now(),
        )

    def take(self, state: str, cookie: str, ehr_id: str) -> Pending | None:
        """What the EHR was asked with this state, once. `cookie`: the digest of what was sent."""
        id = launch_of(state)
        if id is None:
            return None
        sealed = pending.take(
            self._engine, digested(id), digested(state), cookie, ehr_id, self._now()
        )
        kept = self._opened(id, sealed) if sealed else None
        return kept.asked if kept else None

    def _sealed(self, id: str, kept: _Kept) -> bytes:
        return self._seal.seal(msgspec.json.encode(kept), "pending", id)

    def _opened(self, id: str, sealed: bytes) -> _Kept | None:
        content = self._seal.open(sealed, "pending", id)
        return None if content is None else msgspec.json.decode(content, type=_Kept)


def new_state(id: str) -> str:
    """A `state` for this launch: its id, so that the cookie's name is known, and 256 bits."""
    return f"{id}.{secrets.token_urlsafe(32)}"


def launch_of(state: str) -> str | None:
    """The id of the launch that this `state` is of; None if it is none of ours."""
    found = _STATE.fullmatch(state)
    return found[1] if found else None
