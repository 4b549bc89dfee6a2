"""Blood pressure readings: both pressures of one measurement, the newest first.

A panel with its two components (US Core's, or an older one of sample data), or two Observations of
one time. Of one day on which the order of the readings is not known the milder stands as newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from clinical import codes, units
from clinical.chart import Chart, effective
from clinical.dates import When
from clinical.text import Markdown, markdown
from fhir.records import CodeableConcept, Component, Observation, Quantity

BLOOD_PRESSURE = codes.load("vital-bp")
_SYSTOLIC, _DIASTOLIC = "8480-6", "8462-4"
_SETTLED = ("final", "amended", "corrected")
_NO_READING = ("entered-in-error", "cancelled", "registered")


@dataclass(frozen=True, slots=True)
class Pressure:
    """One reading in mm[Hg]."""

    systolic: float
    diastolic: float
    day: date
    at: datetime | None

    def __str__(self) -> str:
        return f"{self.systolic:g}/{self.diastolic:g}"


@dataclass(frozen=True, slots=True)
class Readings:
    """`unused` says when there was something that could not be read as one."""

    pressures: tuple[Pressure, ...]
    unused: tuple[When, ...]

    def doubts(self, since: date) -> list[Markdown]:
        """What could not be read, from a day on."""
        may_count = [each for each in self.unused if each.latest is None or each.latest >= since]
        return [markdown("a reading {when}", when=each.told) for each in may_count[:3]]


def readings(chart: Chart, since: date) -> Readings:
    """The readings from a day on."""
    found: dict[Pressure, None] = {}
    unused: list[When] = []
    for when, status, systolic, diastolic in _measured(chart):
        if status in _NO_READING or (when.latest is not None and when.latest < since):
            continue
        pressure = _pressure(chart, when, status, systolic, diastolic)
        if pressure:
            found[pressure] = None  # a feed may send one twice
        else:
            unused.append(when)
    return Readings(tuple(_newest_first(found)), tuple(unused))


_Value = Quantity | None
_Measured = tuple[When, str | None, _Value, _Value]


def _measured(chart: Chart) -> Iterator[_Measured]:
    """When, of which status, and the two pressures of each measurement, as far as it has them."""
    singles: dict[tuple[str | None, str | None], dict[str, Observation]] = {}
    for each, row in chart.among(chart.vitals, BLOOD_PRESSURE):
        if row.code in (_SYSTOLIC, _DIASTOLIC):
            if each.status not in _NO_READING:
                singles.setdefault((effective(each), each.status), {})[row.code] = each
            continue
        parts = {code: part for part in each.component for code in _codes(part.code)}
        values = [_value(parts.get(code)) for code in (_SYSTOLIC, _DIASTOLIC)]
        yield chart.drawn(each), each.status, values[0], values[1]
    for (_, status), pair in singles.items():
        values = [_value(pair.get(code)) for code in (_SYSTOLIC, _DIASTOLIC)]
        yield chart.drawn(next(iter(pair.values()))), status, values[0], values[1]


def _codes(concept: CodeableConcept | None) -> Iterator[str]:
    row = BLOOD_PRESSURE.find(concept)
    if row:
        yield row.code


def _value(part: Component | Observation | None) -> Quantity | None:
    return part.value_quantity if part and part.data_absent_reason is None else None


def _pressure(
    chart: Chart, when: When, status: str | None, systolic: _Value, diastolic: _Value
) -> Pressure | None:
    values = [units.PRESSURE.read(Observation(value_quantity=v)) for v in (systolic, diastolic)]
    if status not in _SETTLED or when.day is None or when.day > chart.today:
        return None
    upper, lower = values
    if isinstance(upper, str) or isinstance(lower, str) or not (upper.exact and lower.exact):
        return None
    # The other way round somebody has mixed them up.
    return Pressure(upper.low, lower.low, when.day, when.at) if upper.low > lower.low else None


def _newest_first(found: Iterable[Pressure]) -> Iterator[Pressure]:
    days: dict[date, list[Pressure]] = {}
    for each in found:
        days.setdefault(each.day, []).append(each)
    for _, of_day in sorted(days.items(), reverse=True):
        times = [(each.at.timestamp(), each) for each in of_day if each.at]
        if len(times) == len(of_day):
            yield from (each for _, each in sorted(times, key=lambda it: it[0], reverse=True))
        else:
            yield from sorted(of_day, key=lambda each: (each.systolic, each.diastolic))
