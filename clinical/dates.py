"""FHIR dates at the EHR: a full one is a day; a partial one has only a last possible day.

FHIR R4, dateTime: a year, a year and a month, a day, or a time with its offset. Many feeds write a
day as its first moment in UTC, which is the evening before in America: it is read as the day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import partial

from clinical.text import Markdown, markdown

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")
_MIDNIGHT = re.compile(r"T00:00(:00(\.0+)?)?(Z|[+-]00:00)")


@dataclass(frozen=True, slots=True)
class When:
    """When something was. `day` and `at` only where the record tells the whole day, or the time.

    `latest` is the last day that it can have been, None where nothing tells; `told` is what the
    record does tell, in words that can follow a value. They are made when they are asked for: most
    results of a long chart are never shown.
    """

    day: date | None = None
    at: datetime | None = None
    latest: date | None = None
    tell: Callable[[], Markdown] = field(default=Markdown, compare=False)

    @property
    def told(self) -> Markdown:
        return self.tell()


def when(text: str | None, zone: tzinfo, word: str = "") -> When:
    """What a FHIR dateTime tells. `word` goes before it instead of "on" and "of"."""
    at = moment(text, zone)
    if full := at.date() if at else day(text, zone):
        tell = partial(markdown, "{word} {day}", word=word or "on", day=full)
        return When(full, at, full, tell)
    if latest := last_day(text, zone):
        tell = partial(markdown, "{word} {text}", word=word or "of", text=text or "")
        return When(latest=latest, tell=tell)
    return When()


def day(text: str | None, zone: tzinfo) -> date | None:
    """The calendar day of a FHIR dateTime; None for a partial or malformed one."""
    if text is None or len(text) < 10 or text[7] != "-":
        return None
    if _is_day(text):
        return _date(text[:10])
    time = moment(text, zone)
    return time.date() if time else None


def is_full(text: str | None) -> bool:
    """Whether a FHIR dateTime tells a day, which in no time zone is more than two days from that
    of its text. False where that takes a closer look.
    """
    text = text or ""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    # In the first and the last year, time zones lead out of the calendar.
    return text[4:8:3] == "--" and "0002" < text < "9999"


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """The time of a FHIR dateTime; None where it is only a date, or malformed."""
    if text is None or len(text) <= 10 or text[7] != "-" or _is_day(text):
        return None
    try:
        time = datetime.fromisoformat(text)
        # Without an offset, which FHIR asks for, the time can only be that of the EHR.
        return time.astimezone(zone) if time.tzinfo else time.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def last_day(text: str | None, zone: tzinfo) -> date | None:
    """The last day that a FHIR dateTime can mean; None where it is missing or malformed."""
    days = span(text, zone)
    return days[1] if days else None


def span(text: str | None, zone: tzinfo) -> tuple[date, date] | None:
    """The first and the last day that a FHIR dateTime can mean."""
    partial = _PARTIAL.fullmatch(text or "")
    if partial is None:
        full = day(text, zone)
        return (full, full) if full else None
    year, first, last = int(partial[1]), int(partial[2] or 1), int(partial[2] or 12)
    if year == 0 or not 1 <= first <= 12:
        return None
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def _is_day(text: str) -> bool:
    return len(text) == 10 or _MIDNIGHT.fullmatch(text[10:]) is not None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
