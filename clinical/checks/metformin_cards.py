"""The cards on metformin and kidney function: what each says, and what it offers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from clinical import labs, medicines
from clinical.bounds import Limit
from clinical.checks.metformin_case import (
    CONTRAINDICATED,
    LIMITS,
    METFORMIN,
    RECHECK_AFTER,
    START,
    Case,
)
from clinical.finding import OPEN_CHART, Create, Delete, Finding, Indicator, LabOrder, Suggestion
from clinical.kidney import CREATININE, LOOK_BACK
from clinical.labs import Reading
from clinical.newest import Newest
from clinical.problems import Diagnosis
from clinical.text import LONGEST_SUMMARY, Markdown, ago, join, listed, markdown, one_line

RULE = "renal.metformin"
MONITOR = "monitor.metformin"
_DESPITE = ("benefit-outweighs-risk", "will-monitor", "data-wrong", "specialist-advice")
_NOT_NOW = ("done-elsewhere", "already-ordered", "patient-declined", "data-wrong")
_SHORTEST_NAME = 16
_FDA = LIMITS.source("fda-2016")
_ORDER = Create("Order creatinine", LabOrder(CREATININE.coding("2160-0")))
_MEASURE, _MEASURE_FIRST = (
    Suggestion("Order creatinine", (_ORDER,), recommended=recommended)
    for recommended in (False, True)
)
_START = markdown(
    "Starting metformin at an eGFR of {lower} to {upper} is not recommended.",
    lower=CONTRAINDICATED.value,
    upper=START.value,
)
_REVIEW = markdown(
    "Where eGFR falls {start} on treatment, weigh benefit and risk of going on.",
    start=str(START),
)


def contraindicated(case: Case) -> Finding:
    """Critical: below the limit of the label."""
    newest = case.kidneys.contraindicated
    return _finding(
        case,
        f"{RULE}.contraindicated",
        "critical",
        f"metformin is contraindicated: {_in_short(case, newest)}",
        _evidence(newest),
        markdown("Metformin is contraindicated {limit}.", limit=_of_egfr(CONTRAINDICATED)),
        _on_record(case.kidneys.failure),
        newest=newest,
    )


def kidneys_failed(case: Case, failure: Diagnosis) -> Finding:
    """A warning: the diagnosis stands where no eGFR contraindicates."""
    start, lower = case.kidneys.start, case.kidneys.contraindicated
    newest = start if start.reading else lower
    return _finding(
        case,
        f"{RULE}.esrd",
        "warning",
        f"check metformin: kidney failure is on record ({failure.name})",
        _evidence(newest),
        _on_record(failure),
        markdown(
            "Check whether metformin may be given: it is contraindicated {limit}, and starting it "
            "{start} is not recommended.",
            limit=_of_egfr(CONTRAINDICATED),
            start=_of_egfr(START),
        ),
        newest=newest,
    )


def reduced(case: Case, active: bool | None) -> Finding:
    """Between the two limits: a start is a warning, going on is to be weighed.

    Where a result of the day may be below the lower limit, going on is a warning, too.
    """
    kidneys = case.kidneys
    perhaps = kidneys.may_be_contraindicated
    newest = kidneys.contraindicated if kidneys.disagree else kidneys.start
    short = _in_short(case, newest)
    none = markdown("No active metformin order on record here; one from elsewhere may be missing.")
    # Not known to be a start, it is not called one, and the graver of the two rules holds.
    said = [_START, _REVIEW] if active is None else [_REVIEW] if active else [_START, none]
    if active is False:
        summary = f"starting metformin is not recommended: {short}"
    elif perhaps:
        summary = f"metformin may be contraindicated: {short}"
    elif active:
        summary = f"metformin: weigh benefit and risk of going on at {short}"
    else:
        summary = f"check metformin at {short}"
    return _finding(
        case,
        f"{RULE}.continue-review" if active else f"{RULE}.start",
        "info" if active and not perhaps else "warning",
        summary,
        _evidence(newest),
        *said,
        newest=kidneys.start,
    )


def undecided(case: Case, reading: Reading) -> Finding:
    """A warning: the result that counts does not tell on which side of the limit it is."""
    start = case.kidneys.start
    unused = tuple(each for each in start.unused if each.of is not reading.of)
    decided = (start.reading, *start.others)
    return _finding(
        case,
        f"{RULE}.start",
        "warning",
        f"check metformin: eGFR {reading.shown} {reading.of.when.told}, may be {START}",
        _result(reading),
        _of_the_same_day(tuple(each for each in decided if each and each.day == reading.day)),
        _START,
        _REVIEW,
        newest=replace(start, unused=unused),
        severity=_severity(reading),
    )


def unmonitored(case: Case) -> Finding:
    """A warning: no eGFR of a year, and what is known from before."""
    kidneys = case.kidneys
    usable = "usable " if labs.doubts(case.chart, kidneys.start.unused) else ""
    if kidneys.older.reading:
        # With a diagnosis there is no room for what contradicts an old result; the detail has it.
        short = not kidneys.older.against or kidneys.stage_4
        last = _noted(case, kidneys.older.reading) if short else _in_short(case, kidneys.older)
        known = f"last {usable}{last}"
    elif case.chart.labs is None:
        known = "laboratory results are not known here"
    else:
        known = f"no {usable}creatinine or eGFR found here in {LOOK_BACK} days"
    if kidneys.stage_4:
        doubt = f", {kidneys.stage_4.doubt}," if kidneys.stage_4.doubt else ""
        known = f"CKD stage 4{doubt} on record; {known}"
    return _finding(
        case,
        MONITOR,
        "warning",
        f"check kidney function before metformin: {known}",
        _evidence(kidneys.older),
        _on_record(kidneys.stage_4),
        markdown(
            "eGFR is obtained before metformin is started and at least once a year on treatment. "
            "Results from elsewhere, under codes that depend on race, or inside of a panel are "
            "not seen here."
        ),
        newest=kidneys.start,
        overrides=_NOT_NOW,
    )


def disagreement(newest: Newest) -> Markdown:
    """What other results of the day say of the limit; nothing where they agree."""
    if newest.reading is None or not newest.against:
        return Markdown()
    return markdown(
        "results of {day} disagree on {question}: {all}",
        day=newest.reading.day,
        question=newest.limit.question,
        all=listed(_in_a_list(each) for each in (newest.reading, *newest.against)),
    )


def _finding(
    case: Case,
    rule: str,
    indicator: Indicator,
    summary: str,
    *said: Markdown,
    newest: Newest,
    severity: float | None = None,
    overrides: tuple[str, ...] = _DESPITE,
) -> Finding:
    return Finding(
        rule=rule,
        summary=_named(case, summary),
        indicator=indicator,
        source=_FDA,
        links=OPEN_CHART,
        detail=join(*said, _order(case), labs.not_used(case.chart, newest.unused, newest.reading)),
        drug="metformin",
        severity=severity or _severity(newest.reading or case.kidneys.older.reading),
        about=(case.draft.reference,),
        suggestions=tuple(_suggestions(case, newest, recommended=rule == MONITOR)),
        # To remove the order and to measure again go together.
        pick="any",
        overrides=overrides,
    )


def _severity(reading: Reading | None) -> float | None:
    """Grows as eGFR falls. Of a bound the end that is least grave, so that a worse value shows."""
    return -reading.bounds.high if reading and reading.bounds.high < math.inf else None


def _named(case: Case, summary: str) -> str:
    """A summary begins with the order's own name where that is more than metformin, and where
    there is room: the detail names the order, too.
    """
    room = LONGEST_SUMMARY - len(summary) - 2
    if not case.own_name or room < _SHORTEST_NAME:
        return summary[0].upper() + summary[1:]
    return f"{one_line(case.own_name, room)}: {summary}"


def _suggestions(case: Case, newest: Newest, recommended: bool) -> Iterator[Suggestion]:
    removable = medicines.is_removable(case.chart, case.draft, case.order)
    # A name may stand in an order that says "hold metformin": it is not ours to remove.
    if removable and case.matched == "by code":
        name = case.own_name or "metformin"
        remove = Delete(f"Remove the order of {name} from this session", case.draft)
        yield Suggestion(f"Remove this order of {name}", (remove,))
    is_old = newest.reading is None or _age(case, newest.reading) > RECHECK_AFTER
    if is_old and not case.kidneys.ordered:
        # Accepted on two cards it would be drawn twice, and so would one that is not known here.
        once = case.first and case.kidneys.ordered is False and case.chart.labs is not None
        yield _MEASURE_FIRST if recommended and once else _MEASURE


def _in_short(case: Case, newest: Newest) -> str:
    """The result for a summary; whoever reads it must see that another one contradicts it, or
    that a newer one could not be used.
    """
    reading = newest.reading
    if reading is None:
        return ""
    if newest.against:
        other = min(newest.against, key=lambda each: each.bounds.low)
        told = f"{_value(case, reading)} ({reading.of.note or reading.basis})"
        return f"{told}; that day also {other.shown} ({other.of.note or other.basis})"
    days = [each.of.when.day for each in newest.unused]
    newer = any(each and each > reading.day for each in days)
    return _noted(case, reading) + ("; a newer result could not be used" if newer else "")


def _noted(case: Case, reading: Reading) -> str:
    note = f" ({reading.of.note})" if reading.of.note else ""
    return f"{_value(case, reading)}{note}"


def _value(case: Case, reading: Reading) -> str:
    age = _age(case, reading)
    old = f", {ago(age)}" if age > RECHECK_AFTER else ""
    return f"eGFR {reading.shown} {reading.of.when.told}{old}"


def _evidence(newest: Newest) -> Markdown:
    reading = newest.reading
    if reading is None:
        return Markdown()
    against = markdown("They disagree on {question}.", question=newest.limit.question)
    return join(
        _result(reading),
        _of_the_same_day(newest.others),
        against if newest.against else Markdown(),
    )


def _of_the_same_day(readings: tuple[Reading, ...]) -> Markdown:
    others = listed(_in_a_list(each) for each in readings)
    return markdown("Of the same day: {others}.", others=others) if others else Markdown()


def _result(reading: Reading) -> Markdown:
    result = markdown(
        "eGFR **{value}** mL/min/1.73 m² {when}, {how}{note}.",
        value=reading.shown,
        when=reading.of.when.told,
        how=reading.how,
        note=markdown(" ({note})", note=reading.of.note) if reading.of.note else Markdown(),
    )
    may_be_lower = markdown(
        "Whether it is {limit}, where metformin is contraindicated, is not told.",
        limit=str(CONTRAINDICATED),
    )
    return join(
        result, may_be_lower if CONTRAINDICATED.crossed(reading.bounds) is None else Markdown()
    )


def _in_a_list(reading: Reading) -> Markdown:
    return markdown(
        "eGFR {shown} ({basis})",
        shown=reading.shown,
        basis=_basis(reading),
    )


def _basis(reading: Reading) -> str:
    return f"{reading.basis}, {reading.of.note}" if reading.of.note else reading.basis


def _age(case: Case, reading: Reading) -> int:
    return (case.chart.today - reading.day).days


def _on_record(diagnosis: Diagnosis | None) -> Markdown:
    if diagnosis is None:
        return Markdown()
    return markdown("On record: {diagnosis}.", diagnosis=diagnosis.told)


def _of_egfr(limit: Limit) -> str:
    return f"{limit.side} an eGFR of {limit.value:g}"


def _order(case: Case) -> Markdown:
    name = medicines.name(case.chart, case.order, METFORMIN) or "metformin"
    how = " (matched by name, not by code)" if case.matched == "by name" else ""
    stands = case.order.status == "active" and medicines.is_recorded(case.chart, case.draft)
    to_end = " It is active: to end it, stop it in the medication list." if stands else ""
    return markdown(
        "Order: {name}{how}.{stands}",
        name=name,
        how=Markdown(how),
        stands=Markdown(to_end),
    )
