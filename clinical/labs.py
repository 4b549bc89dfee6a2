"""Laboratory results of one kind, and those that cannot be used with the reason why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from clinical.chart import Chart, unreadable
from clinical.codes import CodeSet
from clinical.text import Markdown, bullets, join, markdown
from clinical.units import recorded
from fhir.records import Observation

_NOT_A_RESULT = ("entered-in-error", "cancelled", "registered")
# A card is read in seconds; the newest doubts are the ones that matter.
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Unused:
    """A result that was left aside. `why` completes "creatinine 168 g/L on 01 May 2026, ..."."""

    what: str
    value: str
    day: date | None
    why: str

    @property
    def told(self) -> Markdown:
        """For a clinician."""
        when = markdown(" on {day}", day=self.day) if self.day else Markdown()
        value = markdown(" {value}", value=self.value) if self.value else Markdown()
        return markdown(
            "{what}{value}{when}, {why}", what=self.what, value=value, when=when, why=self.why
        )


def results(chart: Chart, codes: CodeSet) -> Iterator[Observation]:
    """The results of one kind that count, in the order of the record."""
    for lab in chart.labs or ():
        if lab.code in codes and lab.status not in _NOT_A_RESULT:
            yield lab


def unused(what: str, lab: Observation, day: date | None, why: str) -> Unused:
    """A result that is left aside."""
    return Unused(what, recorded(lab.value_quantity), day, why)


def doubts(chart: Chart, left_aside: Sequence[Unused]) -> list[Markdown]:
    """What may be newer than the result that was used, and could not be."""
    newest = sorted(left_aside, key=lambda each: each.day or date.max, reverse=True)
    told = [each.told for each in newest[:_MOST_TOLD]]
    if len(newest) > _MOST_TOLD:
        told.append(markdown("more results ({n})", n=len(newest) - _MOST_TOLD))
    missing = len(unreadable(chart.labs))
    if missing:
        told.append(markdown("laboratory results that could not be read ({n})", n=missing))
    return told


def not_used(chart: Chart, left_aside: Sequence[Unused]) -> Markdown:
    """The doubts as a part of a card's detail."""
    told = doubts(chart, left_aside)
    return join(markdown("Not used, and possibly newer:"), bullets(told)) if told else Markdown()
