"""Whose chart it is, as the banner says it: what is not recorded is said to be, never guessed."""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from clinical import chart
from clinical.text import one_line
from fhir.display import Identifier, Patient
from fhir.records import HumanName
from launch.dated import Dated, dated

# Names that are no longer the patient's, or are for other purposes than telling who it is.
_NOT_THE_NAME = ("old", "maiden")
_USES = ("official", "usual", None, "temp", "nickname", "anonymous")
_SEXES = {
    "female": "female",
    "male": "male",
    "other": "other sex",
    "unknown": "sex unknown",
}
# FHIR R4, identifier types (v2-0203) that are nobody's business on a screen in a corridor.
_PRIVATE = {"SS", "SB", "DL", "PPN", "TAX", "NI", "PRC", "BC", "DC"}
_PRIVATE_SYSTEMS = ("us-ssn", "us-drivers", "passport", "2.16.840.1.113883.4.1")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Person:
    """The lines of the banner. `born` is said in words where the birth date is not a whole one."""

    name: str
    initials: str
    born: Dated | None
    born_note: str
    about: str
    identifier: str
    died: str


def person(patient: Patient, today: date, zone: tzinfo) -> Person:
    """What the banner says of this patient."""
    name = _best(patient.name)
    ages = chart.Chart(patient=patient, today=today, zone=zone).ages_on(today)
    born = dated(patient.birth_date, zone)
    whole = born is not None and len(born.iso) == 10
    sex = _SEXES.get(patient.gender or "", "sex not recorded")
    return Person(
        name=_said(name),
        initials=_initials(name),
        born=born,
        born_note="" if whole or born is None else "day not known",
        about=", ".join(
            filter(
                None,
                (_age(ages, bool(patient.deceased_boolean or patient.deceased_date_time)), sex),
            )
        ),
        identifier=_identifier(patient.identifier),
        died=_died(patient, zone),
    )


def _best(names: Sequence[HumanName]) -> HumanName | None:
    known = [name for name in names if name.use not in _NOT_THE_NAME and _has_text(name)]
    order = {use: place for place, use in enumerate(_USES)}
    return min(known, key=lambda name: order.get(name.use, len(order)), default=None)


def _has_text(name: HumanName) -> bool:
    return bool(name.family or name.text or any(name.given))


def _said(name: HumanName | None) -> str:
    """FAMILY, Given: which is which stays clear in every language."""
    if name is None:
        return "Name not recorded"
    given = " ".join(each for each in name.given if each)
    if not name.family:
        return one_line(name.text or given, _LONGEST)
    return one_line(", ".join(filter(None, (name.family.upper(), given))), _LONGEST)


def _initials(name: HumanName | None) -> str:
    """For the title of a tab: enough to tell tabs apart, too little to tell who it is."""
    if name is None:
        return "Chart"
    words = [*(given for given in name.given[:1] if given), name.family or ""]
    if not any(words):
        words = (name.text or "").split()
    return "".join(word.strip()[0].upper() for word in words if word.strip())[:3] or "Chart"


def _age(ages: tuple[int, ...], died: bool) -> str:
    if died or not ages:
        return ""
    years = "–".join(map(str, ages))
    return f"{years} year{'' if years == '1' else 's'}"


def _identifier(identifiers: Sequence[Identifier]) -> str:
    """The record number; else another number that is meant to be seen."""
    shown = [each for each in identifiers if each.value and not _is_private(each)]
    for each in shown:
        if "MR" in _types(each):
            return f"MRN {one_line(each.value or '', 120)}"
    for each in shown:
        label = one_line((each.type and each.type.text) or "", 30)
        return f"{label or 'ID'} {one_line(each.value or '', 120)}"
    return "no MRN sent"


def _is_private(each: Identifier) -> bool:
    system = (each.system or "").lower()
    return (
        each.use == "old"
        or bool(_types(each) & _PRIVATE)
        or any(part in system for part in _PRIVATE_SYSTEMS)
    )


def _types(each: Identifier) -> set[str]:
    return {coding.code for coding in (each.type.coding if each.type else ()) if coding.code}


def _died(patient: Patient, zone: tzinfo) -> str:
    when = dated(patient.deceased_date_time, zone)
    if when:
        return f"died {when.text}"
    return "died, date not known" if patient.deceased_boolean or patient.deceased_date_time else ""
