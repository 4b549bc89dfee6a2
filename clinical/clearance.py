"""Creatinine clearance by Cockcroft and Gault, on which the labels of many medicines rest.

For adults, from a creatinine, the newest weight of a year (that was measured, not an ideal one),
and the age today: it is for the dose of today that labels ask for it. As with eGFR, where the
record leaves sex or age open all that are possible are computed, and only what holds for all of
them is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from clinical import codes, thresholds, units
from clinical.bounds import Bounds, plain
from clinical.chart import Chart
from clinical.kidney import CREATININE, as_child
from clinical.labs import Found, Kind, Measurement, Reading, Results
from clinical.text import markdown
from clinical.units import Scale

WEIGHT = codes.load("vital-weight")

RENAL = thresholds.load("renal", thresholds.Thresholds)
_AGE, _DIVISOR = RENAL["cockcroft-gault-age"], RENAL["cockcroft-gault-divisor"]
_FACTORS = {"female": RENAL["cockcroft-gault-female"], "male": 1.0}
_WEIGHT_SPEAKS_FOR = int(RENAL["weight-speaks-for"])


def cockcroft_gault(creatinine: float, age: int, weight: float, factor: float) -> float:
    """The clearance in mL/min from a creatinine in mg/dL and a weight in kg."""
    return (_AGE - age) * weight / (_DIVISOR * creatinine) * factor


def clearances(chart: Chart, weight: Reading | None, *limits: float) -> Results:
    """The clearance of every creatinine. `limits`: what no value is to be rounded over."""
    return Results(chart, Kind("creatinine", CREATININE, partial(_computed, chart, weight, limits)))


def measured(
    what: str, scale: Scale, unit: str, limits: tuple[float, ...]
) -> Callable[[Measurement, date], Reading | str]:
    """How results that are compared as they are are read."""

    def read(result: Measurement, day: date) -> Reading | str:
        bounds = scale.read(result.lab)
        if isinstance(bounds, str):
            return bounds
        shown = f"{bounds.told(partial(plain, limits))} {unit}"
        tell = partial(markdown, "recorded as {value}", value=units.recorded(result.lab))
        return Reading(result, day, bounds, shown, what, tell)

    return read


def last_weight(chart: Chart, *limits: float) -> Reading | None:
    """The newest weight of a year; of one day and no known order the lowest."""
    since = chart.today - timedelta(days=_WEIGHT_SPEAKS_FOR)
    kind = Kind("weight", WEIGHT, measured("weight", units.WEIGHT, "kg", limits))
    found = Results(chart, kind, records=chart.vitals or ()).down_to(since, _is_weight)
    readings = (each for each in found if isinstance(each, Reading) and _is_weight(each))
    return max((each for each in readings if each.day >= since), key=_newest, default=None)


def _is_weight(found: Found) -> bool:
    return isinstance(found, Reading) and found.bounds.exact


def _newest(reading: Reading) -> tuple[Any, ...]:
    at = reading.of.when.at
    return reading.day, at.timestamp() if isinstance(at, datetime) else 0, -reading.bounds.low


def _computed(
    chart: Chart,
    weight: Reading | None,
    limits: Sequence[float],
    result: Measurement,
    day: date,
) -> Reading | str:
    ages = [age for age in chart.ages_on(chart.today) if age < _AGE]
    if not ages:
        return "at an age that is not known"
    if why := as_child(chart.ages_on(day)):
        return why
    if weight is None:
        return "without a weight"
    creatinine = units.CREATININE.read(result.lab)
    if isinstance(creatinine, str):
        return creatinine
    gender = (chart.patient.gender or "").lower()
    factors = [_FACTORS[gender]] if gender in _FACTORS else [*_FACTORS.values()]
    kg = weight.bounds.low
    each = [
        creatinine.falling(partial(cockcroft_gault, age=age, weight=kg, factor=factor))
        for factor in factors
        for age in ages
    ]
    low, high = min(b.low for b in each), max(b.high for b in each)
    bounds = Bounds(low, high, creatinine.open)
    tell = partial(
        markdown,
        "computed with Cockcroft-Gault from creatinine {recorded}, weight {weight} {weighed}, "
        "{sex}, at the age of {age}",
        recorded=units.recorded(result.lab),
        weight=weight.shown,
        weighed=weight.of.when.told,
        sex=f"as {gender}" if gender in _FACTORS else "as female and as male",
        age=" or ".join(map(str, ages)),
    )
    shown = f"{bounds.told(partial(_rounded, tuple(limits)))} mL/min"
    return Reading(result, day, bounds, shown, "Cockcroft-Gault", tell)


def _rounded(limits: tuple[float, ...], value: float) -> str:
    """With one decimal, unless that would move it to the other side of a limit."""
    rounded = round(value, 1)
    sides = [[(each < limit, each > limit) for limit in limits] for each in (value, rounded)]
    return f"{rounded:.1f}" if sides[0] == sides[1] else plain(limits, value)
