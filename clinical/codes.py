"""Code sets: which codes mean one clinical thing, each row with its source.

A set is a CSV file under `data/codes` with a head of `# key: value` lines. It is read once, when
the check that uses it is imported, so that a wrong table stops the start and not a hook call.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from clinical.code_systems import canonical, folded, is_possible, spelled, usual_spellings
from fhir.records import CodeableConcept, Coding

_FOLDER = Path(__file__).with_name("data") / "codes"
_HEAD = ("title", "source", "licence", "checked")


@dataclass(frozen=True, slots=True)
class Code:
    """One row. `name` is filled in sets of medicines: what the medicine is called in an order."""

    system: str
    code: str
    display: str
    source: str
    name: str = ""


class _Coded(Protocol):
    @property
    def code(self) -> CodeableConcept | None: ...


Coded = TypeVar("Coded", bound=_Coded)


@dataclass(frozen=True, slots=True, eq=False)
class CodeSet:
    """`concept in code_set` asks whether any coding of the concept is one of these.

    `names` are further names of a medicine, brands of which no table knows the code.
    """

    title: str
    source: str
    licence: str
    rows: Mapping[tuple[str, str], Code]
    names: tuple[str, ...] = ()
    # The rows by what is usually sent, and all that may be one of the codes, in whatever spelling.
    _usual: dict[tuple[str | None, str | None], Code] = field(init=False, repr=False)
    _folded: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        usual = {each: row for key, row in self.rows.items() for each in usual_spellings(*key)}
        object.__setattr__(self, "_usual", usual)
        object.__setattr__(self, "_folded", frozenset(folded(code) for _, code in usual))

    def __contains__(self, concept: CodeableConcept | None) -> bool:
        return self.find(concept) is not None

    def __iter__(self) -> Iterator[Code]:
        return iter(self.rows.values())

    def coding(self, code: str) -> Coding:
        """One of the codes, to put into an order."""
        return next(Coding(row.system, row.code, row.display) for row in self if row.code == code)

    def find(self, concept: CodeableConcept | None) -> Code | None:
        """The row of the concept's first coding that has one."""
        for coding in concept.coding if concept else ():
            row = self._usual.get((coding.system, coding.code)) or self._search(coding)
            if row is not None:
                return row
        return None

    def among(self, records: Iterable[Coded]) -> Iterator[tuple[Coded, Code]]:
        """The records with one of these codes, in their order, each with its row.

        A long chart has many records and few codes: each other code is looked at once.
        """
        usual, others = self._usual, set[str | None]()
        for each in records:
            if each.code is None:
                continue
            for coding in each.code.coding:
                if coding.code in others:
                    continue
                row = usual.get((coding.system, coding.code))
                if row is None and folded(coding.code or "") not in self._folded:
                    others.add(coding.code)
                elif row := row or self._search(coding):
                    yield each, row
                    break

    def _search(self, coding: Coding) -> Code | None:
        if not coding.system or not coding.code:
            return None
        system = canonical(coding.system)
        return self.rows.get((system, spelled(system, coding.code)))


@cache
def load(name: str) -> CodeSet:
    """A set of this project, by the name of its file."""
    return read(_FOLDER / f"{name}.csv")


def read(path: Path) -> CodeSet:
    """A set from a file; raises ValueError with the file's name when anything in it is wrong."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head: dict[str, str] = {}
    while lines and lines[0].startswith("#"):
        key, _, value = lines.pop(0).removeprefix("#").partition(":")
        head[key.strip()] = value.strip()
    for key in _HEAD:
        if not head.get(key):
            raise ValueError(f"{path.name}: its head does not tell the {key}")
    rows: dict[tuple[str, str], Code] = {}
    for row in csv.DictReader(lines, restval=""):
        try:
            code = Code(**row)
        except TypeError:
            raise ValueError(f"{path.name}: {row} does not have the columns of a code") from None
        if not is_possible(code.system, code.code):
            raise ValueError(f"{path.name}: {code.system} has no code like {code.code!r}")
        if not code.display or not code.source:
            raise ValueError(f"{path.name}: {code.code} has no display or no source")
        if (code.system, code.code) in rows:
            raise ValueError(f"{path.name}: {code.code} stands there twice")
        rows[code.system, code.code] = code
    if not rows:
        raise ValueError(f"{path.name}: no codes")
    names = tuple(name.strip() for name in head.get("names", "").split(",") if name.strip())
    if names and not head.get("names-source"):
        raise ValueError(f"{path.name}: its head does not tell the names-source")
    return CodeSet(head["title"], head["source"], head["licence"], rows, names)
