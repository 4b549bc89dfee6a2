"""Doses in words: the order's own, else its numbers where they can be told without a guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from clinical.text import one_line
from fhir.display import Dosage, Quantity
from fhir.records import CodeableConcept
from launch.amounts import phrase

# A dose is wrapped, and not cut within reason: a sliding scale ends with its highest.
_LONGEST = 1000
_NOT_TOLD = "dose not shown here, see the order"
# FHIR R4, timing-abbreviation: written out, since QD and QOD are read as each other.
_TIMES = {
    "QD": "once a day",
    "BID": "2 times a day",
    "TID": "3 times a day",
    "QID": "4 times a day",
    "QOD": "every other day",
    "AM": "every morning",
    "PM": "every afternoon",
    "Q4H": "every 4 hours",
    "Q6H": "every 6 hours",
}
_SPANS = {"min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
# A U after a number is read as a zero.
_UNITS = {"U": "units", "IU": "units", "[U]": "units", "[IU]": "units"}


def doses(dosages: Iterable[Dosage]) -> Iterator[str]:
    """A line for each dose, in their order. Those of one number, or of none, are concurrent."""
    before = None
    for dose in sorted(dosages, key=lambda dose: (dose.sequence is None, dose.sequence or 0)):
        later = None not in (before, dose.sequence) and dose.sequence != before
        told = one_line(dose.text or "", _LONGEST) or _told(dose)
        yield f"then: {told}" if later else told
        before = dose.sequence


def _told(dose: Dosage) -> str:
    """A dose without a text: its numbers, and what the patient is told."""
    instruction = one_line(dose.patient_instruction or "", _LONGEST)
    if instruction and not dose.dose_and_rate:
        return instruction
    return "; ".join(filter(None, (_in_numbers(dose), instruction)))


def _in_numbers(dose: Dosage) -> str:
    """A dose in numbers. What is left out of it is said to be."""
    amount = _amount(dose)
    if not amount or dose.modifier_extension or (dose.timing and dose.timing.modifier_extension):
        return _NOT_TOLD
    times = _times(dose)
    route = _word(dose.route)
    needed = "as needed" if dose.as_needed_boolean or dose.as_needed_codeable_concept else ""
    if reason := _word(dose.as_needed_codeable_concept):
        needed = f"as needed for {reason}"
    said = ", ".join(filter(None, (amount, route, times, needed)))
    more = (
        not times,
        dose.route and not route,
        dose.as_needed_codeable_concept and not reason,
        dose.timing and _has_more(dose.timing.event, dose.timing.repeat),
        dose.dose_and_rate[0].rate_ratio,
        dose.dose_and_rate[0].rate_range,
        dose.dose_and_rate[0].rate_quantity,
        dose.additional_instruction,
        dose.site,
        dose.method,
        dose.max_dose_per_period,
        dose.max_dose_per_administration,
        dose.max_dose_per_lifetime,
    )
    return f"{said}; see the order for the rest" if any(more) else said


def _amount(dose: Dosage) -> str:
    """How much; nothing where there are several amounts, or it takes a guess."""
    if len(dose.dose_and_rate) != 1:
        return ""
    one = dose.dose_and_rate[0]
    if one.dose_range and not one.dose_quantity:
        low, high = _quantity(one.dose_range.low), _quantity(one.dose_range.high)
        return f"{low} to {high}" if low and high else ""
    return "" if one.dose_range else _quantity(one.dose_quantity)


def _quantity(given: Quantity | None) -> str:
    if given is None or given.value is None or given.value <= 0 or given.comparator:
        return ""
    unit = given.unit or given.code or ""
    if not unit.strip():
        return ""
    # 5.0 is read as 50: of a dose, unlike of a result, a last zero tells nothing.
    return phrase(
        structs.replace(
            given, value=given.value.normalize(), unit=_UNITS.get(unit.strip().upper(), unit)
        )
    )


def _times(dose: Dosage) -> str:
    """How often: by its code, which stands for all of it, else by plain numbers."""
    if dose.timing is None:
        return ""
    if said := _word(dose.timing.code):
        return _TIMES.get(said.upper(), said)
    repeat = dose.timing.repeat or {}
    often, period = repeat.get("frequency"), repeat.get("period")
    span = _SPANS.get(str(repeat.get("periodUnit")))
    if not (type(often) is int and type(period) is int and often > 0 and period > 0 and span):
        return ""
    times = "once" if often == 1 else f"{often} times"
    article = "an" if span == "hour" else "a"
    return f"{times} {article} {span}" if period == 1 else f"{times} every {period} {span}s"


def _has_more(events: Sequence[object], repeat: Mapping[str, object] | None) -> bool:
    """Whether the timing has bounds, a maximum, or times of the day."""
    return bool(events) or bool((repeat or {}).keys() - {"frequency", "period", "periodUnit"})


def _word(concept: CodeableConcept | None) -> str:
    if concept is None:
        return ""
    codes = (coding.code for coding in concept.coding if (coding.code or "").upper() in _TIMES)
    displays = (coding.display for coding in concept.coding)
    return next(
        (
            one
            for one in (one_line(each or "", 120) for each in (concept.text, *displays, *codes))
            if one
        ),
        "",
    )
