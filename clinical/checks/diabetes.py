"""HbA1c in adults with diabetes: due, or far above goal.

Due after half a year (ADA Standards of Care in Diabetes, 2025: at least twice a year). Above 9 %
is the line of quality measure CMS122 (2025), not a goal of treatment; of several results of one
day the lowest counts, as in the measure. A result that is not on record here may exist elsewhere:
no wording says that a test was not done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from clinical import codes, labs, problems, thresholds, units
from clinical.chart import Chart, unreadable
from clinical.finding import Create, Finding, Gap, LabOrder, Result, Suggestion
from clinical.hospice import in_hospice
from clinical.labs import Unused
from clinical.text import Markdown, Value, day, join, listed, markdown
from fhir.records import Observation

HBA1C = codes.load("hba1c")
DIABETES = codes.load("diabetes")

_LIMITS = thresholds.load("diabetes", thresholds.Thresholds)
ADULT_FROM = _LIMITS["adult-from"]
INTERVAL = _LIMITS["interval"]
UNCONTROLLED_ABOVE = _LIMITS["uncontrolled-above"]

_RULE = "dm.a1c"


def hba1c(chart: Chart) -> Iterator[Result]:
    """Whether HbA1c is due or far above goal."""
    if chart.deceased:
        return
    if problems.live(chart, DIABETES) is None:
        if not problems.are_known(chart):
            yield _gap("HbA1c in diabetes: the problem list is not fully known")
    elif (age := chart.age_on(chart.today)) is None:
        yield _gap("HbA1c in diabetes: the birth date is not fully known")
    elif age >= ADULT_FROM and not (hospice := in_hospice(chart)):
        yield from _judge(chart)
        if hospice is None:
            yield _gap("hospice and palliative care: not fully known")


def _judge(chart: Chart) -> Iterator[Result]:
    if chart.labs is None:
        yield _gap("HbA1c: the laboratory results are not known")
        return
    tests = [(chart.drawn(lab), lab) for lab in labs.results(chart, HBA1C)]
    unused = [
        labs.unused("HbA1c", lab, drawn, "dated in the future" if drawn else "without a full date")
        for drawn, lab in tests
        if drawn is None or drawn > chart.today
    ]
    last = max((drawn for drawn, _ in tests if drawn and drawn <= chart.today), default=None)
    newest = [lab for drawn, lab in tests if drawn == last]
    if last and (chart.today - last).days <= INTERVAL:
        yield from _recent(chart, last, newest, unused)
    elif unreadable(chart.labs) or any(each.day is None for each in unused):
        yield _gap("HbA1c: {doubts}", doubts=listed(labs.doubts(chart, unused)))
    else:
        yield _overdue(chart, last, newest, unused)


def _recent(
    chart: Chart, last: date, newest: Sequence[Observation], unused: Sequence[Unused]
) -> Iterator[Result]:
    values = [(value, lab) for lab in newest if (value := _percent(lab)) is not None]
    if not values:
        why = units.why_not(newest[0].value_quantity)
        yield _gap("{newest}", newest=labs.unused("HbA1c", newest[0], last, why).told)
        return
    value, lab = min(values, key=lambda each: each[0])
    above = units.hba1c_above(lab.value_quantity) is not None
    if value < UNCONTROLLED_ABOVE or (value == UNCONTROLLED_ABOVE and not above):
        return
    shown = f"{'above ' if above else ''}{value:.10g} %"
    yield Finding(
        rule=f"{_RULE}-uncontrolled",
        summary=f"HbA1c {shown} on {day(last)}: above {UNCONTROLLED_ABOVE} %",
        indicator="warning",
        source=_LIMITS.source("cms122"),
        detail=join(
            markdown("HbA1c **{recorded}** on {day}.", recorded=_recorded(lab, value), day=last),
            markdown(
                "{limit} % is the line of a quality measure, not a goal of treatment.",
                limit=UNCONTROLLED_ABOVE,
            ),
            labs.not_used(chart, unused),
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


def _overdue(
    chart: Chart, last: date | None, newest: Sequence[Observation], unused: Sequence[Unused]
) -> Finding:
    if last is None:
        known = "none on record here"
        latest = markdown("No HbA1c on record here; one done elsewhere may be missing.")
    else:
        ago = (chart.today - last).days
        known = f"the last on record here is of {day(last)}, {ago} days ago"
        latest = markdown(
            "Last HbA1c on record here: {recorded} on {day}; one done elsewhere may be missing.",
            recorded=listed(_recorded(lab, units.hba1c(lab.value_quantity)) for lab in newest),
            day=last,
        )
    order = LabOrder(HBA1C.coding("4548-4"))
    return Finding(
        rule=f"{_RULE}-overdue",
        summary=f"HbA1c may be due: {known}",
        indicator="info",
        source=_LIMITS.source("ada-2025"),
        detail=join(
            latest,
            markdown(
                "In diabetes it is due at least twice a year; here, after {days} days.",
                days=INTERVAL,
            ),
            labs.not_used(chart, unused),
        ),
        suggestions=(Suggestion("Order HbA1c", (Create("Order HbA1c", order),), recommended=True),),
        overrides=(
            "done-elsewhere",
            "patient-declined",
            "limited-life-expectancy",
            "already-ordered",
            "data-wrong",
        ),
    )


def _percent(lab: Observation) -> float | None:
    """The value, or the bound of one told as "above N" where that decides."""
    above = units.hba1c_above(lab.value_quantity)
    if above is not None and above >= UNCONTROLLED_ABOVE:
        return above
    return units.hba1c(lab.value_quantity)


def _recorded(lab: Observation, percent: float | None) -> Markdown:
    """The value as recorded, and in % where that is not its unit."""
    quantity = lab.value_quantity
    if quantity is None or quantity.value is None:
        return markdown("no number")
    recorded = markdown("{value}", value=units.recorded(quantity))
    if percent is None or percent == quantity.value:
        return recorded
    return markdown("{recorded} ({percent} %)", recorded=recorded, percent=percent)


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
