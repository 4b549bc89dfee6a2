"""Metformin and kidney function (FDA Drug Safety Communication, 8 April 2016; product labels).

Contraindicated below an eGFR of 30; not to be started at 30 to 45; below 45 on treatment, benefit
and risk are to be weighed. Silence never means that the kidneys are well: what could not be judged
is a Gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical import codes, labs, medicines, problems, thresholds
from clinical.chart import Chart
from clinical.codes import Code
from clinical.finding import (
    Create,
    Delete,
    Finding,
    Gap,
    Indicator,
    LabOrder,
    Result,
    Suggestion,
)
from clinical.kidney import ADULT_FROM, CREATININE, LOOK_BACK, Egfr, KidneyFunction, kidney_function
from clinical.text import Markdown, Value, day, join, listed, markdown
from fhir.records import Draft, MedicationRequest

METFORMIN = codes.load("metformin")
KIDNEY_FAILURE = codes.load("esrd")

_LIMITS = thresholds.load("metformin", thresholds.Thresholds)
CONTRAINDICATED_BELOW = _LIMITS["contraindicated-below"]
START_NOT_BELOW = _LIMITS["start-not-below"]
RECHECK_AFTER = _LIMITS["recheck-after"]

_RULE = "renal.metformin"
_OVERRIDES = ("benefit-outweighs-risk", "will-monitor", "data-wrong", "specialist-advice")
_NOT_AN_ORDER = ("cancelled", "entered-in-error", "stopped", "completed")
_ORDER_TYPES = ("MedicationRequest/", "MedicationOrder/")


@dataclass(frozen=True, slots=True)
class _Case:
    """One metformin order of this session, and what is known of the kidneys."""

    chart: Chart
    draft: Draft
    order: MedicationRequest
    matched: medicines.Match
    kidney: KidneyFunction


def metformin_renal(chart: Chart) -> Iterator[Result]:
    """Each metformin order of this session against the newest eGFR."""
    if chart.deceased:
        return
    kidney = None
    for draft in chart.drafts:
        order = draft.resource
        if not draft.selected or not draft.reference.startswith(_ORDER_TYPES):
            continue
        if not isinstance(order, MedicationRequest):
            yield _gap("the order {order}, which could not be read", order=draft.reference)
        elif not order.do_not_perform and order.status not in _NOT_AN_ORDER:
            matched = medicines.match(chart, order, METFORMIN)
            if matched == "unknown":
                yield _gap("the order {order}, whose medicine is not told", order=draft.reference)
            elif matched != "another":
                kidney = kidney or kidney_function(chart, CONTRAINDICATED_BELOW)
                yield from _judge(_Case(chart, draft, order, matched, kidney))


def _judge(case: _Case) -> Iterator[Result]:
    chart, egfr = case.chart, case.kidney.egfr
    failure = problems.live(chart, KIDNEY_FAILURE)
    finding = None
    if egfr and egfr.is_below(CONTRAINDICATED_BELOW):
        finding = _contraindicated(case, egfr, failure)
    elif failure:
        finding = _kidneys_failed(case, failure)
    elif egfr and egfr.is_below(START_NOT_BELOW):
        active = medicines.continues(chart, case.draft, case.order, METFORMIN)
        finding = _reduced(case, egfr, active)
        if active is None:
            yield _gap("whether metformin is active already")
    if finding:
        yield finding
    if egfr is None:
        yield _gap("metformin and kidney function: {why}", why=_why_no_egfr(case))
    elif finding is None and (doubts := labs.doubts(chart, case.kidney.unused)):
        yield _gap("metformin and newer results: {doubts}", doubts=listed(doubts))
    if failure is None and not problems.are_known(chart):
        yield _gap("kidney failure as a diagnosis: the problem list is not fully known")


def _contraindicated(case: _Case, egfr: Egfr, failure: Code | None) -> Finding:
    return _finding(
        case,
        "contraindicated",
        "critical",
        f"Metformin is contraindicated: {_in_short(egfr)}",
        markdown("Metformin is contraindicated below {limit}.", limit=CONTRAINDICATED_BELOW),
        _on_record(failure) if failure else Markdown(),
    )


def _kidneys_failed(case: _Case, failure: Code) -> Finding:
    return _finding(
        case,
        "esrd",
        "warning",
        f"Check metformin: kidney failure is on record ({_plain(failure)})",
        _on_record(failure),
        markdown(
            "Check whether metformin may be given: it is contraindicated below an eGFR of "
            "{limit}, and starting it below {start} is not recommended.",
            limit=CONTRAINDICATED_BELOW,
            start=START_NOT_BELOW,
        ),
    )


def _reduced(case: _Case, egfr: Egfr, active: bool | None) -> Finding:
    short = _in_short(egfr)
    start = markdown(
        "Starting metformin at {lower} to {upper} is not recommended.",
        lower=CONTRAINDICATED_BELOW,
        upper=START_NOT_BELOW,
    )
    review = markdown(
        "Where eGFR falls below {upper} on treatment, weigh benefit and risk of going on.",
        upper=START_NOT_BELOW,
    )
    if active:
        summary = f"Metformin: weigh benefit and risk of going on at {short}"
        return _finding(case, "continue-review", "info", summary, review)
    if active is None:
        # Not known to be a start, so it is not called one; the graver of the two rules holds.
        return _finding(case, "start", "warning", f"Check metformin at {short}", start, review)
    summary = f"Starting metformin is not recommended: {short}"
    return _finding(case, "start", "warning", summary, start)


def _finding(
    case: _Case, rule: str, indicator: Indicator, summary: str, *said: Markdown
) -> Finding:
    egfr = case.kidney.egfr
    return Finding(
        rule=f"{_RULE}.{rule}",
        summary=summary,
        indicator=indicator,
        source=_LIMITS.source("fda-2016"),
        detail=join(
            _evidence(egfr) if egfr else Markdown(),
            *said,
            _named(case),
            labs.not_used(case.chart, case.kidney.unused),
        ),
        about=(case.draft.reference,),
        suggestions=tuple(_suggestions(case)),
        overrides=_OVERRIDES,
    )


def _suggestions(case: _Case) -> Iterator[Suggestion]:
    egfr = case.kidney.egfr
    if medicines.is_removable(case.chart, case.draft, case.order):
        remove = Delete("Remove the metformin order from this session", case.draft)
        yield Suggestion("Remove this metformin order", (remove,))
    if egfr is None or (case.chart.today - egfr.day).days > RECHECK_AFTER:
        order = Create("Order creatinine", LabOrder(CREATININE.coding("2160-0")))
        yield Suggestion("Order creatinine", (order,))


def _why_no_egfr(case: _Case) -> Markdown:
    age = case.chart.age_on(case.chart.today)
    if age is None:
        return markdown("the birth date is not fully known")
    if age < ADULT_FROM:
        return markdown("the equation is for adults")
    if case.chart.labs is None:
        return markdown("the laboratory results are not known")
    doubts = labs.doubts(case.chart, case.kidney.unused)
    if not doubts:
        return markdown(
            "no creatinine or eGFR of the last {days} days on record here", days=LOOK_BACK
        )
    return markdown(
        "no usable result of the last {days} days: {doubts}", days=LOOK_BACK, doubts=listed(doubts)
    )


def _in_short(egfr: Egfr) -> str:
    return f"eGFR {_shown(egfr)} on {day(egfr.day)} ({egfr.basis})"


def _evidence(egfr: Egfr) -> Markdown:
    return markdown(
        "eGFR **{value}** mL/min/1.73 m² on {day}, {how}.",
        value=_shown(egfr),
        day=egfr.day,
        how=egfr.how,
    )


def _shown(egfr: Egfr) -> str:
    return egfr.shown(CONTRAINDICATED_BELOW, START_NOT_BELOW)


def _on_record(failure: Code) -> Markdown:
    return markdown("On record: {failure}.", failure=_plain(failure))


def _plain(code: Code) -> str:
    return code.display.removesuffix(" (disorder)")


def _named(case: _Case) -> Markdown:
    name = medicines.name(case.chart, case.order) or "metformin"
    if case.matched == "by name":
        return markdown("Order: {name} (matched by name, not by code).", name=name)
    return markdown("Order: {name}.", name=name)


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
