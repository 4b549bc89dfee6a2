"""Smoking: what the record says of it, by US Core's smoking status and pack-years.

The newest answer speaks. Of several of one day, or of "never" after an older "yes", nobody knows
which one is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from clinical import codes, dates, units
from clinical.chart import Chart
from clinical.dates import When
from fhir.records import Observation

STATUS = codes.load("obs-smoking")
PACK_YEARS = codes.load("obs-pack-years")
EVER = codes.load("smoking-ever")
NEVER = codes.load("smoking-never")
_FORMER = "8517006"

_SETTLED = ("final", "amended", "corrected")

Kind = Literal["current", "former", "never"]


@dataclass(frozen=True, slots=True)
class Smoking:
    """`quit`: the day on which smoking ended, where the record has it; `pack_years`: the newest."""

    kind: Kind
    when: When
    quit: date | None
    pack_years: float | None


def smoking(chart: Chart) -> Smoking | None:
    """What the newest answer says; None where there is none, or where answers contradict."""
    told = sorted(_answers(chart), key=lambda each: each[0])
    if not told:
        return None
    last, kind, observation = told[-1]
    kinds = {each[1] for each in told if each[0] == last}
    once = any(each[1] != "never" for each in told)
    if len(kinds) > 1 or (kind == "never" and once):
        return None
    return Smoking(kind, chart.drawn(observation), _quit(chart, observation), _pack_years(chart))


def contradicts(chart: Chart) -> bool:
    """Whether there are answers and they do not fit together."""
    return smoking(chart) is None and any(True for _ in _answers(chart))


def _answers(chart: Chart) -> list[tuple[date, Kind, Observation]]:
    return [
        (day, kind, each)
        for each, _ in chart.among(chart.social, STATUS)
        if each.status in _SETTLED
        and (day := chart.drawn(each).latest)
        and day <= chart.today
        and (kind := _kind(each))
    ]


def _kind(observation: Observation) -> Kind | None:
    row = EVER.find(observation.value_codeable_concept)
    if row:
        return "former" if row.code == _FORMER else "current"
    return "never" if observation.value_codeable_concept in NEVER else None


def _quit(chart: Chart, observation: Observation) -> date | None:
    """US Core: the end of the period of a former smoker's status."""
    period = observation.effective_period
    return dates.day(period.end, chart.zone) if period else None


def _pack_years(chart: Chart) -> float | None:
    found = [
        (day, bounds.low)
        for each, _ in chart.among(chart.social, PACK_YEARS)
        if each.status in _SETTLED
        and (day := chart.drawn(each).day)
        and day <= chart.today
        and not isinstance(bounds := units.PACK_YEARS.read(each), str)
    ]
    # Pack-years only grow: of one day the lower, which asks for less.
    last = max((day for day, _ in found), default=None)
    return min((value for day, value in found if day == last), default=None)
