"""The screenings of the data: who is due, what satisfies each and what rules it out."""

from __future__ import annotations

from typing import Literal

from clinical import codes, thresholds
from clinical.codes import CodeSet
from clinical.finding import Create, LabOrder, Source, Suggestion


class Test(thresholds.Table, frozen=True):
    """One way to be screened."""

    what: str
    codes: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    years: int | None = None
    from_age: int = 0

    @property
    def sets(self) -> tuple[CodeSet, ...]:
        return tuple(map(codes.load, self.codes))

    def __str__(self) -> str:
        often = "once" if self.years is None else _every(self.years)
        return f"{self.what} {often}" + (f" from {self.from_age} on" if self.from_age else "")


class Order(thresholds.Table, frozen=True):
    """What is offered: a code of a set."""

    codes: str
    code: str
    label: str

    @property
    def suggestion(self) -> Suggestion:
        order = LabOrder(codes.load(self.codes).coding(self.code))
        return Suggestion(self.label, (Create(self.label, order),))


class Screening(thresholds.Table, frozen=True):
    """One line of a guideline; the head of the data file tells the members."""

    rule: str
    name: str
    lowest: int
    highest: int
    grade: str
    source: str
    tests: tuple[Test, ...]
    sex: Literal["female", "male"] | None = None
    only_for: Literal["heavy-smokers", "smokers-ever", "overweight"] | None = None
    pregnant: bool = True
    unless_diagnosed: tuple[str, ...] = ()
    unless_performed: tuple[str, ...] = ()
    unless_named: tuple[tuple[str, ...], ...] = ()
    order: Order | None = None

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        return (self.order.suggestion,) if self.order else ()

    def check(self) -> None:
        """Load all that it names, so that a wrong name stops the start."""
        for name in (*self.unless_diagnosed, *self.unless_performed):
            codes.load(name)
        if not all(test.sets or test.words for test in self.tests) or not self.tests:
            raise ValueError(f"{self.rule}: a test needs codes or words")
        if self.lowest > self.highest:
            raise ValueError(f"{self.rule}: nobody is of such an age")
        _ = self.suggestions, source(self)


class _Screenings(thresholds.Thresholds, frozen=True):
    screenings: tuple[Screening, ...]
    not_the_test: tuple[tuple[str, ...], ...]


DATA = thresholds.load("screening", _Screenings)


def source(screening: Screening) -> Source:
    """What its card names."""
    return DATA.source(screening.source)


def _every(years: int) -> str:
    return "every year" if years == 1 else f"every {years} years"


for _each in DATA.screenings:
    _each.check()
