"""Kidney function: the newest estimated glomerular filtration rate (eGFR) of a chart.

CKD-EPI 2021, creatinine (Inker et al., N Engl J Med 2021;385:1737): for adults, without race. The
newest creatinine within the look-back counts, computed with the age on the day of the draw; a
laboratory's own eGFR counts only when it is of a later day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from clinical import codes, labs, thresholds, units
from clinical.chart import Chart
from clinical.labs import Unused
from clinical.text import Markdown, markdown
from fhir.records import Observation, Quantity

CREATININE = codes.load("creatinine")
EGFR = codes.load("egfr")


class Sex(thresholds.Table, frozen=True):
    """The coefficients of one sex."""

    kappa: float
    alpha: float
    factor: float


class Equation(thresholds.Table, frozen=True):
    """The coefficients of CKD-EPI 2021, creatinine."""

    rests_on: tuple[str, ...]
    scale: float
    above: float
    age: float
    female: Sex
    male: Sex


class _Kidney(thresholds.Thresholds, frozen=True):
    equation: Equation


_KIDNEY = thresholds.load("kidney", _Kidney)
ADULT_FROM, LOOK_BACK = _KIDNEY["adult-from"], _KIDNEY["look-back"]
_SEX = {"female": _KIDNEY.equation.female, "male": _KIDNEY.equation.male}


@dataclass(frozen=True, slots=True)
class Egfr:
    """In mL/min/1.73 m2. `basis` is short, for a summary; `how` says where the number is from."""

    value: float
    day: date
    basis: str
    how: Markdown

    def shown(self, *limits: float) -> Decimal:
        """With one decimal; one that is below a limit is not rounded up to it."""
        rounded = round(self.value, 1)
        if any(self.value < limit <= rounded for limit in limits):
            rounded -= 0.1
        return Decimal(f"{rounded:.1f}")


@dataclass(frozen=True, slots=True)
class KidneyFunction:
    """`egfr` is None where no result can be used; `unused` may be newer than the one that was."""

    egfr: Egfr | None
    unused: tuple[Unused, ...] = ()


def ckd_epi_2021(creatinine: float, age: int, sex: Sex) -> float:
    """eGFR from a creatinine in mg/dL."""
    equation = _KIDNEY.equation
    ratio = creatinine / sex.kappa
    return float(
        equation.scale
        * min(ratio, 1) ** sex.alpha
        * max(ratio, 1) ** equation.above
        * equation.age**age
        * sex.factor
    )


def kidney_function(chart: Chart) -> KidneyFunction:
    """The newest usable eGFR, and what could not be used though it may be newer."""
    creatinine, creatinine_unused = _sorted(chart, CREATININE, "creatinine", _computed)
    reported, reported_unused = _sorted(chart, EGFR, "reported eGFR", _reported)
    chosen = _newest(creatinine)
    newer = _newest(reported)
    own_unused = creatinine_unused
    if newer and (chosen is None or newer.day > chosen.day):
        chosen, own_unused = newer, reported_unused
    unused = [
        each
        for each in creatinine_unused + reported_unused
        if chosen is None
        or each.day is None
        or each.day > chosen.day
        or (each.day == chosen.day and each in own_unused)
    ]
    return KidneyFunction(chosen, tuple(unused))


# One result, before the newest is chosen: the time where known, and how much its kind is preferred.
_Candidate = tuple[Egfr, datetime | None, int]
_Judge = Callable[[Chart, Observation, date, int], tuple[Egfr, int] | str]


def _sorted(
    chart: Chart, wanted: codes.CodeSet, what: str, judge: _Judge
) -> tuple[list[_Candidate], list[Unused]]:
    usable: list[_Candidate] = []
    unused: list[Unused] = []
    for lab in labs.results(chart, wanted):
        day = chart.drawn(lab)
        if day is not None and (chart.today - day).days > LOOK_BACK:
            continue
        judged = _judged(chart, lab, day, judge)
        if isinstance(judged, str):
            unused.append(labs.unused(what, lab, day, judged))
        else:
            usable.append((judged[0], chart.drawn_at(lab), judged[1]))
    return usable, unused


def _judged(
    chart: Chart, lab: Observation, day: date | None, judge: _Judge
) -> tuple[Egfr, int] | str:
    """What the result says, or why it is not used."""
    if day is None:
        return "without a full date"
    if day > chart.today:
        return "dated in the future"
    age = chart.age_on(day)
    if age is None:
        return "at an unknown age"
    if age < ADULT_FROM:
        return f"drawn before the age of {ADULT_FROM}"
    return judge(chart, lab, day, age)


def _computed(chart: Chart, lab: Observation, day: date, age: int) -> tuple[Egfr, int] | str:
    quantity = lab.value_quantity
    creatinine = units.creatinine(quantity)
    if creatinine is None:
        return units.why_not(quantity)
    sex = _SEX.get(chart.patient.gender or "")
    if sex is None:
        return "no equation for the recorded gender"
    how = markdown(
        "computed with CKD-EPI 2021 from creatinine {recorded} at the age of {age}",
        recorded=_with_mg_dl(quantity, creatinine),
        age=age,
    )
    return Egfr(ckd_epi_2021(creatinine, age, sex), day, "CKD-EPI 2021", how), 0


def _with_mg_dl(quantity: Quantity | None, creatinine: float) -> Markdown:
    recorded = units.recorded(quantity)
    if quantity and creatinine == quantity.value:
        return markdown("{recorded}", recorded=recorded)
    return markdown("{recorded} ({mg} mg/dL)", recorded=recorded, mg=Decimal(f"{creatinine:.2f}"))


def _reported(chart: Chart, lab: Observation, day: date, age: int) -> tuple[Egfr, int] | str:
    value = units.egfr(lab.value_quantity)
    row = EGFR.find(lab.code)
    if value is None or row is None:
        return units.why_not(lab.value_quantity)
    how = markdown("reported by the laboratory ({code})", code=row.display)
    return Egfr(value, day, "laboratory", how), list(EGFR).index(row)


def _newest(candidates: Iterable[_Candidate]) -> Egfr | None:
    last = max((egfr.day for egfr, _, _ in candidates), default=None)
    same = [each for each in candidates if each[0].day == last]
    if not same:
        return None
    best = min(rank for _, _, rank in same)
    same = [each for each in same if each[2] == best]
    times = [time for _, time, _ in same if time is not None]
    if len(times) == len(same):
        same = [each for each in same if each[1] == max(times)]
    # Of two whose order the record does not tell, the lower one is the safer.
    return min((egfr for egfr, _, _ in same), key=lambda egfr: egfr.value)
