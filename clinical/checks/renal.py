"""Medicines against kidney function and potassium (see `data/rules/renal.toml`); not metformin.

eGFR of a year, creatinine clearance from a creatinine and a weight of a year, potassium of 90 days.
Without such a value nothing is said but that it was not checked; whether a test is due is asked by
the monitoring check. With kidney failure on record a limit that is crossed is a warning at least
and says so; the clinical fact sheet has it replace the text, which would soften "avoid". A rule of
two medicines speaks whichever of them is ordered; where the active one was ordered long ago, nobody
can tell whether it is still taken, and the pair is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from clinical import codes, dates, problems, units
from clinical.bounds import Limit
from clinical.chart import Chart
from clinical.checks import renal_cards as cards
from clinical.checks.renal_cards import Case
from clinical.checks.renal_rules import KIDNEYS, MEMBERS, RULES, Measure, RenalRule
from clinical.clearance import RENAL, clearances, last_weight, measured
from clinical.finding import Finding, Gap, Result
from clinical.kidney import CREATININE, LOOK_BACK, egfrs
from clinical.labs import Kind, Results
from clinical.newest import Newest, newest
from clinical.regimen import Medicine
from clinical.regimen import of as regimen_of
from clinical.text import Value, markdown
from fhir.records import Duration, MedicationRequest, Period

POTASSIUM = codes.load("lab-potassium")
ATRIAL_FIBRILLATION = codes.load("cond-atrial-fibrillation")
KIDNEY_FAILURE = codes.load("esrd")

# What several rules lack is told once.
_RULE = "renal"
_POTASSIUM_SPEAKS_FOR = int(RENAL["potassium-speaks-for"])
_LONG_ORDER = RENAL["long-order"]
_AGE_FROM, _WEIGHT_TO = RENAL["apixaban-age-from"], RENAL["apixaban-weight-to"]
_CREATININE_FROM = Limit("creatinine", "below", RENAL["apixaban-creatinine-from"])

_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30}


class Values:
    """What is measured, read once a chart and only where a rule asks for it."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.weight = last_weight(chart, _WEIGHT_TO)
        self.fibrillation = problems.live(chart, ATRIAL_FIBRILLATION)
        self.failure = problems.live(chart, KIDNEY_FAILURE)
        self._results: dict[Measure, Results] = {}

    def newest(self, measure: Measure, limit: Limit) -> Newest:
        """What decides a limit, of the days for which the measure speaks."""
        if measure not in self._results:
            self._results[measure] = self._measured(measure)
        days = _POTASSIUM_SPEAKS_FOR if measure == "potassium" else LOOK_BACK
        return newest(self._results[measure], limit, self.chart.today - timedelta(days=days))

    def _measured(self, measure: Measure) -> Results:
        chart, limits = (
            self.chart,
            tuple(rule.limit.value for rule in RULES.rules if rule.measure == measure),
        )
        if measure == "eGFR":
            return egfrs(chart, *limits)
        if measure == "clearance":
            return clearances(chart, self.weight, *limits)
        if measure == "potassium":
            read = measured("potassium", units.POTASSIUM, "mmol/L", limits)
            return Results(chart, Kind("potassium", POTASSIUM, read))
        read = measured("creatinine", units.CREATININE, "mg/dL", (_CREATININE_FROM.value,))
        return Results(chart, Kind("creatinine", CREATININE, read))


def renal(chart: Chart) -> Iterator[Result]:
    """Each order of this session against the rules of its ingredients."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    cases = [
        case
        for medicine in regimen.ordered
        if medicine.ingredients.systemic
        for case in _cases(chart, medicine)
    ]
    if cases:
        values = Values(chart)
        told = set[tuple[str, str]]()
        for case in cases:
            if (case.rule.id, case.medicine.reference) in told:
                continue
            for result in _judge(values, case):
                if isinstance(result, Finding):
                    told |= {(each, case.medicine.reference) for each in case.rule.swallows}
                yield result
    if not regimen.empty:
        yield from regimen.gaps()


def _cases(chart: Chart, medicine: Medicine) -> Iterator[Case]:
    """The rules that an order may break, in their order: the graver ones stand first."""
    regimen = regimen_of(chart)
    for rule in RULES.rules:
        drugs = sorted(medicine.ingredients.names & MEMBERS[rule.id].a)
        if not rule.with_classes:
            if drugs and not (rule.long_orders_only and not _is_long(chart, medicine)):
                yield Case(chart, regimen, rule, medicine, drugs[0])
            continue
        partners = sorted(medicine.ingredients.names & MEMBERS[rule.id].b)
        for beside in regimen.beside(medicine):
            others = sorted(beside.ingredients.names & MEMBERS[rule.id].b)
            its = sorted(beside.ingredients.names & MEMBERS[rule.id].a)
            if not beside.ingredients.systemic:
                continue
            if drugs and others:
                yield Case(chart, regimen, rule, medicine, drugs[0], beside, others[0])
            elif partners and its:
                yield Case(chart, regimen, rule, medicine, its[0], beside, partners[0])


def _judge(values: Values, case: Case) -> Iterator[Result]:
    rule = case.rule
    case.fibrillation, case.failure = values.fibrillation, values.failure
    if rule.measure == "criteria":
        yield from _criteria(values, case)
        return
    found = values.newest(rule.measure, rule.limit)
    if found.reading and found.crossed is rule.wanted:
        # A clearance that is high beside kidney failure is a wrong value, or a wrong diagnosis.
        if not (values.failure and rule.above is not None and rule.measure in KIDNEYS):
            yield cards.crossed(case, found, found.reading)
        else:
            yield _gap(case, "kidney failure is on record beside a high clearance")
    elif found.undecided is not None:
        yield _gap(case, "the newest result does not tell {question}", question=rule.limit.question)
    elif found.against:
        yield _gap(case, "results of one day disagree on {question}", question=rule.limit.question)
    elif found.reading is None:
        yield _gap(case, _missing(values, rule))


def _missing(values: Values, rule: RenalRule) -> str:
    if rule.measure == "potassium":
        return f"no potassium found here that can be used, of {_POTASSIUM_SPEAKS_FOR} days"
    if rule.measure == "clearance" and values.weight is None:
        return f"no weight found here that can be used, of {LOOK_BACK} days"
    return f"no creatinine or eGFR found here that can be used, of {LOOK_BACK} days"


def _criteria(values: Values, case: Case) -> Iterator[Result]:
    """Apixaban: two of a high age, a low weight and a high creatinine."""
    chart = values.chart
    ages = chart.ages_on(chart.today)
    creatinine = values.newest("criteria", _CREATININE_FROM)
    met: list[str] = []
    unknown: list[str] = []
    if not ages or min(ages) < _AGE_FROM <= max(ages):
        unknown.append("age")
    elif min(ages) >= _AGE_FROM:
        met.append(f"age {min(ages)}")
    if values.weight is None:
        unknown.append("weight")
    elif values.weight.bounds.low <= _WEIGHT_TO:
        met.append(f"weight {values.weight.shown}")
    if creatinine.reading is None:
        unknown.append("creatinine")
    elif not creatinine.crossed:
        met.append(f"creatinine {creatinine.reading.shown}")
    if len(met) > 1:
        readings = [each for each in (values.weight, creatinine.reading) if each]
        yield cards.criteria(case, met, readings, unknown)
    elif len(met) + len(unknown) > 1:
        yield _gap(case, "not known here: {what}", what=" and ".join(unknown))


def _is_long(chart: Chart, medicine: Medicine) -> bool:
    """Whether an order is for long: by its supply, its refills or its end."""
    order = medicine.record
    if not isinstance(order, MedicationRequest):
        return False
    request = order.dispense_request
    if request and (request.number_of_repeats_allowed or 0) >= 1:
        return True
    supply = _days(request.expected_supply_duration) if request else None
    periods = [
        each.timing.repeat.bounds_period
        for each in order.dosage_instruction
        if each.timing and each.timing.repeat and each.timing.repeat.bounds_period
    ]
    lengths = [supply, *(_span(chart, period) for period in periods)]
    return any(days is not None and days > _LONG_ORDER for days in lengths)


def _days(duration: Duration | None) -> float | None:
    if duration is None or duration.value is None:
        return None
    unit = (duration.code or duration.unit or "").lower()
    return duration.value * _DAYS[unit] if unit in _DAYS else None


def _span(chart: Chart, period: Period) -> float | None:
    start = dates.day(period.start, chart.zone) or chart.today
    end = dates.day(period.end, chart.zone)
    return (end - start).days if end else None


def _gap(case: Case, template: str, **values: Value) -> Gap:
    return Gap(
        _RULE,
        markdown(
            "{drug} and {of}: {why}",
            drug=case.drug,
            of="potassium" if case.rule.measure == "potassium" else "kidney function",
            why=markdown(template, **values),
        ),
    )
