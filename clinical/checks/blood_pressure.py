"""Blood pressure: above the line twice in people with hypertension, or not measured for long.

The line is that of a quality measure, not the goal of treatment, so that the card speaks rarely.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from clinical import codes, problems, thresholds
from clinical.chart import Chart, effective, unreadable
from clinical.checks.screening import OVERRIDES, known, last_known
from clinical.done import Event, event, within
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.named import says
from clinical.person import Person, who
from clinical.pregnancy import is_pregnant
from clinical.pressure import BLOOD_PRESSURE, Pressure, readings
from clinical.problems import Diagnosis
from clinical.text import Markdown, Value, day, join, listed, markdown

HYPERTENSION = codes.load("cond-hypertension")
KIDNEY_FAILURE = codes.load("esrd")

_LIMITS = thresholds.load("blood-pressure", thresholds.Thresholds)
LOWEST_AGE, HIGHEST_AGE = _LIMITS["lowest-age"], _LIMITS["highest-age"]
SYSTOLIC, DIASTOLIC = _LIMITS["systolic-from"], _LIMITS["diastolic-from"]
REPEAT = _LIMITS["repeat-systolic-above"], _LIMITS["repeat-diastolic-above"]
LOOK_BACK = timedelta(days=_LIMITS["look-back"])

_GOAL = markdown(
    "{systolic}/{diastolic} is the line of a quality measure; the goal of the guideline is below "
    "130/80.",
    systolic=SYSTOLIC,
    diastolic=DIASTOLIC,
)
# As a sign that there may be a diagnosis which no code here names.
_NAMES = (("hypertens",), ("high", "blood", "pressure"))


def uncontrolled(chart: Chart) -> Iterator[Result]:
    """Whether the two newest readings are high, in somebody with hypertension."""
    person, diagnosis = who(chart), problems.live(chart, HYPERTENSION)
    if not isinstance(person, Person) or not LOWEST_AGE <= person.age <= HIGHEST_AGE:
        yield from (person,) if isinstance(person, Gap) else ()
    elif diagnosis is None:
        if not problems.are_known(chart):
            yield _gap("blood pressure: the problem list is not fully known")
    elif not problems.live(chart, KIDNEY_FAILURE) and not is_pregnant(chart):
        if chart.vitals is None or unreadable(chart.vitals):
            yield _gap("blood pressure: the readings are not fully known")
        else:
            yield from _judge(chart, diagnosis)


def _judge(chart: Chart, diagnosis: Diagnosis) -> Iterator[Result]:
    found = readings(chart, chart.today - LOOK_BACK)
    newest = found.pressures[:2]
    if len(newest) < 2 or not all(map(is_high, newest)):
        return
    if doubts := found.doubts(newest[1].day):
        yield _gap("blood pressure: {doubts} may be newer", doubts=listed(doubts))
    elif not problems.are_known(chart):
        yield _gap("blood pressure: the problem list is not fully known")
    else:
        yield _finding(newest[0], newest[1], diagnosis)


def is_high(pressure: Pressure) -> bool:
    """Whether it is on the line or above it."""
    return pressure.systolic >= SYSTOLIC or pressure.diastolic >= DIASTOLIC


def _finding(newest: Pressure, before: Pressure, diagnosis: Diagnosis) -> Finding:
    repeat = newest.systolic > REPEAT[0] or newest.diastolic > REPEAT[1]
    both = f"{newest} on {day(newest.day)} and {before} on {day(before.day)}"
    now = markdown(
        "**Repeat now**: the newest reading is above {systolic} systolic or {diastolic} diastolic.",
        systolic=REPEAT[0],
        diastolic=REPEAT[1],
    )
    return Finding(
        rule="bp.uncontrolled",
        summary=f"{'Repeat now: b' if repeat else 'B'}lood pressure is high twice: {both}",
        indicator="warning",
        source=_LIMITS.source("aha-acc-2025"),
        severity=newest.systolic,
        detail=join(
            now if repeat else Markdown(),
            markdown("Blood pressure {both}: each {line} or above.", both=both, line=_LINE),
            markdown("On record: {diagnosis}.", diagnosis=diagnosis.told),
            _GOAL,
        ),
        overrides=(
            "will-monitor",
            "specialist-advice",
            "done-elsewhere",
            "patient-declined",
            "limited-life-expectancy",
            "data-wrong",
        ),
        links=OPEN_CHART,
    )


_LINE = f"{SYSTOLIC} systolic or {DIASTOLIC} diastolic"


def screen(chart: Chart) -> Iterator[Result]:
    """Whether somebody without hypertension has had no blood pressure taken for long."""
    person = who(chart)
    if not isinstance(person, Person) or person.age < LOWEST_AGE:
        yield from (person,) if isinstance(person, Gap) else ()
        return
    if problems.live(chart, HYPERTENSION):
        return
    years = int(_LIMITS["screened-every" if person.age >= 40 else "screened-every-under-40"])
    answer = within(_taken(chart), chart.today, years=years)
    if answer.done:
        return
    if not problems.are_known(chart):
        yield _screening_gap("the problem list is not fully known")
    elif chart.vitals is None or unreadable(chart.vitals) or chart.replaced:
        yield _screening_gap("the readings are not fully known")
    elif answer.done is None:
        doubts = listed(each.told for each in answer.doubts[:3])
        yield _screening_gap("{doubts} may count", doubts=doubts)
    elif _is_named(chart):
        yield _screening_gap("a diagnosis without a code known here may be hypertension")
    else:
        yield Finding(
            rule="gap.bp-screen",
            summary=f"Blood pressure may be due: {known(chart, answer.last)}",
            indicator="info",
            source=_LIMITS.source("uspstf-hypertension"),
            gap="blood pressure",
            detail=join(
                last_known(answer.last),
                markdown("From {age} years on (grade A).", age=LOWEST_AGE),
            ),
            overrides=OVERRIDES,
            links=OPEN_CHART,
        )
        yield from person.doubts


def _taken(chart: Chart) -> Iterator[Event]:
    for each, _ in chart.among(chart.vitals, BLOOD_PRESSURE):
        if each.data_absent_reason is None:
            when = chart.drawn(each)
            yield from event(chart, "blood pressure", each.status, when, effective(each))


def _is_named(chart: Chart) -> bool:
    return any(
        says(each.code, _NAMES) and problems.is_live(each) and not problems.is_coded(each.code)
        for each in chart.conditions or ()
    )


def _gap(template: str, **values: Value) -> Gap:
    return Gap("bp.uncontrolled", markdown(template, **values))


def _screening_gap(template: str, **values: Value) -> Gap:
    return Gap("gap.bp-screen", markdown(f"blood pressure screening: {template}", **values))
