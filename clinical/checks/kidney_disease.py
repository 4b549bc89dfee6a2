"""Kidney disease that is not on the problem list: eGFR below 60 for three months or longer.

The newest value and an earlier one at least 90 days before it are below, and so is every one in
between. Of one day all values count. What cannot be read between them leaves the question open. A
diagnosis is a human act: nothing offers to write one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from clinical import codes, kidney, labs, problems, thresholds
from clinical.bounds import Limit
from clinical.chart import Chart
from clinical.checks.diabetes import DIABETES
from clinical.checks.diabetes_care import ALBUMIN, ORDER_ALBUMIN
from clinical.done import events, within
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.labs import Reading, Unused
from clinical.named import says
from clinical.person import Person, who
from clinical.text import Markdown, Value, day, join, listed, markdown
from clinical.units import holds_value
from fhir.records import CodeableConcept, Condition


class _KidneyDisease(thresholds.Thresholds, frozen=True):
    names: dict[str, tuple[tuple[str, ...], ...]]


_DATA = thresholds.load("kidney-disease", _KidneyDisease)
BELOW = Limit("eGFR", "below", _DATA["below"])
APART, LOOK_BACK = timedelta(days=_DATA["apart"]), timedelta(days=_DATA["look-back"])
CKD = codes.load("cond-ckd")
_OTHERS = (codes.load("esrd"), codes.load("ckd-4"))
_RULE = "ckd.unrecognised"


def kidney_disease(chart: Chart) -> Iterator[Result]:
    """Whether the eGFR has been low for long and no kidney disease is on the problem list."""
    person = who(chart)
    if not isinstance(person, Person) or person.age < kidney.ADULT_FROM:
        yield from (person,) if isinstance(person, Gap) else ()
    elif chart.labs is None:
        yield _gap("kidney disease: the laboratory results are not known")
    elif not _is_recognised(chart):
        yield from _judge(chart)


def _judge(chart: Chart) -> Iterator[Result]:
    since = chart.today - LOOK_BACK
    found = kidney.egfrs(chart, BELOW.value).down_to(since, lambda _: False)
    readings = [each for each in found if isinstance(each, Reading) and each.day >= since]
    pair = _lasting(readings)
    if pair is None:
        return
    earlier, latest = pair
    unused = [each for each in found if isinstance(each, Unused) and _may_count(each, earlier)]
    if unused or not problems.are_known(chart):
        doubts = labs.doubts(chart, unused)
        if not problems.are_known(chart):
            doubts.append(markdown("the problem list is not fully known"))
        yield _gap("kidney disease: {doubts}", doubts=listed(doubts))
    else:
        yield _finding(chart, earlier, latest)


def _lasting(readings: Sequence[Reading]) -> tuple[Reading, Reading] | None:
    """The newest value, and the nearest one that is long enough before it; None where one of them
    or one in between is not below the line.
    """
    days: dict[date, list[Reading]] = {}
    for each in readings:
        days.setdefault(each.day, []).append(each)
    latest: Reading | None = None
    for _, of_day in sorted(days.items(), reverse=True):
        if not all(BELOW.crossed(each.bounds) for each in of_day):
            return None
        # The mildest of its day speaks.
        told = max(of_day, key=lambda each: each.bounds.high)
        if latest is None:
            latest = told
        elif latest.day - told.day >= APART:
            return told, latest
    return None


def _may_count(unused: Unused, earlier: Reading) -> bool:
    """Whether a value that cannot be used may lie between, or be newer."""
    latest = unused.of.when.latest
    return holds_value(unused.of.lab) and (latest is None or latest >= earlier.day)


def _is_recognised(chart: Chart) -> bool:
    """By a code of kidney disease or failure, or by a name that says so."""
    if any(problems.live(chart, each) for each in (CKD, *_OTHERS)):
        return True
    live = (each for each in chart.conditions or () if problems.is_live(each))
    return any(_says_kidney_disease(each) for each in live)


def _says_kidney_disease(condition: Condition) -> bool:
    words = _DATA.names["recognised"]
    # E11.22 and its like, also where the record does not display what they mean.
    row = DIABETES.find(condition.code)
    return says(condition.code, words) or (
        row is not None and says(CodeableConcept(text=row.display), words)
    )


def _finding(chart: Chart, earlier: Reading, latest: Reading) -> Finding:
    measured = within(events(chart, "urine albumin", (ALBUMIN,)), chart.today, years=1)
    uncoded = problems.uncoded(chart)
    return Finding(
        rule=_RULE,
        summary=(
            f"eGFR {_noted(latest)} on {day(latest.day)} and {_noted(earlier)} on "
            f"{day(earlier.day)}, no CKD on the problem list"
        ),
        indicator="warning",
        source=_DATA.source("kdigo-2024"),
        severity=-latest.bounds.high,
        detail=join(
            _told(latest),
            _told(earlier),
            markdown(
                "Every value between them on record here is below {limit}. Chronic kidney disease "
                "is an eGFR below {limit} for more than three months: if it is confirmed, it "
                "belongs on the problem list.",
                limit=BELOW.value,
            ),
            markdown("Diagnoses without a code known here: {n}.", n=uncoded)
            if uncoded
            else Markdown(),
        ),
        suggestions=() if measured.done else (ORDER_ALBUMIN,),
        overrides=(
            "specialist-advice",
            "will-monitor",
            "not-appropriate",
            "limited-life-expectancy",
            "data-wrong",
        ),
        links=OPEN_CHART,
    )


def _told(reading: Reading) -> Markdown:
    return markdown(
        "eGFR **{value}** mL/min/1.73 m² {when}, {how}.",
        value=_noted(reading),
        when=reading.of.when.told,
        how=reading.how,
    )


def _noted(reading: Reading) -> str:
    note = reading.of.note
    return f"{reading.shown} ({note})" if note else reading.shown


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
