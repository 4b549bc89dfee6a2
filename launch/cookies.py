"""The cookies of launches: each launch has its own, so that no two charts can share one.

`__Host-`, Secure, HttpOnly, and for an EHR that frames the app SameSite=None and Partitioned, the
only kind that a browser sends in a cross-site frame (Cookies Having Independent Partitioned State).
A cookie holds a random value and nothing else; the database has its digest.
"""

from __future__ import annotations

import re
import secrets

from flask import Request, Response

from store.hashes import digest
from store.tables import KEY

_PREFIX = "__Host-sl-"
_JAR = "__Host-sl-jar"
_LAUNCH = re.compile(rf"{_PREFIX}([0-9a-f]{{16}})")
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_value() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def digested(value: str) -> str:
    """What the database keeps of a random value."""
    return digest("launch", value)[:KEY]


def read(request: Request, id: str) -> str | None:
    """The digest of the cookie of this launch; None if the browser sent none."""
    value = request.cookies.get(_PREFIX + id, "")
    return digested(value) if _VALUE.fullmatch(value) else None


def launches(request: Request) -> set[str]:
    """The names of the launches of which the browser sent cookies, live or not."""
    return {found[1] for name in request.cookies if (found := _LAUNCH.fullmatch(name))}


def jar(request: Request) -> str | None:
    """The value that tells this browser's launches from those of others."""
    value = request.cookies.get(_JAR, "")
    return value if _VALUE.fullmatch(value) else None


def give(answer: Response, id: str, value: str, framed: bool, seconds: int | None = None) -> None:
    """Set the cookie of a launch; without `seconds` it goes when the browser is closed."""
    _set(answer, _PREFIX + id, value, framed, seconds)


def give_jar(answer: Response, value: str) -> None:
    """Set the jar's cookie. Partitioned always: of frames and of windows it must be one name."""
    _set(answer, _JAR, value, True, None)


def take_away(answer: Response, id: str, framed: bool) -> None:
    """Delete the cookie of a launch."""
    _set(answer, _PREFIX + id, "", framed, 0)


def _set(answer: Response, name: str, value: str, framed: bool, seconds: int | None) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite="None" if framed else "Lax",
        partitioned=framed,
        path="/",
    )
