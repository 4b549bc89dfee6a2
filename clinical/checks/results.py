"""Critical results of the last two weeks, by the laboratory's own flag.

FHIR has no mark for "seen", so a card says "recent", and never that nobody looked. Nothing is said
where a completed Task or Communication is about the result, or where a newer result of the same
test is not critical: its flag is none of the critical ones and it is less far out. A newer one of
which that cannot be told proves nothing. No limits of our own: those of the laboratory decide, for
those whose age is not known, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from clinical import codes, thresholds
from clinical.chart import Chart, effective, unreadable
from clinical.code_systems import canonical
from clinical.dates import When
from clinical.finding import OPEN_CHART, Create, Finding, Gap, LabOrder, Result, Suggestion
from clinical.labs import Measurement
from clinical.text import Markdown, Value, join, markdown
from clinical.units import holds_value, recorded
from fhir.records import CodeableConcept, Observation, Reference

_LIMITS = thresholds.load("attention", thresholds.Thresholds)
ADULT_FROM = _LIMITS["adult-from"]
RECENT = timedelta(days=_LIMITS["recent"])

CRITICAL = {"HH": "critically high", "LL": "critically low", "AA": "critically abnormal"}
# The flags of HL7 version 3, and of version 2, which has the same; by their OIDs, too (HL7
# Terminology). A flag without a system is one of them in all that is seen.
_FLAGS = (
    "v3-ObservationInterpretation",
    "v2-0078",
    "v2/0078",
    ":2.16.840.1.113883.5.83",
    ":2.16.840.1.113883.12.78",
)
_COUNTS = ("final", "preliminary", "amended", "corrected")
_RULE = "result.critical"

# What is measured again by one order: tests of which a code is known here.
_REPEATED = tuple(map(codes.load, ("lab-potassium", "lab-glucose", "creatinine", "hba1c")))


def critical(chart: Chart) -> Iterator[Result]:
    """The newest critical result of each test, unless something shows that it was acted on."""
    if chart.deceased:
        return
    if max(chart.ages_on(chart.today), default=ADULT_FROM) < ADULT_FROM:
        yield _gap("critical results: not judged below the age of {age}", age=ADULT_FROM)
        return
    if chart.labs is None:
        yield _gap("critical results: the laboratory results are not known")
        return
    if n := len(unreadable(chart.labs)):
        yield _gap("critical results: results that could not be read ({n})", n=n)
    yield from _foreign(chart, chart.labs)
    told: list[Observation] = []
    recent = [
        (each, flag, when)
        for each in chart.labs
        if each.status in _COUNTS
        and (flag := flag_of(each))
        and _is_recent(chart, when := chart.drawn(each))
    ]
    recent.sort(key=lambda it: _moment(it[2]), reverse=True)
    for each, flag, when in recent:
        if when.day is None or when.day > chart.today:
            yield _gap("critical results: {result}", result=_named(each, when))
        elif not any(_is_same_test(each, other) for other in told):
            told.append(each)
            if not _is_acted_on(chart, each) and not _is_over(chart, each, when):
                yield _finding(each, flag, when)


def flag_of(result: Observation) -> str:
    """HH, LL or AA, where the laboratory has flagged the result so."""
    flags = (code for code, known in _flags(result) if known and code in CRITICAL)
    return next(flags, "")


def _flags(result: Observation) -> Iterator[tuple[str, bool]]:
    """Each code of the interpretation, and whether it is of a system that is known here."""
    interpretation = result.interpretation
    told = (interpretation,) if isinstance(interpretation, CodeableConcept) else interpretation
    for concept in told:
        for coding in concept.coding:
            system = (coding.system or "").rstrip("/")
            if coding.code:
                yield coding.code, not system or system.endswith(_FLAGS)


def _foreign(chart: Chart, labs: Sequence[Observation]) -> Iterator[Gap]:
    """The recent results with a flag that looks critical, in a system that nobody here knows."""
    for each in labs:
        looks = any(code in CRITICAL for code, _ in _flags(each)) and not flag_of(each)
        if looks and each.status in _COUNTS and _is_recent(chart, when := chart.drawn(each)):
            named = _named(each, when)
            yield _gap("critical results: {result} in a system that is not known", result=named)


def _is_recent(chart: Chart, when: When) -> bool:
    """Whether it may be: without any date it may."""
    return when.latest is None or when.latest >= chart.today - RECENT


def _is_same_test(one: Observation, other: Observation) -> bool:
    codes_ = _codes(one.code) & _codes(other.code)
    return bool(codes_) or (not _codes(one.code) and _name(one) == _name(other))


def _codes(concept: CodeableConcept | None) -> set[tuple[str, str]]:
    return {
        (canonical(each.system), each.code)
        for each in (concept.coding if concept else ())
        if each.system and each.code
    }


def _is_over(chart: Chart, result: Observation, when: When) -> bool:
    """Whether a newer result of the same test is not critical."""
    return any(
        each.status in _COUNTS
        and _has_value(each)
        and _is_milder(each, result)
        and _is_same_test(each, result)
        and _is_newer(chart.drawn(each), when)
        for each in chart.labs or ()
    )


def _is_milder(newer: Observation, critical_one: Observation) -> bool:
    """Whether the flag or the value of a newer result shows that it is not critical."""
    codes_ = [code for code, _ in _flags(newer)]
    if any(code in CRITICAL for code in codes_):
        return False
    now, then = newer.value_quantity, critical_one.value_quantity
    flag = flag_of(critical_one)
    if flag == "AA" or now is None or then is None or now.value is None or then.value is None:
        return bool(codes_)
    if (now.code or now.unit) != (then.code or then.unit):
        return bool(codes_)
    return now.value < then.value if flag == "HH" else now.value > then.value


def _has_value(result: Observation) -> bool:
    concept = result.value_codeable_concept is not None
    return result.data_absent_reason is None and (concept or holds_value(result))


def _is_newer(newer: When, older: When) -> bool:
    if newer.day is None or older.day is None:
        return False
    if newer.at and older.at:
        return newer.at > older.at
    return newer.day > older.day


def _is_acted_on(chart: Chart, result: Observation) -> bool:
    tasks = (each.focus for each in chart.tasks or () if each.status == "completed")
    told = (
        about
        for each in chart.communications or ()
        if each.status == "completed"
        for about in each.about
    )
    return any(_refers_to(each, result) for each in (*tasks, *told))


def _refers_to(reference: Reference | None, result: Observation) -> bool:
    told = ((reference and reference.reference) or "").partition("/_history/")[0]
    return bool(result.id) and f"/{told}".endswith(f"/Observation/{result.id}")


def _moment(when: When) -> tuple[str, float]:
    day = when.latest.isoformat() if when.latest else ""
    return day, when.at.timestamp() if when.at else 0


def _finding(result: Observation, flag: str, when: When) -> Finding:
    note = f", {note}" if (note := Measurement("", result, when).note) else ""
    value = recorded(result) or "no value"
    return Finding(
        rule=_RULE,
        summary=f"Recent critical result: {_name(result)} {value} ({flag}{note}) {when.told}",
        indicator="critical",
        source=_LIMITS.source("hl7-interpretation"),
        severity=_severity(result, flag),
        about=(_reference(result),),
        detail=join(
            markdown(
                "{name} **{value}** {when}: flagged {flag} ({code}) by the laboratory{note}.",
                name=_name(result),
                value=value,
                when=when.told,
                flag=CRITICAL[flag],
                code=flag,
                note=note,
            ),
            markdown(
                "No newer result of this test that is not critical, and no completed task or "
                "message about it, is on record here. Whether somebody has seen it is not recorded."
            ),
        ),
        suggestions=tuple(_repeat(result)),
        overrides=("acted-on", "will-monitor", "end-of-life-care", "data-wrong"),
        links=OPEN_CHART,
    )


def _reference(result: Observation) -> str:
    """What tells the result from others, be it one without an id."""
    return f"Observation/{result.id or f'{_name(result)} {effective(result)}'}"


def _severity(result: Observation, flag: str) -> float | None:
    """Grows with the distance: of a low value it is the negative one."""
    value = result.value_quantity.value if result.value_quantity else None
    return None if value is None or flag == "AA" else -value if flag == "LL" else value


def _repeat(result: Observation) -> Iterator[Suggestion]:
    row = next((row for each in _REPEATED if (row := each.find(result.code))), None)
    if row:
        coding = next(each.coding(row.code) for each in _REPEATED if each.find(result.code))
        label = f"Repeat {_name(result)}"
        yield Suggestion(label, (Create(label, LabOrder(coding)),))


def _name(result: Observation) -> str:
    """What the record calls the test."""
    concept = result.code
    displays = [each.display for each in concept.coding] if concept else []
    codes_ = [each.code for each in concept.coding] if concept else []
    told = [concept.text if concept else None, *displays, *codes_]
    return next((each for each in told if each and each.strip()), "a test")


def _named(result: Observation, when: When) -> Markdown:
    return markdown("{name} {when}, flagged", name=_name(result), when=when.told)


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
