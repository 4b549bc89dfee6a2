"""The allergy list: which live entries name a medicine or a class of them, and how grave they are.

FHIR R4, AllergyIntolerance. By code where one is known, RxNorm for a medicine and SNOMED CT for a
class; else by words, and marked so. "No known allergy" is none, but for what it excepts; words
that deny the allergy that they name make it neither one nor none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clinical import codes, current, dates, ingredients
from clinical.chart import Chart
from clinical.dates import When
from clinical.prescribed import names_of
from clinical.problems import status_words
from clinical.text import Markdown, markdown, one_line
from fhir.records import AllergyIntolerance, CodeableConcept

NONE_KNOWN = codes.load("allergy-none")
CLASSES = codes.load("allergy-class-substances")
SEVERE = codes.load("reaction-severe")

_UNSURE = frozenset({"unconfirmed", "presumed"})
_LONGEST_NAME = 40
_WORD = re.compile(r"\w+")

# Where another part of a text begins, such as what "none known" excepts.
_PART = re.compile(
    r"\b(?:except\w*|other\s+than|apart\s+from|aside\s+from|besides|but)\b|[;:,]|\s[-\u2013\u2014]\s",
    re.IGNORECASE,
)
# What denies the allergy of its own part, and what takes back the whole.
_DENIES = re.compile(
    r"\b(?:no|denies|denied|negative\s+for)\s+(?!other\b)(?:\w+\s+){0,3}?allerg"
    r"|\bnot\s+(?:an?\s+)?(?:true\s+)?allerg",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(r"(?<!not )\b(?:ruled\s+out|de-?label\w*)(?!\s+not\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The classes that a code means, the words for a class, for none, and for a grave reaction."""

    codes: dict[str, str]
    words: dict[str, tuple[str, ...]]
    none_known: tuple[str, ...]
    grave: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allergy:
    """One entry: the ingredients that it names, or the classes. One that is `denied` in its own
    words has neither.
    """

    record: AllergyIntolerance
    ingredients: frozenset[str]
    classes: frozenset[str]
    by_name: bool
    when: When
    severe: bool
    denied: bool

    @property
    def kind(self) -> str:
        """Allergy or intolerance, in the record's own word."""
        return "intolerance" if self.record.type == "intolerance" else "allergy"

    @property
    def name(self) -> str:
        """What the record calls the substance; record text."""
        return one_line(next(iter(_called(self.record.code)), "a substance"), _LONGEST_NAME)

    @property
    def reactions(self) -> list[str]:
        """What it did, in the words of the record."""
        said: list[str] = []
        for reaction in self.record.reaction:
            told = [next(iter(_called(each)), "") for each in reaction.manifestation]
            said += [each for each in told if each] or filter(None, [reaction.description])
        return [each.removesuffix(" (disorder)").removesuffix(" (finding)") for each in said]

    def showed(self, beginnings: Iterable[str]) -> bool:
        """Whether a word of its reactions begins so."""
        return _begins(" ".join(self.reactions), beginnings)

    @property
    def short(self) -> str:
        """For a summary."""
        noted = [*self.reactions[:1], self.doubt, self.when.told]
        told = ", ".join(one_line(each, _LONGEST_NAME) for each in noted if each)
        return f"{self.kind} to {self.name} on record" + (f" ({told})" if told else "")

    @property
    def told(self) -> Markdown:
        """For a detail."""
        severity = [f"severity {each.severity}" for each in self.record.reaction if each.severity]
        criticality = self.record.criticality
        noted = [
            *self.reactions,
            *severity,
            f"criticality {criticality}" if criticality else "",
            self.doubt,
            "matched by name, not by code" if self.by_name else "",
        ]
        return markdown(
            "{kind} to **{name}** {when}{noted}",
            kind=self.kind.capitalize(),
            name=self.name,
            when=self.when.told or "without a date",
            noted=Markdown("".join(markdown("; {each}", each=each) for each in noted if each)),
        )

    @property
    def doubt(self) -> str:
        """ "unconfirmed" and the like."""
        return next(iter(status_words(self.record.verification_status) & _UNSURE), "")


def live(chart: Chart, terms: Terms) -> Iterator[Allergy]:
    """The live entries. One that names nothing of our tables has neither ingredient nor class."""
    for each in chart.allergies or ():
        if current.is_live_allergy(each) and not _names_none(each.code, terms):
            yield _read(chart, each, terms)


def _called(concept: CodeableConcept | None) -> list[str]:
    return [each for each in names_of(concept) if each] if concept else []


def _names_none(substance: CodeableConcept | None, terms: Terms) -> bool:
    said = [" ".join(name.lower().split()) for name in _called(substance)]
    none = any(f"{name} ".startswith(f"{none} ") for name in said for none in terms.none_known)
    if not none and substance not in NONE_KNOWN:
        return False
    return not any(_PART.search(name) or _names(name, terms) for name in said)


def _names(text: str, terms: Terms) -> bool:
    """Whether a text names a medicine or a class of our tables."""
    found = ingredients.of_concept(CodeableConcept(text=text)).names
    return bool(found or _classes_in([text], terms))


def _classes_in(texts: list[str], terms: Terms) -> frozenset[str]:
    words = {word for text in texts for word in _WORD.findall(text.lower())}
    return frozenset(each for each, called in terms.words.items() if words & set(called))


def _is_denied(text: str, terms: Terms) -> bool:
    parts = [each for each in _PART.split(text) if _names(each, terms)]
    return bool(parts and (_TAKEN_BACK.search(text) or all(map(_DENIES.search, parts))))


def _read(chart: Chart, record: AllergyIntolerance, terms: Terms) -> Allergy:
    of_code = CLASSES.find(record.code)
    known = ingredients.of_concept(record.code)
    named, by_name = known.names, known.basis == "name"
    classes = frozenset([terms.codes[of_code.code]] if of_code else [])
    if classes and by_name:
        # A code was understood, so the words are not asked.
        named, by_name = frozenset(), False
    if not named and not classes:
        classes = _classes_in(_called(record.code), terms)
        by_name = bool(classes)
    denied = by_name and any(_is_denied(each, terms) for each in _called(record.code))
    if denied:
        named = classes = frozenset()
    onset = dates.when(record.onset_date_time, chart.zone, "since")
    noted = onset if onset.latest else dates.when(record.recorded_date, chart.zone, "recorded")
    return Allergy(record, named, classes, by_name, noted, _is_severe(record, terms), denied)


def _is_severe(record: AllergyIntolerance, terms: Terms) -> bool:
    shown = [each for reaction in record.reaction for each in reaction.manifestation]
    described = [each.description for each in record.reaction if each.description]
    said = " ".join([*(name for each in shown for name in _called(each)), *described])
    return (
        record.criticality == "high"
        or any(each.severity == "severe" for each in record.reaction)
        or any(each in SEVERE for each in shown)
        or _begins(said, terms.grave)
    )


def _begins(text: str, beginnings: Iterable[str]) -> bool:
    words = _WORD.findall(text.lower())
    return any(word.startswith(each) for word in words for each in beginnings)
