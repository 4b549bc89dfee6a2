"""FHIR dates as a page shows them: 02 Jan 2026, Jan 2026 or 2026, and nothing made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo

from clinical import dates
from clinical.text import day


@dataclass(frozen=True, slots=True)
class Dated:
    """A date for people, and the same for machines."""

    text: str
    iso: str


def dated(text: str | None, zone: tzinfo) -> Dated | None:
    """What a FHIR date or dateTime tells; None where it tells nothing that can be read."""
    full = dates.day(text, zone)
    if full:
        return of_day(full)
    if text is None or dates.last_day(text, zone) is None:
        return None
    # A year, or a year and a month.
    return Dated(day(date.fromisoformat(f"{text}-01"))[3:] if len(text) == 7 else text, text)


def of_day(full: date) -> Dated:
    """A whole day."""
    return Dated(day(full), full.isoformat())


def moment(text: str | None, zone: tzinfo) -> str:
    """A FHIR date or dateTime with its time, if it has one; what cannot be read as it is."""
    at, date_ = dates.moment(text, zone), dated(text, zone)
    if at:
        return f"{day(at.date())}, {at:%H:%M}"
    return date_.text if date_ else text or ""
