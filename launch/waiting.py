"""Launches between the EHR's opening of the app and its answer (SMART App Launch, 4.2 to 4.4).

Until its cookie has come back a launch is in its address only, sealed, so that nothing is kept for
whoever brings none back. Then it is kept. What the browser holds, the launch's id and cookie and
the `state`, is known to the database by its digest only; what must be read again is sealed under
the launch's own id.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from sqlalchemy import Engine

from launch.authorize import Pending
from launch.cookies import digested, new_value
from store import pending
from store.sealing import Seal

LIFE = timedelta(minutes=10)

_T = TypeVar("_T", bound=msgspec.Struct)

_STATE = re.compile(r"([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{43}")
# Without padding, which nothing else in an address needs.
_TICKET = re.compile(r"[A-Za-z0-9_-]+")


class Arrival(msgspec.Struct, frozen=True):
    """What the EHR opened the app with, byte for byte. `launch`: None in a standalone launch."""

    ehr_id: str
    iss: str
    launch: str | None


class Found(msgspec.Struct, frozen=True):
    """A launch that has begun, the digest that its cookie has to have, and when it is over."""

    arrival: Arrival
    cookie: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A launch that begins now: its id and its ticket, for the address, and its cookie's value."""

    id: str
    ticket: str
    cookie: str


class Waiting:
    """All launches that wait. `now` tells the time."""

    def __init__(self, engine: Engine, seal: Seal, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._seal = seal
        self._now = now

    def begin(self, arrival: Arrival) -> Begun:
        """A launch of what the app was opened with. Nothing is kept of it yet."""
        id, cookie = secrets.token_urlsafe(16), new_value()
        found = Found(arrival, digested(cookie), self._now() + LIFE)
        sealed = self._seal.seal(msgspec.json.encode(found), "arrival", id)
        return Begun(id, urlsafe_b64encode(sealed).decode().rstrip("="), cookie)

    def look(self, id: str, ticket: str) -> Found | None:
        """The launch at this address, if it is not over. Who asks has yet to show its cookie."""
        if not _TICKET.fullmatch(ticket):
            return None
        try:
            sealed = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        except ValueError:
            return None
        content = self._seal.open(sealed, "arrival", id)
        found = _decoded(content, Found)
        return found if found and self._now() < found.until else None

    def ask(self, id: str, found: Found, asked: Pending, jar: str) -> None:
        """Keep what the EHR is asked; what it was asked before for this launch is void."""
        # `launch` has been sent by then: it may be long, and is of no use in the answer.
        kept = msgspec.json.encode(msgspec.structs.replace(asked, launch=None))
        pending.ask(
            self._engine,
            digested(id),
            asked.ehr_id,
            found.cookie,
            digested(jar),
            digested(asked.state),
            self._seal.seal(kept, "pending", id),
            self._now(),
            found.until,
        )

    def take(self, state: str, cookie: str, ehr_id: str) -> Pending | None:
        """What the EHR was asked with this state, once. `cookie`: the digest of what was sent."""
        id = launch_of(state)
        if id is None:
            return None
        sealed = pending.take(
            self._engine, digested(id), digested(state), cookie, ehr_id, self._now()
        )
        content = self._seal.open(sealed, "pending", id) if sealed else None
        return _decoded(content, Pending)


def _decoded(content: bytes | None, type: type[_T]) -> _T | None:
    try:
        return None if content is None else msgspec.json.decode(content, type=type)
    except msgspec.MsgspecError:
        return None  # of another version


def new_state(id: str) -> str:
    """A `state` for this launch: its id, so that the cookie's name is known, and 256 bits."""
    return f"{id}.{secrets.token_urlsafe(32)}"


def launch_of(state: str) -> str | None:
    """The id of the launch that this `state` is of; None if it is none of ours."""
    found = _STATE.fullmatch(state)
    return found[1] if found else None
