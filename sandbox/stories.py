"""Dates of a story that do not age: written relative to a day, in the JSON of the record.

A string that begins with `@` is a date: where it starts, how far to go from there, and how it is
written. Only the distance or the start must be there.

    @-400d            400 days before the day
    @-62y-47d         62 years before it, and from there 47 days back: an age that never changes
    @-3d 08:30        three days before it at 08:30 UTC, with `+` for what is still to come
    @-14m YYYY-MM     a partial date, of the month 14 months back; `YYYY` for the year alone
    @--09-01          the first of September that was last, as for a vaccine of the season
    @--09-01-1y       the one before that

Years and months end on the last day of a shorter month.
"""

import calendar
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

_STEP = re.compile(r"([+-]\d+)([ymd])")
_DATE = re.compile(
    r"@(?=-|\+)(?:--(?P<month>\d\d)-(?P<day>\d\d))?(?P<steps>(?:[+-]\d+[ymd])*)"
    r"(?: (?P<form>YYYY|YYYY-MM|(?:[01]\d|2[0-3]):[0-5]\d))?"
)
_FORMS = {None: "%Y-%m-%d", "YYYY": "%Y", "YYYY-MM": "%Y-%m"}


def read(path: Path, today: date) -> Any:
    """The JSON of a file as of this day; ValueError, with the file's name, for a wrong date."""
    try:
        return told(json.loads(path.read_text("utf-8")), today)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def told(element: Any, today: date) -> Any:
    """The element with its relative dates turned into FHIR's."""
    if isinstance(element, dict):
        return {name: told(value, today) for name, value in element.items()}
    if isinstance(element, list):
        return [told(item, today) for item in element]
    if isinstance(element, str) and element.startswith("@"):
        return _written(element, today)
    return element


def _written(text: str, today: date) -> str:
    parts = _DATE.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a relative date")
    day = _last(int(parts["month"]), int(parts["day"]), today) if parts["month"] else today
    for count, unit in _STEP.findall(parts["steps"]):
        day = _moved(day, int(count), unit)
    form = parts["form"]
    return day.strftime(_FORMS[form]) if form in _FORMS else f"{day}T{form}:00Z"


def _last(month: int, day: int, today: date) -> date:
    """The last such day of a year that is not after today."""
    this_year = date(today.year, month, day)
    return this_year if this_year <= today else date(today.year - 1, month, day)


def _moved(day: date, count: int, unit: str) -> date:
    if unit == "d":
        return day + timedelta(days=count)
    months = day.year * 12 + day.month - 1 + (count * 12 if unit == "y" else count)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
