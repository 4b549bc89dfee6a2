"""The records of one list by their codes, so that each further set of codes costs what it finds.

A long chart has many records and few codes: each code is brought into our spelling once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from clinical.code_systems import canonical, spelled
from clinical.codes import Code, Coded, CodeSet
from fhir.records import Coding


class Index(Generic[Coded]):
    """Made once for a list that does not change."""

    def __init__(self, records: Iterable[Coded]) -> None:
        self._records = tuple(records)
        self._places: dict[tuple[str, str], list[int]] = {}
        self._found: dict[CodeSet, list[tuple[Coded, Code]]] = {}
        known: dict[tuple[str | None, str | None], list[int]] = {}
        for place, each in enumerate(self._records):
            for coding in each.code.coding if each.code else ():
                as_sent = coding.system, coding.code
                places = known.get(as_sent)
                if places is None:
                    places = known[as_sent] = self._places_of(coding)
                places.append(place)

    def among(self, codes: CodeSet) -> list[tuple[Coded, Code]]:
        """The records with one of these codes, in their order, each with its row."""
        if codes not in self._found:
            keys = self._places.keys() & codes.rows.keys()
            places = {place for key in keys for place in self._places[key]}
            found = [self._records[place] for place in sorted(places)]
            rows = ((each, codes.find(each.code)) for each in found)
            self._found[codes] = [(each, row) for each, row in rows if row]
        return self._found[codes]

    def _places_of(self, coding: Coding) -> list[int]:
        if not coding.system or not coding.code:
            return []
        system = canonical(coding.system)
        return self._places.setdefault((system, spelled(system, coding.code)), [])
