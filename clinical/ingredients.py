"""From an order, a statement or an allergy to the ingredients that our rules speak of.

By its RxNorm code, as an ingredient or as a product; only where none of its codes is in the tables
by whole words of its text and displays, the longest name first, and marked so: text and code can
disagree. An order of which neither is understood is unmapped, and nothing is concluded from it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from clinical.chart import Chart
from clinical.code_systems import RXNORM, canonical, is_possible
from clinical.prescribed import Order, concepts, names, names_of
from fhir.records import CodeableConcept

_FOLDER = Path(__file__).with_name("data") / "medicines"
_HEAD = ("title", "source", "licence", "checked")

Basis = Literal["code", "name", "unmapped"]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """`names` are what the tables call them, in lower case: one name, one drug. `systemic`: not
    for the skin, the eye and the like, unless it reaches the blood from there. `told` is what the
    record calls it; record text.
    """

    names: frozenset[str]
    basis: Basis
    systemic: bool = True
    told: str = ""

    def of(self, *classes: str) -> frozenset[str]:
        """Those of the ingredients that belong to one of the classes."""
        return self.names & frozenset[str]().union(*map(members, classes))

    @property
    def how(self) -> str:
        """To stand behind the name of the medicine."""
        return " (matched by name, not by code)" if self.basis == "name" else ""


@dataclass(frozen=True, slots=True)
class _Tables:
    """Names by RxNorm code, what our table calls a product, and the names of each class."""

    names: Mapping[str, frozenset[str]]
    displays: Mapping[str, str]
    classes: Mapping[str, frozenset[str]]
    words: re.Pattern[str]


def of(chart: Chart, order: Order) -> Ingredients:
    """The ingredients of an order or a statement."""
    told = names(chart, order)
    usable = names(chart, order, beside_rxnorm=False)
    return _ingredients(concepts(chart, order), told, usable)


def of_concept(concept: CodeableConcept | None) -> Ingredients:
    """The ingredients that a concept names, such as the substance of an allergy."""
    if concept is None:
        return Ingredients(frozenset(), "unmapped")
    told, usable = names_of(concept), names_of(concept, beside_rxnorm=False)
    return _ingredients([concept], _told(told), _told(usable))


def members(cls: str) -> frozenset[str]:
    """The names of a class; raises ValueError for one that no table has."""
    found = _TABLES.classes.get(cls)
    if found is None:
        raise ValueError(f"no ingredient is of the class {cls!r}")
    return found


def codes(concepts: Iterable[CodeableConcept]) -> list[tuple[str, str]]:
    """System and code of each coding, for whoever counts what is not mapped."""
    codings = (coding for concept in concepts for coding in concept.coding)
    return [(canonical(each.system or ""), each.code) for each in codings if each.code]


def _ingredients(coded: list[CodeableConcept], told: list[str], usable: list[str]) -> Ingredients:
    rxnorm = [code.strip() for system, code in codes(coded) if system == RXNORM]
    known = [code for code in rxnorm if code in _TABLES.names]
    displays = [_TABLES.displays[code] for code in known]
    local = any(map(_is_local, [*told, *displays]))
    name = next(iter(told), next(iter(displays), ""))
    if known:
        of_codes = frozenset[str]().union(*(_TABLES.names[code] for code in known))
        return Ingredients(of_codes, "code", not local or bool(of_codes & _ABSORBED), name)
    found = {_one_space(word) for text in usable for word in _TABLES.words.findall(text)}
    basis: Basis = "name" if found else "unmapped"
    return Ingredients(frozenset(found), basis, not local or bool(found & _ABSORBED), name)


def _is_local(name: str) -> bool:
    return bool(_LOCAL.search(name) or (_GEL.search(name) and not _SWALLOWED.search(name)))


def _told(names: list[str | None]) -> list[str]:
    return [each for each in names if each and each.strip()]


def _one_space(name: str) -> str:
    return " ".join(name.lower().split())


# What the name of a medicine says that stays where it is put; through the skin counts as systemic.
_LOCAL = re.compile(
    r"\b(topical|cream|ointment|ophthalmic|otic|vaginal|eye|nasal\s+spray)\b", re.IGNORECASE
)
_GEL = re.compile(r"\bgel\b", re.IGNORECASE)
# A gel inside a capsule is swallowed.
_SWALLOWED = re.compile(r"\b(soft|liquid)[\s-]+gel\b|\bcapsules?\b", re.IGNORECASE)

# What reaches the blood from an ointment, a gel or the nose too.
_ABSORBED = frozenset(("nitroglycerin", "fentanyl", "butorphanol", "sumatriptan", "zolmitriptan"))


def _read(folder: Path) -> _Tables:
    """Raises ValueError with a file's name when anything in it is wrong."""
    by_code: dict[str, frozenset[str]] = {}
    displays: dict[str, str] = {}
    classes: dict[str, set[str]] = {}
    known = set[str]()
    for row in rows(folder / "ingredients.csv"):
        name = row["name"].lower()
        known.add(name)
        for cls in row["classes"].split():
            classes.setdefault(cls, set()).add(name)
        if row["code"]:
            _add(by_code, displays, row, frozenset({name}), "ingredients.csv")
    for row in rows(folder / "products.csv"):
        made_of = frozenset(row["ingredients"].lower().split(" + "))
        if unknown := made_of - known:
            raise ValueError(f"products.csv: {row['code']} names {unknown}, which is no ingredient")
        _add(by_code, displays, row, made_of, "products.csv")
    longest_first = sorted(known, key=lambda name: (-len(name), name))
    words = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first)
    return _Tables(
        by_code,
        displays,
        {cls: frozenset(names) for cls, names in classes.items()},
        re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE),
    )


def _add(
    by_code: dict[str, frozenset[str]],
    displays: dict[str, str],
    row: Mapping[str, str],
    made_of: frozenset[str],
    file: str,
) -> None:
    code = row["code"]
    if not is_possible(RXNORM, code):
        raise ValueError(f"{file}: RxNorm has no code like {code!r}")
    if not row["display"] or not row["source"]:
        raise ValueError(f"{file}: {code} has no display or no source")
    if by_code.setdefault(code, made_of) != made_of:
        raise ValueError(f"{file}: {code} stands there twice")
    displays.setdefault(code, row["display"])


@cache
def rows(path: Path) -> tuple[dict[str, str], ...]:
    """The rows of a table of medicines, whose head tells where it is from."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head: dict[str, str] = {}
    while lines and lines[0].startswith("#"):
        key, _, value = lines.pop(0).removeprefix("#").partition(":")
        head[key.strip()] = value.strip()
    if missing := [key for key in _HEAD if not head.get(key)]:
        raise ValueError(f"{path.name}: its head does not tell the {missing[0]}")
    return tuple(csv.DictReader(lines, restval="", strict=True))


_TABLES = _read(_FOLDER)
