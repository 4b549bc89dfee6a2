"""Kidney function: what a chart tells of the estimated glomerular filtration rate (eGFR).

CKD-EPI 2021, creatinine (Inker et al., N Engl J Med 2021;385:1737): for adults, without race,
computed with the age on the day of the draw. Beside it stands what a laboratory reports. Where the
record does not say male or female, both equations are computed, and only what holds for both is
said: an addition of this project to its clinical fact sheet, which is silent there. So it is with
the ages that a year of birth leaves possible. What a laboratory reports needs no age, but for a
child.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from clinical import codes, thresholds, units
from clinical.bounds import Bounds, plain
from clinical.chart import Chart
from clinical.labs import Kind, Measurement, Reading, Results
from clinical.text import Markdown, markdown

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
SEXES = {"female": _KIDNEY.equation.female, "male": _KIDNEY.equation.male}


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


def egfrs(chart: Chart, *limits: float) -> Results:
    """Every eGFR, computed or reported. `limits`: what no value is to be rounded up to."""
    return Results(
        chart,
        Kind("creatinine", CREATININE, partial(_computed, chart, limits)),
        Kind("reported eGFR", EGFR, partial(_reported, chart, limits)),
    )


def since(chart: Chart) -> date:
    """The first day of which a result still speaks."""
    return chart.today - timedelta(days=LOOK_BACK)


def _computed(
    chart: Chart, limits: tuple[float, ...], result: Measurement, day: date
) -> Reading | str:
    ages = chart.ages_on(day)
    if not ages:
        return "at an age that is not known"
    if why := as_child(ages):
        return why
    creatinine = units.CREATININE.read(result.lab)
    if isinstance(creatinine, str):
        return creatinine
    gender = (chart.patient.gender or "").lower()
    sexes = [SEXES[gender]] if gender in SEXES else list(SEXES.values())
    bounds = _egfr(creatinine, ages, sexes)
    how = partial(
        markdown,
        "computed with CKD-EPI 2021 from creatinine {recorded}{mg} {sex} at the age of {age}",
        recorded=units.recorded(result.lab),
        mg=_in_mg_per_dl(result, creatinine),
        sex=f"as {gender}" if gender in SEXES else "as female and as male",
        age=" or ".join(map(str, ages)),
    )
    # A bound is not rounded: it would tell more, or less, than the laboratory did.
    shown = bounds.told(partial(_rounded, limits) if creatinine.exact else "{:.2f}".format)
    return Reading(result, day, bounds, shown, "CKD-EPI 2021", how)


def _reported(
    chart: Chart, limits: tuple[float, ...], result: Measurement, day: date
) -> Reading | str:
    if why := as_child(chart.ages_on(day)):
        return why
    bounds = units.EGFR.read(result.lab)
    if isinstance(bounds, str):
        return bounds
    row = EGFR.find(result.lab.code)
    code = row.display if row else "eGFR"
    how = partial(markdown, "reported by the laboratory as {code}", code=code)
    return Reading(result, day, bounds, bounds.told(partial(plain, limits)), "laboratory", how)


def as_child(ages: tuple[int, ...]) -> str:
    """Why a result is not used that may be a child's."""
    if not ages or min(ages) >= ADULT_FROM:
        return ""
    perhaps = "perhaps " if max(ages) >= ADULT_FROM else ""
    return f"{perhaps}drawn before the age of {ADULT_FROM}"


def _egfr(creatinine: Bounds, ages: tuple[int, ...], sexes: list[Sex]) -> Bounds:
    each = [
        creatinine.falling(partial(ckd_epi_2021, age=age, sex=sex)) for sex in sexes for age in ages
    ]
    return Bounds(min(b.low for b in each), max(b.high for b in each), creatinine.open)


def _rounded(limits: tuple[float, ...], value: float) -> str:
    """With one decimal; a value that is below a limit is not rounded up to it."""
    rounded = round(value, 1)
    if any(value < limit <= rounded for limit in limits):
        rounded -= 0.1
    return f"{rounded:.1f}"


def _in_mg_per_dl(result: Measurement, creatinine: Bounds) -> Markdown:
    quantity = result.lab.value_quantity
    if not creatinine.exact or (quantity and quantity.value == creatinine.low):
        return Markdown()
    return markdown(" ({value} mg/dL)", value=Decimal(f"{creatinine.low:.2f}"))
