"""Scopes. SMART App Launch 2.2, "Scopes and Launch Context"; the older form is that of 1.0.

A scope for resources is of one level, of one type or all, for some interactions (`cruds`), and
may be restricted to what a search with its query would find.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

CONTEXT = frozenset(
    [
        "launch",
        "launch/patient",
        "launch/encounter",
        "openid",
        "fhirUser",
        "profile",
        "online_access",
        "offline_access",
        "messaging/scratchpad",
        "messaging/ui",
    ]
)
"""The scopes that are no scopes for resources. The last two: SMART Web Messaging 1.0.0."""

_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_SUFFIX = {interactions: suffix for suffix, interactions in _VERSION_1.items()}
_SCOPE = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]*)\."
    r"(?:(read|write|\*)|(?=[cruds])(c?r?u?d?s?)(?:\?([^?\s]+))?)"
)


@dataclass(frozen=True)
class ResourceScope:
    """One scope for resources; `version_1` tells in which form it was written."""

    level: str
    resource: str
    interactions: str
    query: str = ""
    version_1: bool = False

    def __str__(self) -> str:
        suffix = _SUFFIX[self.interactions] if self.version_1 else self.interactions
        return f"{self.level}/{self.resource}.{suffix}" + (f"?{self.query}" if self.query else "")

    def covers(self, resource_type: str, interaction: str) -> bool:
        """Whether it is for an interaction with a type, restricted or not."""
        return self.resource in ("*", resource_type) and interaction in self.interactions

    @property
    def restrictions(self) -> list[tuple[str, str]]:
        """The search parameters that a resource must satisfy."""
        return parse_qsl(self.query)


def resource_scope(text: str) -> ResourceScope | None:
    """The scope for resources that this is; None if it is none, or is malformed."""
    parts = _SCOPE.fullmatch(text)
    if parts is None:
        return None
    level, resource, version_1, interactions, query = parts.groups()
    if version_1:
        return ResourceScope(level, resource, _VERSION_1[version_1], version_1=True)
    return ResourceScope(level, resource, interactions, query or "")


def granted(requested: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """What is both requested and allowed, each once, in the order and the form of the request."""
    limits = [scope for text in allowed if (scope := resource_scope(text))]
    plain = CONTEXT.intersection(allowed)
    found: dict[str, None] = {}
    for text in requested:
        if text in plain:
            found[text] = None
        elif scope := resource_scope(text):
            met = (_meet(scope, limit) for limit in limits)
            found.update((str(m), None) for m in met if m)
    return tuple(found)


def _meet(scope: ResourceScope, limit: ResourceScope) -> ResourceScope | None:
    interactions = "".join(i for i in scope.interactions if i in limit.interactions)
    types = {scope.resource, limit.resource} - {"*"}
    query = "&".join(filter(None, dict.fromkeys((scope.query, limit.query))))
    expressible = not scope.version_1 or (interactions in _SUFFIX and not query)
    if scope.level != limit.level or not interactions or len(types) > 1 or not expressible:
        return None
    resource = next(iter(types), "*")
    return ResourceScope(scope.level, resource, interactions, query, scope.version_1)
