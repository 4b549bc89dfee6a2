"""Results as rows: the newest of each test, with its unit, its range and its date.

A value is shown as the record has it, digit for digit. Whether it is high or low is the
laboratory's word, else a plain comparison with the one range that came with it in the same unit;
without a range nothing is said, since missing is not normal.
"""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from clinical.chart import Chart
from clinical.text import one_line
from fhir.display import Component, Observation, Quantity, Range, ReferenceRange
from fhir.records import CodeableConcept
from launch.amounts import amount, number, phrase
from launch.dated import Dated, dated, moment, of_day
from launch.reader import Shown
from launch.rows import named

_NOT_A_RESULT = ("entered-in-error", "cancelled", "registered")
_TAGS = {
    "preliminary": "preliminary",
    "amended": "amended",
    "corrected": "corrected",
    "unknown": "status unknown",
    None: "no status",
}
# HL7 v3 ObservationInterpretation. What is not here is shown as the EHR names it.
_FLAGS = {
    "HH": "↑↑ critically high",
    "HU": "↑↑ significantly high",
    "H": "↑ high",
    "L": "↓ low",
    "LU": "↓↓ significantly low",
    "LL": "↓↓ critically low",
    "A": "abnormal",
    "AA": "critically abnormal",
    "N": "",
}
# What is said and is no alarm: a test for something that is not there.
_PLAIN = {
    "NEG": "negative",
    "ND": "not detected",
    "NR": "non-reactive",
    "S": "susceptible",
}
# A culture tells its susceptibilities last: a text is wrapped, and not cut within reason.
_WORDS = 4000
_RANGES = 4
_LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One test. `number` stands right-aligned before `unit`; a value in words has no unit."""

    name: str
    value: str
    unit: str
    range: str
    flag: str
    tag: str
    date: Dated | None
    is_number: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class ResultRows:
    """The newest of each test, the latest first; `not_so` are no results (cancelled, say)."""

    rows: list[ResultRow]
    not_so: int


def result_rows(shown: Shown, chart: Chart) -> ResultRows:
    """The newest result of each test."""
    found = [each for each in shown.records if isinstance(each, Observation)]
    results = [each for each in found if each.status not in _NOT_A_RESULT]
    tests: dict[tuple[str, str], list[Observation]] = {}
    for each in sorted(results, key=lambda each: _when(each, chart), reverse=True):
        tests.setdefault(_test(each), []).append(each)
    newest = [each for test in tests.values() for each in _newest(test, chart)]
    newest.sort(key=lambda each: _when(each, chart), reverse=True)
    return ResultRows([_row(each, chart) for each in newest], len(found) - len(results))


def _newest(test: Sequence[Observation], chart: Chart) -> list[Observation]:
    """The first of a test, and where its day is not sure, the first whose day is: the year 2026
    may be later than 01 Mar 2026 or not, and a date to come is a mistake.
    """
    sure = next((each for each in test if _is_sure(each, chart)), test[0])
    return [test[0]] if sure is test[0] else [test[0], sure]


def _is_sure(each: Observation, chart: Chart) -> bool:
    drawn = chart.drawn(each)
    return drawn.day is not None and drawn.day <= chart.today


def _test(each: Observation) -> tuple[str, str]:
    codings = [coding for coding in (each.code.coding if each.code else ()) if coding.code]
    # A local code beside that of LOINC is still the same test.
    codings.sort(key=lambda coding: coding.system != _LOINC)
    if codings:
        return (codings[0].system or "", codings[0].code or "")
    # A result that does not say what it is of is a test of its own.
    return ("", named(each.code, each.id))


def _when(each: Observation, chart: Chart) -> tuple[str, str, bool]:
    """Sorts by day, then by time, and puts what is final over what is not."""
    drawn = chart.drawn(each)
    at = drawn.at.isoformat() if drawn.at else ""
    return (drawn.latest.isoformat() if drawn.latest else "", at, each.status != "preliminary")


def _row(each: Observation, chart: Chart) -> ResultRow:
    value, unit, is_number = _value(each, chart)
    return ResultRow(
        name=named(each.code, "Test without a name"),
        value=value,
        unit=unit,
        range=_range(each.reference_range, unit),
        flag=_flag(each, each.interpretation),
        tag=_tag(each, chart),
        date=_date(each, chart),
        is_number=is_number,
        note=" ".join(one_line(note.text, _WORDS) for note in each.note if note.text),
    )


def _tag(each: Observation, chart: Chart) -> str:
    drawn = chart.drawn(each)
    to_come = drawn.day is not None and drawn.day > chart.today
    codes = [coding.code for said in each.interpretation for coding in said.coding]
    plain = [_PLAIN[code] for code in codes if code in _PLAIN]
    tags = (_TAGS.get(each.status, ""), "date to come" if to_come else "", *plain)
    return ", ".join(filter(None, tags))


def _date(each: Observation, chart: Chart) -> Dated | None:
    drawn = chart.drawn(each)
    if drawn.day:
        return of_day(drawn.day)
    return dated(each.effective_date_time or each.issued, chart.zone)


def _value(each: Observation, chart: Chart) -> tuple[str, str, bool]:
    """The value, its unit, and whether it is a number to be lined up with others."""
    if each.data_absent_reason is not None:
        return (f"not available: {named(each.data_absent_reason, 'no reason given')}", "", False)
    if each.value_quantity is not None and each.value_quantity.value is not None:
        return (*amount(each.value_quantity), True)
    if each.value_integer is not None:
        return (number(Decimal(each.value_integer)), "", True)
    if pressure := _blood_pressure(each.component):
        return pressure
    for said in _words(each, chart.zone):
        return (one_line(said, _WORDS), "", False)
    if each.component:
        return ("; ".join(map(_component, each.component)), "", False)
    return ("no value recorded", "", False)


def _words(each: Observation, zone: tzinfo) -> Sequence[str]:
    ratio, period = each.value_ratio, each.value_period
    told = (
        named(each.value_codeable_concept, ""),
        each.value_string or "",
        {True: "yes", False: "no", None: ""}[each.value_boolean],
        f"{phrase(ratio.numerator)} : {phrase(ratio.denominator)}" if ratio else "",
        _span(each.value_range) if each.value_range else "",
        moment(each.value_date_time, zone),
        each.value_time or "",
        f"{moment(period.start, zone) or '?'} – {moment(period.end, zone) or '?'}"
        if period
        else "",
        "a curve, not shown here" if each.value_sampled_data else "",
    )
    return [said for said in told if said.strip()]


# LOINC: a blood pressure is a panel of two.
_SYSTOLIC, _DIASTOLIC = "8480-6", "8462-4"


def _blood_pressure(components: Sequence[Component]) -> tuple[str, str, bool] | None:
    parts = {
        coding.code: part.value_quantity
        for part in components
        for coding in (part.code.coding if part.code else ())
    }
    high, low = parts.get(_SYSTOLIC), parts.get(_DIASTOLIC)
    if not (high and low) or high.value is None or low.value is None:
        return None
    if len(components) > 2 or (high.unit or high.code) != (low.unit or low.code):
        return None
    (above, unit), (below, _) = amount(high), amount(low)
    return (f"{above}/{below}", unit, True)


def _component(part: Component) -> str:
    told = (
        phrase(part.value_quantity)
        if part.value_quantity
        else named(part.value_codeable_concept, "") or one_line(part.value_string or "", _WORDS)
    )
    # Of a part's many kinds of values not all are read.
    absent = "not available" if part.data_absent_reason else "not shown here"
    return f"{named(part.code, 'part')} {told or absent}"


def _span(span: Range) -> str:
    return f"{phrase(span.low)} – {phrase(span.high)}"


def _range(ranges: Sequence[ReferenceRange], unit: str) -> str:
    """The range as the EHR sent it, with what and whom it is for."""
    told = []
    for each in ranges[:_RANGES]:
        said = _bounds(each, unit) or one_line(each.text or "", _WORDS)
        whose = " ".join(_whose(each))
        told.append(f"{whose}: {said}" if whose and said else said)
    if len(ranges) > _RANGES:
        told.append(f"and {len(ranges) - _RANGES} more")
    return "; ".join(filter(None, told))


def _whose(each: ReferenceRange) -> list[str]:
    """What a range is of and for whom, where that is not simply what is normal."""
    kind = "" if _is_normal(each) else named(each.type, "")
    age = ""
    if each.age:
        low, high = each.age.low, each.age.high
        age = f"age {_span(each.age)}" if low and high else ""
        age = age or (f"age ≥ {phrase(low)}" if low else f"age ≤ {phrase(high)}")
    return [said for said in (kind, *(named(one, "") for one in each.applies_to), age) if said]


def _is_normal(each: ReferenceRange) -> bool:
    return each.type is None or {coding.code for coding in each.type.coding} == {"normal"}


def _bounds(each: ReferenceRange, unit: str) -> str:
    low, high = each.low, each.high
    known = [side for side in (low, high) if side and side.value is not None]
    if not known:
        return ""
    units = {side.unit or side.code or "" for side in known} - {""}
    other = next(iter(units)) if units and units != {unit} else ""
    if low and high and low.value is not None and high.value is not None:
        said = f"{number(low.value)}–{number(high.value)}"
    elif low and low.value is not None:
        said = f"≥ {number(low.value)}"
    else:
        said = f"≤ {number(known[0].value or Decimal())}"
    return f"{said} {other}".strip()


def _flag(each: Observation, said: Sequence[CodeableConcept]) -> str:
    codes = [coding.code for concept in said for coding in concept.coding if coding.code]
    if codes or said:
        flags = [_FLAGS[code] for code in codes if code in _FLAGS]
        other = "" if flags or _PLAIN.keys() & set(codes) else one_line(named(said[0], ""), 30)
        return next(filter(None, flags), "") or other
    return _beyond(each.value_quantity, each.reference_range)


def _beyond(quantity: Quantity | None, ranges: Sequence[ReferenceRange]) -> str:
    if quantity is None or quantity.value is None or quantity.comparator or len(ranges) != 1:
        return ""
    # A range for children, say, tells nothing of somebody else.
    if not _is_normal(ranges[0]) or ranges[0].applies_to or ranges[0].age:
        return ""
    unit = quantity.code or quantity.unit
    low, high = _same(ranges[0].low, unit), _same(ranges[0].high, unit)
    if high is not None and quantity.value > high:
        return _FLAGS["H"]
    if low is not None and quantity.value < low:
        return _FLAGS["L"]
    return ""


def _same(side: Quantity | None, unit: str | None) -> Decimal | None:
    """A bound in this unit; of another one nothing is concluded."""
    return side.value if side and (side.code or side.unit) == unit else None
