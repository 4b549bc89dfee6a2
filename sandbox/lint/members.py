"""Which members the objects of CDS Hooks have. The tables of "Discovery", "CDS Service Response".

Each row is a rule: the member has this type, and it is there if it is required. What is empty where
nothing is required is left to one rule about whole documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.lint.report import Severity
from sandbox.lint.rule import Broken, Rule, joined, quoted, step

Json = dict[str, Any]
Type = Literal["text", "object", "array", "boolean"]

MOST = 3000


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

# Codings of FHIR have more than CDS Hooks needs.
_ALSO = {
    "action": {"resource"},
    "system action": {"resource"},
    "topic": {"version", "userSelected", "id", "extension"},
    "override reason": {"version", "userSelected", "id", "extension"},
}


@dataclass(frozen=True)
class Node:
    """An object of a document. `request` is the call that the document answers, if it is one."""

    kind: str
    value: Json
    path: str
    request: Mapping[str, Any]
    parent: "Node | None" = None

    def text(self, name: str) -> str | None:
        """A member, if it is text with anything in it."""
        member = self.value.get(name)
        return member if isinstance(member, str) and member.strip() else None

    def objects(self, name: str) -> list[Json]:
        """The objects in a member that is an array."""
        member = self.value.get(name)
        return (
            [each for each in member if isinstance(each, dict)] if isinstance(member, list) else []
        )


def nodes(document: Json, kind: str, request: Mapping[str, Any] | None = None) -> list[Node]:
    """The objects of a document that have rules, in its order; the first few thousand of them."""
    found: list[Node] = []
    for node in _walked(Node(kind, document, "$", request or {})):
        found.append(node)
        if len(found) == MOST:
            break
    return found


def _walked(node: Node) -> Iterator[Node]:
    yield node
    for name, member in KINDS[node.kind].items():
        value = node.value.get(name)
        if not member.of:
            continue
        inner: list[tuple[str, Any]] = [(name, value)]
        if member.type == "array":
            each = value if isinstance(value, list) else []
            inner = [(f"{name}[{number}]", item) for number, item in enumerate(each)]
        for where, item in inner:
            if isinstance(item, dict):
                path = joined(node.path, where)
                yield from _walked(Node(member.of, item, path, node.request, node))


def member_rules(kind: str) -> tuple[Rule, ...]:
    """The rules about the members of a kind of object."""
    table = KINDS[kind]
    own = [_member_rule(kind, name, member) for name, member in table.items()]
    return (*own, _others_rule(kind), *([_extension_rule(kind)] if "extension" in table else []))


def _member_rule(kind: str, name: str, member: Member) -> Rule:
    what = {"text": "text", "boolean": "true or false"}.get(member.type, f"an {member.type}")
    if member.type == "array" and member.of:
        what = f"an array of {member.of}s, each an object"
    wants = f"The {name} of {a(kind)} is {what}"
    if member.required:
        wants += " and required" if member.severity == "error" else " and should be there"
    wants = f"{wants}. {member.why}".rstrip()

    def broken(node: Node) -> Broken:
        value = node.value.get(name)
        if _is_empty(value) and not (value == [] and member.may_be_empty):
            if member.required:
                yield (name if name in node.value else ""), _missing(name, name in node.value)
        elif type_of(value) != member.type:
            yield name, f"The {name} is {a(type_of(value))}."
        elif member.type == "array" and member.of:
            for number, item in enumerate(value or ()):
                if not isinstance(item, dict):
                    yield f"{name}[{number}]", f"It is {a(type_of(item))}."

    return Rule(f"{kind}.{name}", member.number, member.severity, wants, broken)


def _missing(name: str, there: bool) -> str:
    return f"The {name} is empty." if there else f"There is no {name}."


def _others_rule(kind: str) -> Rule:
    known = {*KINDS[kind], *_ALSO.get(kind, ())}
    spelt = {_folded(name): name for name in known}
    number = "CH-030" if kind in ("discovery document", "service") else "CH-046"

    def broken(node: Node) -> Broken:
        for key in node.value:
            if key not in known:
                meant = spelt.get(_folded(key))
                hint = f" The specification writes {meant}." if meant else ""
                yield step(key), f"{quoted(key)} is no member of {a(kind)}.{hint}"

    wants = "What the specification does not name belongs into extension."
    return Rule(f"{kind}, others", number, "warning", wants, broken)


def _extension_rule(kind: str) -> Rule:
    number = KINDS[kind]["extension"].number

    def broken(node: Node) -> Broken:
        extension = node.value.get("extension")
        for key in extension if isinstance(extension, dict) else ():
            if "." not in key:
                yield joined("extension", step(key)), f"The key {quoted(key)} has no owner."

    wants = "The keys of an extension begin with a domain turned round: com.example.name."
    return Rule(f"{kind}, extension keys", number, "warning", wants, broken)


def _folded(name: str) -> str:
    return name.replace("-", "").replace("_", "").casefold()


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def type_of(value: Any) -> str:
    """What a JSON value is, in a word."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "text"
        case int() | float():
            return "number"
        case list():
            return "array"
    return "object"


def a(noun: str) -> str:
    """With its article, if it takes one."""
    if noun in ("null", "text"):
        return noun
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
