"""Rules about a whole document, whatever it is. CDS Hooks 2.0, "HTTP Calls", "Extensions"."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.lint.nodes import MOST, Node, type_of
from sandbox.lint.rule import Broken, joined, rule, step

_MAY_BE_EMPTY = ("cards", "services")
_DEEPEST = 2000  # characters of a path


@rule(
    "CH-005",
    "error",
    "What has no value is left out; only the arrays cards and services may be empty.",
)
def nothing_empty(document: Any) -> Broken:
    for path, value, fhir in _values(document):
        # In FHIR, null keeps the place of a primitive that has an extension only.
        if value is None and not (fhir and path.endswith("]")):
            yield path, "It is null."
        elif value in ("", [], {}) and path not in _MAY_BE_EMPTY:
            yield path, f"It is empty ({type_of(value)})."


@rule("CH-004", "error", "Text is Unicode that every client can read.")
def text_is_sound(document: Any) -> Broken:
    for path, value, _ in _values(document):
        if isinstance(value, str) and any(
            "\ud800" <= sign <= "\udfff" or (sign < " " and sign not in "\t\n\r") for sign in value
        ):
            yield path, "It has control characters or halves of characters."


def _values(document: Any) -> Iterator[tuple[str, Any, bool]]:
    """All values but the document itself, with their paths, and whether they are FHIR's."""
    # A stack, since documents are nested as deep as their senders like.
    left: list[tuple[str, Any, bool]] = [("$", document, False)]
    while left:
        path, value, fhir = left.pop()
        if path != "$":
            yield path, value, fhir
        if len(path) > _DEEPEST:
            continue
        if isinstance(value, dict):
            inner = [(joined(path, step(k)), v, fhir or k == "resource") for k, v in value.items()]
            left.extend(reversed(inner))
        elif isinstance(value, list):
            inner = [(joined(path, f"[{n}]"), each, fhir) for n, each in enumerate(value)]
            left.extend(reversed(inner))


@rule("CH-143", "warning", "What is sent is small, so that it is fast; the rest was not judged.")
def few_objects(found: Sequence[Node]) -> Broken:
    if len(found) >= MOST:
        yield "", f"There are {MOST} services, or cards with what belongs to them, and more."


SIZE = (few_objects,)
WHOLE = (nothing_empty, text_is_sound)
