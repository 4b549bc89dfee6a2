"""The cards on metformin and kidney function: what each says, and what it offers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from clinical import labs, medicines
from clinical.bounds import Limit
from clinical.checks.metformin_case import CONTRAINDICATED, LIMITS, RECHECK_AFTER, START, Case
from clinical.finding import Create, Delete, Finding, Indicator, LabOrder, Suggestion
from clinical.kidney import CREATININE, LOOK_BACK
from clinical.labs import Reading
from clinical.newest import Newest
from clinical.problems import Diagnosis
from clinical.text import LONGEST_SUMMARY, Markdown, day, join, listed, markdown, one_line

RULE = "renal.metformin"
MONITOR = "monitor.metformin"
_DESPITE = ("benefit-outweighs-risk", "will-monitor", "data-wrong", "specialist-advice")
_NOT_NOW = ("done-elsewhere", "already-ordered", "patient-declined", "data-wrong")
_SHORTEST_NAME = 16


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
    """Between the two limits: a start is a warning, going on is to be weighed."""
    newest = case.kidneys.start
    short = _in_short(case, newest)
    start = markdown(
        "Starting metformin at an eGFR of {lower} to {upper} is not recommended.",
        lower=CONTRAINDICATED.value,
        upper=START.value,
    )
    review = markdown(
        "Where eGFR falls {start} on treatment, weigh benefit and risk of going on.",
        start=str(START),
    )
    none = markdown("No active metformin order on record here; one from elsewhere may be missing.")
    if active:
        summary, said = f"metformin: weigh benefit and risk of going on at {short}", [review]
    elif active is None:
        # Not known to be a start, so it is not called one; the graver of the two rules holds.
        summary, said = f"check metformin at {short}", [start, review]
    else:
        summary, said = f"starting metformin is not recommended: {short}", [start, none]
    return _finding(
        case,
        f"{RULE}.continue-review" if active else f"{RULE}.start",
        "info" if active else "warning",
        summary,
        _evidence(newest),
        *said,
        newest=newest,
    )


def unmonitored(case: Case) -> Finding:
    """A warning: no eGFR of a year, and what is known from before."""
    kidneys = case.kidneys
    usable = "usable " if labs.doubts(case.chart, kidneys.start.unused) else ""
    if kidneys.older.reading:
        known = f"last {usable}{_in_short(case, kidneys.older)}"
    elif case.chart.labs is None:
        known = "laboratory results are not known here"
    else:
        known = f"no {usable}creatinine or eGFR found here in {LOOK_BACK} days"
    if kidneys.stage_4:
        known = f"{kidneys.stage_4.name} is on record; {known}"
    return _finding(
        case,
        MONITOR,
        "warning",
        f"before metformin: {known}",
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
        "results of {day} disagree on whether eGFR is {limit}: {all}",
        day=newest.reading.day,
        limit=str(newest.limit),
        all=listed(_in_a_list(each) for each in (newest.reading, *newest.against)),
    )


def _finding(
    case: Case,
    rule: str,
    indicator: Indicator,
    summary: str,
    *said: Markdown,
    newest: Newest,
    overrides: tuple[str, ...] = _DESPITE,
) -> Finding:
    return Finding(
        rule=rule,
        summary=_named(case, summary),
        indicator=indicator,
        source=LIMITS.source("fda-2016"),
        detail=join(*said, _order(case), labs.not_used(case.chart, newest.unused, newest.reading)),
        drug="metformin",
        severity=_severity(newest.reading or case.kidneys.older.reading),
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
    """A summary begins with the order's own name where that is more than metformin."""
    if not case.own_name:
        return summary[0].upper() + summary[1:]
    room = max(_SHORTEST_NAME, LONGEST_SUMMARY - len(summary) - 2)
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
        order = Create("Order creatinine", LabOrder(CREATININE.coding("2160-0")))
        known = case.kidneys.ordered is False
        yield Suggestion("Order creatinine", (order,), recommended=recommended and known)


def _in_short(case: Case, newest: Newest) -> str:
    """The result for a summary; whoever reads it must see that another one contradicts it."""
    reading = newest.reading
    if reading is None:
        return ""
    age = _age(case, reading)
    old = f", {age} days ago" if age > RECHECK_AFTER else ""
    against = next(iter(newest.against), None)
    also = f"; that day also {against.shown} ({_basis(against)})" if against else ""
    return f"eGFR {reading.shown} on {day(reading.day)}{old} ({_basis(reading)}){also}"


def _evidence(newest: Newest) -> Markdown:
    reading = newest.reading
    if reading is None:
        return Markdown()
    result = markdown(
        "eGFR **{value}** mL/min/1.73 m² on {day}, {how}{note}.",
        value=reading.shown,
        day=reading.day,
        how=reading.how,
        note=markdown(" ({note})", note=reading.of.note) if reading.of.note else Markdown(),
    )
    others = listed(_in_a_list(each) for each in newest.others)
    same_day = markdown("Of the same day: {others}.", others=others) if others else Markdown()
    against = markdown(
        "They disagree on whether eGFR is {limit}.",
        limit=str(newest.limit),
    )
    may_be_lower = markdown(
        "Whether it is {limit}, where metformin is contraindicated, is not told.",
        limit=str(CONTRAINDICATED),
    )
    return join(
        result,
        same_day,
        against if newest.against else Markdown(),
        may_be_lower if CONTRAINDICATED.crossed(reading.bounds) is None else Markdown(),
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
    name = medicines.name(case.chart, case.order) or case.own_name or "metformin"
    how = " (matched by name, not by code)" if case.matched == "by name" else ""
    stands = " It is active: to end it, stop it in the medication list."
    return markdown(
        "Order: {name}{how}.{stands}",
        name=name,
        how=Markdown(how),
        stands=Markdown(stands if case.order.status == "active" else ""),
    )
