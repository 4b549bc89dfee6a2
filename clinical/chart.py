"""One patient's chart as a check sees it: values, a date, and what is not known.

`None` instead of a list means "not known here", an empty list means "none on record". A check must
tell the two apart: from the first it may conclude nothing.
"""

from __future__ import annotations

import logging
from calendar import isleap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from clinical.finding import Gap, Result
from clinical.text import markdown
from fhir.records import (
    CodeableConcept,
    Condition,
    Draft,
    MedicationRequest,
    Observation,
    Patient,
    Period,
    Procedure,
    Unreadable,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`today` is the date at the EHR, `zone` its time zone."""

    patient: Patient
    today: date
    zone: tzinfo
    drafts: Sequence[Draft] = ()
    medications: Sequence[MedicationRequest] | None = None
    conditions: Sequence[Condition] | None = None
    labs: Sequence[Observation] | None = None
    procedures: Sequence[Procedure] | None = None

    def day(self, when: str | None) -> date | None:
        """The calendar day of a FHIR dateTime at the EHR; None for a partial or malformed one."""
        if when is None or len(when) < 10 or when[7] != "-":
            return None
        if len(when) == 10:
            try:
                return date.fromisoformat(when)
            except ValueError:
                return None
        moment = self.moment(when)
        return moment.date() if moment else None

    def moment(self, when: str | None) -> datetime | None:
        """The time of a FHIR dateTime at the EHR; None where it is only a date, or malformed."""
        if when is None or len(when) <= 10 or when[7] != "-":
            return None
        try:
            moment = datetime.fromisoformat(when)
            # Without an offset, which FHIR asks for, the time can only be that of the EHR.
            return (
                moment.astimezone(self.zone) if moment.tzinfo else moment.replace(tzinfo=self.zone)
            )
        except (ValueError, OverflowError):
            return None

    def drawn(self, lab: Observation) -> date | None:
        """The day a result speaks of."""
        return self.day(_when(lab))

    def drawn_at(self, lab: Observation) -> datetime | None:
        """The time a result speaks of, where the record tells more than the day."""
        return self.moment(_when(lab))

    def performed(self, procedure: Procedure) -> date | None:
        """The day a procedure was done, or its last day."""
        return self.day(procedure.performed_date_time or _last(procedure.performed_period))

    def age_on(self, day: date) -> int | None:
        """Age in whole years; None where the birth date is missing or partial.

        Who was born on 29 February has the birthday on 28 February in other years.
        """
        born = self.day(self.patient.birth_date)
        if born is None or born > day:
            return None
        leap_day = (born.month, born.day) == (2, 29)
        birthday = (2, 28) if leap_day and not isleap(day.year) else (born.month, born.day)
        return day.year - born.year - ((day.month, day.day) < birthday)

    @property
    def deceased(self) -> bool:
        return bool(self.patient.deceased_boolean or self.patient.deceased_date_time)


def _when(lab: Observation) -> str | None:
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


def status_code(status: CodeableConcept | str | None) -> str | None:
    """The code of a clinical or verification status; older servers send it as plain text."""
    if isinstance(status, CodeableConcept):
        codes = [coding for coding in status.coding if coding.code]
        # A local coding may stand beside that of HL7, which is the one with a known meaning.
        codes.sort(key=lambda coding: "hl7.org" not in (coding.system or ""))
        status = codes[0].code if codes else status.text
    return status.lower() if status else None


def is_live(condition: Condition) -> bool:
    """Active by its own words, and not entered in error or refuted."""
    clinical = status_code(condition.clinical_status)
    verification = status_code(condition.verification_status)
    return clinical in (None, "active", "recurrence", "relapse") and verification not in (
        "entered-in-error",
        "refuted",
    )
