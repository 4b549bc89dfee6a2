"""Laboratory results of one kind: those that can be used, and those that cannot with the reason.

A long chart has thousands of results, and a check speaks about the newest: so a result is read when
it is asked for, and its code and its date tell before that whether it will be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from clinical.bounds import Bounds
from clinical.chart import Chart, effective, unreadable
from clinical.codes import CodeSet
from clinical.dates import When, is_full
from clinical.text import Markdown, bullets, join, markdown
from clinical.units import recorded
from fhir.records import Observation

_NOT_A_RESULT = frozenset({"entered-in-error", "cancelled", "registered"})
_NOT_SETTLED = {"preliminary": "preliminary", "unknown": "status unknown"}
# A card is read in seconds; the newest doubts are the ones that matter.
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Measurement:
    """One result as the record tells it; `what` is its kind."""

    what: str
    lab: Observation
    when: When

    @property
    def note(self) -> str:
        """ "preliminary" and the like, to stand beside the value."""
        return _NOT_SETTLED.get(self.lab.status or "", "")

    @property
    def told(self) -> Markdown:
        """For a clinician: "creatinine 1.9 mg/dL (preliminary) on 01 May 2026"."""
        said = (recorded(self.lab), f"({self.note})" if self.note else "", self.when.told)
        return markdown(
            "{what}{said}",
            what=self.what,
            said=Markdown("".join(markdown(" {each}", each=each) for each in said if each)),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A result that can be compared with a limit.

    `bounds` in the unit that is compared; `shown` is the value for people, `how` says where it is
    from (made when it is asked for) and `basis` the same in a word or two.
    """

    of: Measurement
    day: date
    bounds: Bounds
    shown: str
    basis: str
    tell: Callable[[], Markdown]

    @property
    def how(self) -> Markdown:
        return self.tell()


@dataclass(frozen=True, slots=True)
class Unused:
    """A result that was left aside; `why` follows it in a text."""

    of: Measurement
    why: str

    @property
    def told(self) -> Markdown:
        """For a clinician."""
        return markdown("{result}, {why}", result=self.of.told, why=self.why)


Found = Reading | Unused
Read = Callable[[Measurement, date], Reading | str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of results: what it is called, its codes, how one is read or the reason why not."""

    what: str
    codes: CodeSet
    read: Read


class Results:
    """All results of some kinds, kind by kind in the order of the record, read when asked for.

    Those of the laboratory, or of another list of the chart.
    """

    def __init__(
        self, chart: Chart, *kinds: Kind, records: Sequence[Observation] | None = None
    ) -> None:
        labs = chart.labs if records is None else records
        self._chart = chart
        self._labs = [
            (kind, lab)
            for kind in kinds
            for lab, _ in chart.among(labs, kind.codes)
            if lab.status not in _NOT_A_RESULT
        ]
        self._found: dict[int, Found] = {}
        self._dates = [effective(lab) or "" for _, lab in self._labs]
        full = [is_full(each) for each in self._dates]
        dated = [place for place, is_dated in enumerate(full) if is_dated]
        self._newest_first = sorted(dated, key=self._dates.__getitem__, reverse=True)
        self._undated = [place for place, is_dated in enumerate(full) if not is_dated]

    def __iter__(self) -> Iterator[Found]:
        return map(self._read, range(len(self._labs)))

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    def down_to(self, first: date, decides: Callable[[Found], bool]) -> list[Found]:
        """The results from this day on, or from that of the newest that decides if it is later.

        Further ones may be among them: of two days before, and any without a full date.
        """
        places = self._undated.copy()
        last = _two_days_before(first)
        for place in self._newest_first:
            if self._dates[place] < last:
                break
            places.append(place)
            found = self._read(place)
            if isinstance(found, Reading) and found.day > first and decides(found):
                first = found.day
                last = _two_days_before(first)
        return [self._read(place) for place in sorted(places)]

    def _read(self, place: int) -> Found:
        if place not in self._found:
            kind, lab = self._labs[place]
            result = Measurement(kind.what, lab, self._chart.drawn(lab))
            answer = _dated(self._chart, result, kind.read)
            found = Unused(result, answer) if isinstance(answer, str) else answer
            self._found[place] = found
        return self._found[place]


def _two_days_before(day: date) -> str:
    return (day - timedelta(days=2)).isoformat() if day.year > 1 else ""


def _dated(chart: Chart, result: Measurement, read: Read) -> Reading | str:
    day = result.when.day
    if day is None:
        return "without a full date"
    if day > chart.today:
        return "dated in the future"
    return read(result, day)


def are_known(chart: Chart) -> bool:
    """Whether "none on record" may be concluded."""
    return chart.labs is not None and not unreadable(chart.labs) and not chart.replaced


def doubts(chart: Chart, unused: Sequence[Unused]) -> list[Markdown]:
    """What could not be used, the newest first, and what is missing."""
    newest = sorted(unused, key=lambda each: each.of.when.latest or date.max, reverse=True)
    told = [each.told for each in newest[:_MOST_TOLD]]
    if len(newest) > _MOST_TOLD:
        told.append(markdown("more results ({n})", n=len(newest) - _MOST_TOLD))
    if missing := len(unreadable(chart.labs)):
        told.append(
            markdown("laboratory results that could not be obtained or read ({n})", n=missing)
        )
    if chart.replaced:
        told.append(markdown("results under the record that replaces this one"))
    return told


def not_used(chart: Chart, unused: Sequence[Unused], newer_than: Reading | None) -> Markdown:
    """The doubts as a part of a card's detail."""
    told = doubts(chart, unused)
    head = "Not used, and possibly newer:" if newer_than else "Not used:"
    return join(markdown(head), bullets(told)) if told else Markdown()
