"""What is known where metformin is ordered: the order, the kidneys, and what is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clinical import codes, kidney, medicines, orders, problems, thresholds
from clinical.bounds import Limit
from clinical.chart import Chart
from clinical.newest import Newest, newest
from clinical.problems import Diagnosis
from fhir.records import Draft, MedicationRequest

METFORMIN = codes.load("metformin")
KIDNEY_FAILURE = codes.load("esrd")
STAGE_4 = codes.load("ckd-4")
PANELS = codes.load("metabolic-panels")

LIMITS = thresholds.load("metformin", thresholds.Thresholds)
CONTRAINDICATED = Limit("eGFR", "below", LIMITS["contraindicated-below"])
START = Limit("eGFR", "below", LIMITS["start-not-below"])
RECHECK_AFTER = LIMITS["recheck-after"]


@dataclass(frozen=True, slots=True)
class Kidneys:
    """What the chart tells of the kidneys.

    `contraindicated` and `start` are the results of the look-back that decide the two limits;
    `older` is the last one of all times. `ordered`: whether a creatinine is on its way.
    """

    contraindicated: Newest
    start: Newest
    older: Newest
    failure: Diagnosis | None
    stage_4: Diagnosis | None
    ordered: bool | None

    @property
    def measured(self) -> bool:
        """Whether any result of the look-back tells something."""
        return bool(self.contraindicated.reading or self.start.reading)

    @property
    def disagree(self) -> bool:
        """Whether a result of the day that speaks for a start lies below the lower limit."""
        start, lower = self.start.reading, self.contraindicated.reading
        of_one_day = start is not None and lower is not None and lower.day == start.day
        return of_one_day and bool(self.contraindicated.against)

    @property
    def may_be_contraindicated(self) -> bool:
        """Whether a result of the day that speaks for a start may lie below the lower limit."""
        start, lower = self.start.reading, self.contraindicated.reading
        if start is None or (lower and lower.day > start.day):
            return False
        of_day = (start, *self.start.others)
        return any(CONTRAINDICATED.crossed(each.bounds) is not False for each in of_day)

    @property
    def were_low(self) -> bool:
        """Whether the last that is known would speak against a start."""
        return self.older.crossed or self.stage_4 is not None


@dataclass(frozen=True, slots=True)
class Case:
    """One metformin order of this session. `first` of them, and `alone`: it is the only one."""

    chart: Chart
    draft: Draft
    order: MedicationRequest
    matched: medicines.Match
    first: bool
    alone: bool
    kidneys: Kidneys

    @property
    def own_name(self) -> str:
        """What tells the order from others; nothing where it is the only one, of metformin."""
        own = medicines.own_name(self.chart, self.order, METFORMIN)
        return own or ("" if self.alone else medicines.name(self.chart, self.order, METFORMIN))


def kidneys_of(chart: Chart) -> Kidneys:
    """Read once a chart, for all its orders."""
    found = kidney.egfrs(chart, CONTRAINDICATED.value, START.value)
    since = kidney.since(chart)
    return Kidneys(
        contraindicated=newest(found, CONTRAINDICATED, since),
        start=newest(found, START, since),
        older=newest(found, START, date.min),
        failure=problems.live(chart, KIDNEY_FAILURE),
        stage_4=problems.live(chart, STAGE_4),
        ordered=orders.is_ordered(chart, kidney.CREATININE, kidney.EGFR, PANELS),
    )
