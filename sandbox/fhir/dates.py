"""Dates as FHIR compares them: a date is a span of time, as long as the date is imprecise.

FHIR R4, "Search", headings "Prefixes" and "date".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(:\d\d)?.*)?)?)?")
_PREFIXED = re.compile(r"(eq|ge|gt|le|lt)?(\d.*)")
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    def contains(self, other: "Span") -> bool:
        """Whether all of the other span lies in this one."""
        return self.start <= other.start and other.end <= self.end


def span(element: Any) -> Span:
    """The span of a date, a dateTime, an instant or a Period; ValueError for anything else."""
    if isinstance(element, dict):
        start, end = element.get("start"), element.get("end")
        return Span(span(start).start if start else _FIRST, span(end).end if end else _LAST)
    parts = _DATE.fullmatch(str(element))
    if parts is None:
        raise ValueError(f"{element!r} is not a FHIR date")
    year, month, day, time, second = parts.groups()
    if time:
        start = datetime.fromisoformat(element).replace(microsecond=0)
        # FHIR lets a search value leave its time zone to the server: here it is UTC.
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
    else:
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if start.year == MAXYEAR:
        return Span(start, _LAST)
    if time:
        return Span(start, start + timedelta(seconds=1 if second else 60))
    if day:
        return Span(start, start + timedelta(days=1))
    if month:
        return Span(start, (start + timedelta(days=31)).replace(day=1))
    return Span(start, start.replace(year=start.year + 1))


def date_test(text: str) -> Callable[[Span], bool]:
    """Whether a span satisfies a search value such as `ge2026-10`; ValueError for others."""
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is None:
        raise ValueError(f"{text!r} is not a date with one of the prefixes eq, ge, gt, le, lt")
    prefix, asked = prefixed[1], span(prefixed[2])
    return lambda own: _compare(own, prefix, asked)


def _compare(own: Span, prefix: str | None, asked: Span) -> bool:
    match prefix:
        case "lt":
            return own.start < asked.start
        case "le":
            return own.start < asked.start or asked.contains(own)
        case "gt":
            return own.end > asked.end
        case "ge":
            return own.end > asked.end or asked.contains(own)
        case _:
            return asked.contains(own)
