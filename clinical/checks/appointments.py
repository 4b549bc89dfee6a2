"""Appointments: several missed within a year, as the chart opens; the next ones, for the app.

What is said is what could help to come, and never a judgement about a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from clinical import dates, thresholds
from clinical.chart import Chart, unreadable
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.text import Markdown, day, join, listed, markdown
from fhir.records import Appointment

_LIMITS = thresholds.load("attention", thresholds.Thresholds)
ADULT_FROM = _LIMITS["adult-from"]
MISSED_FROM = _LIMITS["missed-from"]
MISSED_WITHIN = timedelta(days=_LIMITS["missed-within"])
UPCOMING_WITHIN = timedelta(days=_LIMITS["upcoming-within"])
_BOOKED = ("booked", "pending")


def missed(chart: Chart) -> Iterator[Result]:
    """Whether an adult has missed several appointments within a year."""
    if chart.deceased or min(chart.ages_on(chart.today), default=0) < ADULT_FROM:
        return
    days = sorted(_days(chart, ("noshow",), chart.today - MISSED_WITHIN, chart.today))
    if len(days) >= MISSED_FROM:
        yield Finding(
            rule="appt.noshow",
            summary=(
                f"{len(days)} missed appointments within a year, the last on {day(days[-1])}: "
                "consider a reminder or help with the way"
            ),
            indicator="info",
            source=_LIMITS.source("choice"),
            severity=len(days),
            detail=join(
                markdown(
                    "Not kept: {days}.", days=listed(markdown("{day}", day=each) for each in days)
                ),
                _next(chart),
                markdown("A reminder, another hour or transport may help."),
            ),
            overrides=("will-monitor", "patient-declined", "not-appropriate", "data-wrong"),
            links=OPEN_CHART,
        )
    elif chart.appointments is None or unreadable(chart.appointments):
        yield Gap("appt.noshow", markdown("appointments: not fully known"))


def upcoming(chart: Chart) -> Iterator[Finding]:
    """The appointments of the next days, for the app."""
    if chart.deceased:
        return
    days = sorted(_days(chart, _BOOKED, chart.today, chart.today + UPCOMING_WITHIN))
    if days:
        yield Finding(
            rule="appt.upcoming",
            summary=f"Next appointment on {day(days[0])}",
            indicator="info",
            source=_LIMITS.source("choice"),
            detail=markdown(
                "Booked: {days}.", days=listed(markdown("{day}", day=each) for each in days)
            ),
        )


def _next(chart: Chart) -> Markdown:
    days = sorted(_days(chart, _BOOKED, chart.today, date.max))
    return markdown("The next one is on {day}.", day=days[0]) if days else Markdown()


def _days(chart: Chart, statuses: tuple[str, ...], first: date, last: date) -> Iterator[date]:
    """The days of the appointments of such a status; one of no full date is not counted."""
    seen: set[tuple[str, str | None]] = set()
    for each in chart.appointments or ():
        start = dates.day(each.start, chart.zone)
        if each.status in statuses and start and first <= start <= last and _key(each) not in seen:
            seen.add(_key(each))
            yield start


def _key(appointment: Appointment) -> tuple[str, str | None]:
    """A feed may send one twice."""
    return appointment.id, appointment.start
