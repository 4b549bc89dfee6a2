"""One patient's chart as a check sees it: values, a date, and what is not known.

`None` instead of a list means "not known here", an empty list means "none on record". A check must
tell the two apart: from the first it may conclude nothing.
"""

from __future__ import annotations

import logging
from calendar import isleap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, tzinfo
from functools import partial
from typing import Any, TypeVar, cast

from clinical import dates, thresholds
from clinical.codes import Code, Coded, CodeSet
from clinical.dates import When
from clinical.finding import Gap, Result
from clinical.index import Index
from clinical.text import markdown
from fhir.records import (
    AllergyIntolerance,
    Appointment,
    Communication,
    Condition,
    DiagnosticReport,
    Draft,
    Encounter,
    Immunization,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Period,
    Procedure,
    ServiceRequest,
    Task,
    Unreadable,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

# The clock of an analyser and that of the EHR may differ over midnight, and so may their zones.
_A_DAY_AHEAD = timedelta(days=1)

OLDEST = thresholds.load("patient", thresholds.Thresholds)["oldest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`today` is the date at the EHR, `zone` its time zone. `tests` are results of screening."""

    patient: Patient
    today: date
    zone: tzinfo
    drafts: Sequence[Draft] = ()
    medications: Sequence[MedicationRequest] | None = None
    conditions: Sequence[Condition] | None = None
    labs: Sequence[Observation] | None = None
    tests: Sequence[Observation] | None = None
    orders: Sequence[ServiceRequest] | None = None
    procedures: Sequence[Procedure] | None = None
    statements: Sequence[MedicationStatement] | None = None
    allergies: Sequence[AllergyIntolerance] | None = None
    vitals: Sequence[Observation] | None = None
    social: Sequence[Observation] | None = None
    immunizations: Sequence[Immunization] | None = None
    reports: Sequence[DiagnosticReport] | None = None
    appointments: Sequence[Appointment] | None = None
    tasks: Sequence[Task] | None = None
    communications: Sequence[Communication] | None = None
    encounter: Encounter | None = None
    # What several checks ask for is made once: by what it is, and by the list or record it is of.
    _made: dict[tuple[Any, int], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, make: Callable[[T], Any], of: T) -> Any:
        """What `make` makes of a part of this chart, kept for whoever asks next.

        A part lives as long as the chart, so that its identity tells it from all others.
        """
        key = make, id(of)
        if key not in self._made:
            self._made[key] = make(of)
        return self._made[key]

    def among(self, records: Sequence[Coded] | None, codes: CodeSet) -> list[tuple[Coded, Code]]:
        """The records of a list of this chart with one of these codes, in their order."""
        if records is None:
            return []
        index = cast(Index[Coded], self.once(Index, records))
        return index.among(codes)

    def drawn(self, lab: Observation) -> When:
        """When the specimen of a result was taken.

        `issued` only tells the last possible day: a result may be issued again long after. A
        result of tomorrow is one of today, at a time that nobody can tell.
        """
        drawn = dates.when(effective(lab), self.zone)
        if drawn.day == self.today + _A_DAY_AHEAD:
            dated = partial(markdown, "dated {day}", day=drawn.day)
            return When(self.today, None, self.today, dated)
        issued = dates.day(lab.issued, self.zone)
        if drawn.day or issued is None or (drawn.latest and drawn.latest <= issued):
            return drawn
        if drawn.latest:
            return replace(drawn, latest=issued)
        return When(latest=issued, tell=partial(markdown, "issued on {day}", day=issued))

    def performed(self, procedure: Procedure) -> When:
        """When a procedure was done, or when it ended."""
        return dates.when(
            procedure.performed_date_time or _last(procedure.performed_period), self.zone
        )

    def age_on(self, day: date) -> int | None:
        """Age in whole years; None where the birth date is missing, partial or a placeholder."""
        full = dates.day(self.patient.birth_date, self.zone)
        return next(iter(self.ages_on(day)), None) if full else None

    def ages_on(self, day: date) -> tuple[int, ...]:
        """The ages that a birth date leaves possible: one, or two where it is only a year or a
        month. None of them where it is missing or a placeholder.
        """
        born = dates.span(self.patient.birth_date, self.zone)
        if born is None or born[1] > day:
            return ()
        youngest, oldest = _age(born[1], day), _age(born[0], day)
        return tuple(sorted({youngest, oldest})) if oldest <= OLDEST else ()

    @property
    def deceased(self) -> bool:
        return bool(self.patient.deceased_boolean or self.patient.deceased_date_time)

    @property
    def replaced(self) -> bool:
        """Whether this record was merged into another one, which holds what is missing here."""
        return any(link.type == "replaced-by" for link in self.patient.link)


def _age(born: date, day: date) -> int:
    """In whole years. Who was born on 29 February has the birthday on 28 February in others."""
    leap_day = (born.month, born.day) == (2, 29)
    birthday = (2, 28) if leap_day and not isleap(day.year) else (born.month, born.day)
    return day.year - born.year - ((day.month, day.day) < birthday)


def effective(lab: Observation) -> str | None:
    """When the specimen was taken, in the words of the record."""
    return lab.effective_date_time or lab.effective_instant or _last(lab.effective_period)


def _last(period: Period | None) -> str | None:
    return (period.end or period.start) if period else None


Check = Callable[[Chart], Iterable[Result]]


def evaluate(chart: Chart, *checks: Check) -> Iterator[Result]:
    """What all checks find. One that crashes is a Gap; if all do, the last error is raised."""
    results: list[Result] = []
    crashes = 0
    for check in checks:
        try:
            results += check(chart)
        except Exception as error:
            # A crash of one check must not silence its neighbours, nor pass for "nothing found".
            crashes += 1
            if crashes == len(checks):
                raise
            log.error("check %s failed: %s", check.__name__, type(error).__name__)
            results.append(Gap(check.__name__, markdown("{name} failed", name=check.__name__)))
    return iter(results)


def unreadable(records: Sequence[object] | None) -> tuple[Unreadable, ...]:
    """The entries of a search that exist but could not be read."""
    return getattr(records, "unreadable", ())
