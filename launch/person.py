"""Whose chart it is, as the banner says it: what is not recorded is said to be, never guessed."""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from clinical import chart, dates
from clinical.text import one_line
from fhir.display import HumanName, Identifier, Patient
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
# The same where only a text says it.
_PRIVATE_WORDS = ("social", "ssn", "passport", "driv", "licen", "tax", "national", "birth cert")
_PRIVATE_SYSTEMS = ("us-ssn", "us-drivers", "passport", "2.16.840.1.113883.4.1")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Person:
    """The lines of the banner. `born_note`: what is not known of the birth date; `caution`: why
    another record may be the one to use.
    """

    name: str
    initials: str
    born: Dated | None
    born_note: str
    about: str
    identifier: str
    died: str
    caution: str


def person(patient: Patient, today: date, zone: tzinfo) -> Person:
    """What the banner says of this patient."""
    name = _best(patient.name, today, zone)
    ages = chart.Chart(patient=patient, today=today, zone=zone).ages_on(today)
    born = dated(patient.birth_date, zone)
    unknown = {4: "day and month not known", 7: "day not known"}
    sex = _SEXES.get(patient.gender or "", "sex not recorded")
    return Person(
        name=_said(name),
        initials=_initials(name),
        born=born,
        born_note=unknown.get(len(born.iso), "") if born else "",
        about=", ".join(filter(None, (_age(patient, ages, today, zone), sex))),
        identifier=_identifier(patient.identifier),
        died=_died(patient, zone),
        caution=_caution(patient),
    )


def _caution(patient: Patient) -> str:
    if any(link.type == "replaced-by" for link in patient.link):
        return "this record was replaced by another"
    return "this record is not in use" if patient.active is False else ""


def _best(names: Sequence[HumanName], today: date, zone: tzinfo) -> HumanName | None:
    known = [name for name in names if name.use not in _NOT_THE_NAME and _has_text(name)]
    order = {use: place for place, use in enumerate(_USES)}
    # A name that is not in use comes after every other one.

    def place(name: HumanName) -> tuple[bool, int]:
        return _is_over(name, today, zone), order.get(name.use, len(order))

    return min(known, key=place, default=None)


def _is_over(name: HumanName, today: date, zone: tzinfo) -> bool:
    """Whether the name is no longer used, or not yet."""
    if name.period is None:
        return False
    start, end = dates.span(name.period.start, zone), dates.last_day(name.period.end, zone)
    return bool(start and start[0] > today) or (end is not None and end < today)


def _has_text(name: HumanName) -> bool:
    return bool(name.family or name.text or any(name.given))


def _said(name: HumanName | None) -> str:
    """Family, Given Suffix: which is which stays clear, and capitals are those of the record."""
    if name is None:
        return "Name not recorded"
    given = " ".join(each for each in (*name.given, *name.suffix) if each)
    if not name.family:
        return one_line(name.text or given, _LONGEST)
    return one_line(", ".join(filter(None, (name.family, given))), _LONGEST)


def _initials(name: HumanName | None) -> str:
    """For the title of a tab: enough to tell tabs apart, too little to tell who it is."""
    if name is None:
        return "Chart"
    words = [*(given for given in name.given[:1] if given), name.family or ""]
    if not any(words):
        words = (name.text or "").split()
    return "".join(word.strip()[0].upper() for word in words if word.strip())[:3] or "Chart"


def _age(patient: Patient, ages: tuple[int, ...], today: date, zone: tzinfo) -> str:
    if patient.deceased_boolean or patient.deceased_date_time or not ages:
        return ""
    born = dates.day(patient.birth_date, zone)
    if born and ages[0] < 2:
        # Doses of the youngest go by days and months.
        months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
        return (
            _counted(str(months), "month") if months else _counted(f"{(today - born).days}", "day")
        )
    return _counted("–".join(map(str, ages)), "year")


def _counted(number: str, unit: str) -> str:
    return f"{number} {unit}{'' if number == '1' else 's'}"


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
    kind = each.type
    said = " ".join(
        text.lower()
        for text in (kind and kind.text, *(one.display for one in (kind.coding if kind else ())))
        if text
    )
    return (
        each.use == "old"
        or bool(_types(each) & _PRIVATE)
        or any(part in system for part in _PRIVATE_SYSTEMS)
        or any(word in said for word in _PRIVATE_WORDS)
    )


def _types(each: Identifier) -> set[str]:
    return {coding.code for coding in (each.type.coding if each.type else ()) if coding.code}


def _died(patient: Patient, zone: tzinfo) -> str:
    when = dated(patient.deceased_date_time, zone)
    if when:
        return f"died {when.text}"
    return "died, date not known" if patient.deceased_boolean or patient.deceased_date_time else ""
