"""What a record calls something, where no code is known: words in its text and its displays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic

from clinical.codes import Coded
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
    return bool(any_of) and any(_has(_words(name), any_of) for name in names(concept))


class Named(Generic[Coded]):
    """The records of one list by their names: made once, since a long chart has few names."""

    def __init__(self, records: Iterable[Coded]) -> None:
        self._records: dict[tuple[str, ...], list[Coded]] = {}
        for each in records:
            self._records.setdefault(tuple(names(each.code)), []).append(each)

    def saying(self, any_of: Words, but: Words) -> Iterator[Coded]:
        """Those of which a name has all words of one of the lists, and no name those of `but`."""
        for told, records in self._records.items():
            words = [_words(name) for name in told]
            said = any(_has(each, any_of) for each in words)
            if said and not any(_has(each, but) for each in words):
                yield from records


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(name.lower()))


def _has(words: Sequence[str], any_of: Words) -> bool:
    return any(all(_is_among(each, words) for each in wanted) for wanted in any_of)


def _is_among(wanted: str, words: Sequence[str]) -> bool:
    if len(wanted) <= _WHOLE:
        return wanted in words
    return any(word.startswith(wanted) for word in words)
