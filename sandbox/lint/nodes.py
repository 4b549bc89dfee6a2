"""The objects of a document, by the kinds of `sandbox.lint.members`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.lint.members import KINDS
from sandbox.lint.rule import joined

Json = dict[str, Any]

MOST = 3000
"""The objects of a document that are judged."""


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
