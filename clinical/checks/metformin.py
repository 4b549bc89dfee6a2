"""Metformin and kidney function (FDA Drug Safety Communication, 8 April 2016; product labels).

Contraindicated below an eGFR of 30; not to be started at 30 to 45; below 45 on treatment, benefit
and risk are to be weighed. eGFR is obtained before a start and at least once a year, so an order
without a result of a year is told too (`monitor.metformin`).

Three additions of this project to its clinical fact sheet. Kidney failure as a diagnosis is a
warning. A result that does not tell whether eGFR is below 45 is one too, where it is the newest or
the graver of its day. And `monitor.metformin` speaks, even where results are missing or a
creatinine is on its way, when the last eGFR, however old, was below 45 or chronic kidney disease of
stage 4 is on record: kidneys do not recover because a result grows old, and the sheet would be
silent.

Silence never means that the kidneys are well: what could not be judged is a Gap.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import labs, medicines, problems
from clinical.chart import Chart
from clinical.checks import metformin_cards as cards
from clinical.checks.metformin_case import METFORMIN, Case, kidneys_of
from clinical.finding import Gap, Result
from clinical.kidney import ADULT_FROM, LOOK_BACK
from clinical.orders import NOT_AN_ORDER
from clinical.text import Markdown, Value, listed, markdown
from fhir.records import Draft, MedicationRequest

_ORDER_TYPES = ("MedicationRequest/", "MedicationOrder/")


def metformin_renal(chart: Chart) -> Iterator[Result]:
    """Each metformin order of this session against what is known of the kidneys."""
    if chart.deceased:
        return
    ordered: list[tuple[Draft, MedicationRequest, medicines.Match]] = []
    for draft in chart.drafts:
        order = draft.resource
        if not draft.selected or not draft.reference.startswith(_ORDER_TYPES):
            continue
        if not isinstance(order, MedicationRequest):
            yield _gap("an order of this session that could not be read")
        elif not order.do_not_perform and order.status not in NOT_AN_ORDER:
            matched = medicines.match(chart, order, METFORMIN)
            if matched == "unknown":
                yield _gap("an order of this session whose medicine is not told")
            elif matched != "another":
                ordered.append((draft, order, matched))
    if ordered:
        kidneys, alone = kidneys_of(chart), len(ordered) == 1
        for n, (draft, order, matched) in enumerate(ordered):
            yield from _judge(Case(chart, draft, order, matched, n == 0, alone, kidneys))


def _judge(case: Case) -> Iterator[Result]:
    kidneys, chart = case.kidneys, case.chart
    if kidneys.contraindicated.crossed:
        yield cards.contraindicated(case)
    elif kidneys.failure:
        yield cards.kidneys_failed(case, kidneys.failure)
        if not kidneys.measured:
            yield _not_judged(case)
    elif kidneys.start.crossed:
        active = medicines.continues(chart, case.draft, case.order, METFORMIN)
        yield cards.reduced(case, active)
        if active is None:
            yield _gap("whether metformin is active already")
    elif kidneys.start.undecided:
        yield cards.undecided(case, kidneys.start.undecided)
    elif not kidneys.measured:
        yield from _unmonitored(case)
    else:
        yield from _silent(case)
    if kidneys.failure is None:
        yield from _problem_list(chart)


def _unmonitored(case: Case) -> Iterator[Result]:
    """No result of the look-back: a card, unless nobody can say that there is none."""
    chart, kidneys = case.chart, case.kidneys
    complete = labs.are_known(chart) and not kidneys.ordered
    if _is_child(chart) or not (kidneys.were_low or complete):
        yield _not_judged(case)
        return
    yield cards.unmonitored(case)
    if kidneys.ordered is None:
        yield _gap("whether creatinine is ordered already")


def _silent(case: Case) -> Iterator[Result]:
    """The newest result is fine; what speaks against it is told."""
    start = case.kidneys.start
    told = [cards.disagreement(start), *labs.doubts(case.chart, start.unused)]
    if any(told):
        yield _gap("metformin and newer results: {told}", told=listed(filter(None, told)))


def _not_judged(case: Case) -> Gap:
    return _gap("metformin and kidney function: {why}", why=_why_not(case))


def _why_not(case: Case) -> Markdown:
    chart = case.chart
    if _is_child(chart):
        return markdown("the equation is for adults")
    if chart.labs is None:
        return markdown("the laboratory results are not known")
    if told := labs.doubts(chart, case.kidneys.start.unused):
        return markdown(
            "no usable result of the last {days} days: {told}", days=LOOK_BACK, told=listed(told)
        )
    return markdown(
        "no creatinine or eGFR of the last {days} days found here{ordered}",
        days=LOOK_BACK,
        ordered="; one is ordered" if case.kidneys.ordered else "",
    )


def _is_child(chart: Chart) -> bool:
    ages = chart.ages_on(chart.today)
    return bool(ages) and max(ages) < ADULT_FROM


def _problem_list(chart: Chart) -> Iterator[Gap]:
    if not problems.are_known(chart):
        yield _gap("kidney failure as a diagnosis: the problem list is not fully known")
    elif n := problems.uncoded(chart):
        yield _gap("kidney failure as a diagnosis: some without a code known here ({n})", n=n)


def _gap(template: str, **values: Value) -> Gap:
    return Gap(cards.RULE, markdown(template, **values))
