"""Results as rows: the newest of each test, with its unit, its range and its date.

A value is shown as the record has it. Whether it is high or low is the laboratory's word, else a
plain comparison with the one range that came with it in the same unit; without a range nothing is
said, since missing is not normal.
"""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from clinical.chart import Chart
from clinical.text import one_line
from fhir.display import Component, Observation, ReferenceRange
from fhir.records import CodeableConcept, Quantity
from launch.dated import Dated, dated, of_day
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
_WORDS = 60


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


@dataclass(frozen=True, slots=True)
class ResultRows:
    """The newest of each test, the latest first; `left_out` are no results (cancelled, say)."""

    rows: list[ResultRow]
    left_out: int


def result_rows(shown: Shown, chart: Chart) -> ResultRows:
    """The newest result of each test."""
    found = [each for each in shown.records if isinstance(each, Observation)]
    results = [each for each in found if each.status not in _NOT_A_RESULT]
    newest: dict[tuple[str, str], tuple[tuple[str, str, bool], Observation]] = {}
    for each in results:
        key, when = _test(each), _when(each, chart)
        if key not in newest or when > newest[key][0]:
            newest[key] = (when, each)
    ordered = sorted(newest.values(), key=lambda pair: pair[0], reverse=True)
    return ResultRows([_row(each, chart) for _, each in ordered], len(found) - len(results))


def _test(each: Observation) -> tuple[str, str]:
    coding = next(
        (coding for coding in (each.code.coding if each.code else ()) if coding.code), None
    )
    if coding:
        return (coding.system or "", coding.code or "")
    # A result that does not say what it is of is a test of its own.
    return ("", named(each.code, each.id))


def _when(each: Observation, chart: Chart) -> tuple[str, str, bool]:
    """Sorts by day, then by time, and puts what is final over what is not."""
    drawn = chart.drawn(each)
    at = drawn.at.isoformat() if drawn.at else ""
    return (drawn.latest.isoformat() if drawn.latest else "", at, each.status != "preliminary")


def _row(each: Observation, chart: Chart) -> ResultRow:
    value, unit, is_number = _value(each)
    return ResultRow(
        name=named(each.code, "Test without a name"),
        value=value,
        unit=unit,
        range=_range(each.reference_range, unit),
        flag=_flag(each, each.interpretation),
        tag=_TAGS.get(each.status, ""),
        date=_date(each, chart),
        is_number=is_number,
    )


def _date(each: Observation, chart: Chart) -> Dated | None:
    drawn = chart.drawn(each)
    if drawn.day:
        return of_day(drawn.day)
    return dated(each.effective_date_time or each.issued, chart.zone)


def _value(each: Observation) -> tuple[str, str, bool]:
    """The value, its unit, and whether it is a number to be lined up with others."""
    if each.data_absent_reason is not None:
        return (f"not available: {named(each.data_absent_reason, 'no reason given')}", "", False)
    if each.value_quantity is not None and each.value_quantity.value is not None:
        return (*_quantity(each.value_quantity), True)
    if each.value_integer is not None:
        return (f"{each.value_integer}", "", True)
    if pressure := _blood_pressure(each.component):
        return pressure
    for said in _words(each):
        return (one_line(said, _WORDS), "", False)
    if each.component:
        return ("; ".join(map(_component, each.component)), "", False)
    return ("no value recorded", "", False)


def _words(each: Observation) -> Sequence[str]:
    ratio, span = each.value_ratio, each.value_range
    told = (
        named(each.value_codeable_concept, ""),
        each.value_string or "",
        {True: "yes", False: "no", None: ""}[each.value_boolean],
        f"{_said(ratio.numerator)} : {_said(ratio.denominator)}" if ratio else "",
        f"{_said(span.low)} – {_said(span.high)}" if span else "",
        each.value_date_time or "",
        each.value_time or "",
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
    (above, unit), (below, _) = _quantity(high), _quantity(low)
    return (f"{above}/{below}", unit, True)


def _component(part: Component) -> str:
    said = (
        _said(part.value_quantity)
        if part.value_quantity
        else named(part.value_codeable_concept, "") or one_line(part.value_string or "", _WORDS)
    )
    return f"{named(part.code, 'part')} {said or 'not available'}"


def _said(quantity: Quantity | None) -> str:
    return " ".join(filter(None, _quantity(quantity))) if quantity else "?"


def _quantity(quantity: Quantity) -> tuple[str, str]:
    if quantity.value is None:
        return ("?", "")
    unit = one_line(quantity.unit or quantity.code or "", 24)
    comparator = {"<=": "≤", ">=": "≥"}.get(quantity.comparator or "", quantity.comparator or "")
    # A comparator that is not one of FHIR's would read as a part of the number.
    sign = comparator if comparator in ("", "<", ">", "≤", "≥") else f"({comparator}) "
    return (sign + number(quantity.value), unit)


def number(value: float) -> str:
    """As many digits as a laboratory gives, not as many as a float has."""
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 4
    rounded = round(value, places)
    if rounded == 0 != value:
        return format(Decimal(f"{value:.3g}"), "f")
    said = f"{rounded:,.{places}f}"
    return (said.rstrip("0").rstrip(".") if "." in said else said).replace("-", "−")


def _range(ranges: Sequence[ReferenceRange], unit: str) -> str:
    """The range as the EHR sent it; of several, each with what it is for."""
    told = []
    for each in ranges[:2]:
        kind = named(each.type, "")
        said = _bounds(each, unit) or one_line(each.text or "", 40)
        told.append(f"{kind} {said}".strip() if len(ranges) > 1 and said else said)
    return "; ".join(filter(None, told))


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
        said = f"≤ {number(known[0].value or 0)}"
    return f"{said} {other}".strip()


def _flag(each: Observation, said: Sequence[CodeableConcept]) -> str:
    codes = [coding.code for concept in said for coding in concept.coding if coding.code]
    if codes or said:
        flags = [_FLAGS[code] for code in codes if code in _FLAGS]
        other = "" if flags else one_line(named(said[0], ""), 30)
        return next(filter(None, flags), "") or other
    return _beyond(each.value_quantity, each.reference_range)


def _beyond(quantity: Quantity | None, ranges: Sequence[ReferenceRange]) -> str:
    if quantity is None or quantity.value is None or quantity.comparator or len(ranges) != 1:
        return ""
    kind = ranges[0].type.coding if ranges[0].type else ()
    if any(coding.code != "normal" for coding in kind):
        return ""
    unit = quantity.code or quantity.unit
    low, high = _same(ranges[0].low, unit), _same(ranges[0].high, unit)
    if high is not None and quantity.value > high:
        return _FLAGS["H"]
    if low is not None and quantity.value < low:
        return _FLAGS["L"]
    return ""


def _same(side: Quantity | None, unit: str | None) -> float | None:
    """A bound in this unit; of another one nothing is concluded."""
    return side.value if side and (side.code or side.unit) == unit else None
