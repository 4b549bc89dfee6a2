"""Rules about a whole document, whatever it is. CDS Hooks 2.0, "Use of JSON", "Extensions"."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sandbox.lint.nodes import MOST, Node, type_of
from sandbox.lint.rule import Broken, joined, rule, step

_MAY_BE_EMPTY = (["cards"], ["services"])
_DEEPEST = 100  # levels
_Keys = list[str | int]
# Halves of characters, and control characters but those of lines.
_UNREADABLE = re.compile(r"[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f]")


@rule(
    "CH-005",
    "error",
    "What has no value is left out; only the arrays cards and services may be empty.",
)
def nothing_empty(document: Any) -> Broken:
    return _places(document, _emptiness)


@rule("CH-004", "error", "Text is Unicode that every client can read.")
def text_is_sound(document: Any) -> Broken:
    return _places(document, _unreadable)


def _emptiness(value: Any, keys: _Keys) -> str | None:
    # In FHIR, null keeps the place of a primitive that has an extension only.
    if value is None and not (isinstance(keys[-1], int) and "resource" in keys):
        return "It is null."
    if value in ("", [], {}) and keys not in _MAY_BE_EMPTY:
        return f"It is empty ({type_of(value)})."
    return None


def _unreadable(value: Any, _: _Keys) -> str | None:
    if isinstance(value, str) and _UNREADABLE.search(value):
        return "It has control characters or halves of characters."
    return None


def _places(document: Any, wrong: Callable[[Any, _Keys], str | None]) -> Broken:
    """Where a value is wrong that the document has at any depth, and what `wrong` says of it."""
    # Iterators and one list of keys, since documents are as long and as deep as senders like.
    keys: _Keys = []
    left = [_inside(document)]
    while left:
        key, value = next(left[-1], (None, None))
        if key is None:
            left.pop()
            del keys[-1:]
            continue
        keys.append(key)
        if said := wrong(value, keys):
            yield _path(keys), said
        if len(keys) < _DEEPEST and isinstance(value, dict | list):
            left.append(_inside(value))
        else:
            keys.pop()


def _inside(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    return enumerate(value) if isinstance(value, list) else iter(())


def _path(keys: _Keys) -> str:
    path = "$"
    for key in keys:
        path = joined(path, step(key) if isinstance(key, str) else f"[{key}]")
    return path


@rule("CH-143", "warning", "What is sent is small, so that it is fast; the rest was not judged.")
def few_objects(found: Sequence[Node]) -> Broken:
    if len(found) >= MOST:
        yield "", f"There are {MOST} services, or cards with what belongs to them, and more."


SIZE = (few_objects,)
WHOLE = (nothing_empty, text_is_sound)
