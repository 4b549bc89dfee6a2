"""The answer of a token endpoint, checked member by member.

SMART App Launch 2.2, Obtain access token; RFC 6749, 5.1. Members that are not listed here are
neither read nor kept. What may be left out is forgiven; what has a wrong type or an impossible
value is not, since it may be another chart's.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from msgspec import Struct

from launch import scopes
from launch.errors import LaunchError
from launch.scopes import Scopes

# Seconds.
UNSAID_LIFE = 300
LONGEST_LIFE = 24 * 3600

_MOST_CONTEXTS = 100
_LONGEST_TEXT = 255
# Longer than any of ours: enough that what reads it can say so.
_LONGEST_APP_CONTEXT = 8192

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_REFRESH_TOKEN = re.compile(r"[ -~]+")
_JWT = re.compile(r"[A-Za-z0-9_.=-]+")
_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}")
_REFERENCE = re.compile(
    r"([A-Z][A-Za-z]{0,63})/[A-Za-z0-9.-]{1,64}(/_history/[A-Za-z0-9.-]{1,64})?"
)


class ContextItem(Struct, frozen=True, omit_defaults=True):
    """A record beside patient and encounter that the launch is about."""

    reference: str | None = None
    canonical: str | None = None
    type: str | None = None


class Grant(Struct, frozen=True, kw_only=True):
    """What was granted. Its text shows no token.

    `need_patient_banner`: False only where the EHR says that it shows the patient's name itself.
    `app_context`: what a card gave the EHR to pass on, not judged.
    """

    access_token: str
    expires_in: int
    scopes: Scopes
    patient: str | None = None
    encounter: str | None = None
    need_patient_banner: bool = True
    intent: str | None = None
    tenant: str | None = None
    fhir_context: tuple[ContextItem, ...] = ()
    app_context: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"Grant(expires_in={self.expires_in})"


def parse(body: bytes) -> Grant:
    """The grant in an answer with status 200. Raises LaunchError."""
    answer = _members(body)
    token_type = answer.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        _refuse("the token is no bearer token")
    access = _text(answer, "access_token", _TOKEN)
    if access is None:
        _refuse("access_token is missing")
    return Grant(
        access_token=access,
        expires_in=_life(answer.get("expires_in")),
        scopes=scopes.parse(_text(answer, "scope") or ""),
        patient=_text(answer, "patient", _ID),
        encounter=_text(answer, "encounter", _ID),
        need_patient_banner=answer.get("need_patient_banner") is not False,
        intent=_optional(answer.get("intent")),
        tenant=_optional(answer.get("tenant")),
        fhir_context=_contexts(answer.get("fhirContext")),
        app_context=_app_context(answer.get("appContext")),
        id_token=_text(answer, "id_token", _JWT),
        refresh_token=_text(answer, "refresh_token", _REFRESH_TOKEN),
    )


def _refuse(reason: str) -> NoReturn:
    raise LaunchError("not-verified", reason)


def _members(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse("the token answer is not JSON")
    if not isinstance(answer, dict):
        _refuse("the token answer is not a JSON object")
    return answer


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        # Two readers of it might not mean the same patient.
        _refuse("a member of the token answer is there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _text(answer: dict[str, Any], name: str, form: re.Pattern[str] | None = None) -> str | None:
    """The string with this name, None where there is none or `null`."""
    value = answer.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or (form and not form.fullmatch(value)):
        _refuse(f"{name} is not what it should be")
    return value


def _life(value: Any) -> int:
    """Some servers send the number as a string."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNSAID_LIFE
    return int(min(max(value, 1), LONGEST_LIFE))


def _optional(value: Any) -> str | None:
    """A string to look up or compare; what is none is as good as absent."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isprintable()
    return value if fits else None


def _app_context(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    # JSON can spell half of a character, which nothing could store.
    return text[:_LONGEST_APP_CONTEXT].encode(errors="replace").decode()


def _contexts(value: Any) -> tuple[ContextItem, ...]:
    """`fhirContext`, in the shape of SMART 2.0 (strings) or that since 2.1 (objects)."""
    entries = value[:_MOST_CONTEXTS] if isinstance(value, list) else []
    items = (_context({"reference": each} if isinstance(each, str) else each) for each in entries)
    return tuple(item for item in items if item)


def _context(entry: Any) -> ContextItem | None:
    # No role means "launch"; entries in roles that we do not know are not ours to use.
    if not isinstance(entry, dict) or entry.get("role", "launch") != "launch":
        return None
    reference, canonical = _optional(entry.get("reference")), _optional(entry.get("canonical"))
    if reference is not None:
        relative = _REFERENCE.fullmatch(reference)
        # These two have members of their own; here they might be of somebody else.
        if not relative or relative[1] in ("Patient", "Encounter"):
            return None
    if reference is None and canonical is None:
        return None
    return ContextItem(reference, canonical, _optional(entry.get("type")))


def tokens_in(body: bytes) -> dict[str, str]:
    """The tokens in an answer that is not one, by name, each by itself."""
    return {name.decode(): value.decode() for name, value in _TOKENS.findall(body)}


# In JSON of any shape, and in a form. What can be revoked is in the alphabet of RFC 6750.
_TOKENS = re.compile(
    rb"""\b(access_token|refresh_token)(?:"\s*:\s*"|=)([A-Za-z0-9._~+/-]{1,8192}=*)(?=["&]|\Z)"""
)
