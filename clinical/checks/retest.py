"""A laboratory test that is ordered again before it can tell anything new.

Intervals for adults outside of the hospital (see `data/rules/retest.toml`). What was flagged, had
no value or is not settled is a good reason to repeat a test, and so is a change of the treatment
that it follows: then nothing is said. Unlike in the clinical fact sheet of this project, a part of
a lipid panel repeats that part only.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import orders, units
from clinical.chart import Chart
from clinical.checks.retest_rules import OVERRIDES, RULES, TESTS, Retest, excuse, removal
from clinical.codes import Code, CodeSet
from clinical.dates import When
from clinical.encounters import is_inpatient
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.kidney import ADULT_FROM
from clinical.labs import are_known
from clinical.text import Markdown, Value, ago, day, join, markdown
from fhir.records import CodeableConcept, Draft, Observation, ServiceRequest

_RULE = "labdup"
_SETTLED = ("final", "amended", "corrected")
_VOID = ("entered-in-error", "cancelled", "registered")
_NORMAL = "N"


def retest(chart: Chart) -> Iterator[Result]:
    """Each order of a laboratory test of which a recent result is on record."""
    if chart.deceased or is_inpatient(chart):
        return
    for draft, order in orders.drafted(chart):
        for rule, codes in TESTS:
            row = codes.find(order.code)
            if row and (ages := chart.ages_on(chart.today)):
                if min(ages) >= ADULT_FROM:
                    yield from _repeated(chart, draft, order, rule, codes, row)
            elif row:
                yield _gap("{name} again: the birth date is not known", name=rule.name)


def _repeated(
    chart: Chart, draft: Draft, order: ServiceRequest, rule: Retest, codes: CodeSet, row: Code
) -> Iterator[Result]:
    if not are_known(chart):
        yield _gap("{name} again: the results are not fully known", name=rule.name)
        return
    last = _last(chart, rule, codes, row)
    if last is None:
        return
    lab, done, when = last
    if when.day is None:
        told = markdown("a result {when} may be recent", when=when.told or "without a date")
        yield _gap("{name} again: {told}", name=rule.name, told=told)
    elif (chart.today - when.day).days < rule.days and _is_worth_telling(lab, done, rule):
        excused = excuse(chart, rule)
        if excused.excused is None:
            yield _gap("{name} again: {why}", name=rule.name, why=excused.why)
        elif not excused.excused:
            yield _repeat(chart, draft, order, rule, lab, done, excused.unknown)


def _last(
    chart: Chart, rule: Retest, codes: CodeSet, row: Code
) -> tuple[Observation, Code, When] | None:
    """The newest result that answers the order; one that may be as new goes before it."""
    found = [
        (lab, done, chart.drawn(lab))
        for lab, done in chart.among(chart.labs, codes)
        if lab.status not in _VOID and rule.same_test(row, done)
    ]
    partial = [each for each in found if each[2].day is None]
    dated = [each for each in found if each[2].day and each[2].day <= chart.today]
    # Of one day the one that says nothing: it excuses the repeat.
    newest = max(
        dated,
        key=lambda each: (each[2].latest, not _is_worth_telling(each[0], each[1], rule)),
        default=None,
    )
    oldest = newest[2].day if newest else None
    for each in partial:
        latest = min(each[2].latest or chart.today, chart.today)
        recent = (chart.today - latest).days < rule.days
        if recent and (oldest is None or latest > oldest):
            return each
    return newest


def _is_worth_telling(lab: Observation, done: Code, rule: Retest) -> bool:
    """Whether a result is settled, has a value and was not flagged. A panel has none itself."""
    has_value = units.holds_value(lab) or (done.code in rule.panels and not lab.data_absent_reason)
    return lab.status in _SETTLED and has_value and not _is_flagged(lab)


def _is_flagged(lab: Observation) -> bool:
    said = lab.interpretation
    flags = (said,) if isinstance(said, CodeableConcept) else said
    codes = {coding.code for flag in flags for coding in flag.coding}
    return bool(flags) and codes != {_NORMAL}


def _repeat(
    chart: Chart,
    draft: Draft,
    order: ServiceRequest,
    rule: Retest,
    lab: Observation,
    done: Code,
    unknown: int,
) -> Finding:
    when = chart.drawn(lab).day or chart.today
    value = units.recorded(lab)
    was = f"was {value} on {day(when)}" if value else f"done on {day(when)}"
    since = (chart.today - when).days
    head = f"{rule.name} {was}, {ago(since) if since else 'today'}. Repeat needed?"
    new = markdown("Medicines ordered since that no table here knows: {n}.", n=unknown)
    return Finding(
        rule=rule.id,
        summary=head,
        indicator=rule.indicator,
        source=RULES.source(rule),
        detail=join(
            markdown(
                "Last on record here: **{value}** on {day}, as {done}.",
                value=value or "done",
                day=when,
                done=done.display,
            ),
            markdown(
                "A repeat within {days} days seldom tells anything new, outside of the hospital "
                "and while nothing else has changed.",
                days=rule.days,
            ),
            new if unknown else Markdown(),
        ),
        about=(draft.reference,),
        suggestions=removal(chart, draft, order),
        overrides=OVERRIDES,
        links=OPEN_CHART,
    )


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
