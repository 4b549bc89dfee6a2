"""Scopes: what a launch may read. SMART App Launch 2.2, Scopes and Launch Context.

A scope of SMART 2 names interactions out of `cruds` and may be restricted to what a search finds;
one of SMART 1 ends with `read`, `write` or `*`. Servers answer with either, whatever was asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal
from urllib.parse import parse_qsl

from msgspec import Struct

from web.trust import Smart

Level = Literal["patient", "user", "system"]

_SCOPE = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]{0,63})\."
    r"(?:(read|write|\*)|(?=[cruds])(c?r?u?d?s?)(?:\?(\S+))?)"
)
_TOKEN = re.compile(r"[!#-\[\]-~]+")  # RFC 6749, 3.3
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


class Scope(Struct, frozen=True):
    """One scope for records. `restrictions`: parameters that all of them must satisfy."""

    level: str
    resource: str
    interactions: str
    restrictions: tuple[tuple[str, str], ...] = ()


class Scopes(Struct, frozen=True):
    """What was granted; `others` are those that are not for records, such as `openid`."""

    records: tuple[Scope, ...] = ()
    others: tuple[str, ...] = ()

    def can(self, level: Level, resource: str, interaction: str, **params: str) -> bool:
        """Whether these interactions (letters of `cruds`) with this type are all granted.

        `params`: what the request is limited to, as in `category="laboratory"`. A scope that is
        restricted covers only requests that keep to its restrictions.
        """
        return bool(interaction) and all(
            any(_covers(scope, level, resource, letter, params) for scope in self.records)
            for letter in interaction
        )


def parse(text: str) -> Scopes:
    """The scopes in the `scope` of an answer; what is not well formed grants nothing."""
    records: dict[Scope, None] = {}
    others: dict[str, None] = {}
    for each in filter(_TOKEN.fullmatch, text.split(" ")):
        if "." not in each:
            others[each] = None
        elif scope := _scope(each):
            records[scope] = None
    return Scopes(tuple(records), tuple(others))


def choose(smart: Smart, capabilities: Collection[str], standalone: bool) -> tuple[str, ...]:
    """What to ask an EHR for: of one version of SMART, with the scopes that the launch needs."""
    listed = smart.scopes if "permission-v2" in capabilities else smart.scopes_v1
    wanted = ["launch/patient" if standalone else "launch"]
    if _IDENTITY & set(listed):
        wanted += ["openid", "fhirUser"]
    # How a launch begins and whether it is renewed stand elsewhere in the record.
    wanted += [each for each in listed if each not in ("launch", *_REFRESH.values())]
    if smart.refresh != "none":
        wanted.append(_REFRESH[smart.refresh])
    return tuple(dict.fromkeys(wanted))


# One without the other is of no use (SMART, Scopes for requesting identity data).
_IDENTITY = {"openid", "fhirUser"}
_REFRESH = {"online": "online_access", "offline": "offline_access"}


def _scope(text: str) -> Scope | None:
    parts = _SCOPE.fullmatch(text)
    if parts is None:
        return None
    level, resource, version_1, interactions, query = parts.groups()
    if version_1:
        return Scope(level, resource, _VERSION_1[version_1])
    if query is None:
        return Scope(level, resource, interactions)
    try:
        # A restriction that is not understood must not become a scope without one.
        restrictions = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None
    return Scope(level, resource, interactions, tuple(restrictions))


def _covers(
    scope: Scope, level: str, resource: str, interaction: str, params: dict[str, str]
) -> bool:
    return (
        scope.level == level
        and scope.resource in ("*", resource)
        and interaction in scope.interactions
        and all(
            name in params and _within(params[name], allowed)
            for name, allowed in scope.restrictions
        )
    )


def _within(asked: str, allowed: str) -> bool:
    """Whether each of these tokens (FHIR search, comma means or) is among the allowed ones."""
    return all(any(_same(one, other) for other in allowed.split(",")) for one in asked.split(","))


def _same(asked: str, allowed: str) -> bool:
    """Whether two tokens can mean the same code; the system may be left out on either side."""
    system, _, code = asked.rpartition("|")
    its_system, _, its_code = allowed.rpartition("|")
    return code == its_code and (system == its_system or not system or not its_system)
