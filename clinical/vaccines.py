"""The doses of a vaccine that the record has.

By CVX code; where a dose has none that is known here, by its name: the codes of a season come out
after any table was made. Only completed doses count, and of one day only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clinical import codes, dates, thresholds
from clinical.chart import Chart
from clinical.code_systems import CVX, canonical
from clinical.codes import CodeSet
from clinical.done import Event
from clinical.named import Words, names, says
from clinical.text import Markdown, listed
from fhir.records import Immunization

INFLUENZA = codes.load("vax-influenza")
PNEUMOCOCCAL = codes.load("vax-pneumococcal")
ZOSTER = codes.load("vax-zoster-recombinant")
ZOSTER_OTHER = codes.load("vax-zoster-other")
TETANUS = codes.load("vax-tdap-td")
RSV = codes.load("vax-rsv")
_KNOWN = (INFLUENZA, PNEUMOCOCCAL, ZOSTER, ZOSTER_OTHER, TETANUS, RSV)


class _Immunizations(thresholds.Thresholds, frozen=True):
    names: dict[str, tuple[tuple[str, ...], ...]]


DATA = thresholds.load("immunizations", _Immunizations)
NAMES = DATA.names
_NO_DOSE = ("not-done", "entered-in-error")


@dataclass(frozen=True, slots=True)
class Doses:
    """The doses of one vaccine, the oldest first; those of no known date stand before."""

    doses: tuple[Event, ...]

    @property
    def sure(self) -> tuple[Event, ...]:
        return tuple(each for each in self.doses if each.sure)

    @property
    def days(self) -> int:
        """On how many days, as far as each has a date."""
        return len({each.when.day for each in self.sure if each.when.day})

    @property
    def last(self) -> Event | None:
        return self.sure[-1] if self.sure else None

    @property
    def told(self) -> Markdown:
        """The newest three, for a clinician."""
        return listed(each.told for each in reversed(self.doses[-3:]))


def doses(
    chart: Chart,
    what: str,
    vaccine: CodeSet,
    by_name: Words,
    *,
    only: Sequence[str] = (),
    but: Words = (),
) -> Doses:
    """`only`: of the set, only these codes. `but`: names of another vaccine."""
    found = []
    for each in chart.immunizations or ():
        if each.status in _NO_DOSE:
            continue
        row = vaccine.find(each.vaccine_code)
        if row:
            counts = not only or row.code in only
        else:
            concept = each.vaccine_code
            counts = not is_known(each) and says(concept, by_name) and not says(concept, but)
        if counts:
            found.append(_event(chart, what, each))
    found.sort(key=lambda each: each.last or date.min)
    return Doses(tuple(found))


def is_known(dose: Immunization) -> bool:
    """Whether it has a code of our tables."""
    return any(dose.vaccine_code in each for each in _KNOWN)


def nameless(chart: Chart) -> int:
    """How many doses are of a vaccine that nobody can tell here: no CVX code and no name."""
    return sum(
        each.status not in _NO_DOSE and not _is_told(each) for each in chart.immunizations or ()
    )


def _is_told(dose: Immunization) -> bool:
    concept = dose.vaccine_code
    coded = any(
        each.code and canonical(each.system or "") == CVX
        for each in (concept.coding if concept else ())
    )
    return coded or bool(names(concept))


def _event(chart: Chart, what: str, dose: Immunization) -> Event:
    when = dates.when(dose.occurrence_date_time, chart.zone)
    days = dates.span(dose.occurrence_date_time, chart.zone)
    return Event(what, when, days[0] if days else None, when.latest, dose.status == "completed")
