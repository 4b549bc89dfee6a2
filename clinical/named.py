"""What a record calls something, where no code is known: words in its text and its displays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fhir.records import CodeableConcept

_WORD = re.compile(r"[a-z0-9]+")
# Longer ones may be the beginning of a word: "aort" of aorta and aortic.
_WHOLE = 3

Words = Sequence[Sequence[str]]


def names(concept: CodeableConcept | None) -> list[str]:
    """The text of a concept and the displays of its codings."""
    if concept is None:
        return []
    return [each for each in (concept.text, *(c.display for c in concept.coding)) if each]


def says(concept: CodeableConcept | None, any_of: Words) -> bool:
    """Whether one of the names has all words of one of the lists."""
    return bool(any_of) and any(_has(name, any_of) for name in names(concept))


def _has(name: str, any_of: Words) -> bool:
    words = _WORD.findall(name.lower())
    return any(all(_is_among(each, words) for each in wanted) for wanted in any_of)


def _is_among(wanted: str, words: Iterable[str]) -> bool:
    if len(wanted) <= _WHOLE:
        return wanted in words
    return any(word.startswith(wanted) for word in words)
