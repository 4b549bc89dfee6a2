"""Kidney function: the newest estimated glomerular filtration rate (eGFR) of a chart.

CKD-EPI 2021, creatinine (Inker et al., N Engl J Med 2021;385:1737): for adults, without race. The
newest creatinine within the look-back counts, computed with the age on the day of the draw; a
laboratory's own eGFR counts only when it is of a later day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from clinical import codes, labs, thresholds, units
from clinical.chart import Chart
from clinical.codes import Code, CodeSet
from clinical.labs import Unused
from clinical.text import Markdown, markdown
from fhir.records import Observation

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


@dataclass(frozen=True, slots=True)
class Egfr:
    """In mL/min/1.73 m2, from `what`: a creatinine or a reported eGFR.

    `basis` is short, for a summary; `how` says where the number is from. `bound`: the laboratory
    told it as "below `value`".
    """

    value: float
    day: date
    what: str
    basis: str
    how: Markdown
    bound: bool = False

    def is_below(self, limit: float) -> bool:
        return self.value <= limit if self.bound else self.value < limit

    def shown(self, *limits: float) -> str:
        """With one decimal; one that is below a limit is not rounded up to it."""
        if self.bound:
            return f"below {self.value:g}"
        rounded = round(self.value, 1)
        if any(self.value < limit <= rounded for limit in limits):
            rounded -= 0.1
        return f"{rounded:.1f}"


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


def kidney_function(chart: Chart, decisive: float = 0) -> KidneyFunction:
    """The newest usable eGFR, and what could not be used though it may be newer.

    A result that is told as "below N" is used where N is at most `decisive`.
    """
    creatinine, unused = _sifted(chart, CREATININE, _CREATININE, _computed)
    reported, reported_unused = _sifted(chart, EGFR, _REPORTED, partial(_reported, decisive))
    chosen, newer = _newest(creatinine), _newest(reported, tuple(EGFR))
    if newer and (chosen is None or newer.day > chosen.day):
        chosen = newer
    elif chosen and newer and newer.day == chosen.day:
        # The two may contradict each other; who reads the card should know both.
        both = markdown(
            "{how}; the laboratory reported {value} of the same day",
            how=chosen.how,
            value=newer.shown(),
        )
        chosen = replace(chosen, how=both)
    unused += reported_unused
    return KidneyFunction(chosen, tuple(each for each in unused if _may_be_newer(each, chosen)))


_CREATININE, _REPORTED = "creatinine", "reported eGFR"


@dataclass(frozen=True, slots=True)
class _Usable:
    egfr: Egfr
    at: datetime | None
    code: Code | None


_Judge = Callable[[Chart, Observation, date, int], Egfr | str]


def _sifted(
    chart: Chart, wanted: CodeSet, what: str, judge: _Judge
) -> tuple[list[_Usable], list[Unused]]:
    usable: list[_Usable] = []
    unused: list[Unused] = []
    for lab in labs.results(chart, wanted):
        day = chart.drawn(lab)
        if day is not None and (chart.today - day).days > LOOK_BACK:
            continue
        judged = _judged(chart, lab, day, judge)
        if isinstance(judged, str):
            unused.append(labs.unused(what, lab, day, judged))
        else:
            usable.append(_Usable(judged, chart.drawn_at(lab), wanted.find(lab.code)))
    return usable, unused


def _judged(chart: Chart, lab: Observation, day: date | None, judge: _Judge) -> Egfr | str:
    """What the result says, or why it is not used."""
    if day is None:
        return "without a full date"
    if day > chart.today:
        return "dated in the future"
    age = chart.age_on(day)
    if age is None:
        return "at an age that is not known"
    if age < ADULT_FROM:
        return f"drawn before the age of {ADULT_FROM}"
    return judge(chart, lab, day, age)


def _computed(chart: Chart, lab: Observation, day: date, age: int) -> Egfr | str:
    quantity = lab.value_quantity
    creatinine = units.creatinine(quantity)
    if creatinine is None:
        return units.why_not(quantity)
    sex = SEXES.get(chart.patient.gender or "")
    if sex is None:
        return "no equation for the recorded gender"
    how = markdown(
        "computed with CKD-EPI 2021 from creatinine {recorded}{mg} at the age of {age}",
        recorded=units.recorded(quantity),
        mg=Markdown() if quantity and quantity.value == creatinine else _in_mg_per_dl(creatinine),
        age=age,
    )
    return Egfr(ckd_epi_2021(creatinine, age, sex), day, _CREATININE, "CKD-EPI 2021", how)


def _in_mg_per_dl(creatinine: float) -> Markdown:
    return markdown(" ({value} mg/dL)", value=Decimal(f"{creatinine:.2f}"))


def _reported(decisive: float, chart: Chart, lab: Observation, day: date, age: int) -> Egfr | str:
    value, bound = units.egfr(lab.value_quantity), units.egfr_below(lab.value_quantity)
    if bound is not None and bound <= decisive:
        value = bound
    if value is None:
        return units.why_not(lab.value_quantity)
    row = EGFR.find(lab.code)
    how = markdown("reported by the laboratory as {code}", code=row.display if row else "eGFR")
    return Egfr(value, day, _REPORTED, "laboratory", how, bound is not None)


def _newest(usable: Sequence[_Usable], preferred: Sequence[Code] = ()) -> Egfr | None:
    last = max((each.egfr.day for each in usable), default=None)
    same = [each for each in usable if each.egfr.day == last]
    for code in preferred:
        same = [each for each in same if each.code == code] or same
    times = [each.at for each in same if each.at is not None]
    if times and len(times) == len(same):
        same = [each for each in same if each.at == max(times)]
    # Of two whose order the record does not tell, the lower one is the safer.
    return min((each.egfr for each in same), key=lambda egfr: egfr.value, default=None)


def _may_be_newer(unused: Unused, chosen: Egfr | None) -> bool:
    if chosen is None or unused.day is None or unused.day > chosen.day:
        return True
    return unused.day == chosen.day and unused.what == chosen.what
