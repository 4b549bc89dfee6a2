"""Which members the objects of CDS Hooks have. The tables of "Discovery", "CDS Service Response".

Each row is a rule of `sandbox.lint.shape`: it has this type, and is there if it is required.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.lint.report import Severity

Type = Literal["text", "object", "array", "boolean"]


@dataclass(frozen=True)
class Member:
    """`of` is the kind of object that it is, or that it is an array of. `why` it is wanted."""

    number: str
    type: Type
    required: bool = False
    severity: Severity = "error"
    of: str = ""
    may_be_empty: bool = False
    why: str = ""


_EXTENSION = Member("CH-046", "object")

_UUID = Member(
    "CH-096",
    "text",
    required=True,
    severity="warning",
    why="There is no feedback about what has none.",
)

_CODING = {
    "code": Member("CH-108", "text", required=True),
    "system": Member("CH-108", "text", required=True),
    "display": Member("CH-108", "text", required=True),
}

_ACTION = {
    "type": Member("CH-101", "text", required=True),
    "description": Member("CH-101", "text", required=True),
    "resourceId": Member("CH-104", "text"),
    "extension": _EXTENSION,
}

KINDS: Mapping[str, Mapping[str, Member]] = {
    "discovery document": {
        "services": Member("CH-012", "array", required=True, of="service", may_be_empty=True),
        "extension": Member("CH-030", "object"),
    },
    "service": {
        "hook": Member("CH-016", "text", required=True),
        "id": Member("CH-016", "text", required=True),
        "description": Member("CH-016", "text", required=True),
        "title": Member("CH-017", "text", required=True, severity="warning"),
        "prefetch": Member("CH-018", "object"),
        "usageRequirements": Member("CH-016", "text"),
        "version": Member("CH-027", "text"),
        "hookVersion": Member("CH-028", "text"),
        "extension": Member("CH-030", "object"),
    },
    "answer": {
        "cards": Member("CH-031", "array", required=True, of="card", may_be_empty=True),
        "systemActions": Member("CH-112", "array", of="system action"),
        "extension": _EXTENSION,
    },
    "card": {
        "uuid": _UUID,
        "summary": Member("CH-090", "text", required=True),
        "indicator": Member("CH-091", "text", required=True),
        "detail": Member("CH-095", "text"),
        "source": Member("CH-092", "object", required=True, of="source"),
        "suggestions": Member("CH-100", "array", of="suggestion"),
        "selectionBehavior": Member("CH-098", "text"),
        "overrideReasons": Member("CH-108", "array", of="override reason"),
        "links": Member("CH-109", "array", of="link"),
        "extension": _EXTENSION,
    },
    "source": {
        "label": Member("CH-092", "text", required=True, why="Without it, no source is shown."),
        "url": Member("CH-093", "text"),
        "icon": Member("CH-093", "text"),
        "topic": Member(
            "CH-094",
            "object",
            required=True,
            severity="warning",
            of="topic",
            why="By it, clients remember what was overridden.",
        ),
        "extension": _EXTENSION,
    },
    "topic": {
        "code": Member("CH-094", "text", required=True),
        "system": Member("CH-094", "text", required=True, severity="warning"),
        "display": Member("CH-094", "text"),
    },
    "override reason": _CODING,
    "suggestion": {
        "label": Member("CH-100", "text", required=True),
        "uuid": _UUID,
        "isRecommended": Member("CH-099", "boolean"),
        "actions": Member("CH-101", "array", of="action"),
        "actionSelectionBehavior": Member("CH-107", "text"),
        "extension": _EXTENSION,
    },
    "action": _ACTION,
    "system action": {
        **_ACTION,
        "description": Member("CH-114", "text", required=True, severity="warning"),
    },
    "link": {
        "label": Member("CH-109", "text", required=True),
        "url": Member("CH-109", "text", required=True),
        "type": Member("CH-109", "text", required=True),
        "appContext": Member("CH-110", "text"),
        "autolaunchable": Member("CH-111", "boolean"),
        "extension": _EXTENSION,
    },
}
"""The members of each kind of object; `resource` of actions has rules of its own."""
