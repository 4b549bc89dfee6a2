"""FHIR dates at the EHR: a full one is a day; a partial one has only a last possible day.

FHIR R4, dateTime: a year, a year and a month, a day, or a time with its offset.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from clinical.text import Markdown, markdown

_NOTHING = Markdown()
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


@dataclass(frozen=True, slots=True)
class When:
    """When something was. `day` and `at` only where the record tells the whole day, or the time.

    `latest` is the last day that it can have been, None where nothing tells; `told` is what the
    record does tell, in words that can follow a value.
    """

    day: date | None = None
    at: datetime | None = None
    latest: date | None = None
    told: Markdown = _NOTHING


def when(text: str | None, zone: tzinfo) -> When:
    """What a FHIR dateTime tells."""
    if full := day(text, zone):
        return When(full, moment(text, zone), full, markdown("on {day}", day=full))
    if latest := last_day(text, zone):
        return When(latest=latest, told=markdown("of {text}", text=text or ""))
    return When()


def day(text: str | None, zone: tzinfo) -> date | None:
    """The calendar day of a FHIR dateTime; None for a partial or malformed one."""
    if text is None or len(text) < 10 or text[7] != "-":
        return None
    if len(text) == 10:
        return _date(text)
    time = moment(text, zone)
    return time.date() if time else None


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """The time of a FHIR dateTime; None where it is only a date, or malformed."""
    if text is None or len(text) <= 10 or text[7] != "-":
        return None
    try:
        time = datetime.fromisoformat(text)
        # Without an offset, which FHIR asks for, the time can only be that of the EHR.
        return time.astimezone(zone) if time.tzinfo else time.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def last_day(text: str | None, zone: tzinfo) -> date | None:
    """The last day that a FHIR dateTime can mean; None where it is missing or malformed."""
    partial = _PARTIAL.fullmatch(text or "")
    if partial is None:
        return day(text, zone)
    year, month = int(partial[1]), int(partial[2] or 12)
    if year == 0 or not 1 <= month <= 12:
        return None
    return date(year, month, monthrange(year, month)[1])


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
