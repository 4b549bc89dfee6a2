"""The words of the renal cards: the limit, the value with its date, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical import codes, labs, orders
from clinical.chart import Chart
from clinical.checks.renal_rules import KIDNEYS, NAMES, RULES, RenalRule
from clinical.clearance import RENAL
from clinical.finding import OPEN_CHART, Create, Finding, Indicator, LabOrder, Suggestion
from clinical.kidney import CREATININE, EGFR
from clinical.labs import Reading
from clinical.newest import Newest
from clinical.problems import Diagnosis
from clinical.regimen import Medicine, Regimen
from clinical.text import Markdown, join, listed, markdown

PANELS = codes.load("metabolic-panels")

_RECHECK_AFTER = RENAL["recheck-after"]
_OVERRIDES = ("benefit-outweighs-risk", "will-monitor", "specialist-advice", "data-wrong")
_MEASURE = Suggestion(
    "Order creatinine", (Create("Order creatinine", LabOrder(CREATININE.coding("2160-0"))),)
)


@dataclass(slots=True)
class Case:
    """One order, and the rule that its ingredient may break; `other` is what it needs beside it."""

    chart: Chart
    regimen: Regimen
    rule: RenalRule
    medicine: Medicine
    drug: str
    beside: Medicine | None = None
    other: str = ""
    fibrillation: Diagnosis | None = None
    failure: Diagnosis | None = None


def crossed(case: Case, found: Newest, reading: Reading) -> Finding:
    """The value is on the wrong side of the limit of the rule."""
    rule = case.rule
    measure = NAMES[rule.measure]
    value = f"{measure} {reading.shown}{_note(reading)} {reading.of.when.told}"
    against = f"; that day also {found.against[0].shown}" if found.against else ""
    told = markdown(
        "{measure} **{shown}** {when}, {how}{note}.",
        measure=measure[0].upper() + measure[1:] if measure != "eGFR" else measure,
        shown=reading.shown + (" mL/min/1.73 m²" if rule.measure == "eGFR" else ""),
        when=reading.of.when.told,
        how=reading.how,
        note=_note(reading),
    )
    others = listed(
        markdown("{shown} ({basis})", shown=each.shown, basis=each.basis) for each in found.others
    )
    of_day = markdown("Of the same day: {others}.", others=others) if others else Markdown()
    is_low = rule.above is None
    end = reading.bounds.high if is_low else reading.bounds.low
    return _finding(
        case,
        f"{value}{against}",
        join(told, of_day),
        labs.not_used(case.chart, found.unused, reading),
        severity=-end if is_low else end,
        readings=[reading],
    )


def criteria(case: Case, met: list[str], readings: list[Reading], unknown: list[str]) -> Finding:
    """Two or more criteria of a lower dose are met."""
    told = [
        markdown(
            "{what} **{shown}** {when}.",
            what=each.of.what.capitalize(),
            shown=each.shown,
            when=each.of.when.told,
        )
        for each in readings
    ]
    missing = (
        markdown("Not known here: {what}.", what=", ".join(unknown)) if unknown else Markdown()
    )
    return _finding(
        case,
        ", ".join(met),
        join(*told),
        missing,
        severity=len(met),
        readings=[each for each in readings if each.of.what == "creatinine"],
    )


def _finding(
    case: Case,
    value: str,
    evidence: Markdown,
    last: Markdown,
    severity: float,
    readings: list[Reading],
) -> Finding:
    rule = case.rule
    return Finding(
        rule=rule.id,
        summary=_summary(case, value),
        indicator=_indicator(case),
        source=RULES.source(rule),
        detail=join(
            evidence,
            Markdown(rule.why),
            Markdown(rule.note),
            *_on_record(case),
            _orders(case),
            last,
        ),
        drug=case.drug,
        severity=severity,
        about=(case.medicine.reference,),
        suggestions=tuple(_suggestions(case, readings)),
        pick="any",
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _summary(case: Case, value: str) -> str:
    rule = case.rule
    said = rule.summary.format(drug=case.drug, other=case.other)
    if _is_failure(case):
        said += ", kidney failure is on record"
    elif rule.for_fibrillation and case.fibrillation is None:
        said += " (if for atrial fibrillation)"
    return f"{said[0].upper()}{said[1:]}: {value}"


def _is_failure(case: Case) -> bool:
    """Whether kidney failure on record makes a warning of what the rule says."""
    of_kidneys = case.rule.measure in KIDNEYS
    return case.failure is not None and of_kidneys and case.rule.indicator != "critical"


def _indicator(case: Case) -> Indicator:
    if case.beside is not None and case.beside.stale and case.rule.indicator == "critical":
        return "warning"
    return "warning" if _is_failure(case) else case.rule.indicator


def _on_record(case: Case) -> Iterator[Markdown]:
    if case.failure:
        yield markdown("On record: {diagnosis}.", diagnosis=case.failure.told)
    if case.rule.for_fibrillation and case.fibrillation is None:
        yield Markdown("The limit is for atrial fibrillation, of which no code is on record here.")


def _orders(case: Case) -> Markdown:
    its = {case.medicine.reference: case.medicine}
    if case.beside:
        its[case.beside.reference] = case.beside
    told = listed(
        markdown("{name} ({where})", name=each.ingredients.told or case.drug, where=each.told)
        for each in its.values()
    )
    to_end = case.regimen.to_end(case.beside, case.other) if case.beside else Markdown()
    return join(markdown("Order: {told}.", told=told), to_end)


def _suggestions(case: Case, readings: list[Reading]) -> Iterator[Suggestion]:
    medicine = case.medicine
    name = next(iter(sorted(medicine.ingredients.names & {case.drug, case.other})), case.drug)
    if removal := case.regimen.removal(medicine, name):
        yield removal
    days = [(case.chart.today - each.day).days for each in readings]
    is_old = bool(days) and max(days) > _RECHECK_AFTER
    of_kidneys = case.rule.measure != "potassium"
    if is_old and of_kidneys and not orders.is_ordered(case.chart, CREATININE, EGFR, PANELS):
        yield _MEASURE


def _note(reading: Reading) -> str:
    return f" ({reading.of.note})" if reading.of.note else ""
