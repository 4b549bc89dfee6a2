"""Laboratory results of one kind: those that can be used, and those that cannot with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from clinical.bounds import Bounds
from clinical.chart import Chart, unreadable
from clinical.codes import CodeSet
from clinical.dates import When
from clinical.text import Markdown, bullets, join, markdown
from clinical.units import recorded
from fhir.records import Observation

_NOT_A_RESULT = ("entered-in-error", "cancelled", "registered")
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


def read_all(chart: Chart, codes: CodeSet, what: str, read: Read) -> Iterator[Found]:
    """All results of one kind, in the order of the record. `read` may answer why it cannot."""
    for lab in chart.labs or ():
        if lab.code in codes and lab.status not in _NOT_A_RESULT:
            result = Measurement(what, lab, chart.drawn(lab))
            answer = _dated(chart, result, read)
            yield Unused(result, answer) if isinstance(answer, str) else answer


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
