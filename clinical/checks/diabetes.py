"""HbA1c in adults with diabetes: due, or far above goal.

Due after half a year (ADA Standards of Care in Diabetes, 2025: at least twice a year). Above 9 %
is the line of quality measure CMS122 (2025), not a goal of treatment; of several results of one
day whose order is not known the lowest counts, as in the measure, and all are told. A result that
is not on record here may exist elsewhere: no wording says that a test was not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

from clinical import codes, labs, problems, thresholds, units
from clinical.bounds import Limit, plain
from clinical.chart import Chart
from clinical.finding import OPEN_CHART, Create, Finding, Gap, LabOrder, Result, Suggestion
from clinical.hospice import in_hospice
from clinical.labs import Kind, Measurement, Reading, Results
from clinical.newest import Newest, newest
from clinical.text import Markdown, Value, ago, day, join, listed, markdown

HBA1C = codes.load("hba1c")
DIABETES = codes.load("diabetes")

_LIMITS = thresholds.load("diabetes", thresholds.Thresholds)
ADULT_FROM = _LIMITS["adult-from"]
INTERVAL = _LIMITS["interval"]
UNCONTROLLED = Limit("HbA1c", "above", _LIMITS["uncontrolled-above"])

_ADA, _CMS122 = _LIMITS.source("ada-2025"), _LIMITS.source("cms122")
# Not recommended: orders that are pending are not read here.
_ORDER = Suggestion("Order HbA1c", (Create("Order HbA1c", LabOrder(HBA1C.coding("4548-4"))),))
_TWICE_A_YEAR = markdown(
    "In diabetes it is due at least twice a year; here, after {days} days.", days=INTERVAL
)
_NOT_A_GOAL = markdown(
    "{limit} % is the line of a quality measure for ages {lowest} to {highest}, not a goal of "
    "treatment.",
    limit=UNCONTROLLED.value,
    lowest=ADULT_FROM,
    highest=_LIMITS["measured-to"],
)

_RULE = "dm.a1c"


def hba1c(chart: Chart) -> Iterator[Result]:
    """Whether HbA1c is due or far above goal."""
    if chart.deceased:
        return
    if problems.live(chart, DIABETES) is None:
        if not problems.are_known(chart):
            yield _gap("HbA1c in diabetes: the problem list is not fully known")
        elif n := problems.uncoded(chart):
            yield _gap("HbA1c in diabetes: diagnoses without a code known here ({n})", n=n)
    elif (age := chart.age_on(chart.today)) is None:
        yield _gap("HbA1c in diabetes: the birth date is not fully known")
    elif age >= ADULT_FROM:
        hospice = in_hospice(chart)
        if hospice:
            yield _gap("HbA1c: hospice or palliative care is on record")
            return
        yield from _judge(chart)
        if hospice is None:
            yield _gap("hospice and palliative care: not fully known")


def _judge(chart: Chart) -> Iterator[Result]:
    if chart.labs is None:
        yield _gap("HbA1c: the laboratory results are not known")
        return
    results = Results(chart, Kind("HbA1c", HBA1C, _read))
    recent = newest(results, UNCONTROLLED, chart.today - timedelta(days=INTERVAL))
    if recent.reading and recent.crossed:
        yield _uncontrolled(chart, recent, recent.reading)
    elif recent.reading:
        yield from _silent(chart, recent, recent.reading)
    elif _may_be_done(recent) or not labs.are_known(chart):
        yield _gap("HbA1c: {doubts}", doubts=listed(labs.doubts(chart, recent.unused)))
    else:
        yield _overdue(chart, results, recent)


def _read(result: Measurement, day: date) -> Reading | str:
    percent = units.HBA1C.read(result.lab)
    if isinstance(percent, str):
        return percent
    shown = f"{percent.told(partial(plain, (UNCONTROLLED.value,)))} %"
    quantity = result.lab.value_quantity
    converted = percent.exact and quantity is not None and quantity.value != percent.low
    how = partial(
        markdown,
        "{recorded} ({shown})" if converted else "{recorded}",
        recorded=units.recorded(result.lab),
        shown=shown,
    )
    return Reading(result, day, percent, shown, "", how)


def _may_be_done(recent: Newest) -> bool:
    """Whether a value may be of the interval: one that leaves the line undecided, that cannot be
    read here, or without a date.
    """
    return recent.undecided is not None or any(
        each.of.when.day is None or units.holds_value(each.of.lab) for each in recent.unused
    )


def _silent(chart: Chart, recent: Newest, last: Reading) -> Iterator[Gap]:
    told = labs.doubts(chart, recent.unused)
    if recent.against:
        disagreement = markdown(
            "results of {day} disagree on {question} %: {all}",
            day=last.day,
            question=recent.limit.question,
            all=_listed(last, *recent.against),
        )
        told.insert(0, disagreement)
    if told:
        yield _gap("HbA1c: {told}", told=listed(told))


def _uncontrolled(chart: Chart, recent: Newest, last: Reading) -> Finding:
    against = next(iter(recent.against), None)
    also = f"; that day also {_noted(against)}" if against else ""
    others = _listed(*recent.others)
    return Finding(
        rule=f"{_RULE}-uncontrolled",
        summary=f"HbA1c is {UNCONTROLLED} %: {_noted(last)} {last.of.when.told}{also}",
        indicator="warning",
        source=_CMS122,
        links=OPEN_CHART,
        severity=last.bounds.low,
        detail=join(
            markdown("HbA1c **{value}** {when}.", value=_recorded(last), when=last.of.when.told),
            markdown("Of the same day: {others}.", others=others) if others else Markdown(),
            _NOT_A_GOAL,
            labs.not_used(chart, recent.unused, last),
        ),
        overrides=(
            "will-monitor",
            "specialist-advice",
            "done-elsewhere",
            "patient-declined",
            "limited-life-expectancy",
            "data-wrong",
        ),
    )


def _overdue(chart: Chart, results: Results, recent: Newest) -> Finding:
    ever = newest(results, UNCONTROLLED, date.min)
    return Finding(
        rule=f"{_RULE}-overdue",
        summary=f"HbA1c may be due: {_known(chart, ever, recent)}",
        indicator="info",
        source=_ADA,
        gap="HbA1c",
        links=OPEN_CHART,
        detail=join(
            _last_on_record(ever),
            _TWICE_A_YEAR,
            labs.not_used(chart, ever.unused, ever.reading),
        ),
        suggestions=(_ORDER,),
        overrides=(
            "done-elsewhere",
            "patient-declined",
            "not-appropriate",
            "limited-life-expectancy",
            "already-ordered",
            "data-wrong",
        ),
    )


def _known(chart: Chart, ever: Newest, recent: Newest) -> str:
    """What the record holds instead of a result of the interval, no stronger than it is."""
    if recent.unused:
        test = max(each.of.when.latest or date.min for each in recent.unused)
        return f"the test of {day(test)} has no number"
    usable = "usable " if ever.unused else ""
    if ever.reading is None:
        return f"none {usable}on record here"
    days = (chart.today - ever.reading.day).days
    return (
        f"the last {usable}on record here is {_noted(ever.reading)} of "
        f"{day(ever.reading.day)}, {ago(days)}"
    )


def _last_on_record(ever: Newest) -> Markdown:
    what = "usable HbA1c" if ever.unused else "HbA1c"
    if ever.reading is None:
        return markdown("No {what} on record here; one done elsewhere may be missing.", what=what)
    return markdown(
        "Last {what} on record here: {recorded} on {day}; one done elsewhere may be missing.",
        what=what,
        recorded=listed(_recorded(each) for each in (ever.reading, *ever.others)),
        day=ever.reading.day,
    )


def _listed(*readings: Reading) -> Markdown:
    return listed(markdown("{value}", value=_noted(each)) for each in readings)


def _recorded(reading: Reading) -> Markdown:
    note = reading.of.note
    return markdown("{how} ({note})" if note else "{how}", how=reading.how, note=note)


def _noted(reading: Reading) -> str:
    note = reading.of.note
    return f"{reading.shown} ({note})" if note else reading.shown


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
