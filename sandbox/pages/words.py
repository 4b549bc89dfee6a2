"""How a page writes what is in a FHIR resource: names, dates, concepts, quantities.

FHIR R4, "Datatypes". Records come from anywhere, so a wrong type is told like a missing value:
nothing here raises for a resource. All of it is plain text; the templates escape it.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import floor, log10
from typing import Any

from sandbox.fhir.dates import span
from sandbox.http.answer import Resource

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MINUS, _TO = "\N{MINUS SIGN}", "\N{EN DASH}"
_UNITS = {"Cel": "°C", "[degF]": "°F", "[lb_av]": "lb", "[in_i]": "in"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Whose chart it is, as a patient's bar says it."""

    id: str
    name: str
    born: str
    age_and_sex: str
    number: str
    alive: str = ""


def person(patient: Resource, today: date) -> Person:
    """Name, birth date, age, sex and number of a patient, each with words for a missing one."""
    numbers = (each.get("value") for each in objects(patient.get("identifier")))
    died = patient.get("deceasedDateTime")
    return Person(
        id=patient["id"],
        name=full_name(patient),
        born=born(patient),
        age_and_sex=f"{_age(patient, today)}{_sex(patient)}",
        number=next((f"MRN {each}" for each in numbers if each), "no MRN"),
        alive=f"died {day(died)}" if died else "died" if patient.get("deceasedBoolean") else "",
    )


def full_name(patient: Resource) -> str:
    """FAMILY, Given, of the name in use; its text where it has no parts, else the id."""
    names = sorted(objects(patient.get("name")), key=lambda each: each.get("use") == "old")
    for name in names:
        told = name.get("given")
        parts = told if isinstance(told, list) else ()
        given = " ".join(each for each in parts if isinstance(each, str))
        family = name.get("family")
        if family or given:
            return ", ".join(part for part in (str(family or "").upper(), given) if part)
        if name.get("text"):
            return str(name["text"])
    return str(patient["id"])


def born(patient: Resource) -> str:
    """The birth date as far as it is known."""
    told = patient.get("birthDate")
    if not isinstance(told, str):
        return "birth date not known"
    if len(told) < len("2026-01-02"):
        return f"born {day(told)} (day not known)"
    return f"born {day(told)}"


def _sex(patient: Resource) -> str:
    gender = patient.get("gender")
    return str(gender) if gender not in (None, "unknown") else "sex not recorded"


def _age(patient: Resource, today: date) -> str:
    """The age, that at death of the dead; '' where it cannot be told."""
    died = patient.get("deceasedDateTime")
    if died or patient.get("deceasedBoolean"):
        with suppress(ValueError, TypeError):
            told = _years(patient.get("birthDate"), span(died).start.date())
            return told and f"{told} at death, "
        return ""
    told = _years(patient.get("birthDate"), today)
    return told and f"{told}, "


def _years(birth_date: Any, on: date) -> str:
    with suppress(ValueError, TypeError):
        first = span(birth_date).start.date()
        last = span(birth_date).end.date()
        if first > on:
            return ""
        had = (on.month, on.day) >= (first.month, first.day)
        years = on.year - first.year - (not had)
        if (last - first).days > 1:
            return f"{years - 1} or {years} years" if len(birth_date) == 4 else f"{years} years"
        if years < 2:
            months = (on.year - first.year) * 12 + on.month - first.month
            return f"{months - (on.day < first.day)} months"
        return f"{years} years"
    return ""


def objects(element: Any) -> Iterator[Resource]:
    """The objects of a list, or the one object."""
    for each in element if isinstance(element, list) else [element]:
        if isinstance(each, dict):
            yield each


def first(element: Any) -> Resource:
    """The one object, or the first of a list; empty if there is none."""
    return next(objects(element), {})


def day(told: Any) -> str:
    """02 Jan 2026, Jan 2026 or 2026: a date as precise as it was told."""
    text = str(told or "")
    with suppress(ValueError, IndexError):
        span(text)
        year, *rest = text[:10].split("-")
        month = f"{_MONTHS[int(rest[0]) - 1]} " if rest else ""
        number = f"{rest[1]} " if len(rest) > 1 else ""
        return f"{number}{month}{year}"
    return "date not known"


def moment(told: Any) -> str:
    """02 Jan 2026, 08:30; a date without a time stays one."""
    text = str(told or "")
    return f"{day(text)}, {text[11:16]}" if text[10:11] == "T" else day(text)


def when(resource: Resource, *elements: str) -> str:
    """The first date that the resource has among these elements, as it was told; else ''."""
    for element in elements:
        value = resource.get(element)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if isinstance(value, str) and value:
            return value
    return ""


def place(told: str) -> datetime:
    """Where a date stands in a row of dates; the unreadable ones come before all."""
    with suppress(ValueError, TypeError):
        return span(told).start
    return _EARLIEST


def concept(element: Any) -> str:
    """The text of a CodeableConcept, else the name of its first coding, else its code; or ''."""
    for each in objects(element):
        if each.get("text"):
            return str(each["text"])
        for coding in objects(each.get("coding")):
            if told := coding.get("display") or coding.get("code"):
                return str(told)
    return ""


def code_of(element: Any) -> str:
    """The first code of a CodeableConcept, or ''."""
    codings = (coding for each in objects(element) for coding in objects(each.get("coding")))
    return next((str(coding["code"]) for coding in codings if "code" in coding), "")


def quantity(element: Any, exact: bool = False) -> tuple[str, str]:
    """Value, with its comparator, and unit of a Quantity, as one reads them.

    A value of more than four decimals, which no laboratory measures, is rounded unless `exact`.
    """
    if not isinstance(element, dict) or "value" not in element:
        return "", ""
    value = element["value"]
    if isinstance(value, float) and not exact and len(str(value).partition(".")[2]) > 4:
        value = round(value, max(2, 3 - floor(log10(abs(value)))))
    written = f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else str(value)
    shown = f"{element.get('comparator', '')}{written.replace('-', _MINUS)}"
    return shown, _printed(str(element.get("unit") or element.get("code") or ""))


def _printed(unit: str) -> str:
    """A unit as it is printed: UCUM's mm[Hg], 10*3/uL and mL/min/{1.73_m2} are for programs."""
    if unit in _UNITS:
        return _UNITS[unit]
    told = re.sub(r"\{([^{}]*)\}", lambda note: note[1].replace("_", " "), unit)
    told = re.sub(r"\b10\*(\d+)", lambda power: "10" + power[1].translate(_RAISED), told)
    return re.sub(r"\bm2\b", "m²", told.replace("mm[Hg]", "mmHg"))


def value(observation: Resource, exact: bool = False) -> tuple[str, str]:
    """What was observed and its unit: '' where nothing was."""
    if "valueQuantity" in observation:
        return quantity(observation["valueQuantity"], exact)
    if "valueCodeableConcept" in observation:
        return concept(observation["valueCodeableConcept"]), ""
    if isinstance(told := observation.get("valueRange"), dict):
        (low, unit), (high, _) = quantity(told.get("low")), quantity(told.get("high"))
        return f"{low}{_TO}{high}", unit
    for element in ("valueString", "valueInteger", "valueDateTime", "valueTime"):
        if element in observation:
            return str(observation[element]), ""
    if "valueBoolean" in observation:
        return ("yes" if observation["valueBoolean"] else "no"), ""
    return _parts(observation, exact)


def _parts(observation: Resource, exact: bool) -> tuple[str, str]:
    """The components in one line: 152/94 for a blood pressure, else each with its name."""
    parts = [
        (code_of(each.get("code")), concept(each.get("code")), value(each, exact))
        for each in objects(observation.get("component"))
    ]
    pressures = {code: told for code, _, told in parts}
    if {"8480-6", "8462-4"} <= pressures.keys():
        systolic, diastolic = pressures["8480-6"], pressures["8462-4"]
        return f"{systolic[0]}/{diastolic[0]}", systolic[1]
    return "; ".join(f"{name} {' '.join(told).strip()}" for _, name, told in parts), ""


def limits(observation: Resource) -> str:
    """The reference range, as it was told."""
    for each in objects(observation.get("referenceRange")):
        low, high = quantity(each.get("low"))[0], quantity(each.get("high"))[0]
        if low and high:
            return f"{low}{_TO}{high}"
        if told := each.get("text") or (low and f"≥ {low}") or (high and f"≤ {high}"):
            return str(told)
    return ""


def status(element: Any) -> str:
    """A code in words: entered-in-error is 'entered in error'."""
    told = element if isinstance(element, str) else code_of(element)
    return {"noshow": "missed", "on-hold": "on hold"}.get(told, told.replace("-", " "))
