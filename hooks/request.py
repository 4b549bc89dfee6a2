"""The envelope of a service call (CDS Hooks, Calling a CDS Service), checked and typed.

Where nothing is odd, the whole body is decoded in one pass, prefetch values and all. Otherwise
prefetch values stay raw, and are decoded one by one as tolerantly as can be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeGuard
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from fhir.bundle import UNREADABLE, Value
from fhir.owner import Owner, normal
from hooks.context_json import read_context
from hooks.contexts import HOOKS, TOKEN_MEMBERS, Context, camel
from hooks.members import Inner, Member, members, reader, typed_members
from web.errors import Problem

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class FhirAuthorization(msgspec.Struct, frozen=True):
    """The access token for this call. Used while the call runs, never stored or logged."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,16384}\Z")]
    token_type: Annotated[str, msgspec.Meta(pattern=r"^[Bb]earer\Z")]
    expires_in: int
    scope: str
    subject: str
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call of one service. Prefetch values are JSON still, or read already."""

    hook: str
    hook_instance: str
    context: Context
    fhir_server: str | None
    fhir_authorization: FhirAuthorization | None
    prefetch: Mapping[str, Raw | Value]

    @property
    def tokens(self) -> dict[str, str]:
        """The prefetch tokens that this context fills."""
        filled = {
            f"context.{camel(name)}": value
            for name in TOKEN_MEMBERS
            if (value := getattr(self.context, name, None))
        }
        type_, _, id_ = filled.get("context.userId", "").partition("/")
        if type_:
            filled[f"user{type_}Id"] = id_
        return filled


def parse(
    body: bytes, bases: tuple[str, ...], keys: frozenset[str] | None = None
) -> tuple[HookRequest, Owner]:
    """The checked request and the owner of its chart. `bases`: this EHR's FHIR bases. `keys`: the
    prefetch keys that are going to be read; without them, nothing is read in advance.
    """
    envelope = _plain(body, keys) if keys is not None else None
    if envelope is None:
        envelope = members(body)
    hook = _text(envelope, "hook")
    if hook not in HOOKS:
        raise Problem(400, "value", f"The hooks known here are {', '.join(HOOKS)}.", "hook")
    instance = _text(envelope, "hookInstance")
    if not _UUID.fullmatch(instance):
        raise Problem(400, "value", "hookInstance is a UUID without a prefix.", "hookInstance")
    server = envelope.get("fhirServer")
    if server not in bases:
        server = _fhir_server(envelope)
    authorization = _fhir_authorization(envelope, server)
    _object(envelope, "extension")
    named = _object(envelope, "context")
    if not named:
        raise Problem(400, "required", "context is required and not empty.", "context")
    # Another server of the same EHR may have another patient under this id.
    owned = (server,) if server else bases
    context, owner = read_context(hook, named, owned)
    prefetch = _object(envelope, "prefetch") or {}
    answered = {key: value for key, value in prefetch.items() if _may_answer(value)}
    if len(answered) < len(prefetch):
        raise Problem(400, "structure", "A prefetch value is a resource or null.", "prefetch")
    return HookRequest(hook, instance, context, server, authorization, answered), owner


def _plain(body: bytes, keys: frozenset[str]) -> dict[str, Member] | None:
    """The envelope of a call that has texts in its context, and prefetch for these keys only."""
    envelope = typed_members(body, _NAMES | keys)
    if envelope is None:
        return None
    context, authorization = envelope.get("context"), envelope.get("fhirAuthorization")
    values = [
        value
        for each in (context, authorization)
        if isinstance(each, dict)
        for value in each.values()
    ]
    # A prefetch key may have the name of a member that holds resources.
    only_texts = not isinstance(context, dict) or context.keys() <= _TEXTS
    if only_texts and all(isinstance(value, str | int | None) for value in values):
        return envelope
    return None


def _may_answer(value: Inner) -> TypeGuard[Raw | Value]:
    if isinstance(value, Raw):
        return memoryview(value)[0] in b"{n"
    return not isinstance(value, str | int)


def _text(envelope: Mapping[str, Member], name: str) -> str:
    value = envelope.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, "required", f"{name} is required and is a text.", name)
    return value


def _object(envelope: Mapping[str, Member], name: str) -> Mapping[str, Inner] | None:
    value = envelope.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Problem(400, "structure", f"{name} is an object.", name)
    return value


def _fhir_server(envelope: Mapping[str, Member]) -> str | None:
    server = envelope.get("fhirServer")
    if server is None:
        return None
    if isinstance(server, str) and server.isprintable() and " " not in server:
        try:
            url = urlsplit(server)
            plain = not (url.username or url.password or url.query or url.fragment)
            if url.scheme in ("http", "https") and url.hostname and url.port != 0 and plain:
                return normal(server)
        except ValueError:
            pass  # a host or port that is none
    raise Problem(400, "value", "fhirServer is an absolute http(s) URL.", "fhirServer")


def _fhir_authorization(
    envelope: Mapping[str, Member], server: str | None
) -> FhirAuthorization | None:
    named = _object(envelope, "fhirAuthorization")
    if named is None:
        return None
    if server is None:
        raise Problem(400, "required", "fhirAuthorization needs fhirServer.", "fhirServer")
    values = {}
    for name, read in _AUTHORIZATION.items():
        path = f"fhirAuthorization.{name}"
        if name in named:
            try:
                values[name] = read(named[name])
            except UNREADABLE:
                raise Problem(400, "value", f"This field is {_FORMS[name]}.", path) from None
        elif name != "patient":
            raise Problem(400, "required", "This field is required.", path)
    return FhirAuthorization(**values)


_FORMS = {
    "access_token": "a text of visible ASCII characters",
    "token_type": "Bearer",
    "expires_in": "a whole number of seconds",
    "scope": "a text",
    "subject": "a text",
    "patient": "a text",
}
_AUTHORIZATION = {
    field.name: reader(field.type) for field in msgspec.structs.fields(FhirAuthorization)
}
_TEXTS = frozenset(map(camel, TOKEN_MEMBERS))
# The names in a call that tells nothing out of the ordinary, but for its prefetch keys.
_NAMES = frozenset(
    {"hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch"}
    | _TEXTS
    | {*_AUTHORIZATION}
)
