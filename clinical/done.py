"""Whether a test or a procedure was done, and when it is due again.

What shows it is an Observation, a DiagnosticReport or a Procedure with one of the codes; where a
test has no code here, the words of its name. A status that does not say so, or a date that leaves
it open on which side of the interval it lies, makes the answer "not known".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar, cast

from clinical import dates
from clinical.chart import Chart, effective, unreadable
from clinical.codes import CodeSet
from clinical.dates import When
from clinical.labs import are_known
from clinical.named import Named, Words
from clinical.text import Markdown, markdown
from fhir.records import DiagnosticReport, Observation, Period, Procedure

R = TypeVar("R", Observation, DiagnosticReport, Procedure)

_SETTLED = frozenset({"final", "amended", "corrected", "appended", "completed"})
_NOT_DONE = frozenset(
    {"entered-in-error", "cancelled", "registered", "not-done", "preparation", "on-hold", "stopped"}
)


@dataclass(frozen=True, slots=True)
class Event:
    """One time that it was done. `sure`: by its status. `first` and `last`: the days that it can
    have been, as far as the record tells.
    """

    what: str
    when: When
    first: date | None
    last: date | None
    sure: bool

    @property
    def told(self) -> Markdown:
        """For a clinician: "colonoscopy on 02 Jan 2020"."""
        said = ("" if self.sure else "(not final)", self.when.told)
        rest = Markdown("".join(markdown(" {each}", each=each) for each in said if each))
        return markdown("{what}{rest}", what=self.what, rest=rest)


@dataclass(frozen=True, slots=True)
class Answer:
    """`done` is None where nobody can tell; `last` is the newest time that is sure, and `doubts`
    are those that may count.
    """

    done: bool | None
    last: Event | None
    doubts: tuple[Event, ...] = ()


def events(
    chart: Chart, what: str, sets: Sequence[CodeSet], words: Words = (), but: Words = ()
) -> Iterator[Event]:
    """All times that it was done. `words`: what tells it in the name of a procedure or a report
    that has no code of the sets; `but`: what tells that it is not the test itself.
    """
    for lab in (*_among(chart, chart.labs, sets), *_among(chart, chart.tests, sets)):
        # What has no value for a given reason is a test that failed.
        if lab.data_absent_reason is None:
            yield from event(chart, what, lab.status, chart.drawn(lab), effective(lab))
    for report in _among(chart, chart.reports, sets, words, but):
        text = report.effective_date_time or _last(report.effective_period) or report.issued
        yield from event(chart, what, report.status, dates.when(text, chart.zone), text)
    for procedure in _among(chart, chart.procedures, sets, words, but):
        text = procedure.performed_date_time or _last(procedure.performed_period)
        yield from event(chart, what, procedure.status, chart.performed(procedure), text)


def event(
    chart: Chart, what: str, status: str | None, when: When, text: str | None
) -> Iterator[Event]:
    """One record as an event, if it is one. `text`: the date as the record has it."""
    if status not in _NOT_DONE:
        days = (when.day, when.day) if when.day else dates.span(text, chart.zone)
        yield Event(what, when, days[0] if days else None, when.latest, status in _SETTLED)


def within(
    found: Iterable[Event], today: date, *, years: int | None = None, since: date | None = None
) -> Answer:
    """Whether one of them lies within so many years, or on a day or later; else ever.

    What was done exactly so many years ago is due again.
    """
    known = list(found)
    counts = [(each, _counts(each, today, years, since)) for each in known]
    sure = [each for each in known if each.sure]
    last = max(sure, key=lambda each: each.last or date.min, default=None)
    doubts = tuple(each for each, answer in counts if answer is None)
    done = any(answer for _, answer in counts)
    return Answer(done or (None if doubts else False), last, doubts)


def together(answers: Iterable[Answer]) -> Answer:
    """Of several tests of which one is enough."""
    known = list(answers)
    done = any(each.done for each in known)
    doubts = tuple(doubt for each in known for doubt in each.doubts)
    last = [each.last for each in known if each.last]
    return Answer(
        done or (None if doubts else False),
        max(last, key=lambda each: each.last or date.min, default=None),
        doubts,
    )


def can_tell(chart: Chart) -> bool:
    """Whether "none on record" may be concluded. Reports may be missing, but not some of them."""
    needed = (chart.tests, chart.procedures)
    known = are_known(chart) and all(each is not None for each in needed)
    return known and not any(map(unreadable, (*needed, chart.reports)))


def anniversary(day: date, years: int) -> date:
    """So many years later; a 29 February has its anniversary on the 28th in other years."""
    year = min(day.year + years, date.max.year)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _counts(event: Event, today: date, years: int | None, since: date | None) -> bool | None:
    first, last = event.first, event.last
    if first is not None and first > today:
        return None  # a plan, or a slip of the pen
    if years is not None:
        recent = first is not None and anniversary(first, years) > today
        old = last is not None and anniversary(last, years) <= today
    elif since is not None:
        recent, old = first is not None and first >= since, last is not None and last < since
    else:
        recent, old = True, False
    if old:
        return False
    return True if recent and event.sure else None


def _among(
    chart: Chart,
    records: Sequence[R] | None,
    sets: Sequence[CodeSet],
    words: Words = (),
    but: Words = (),
) -> Iterator[R]:
    for codes in sets:
        for each, _ in chart.among(records, codes):
            yield each
    if words and records is not None:
        named = cast(Named[R], chart.once(Named, records))
        for each in named.saying(words, but):
            if not any(each.code in codes for codes in sets):
                yield each


def _last(period: Period | None) -> str | None:
    return (period.end or period.start) if period else None
