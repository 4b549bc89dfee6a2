"""Orders: from a form to a MedicationRequest or a ServiceRequest, and back into the form.

FHIR R4, MedicationRequest, ServiceRequest, Dosage, Timing.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert

from sandbox.http.answer import Resource
from sandbox.pages import words

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_LONGEST = 200

HOW_OFTEN: dict[str, Mapping[str, Any]] = {
    "once a day": {"frequency": 1, "period": 1, "periodUnit": "d"},
    "twice a day": {"frequency": 2, "period": 1, "periodUnit": "d"},
    "three times a day": {"frequency": 3, "period": 1, "periodUnit": "d"},
    "four times a day": {"frequency": 4, "period": 1, "periodUnit": "d"},
    "every 4 hours": {"frequency": 1, "period": 4, "periodUnit": "h"},
    "every 6 hours": {"frequency": 1, "period": 6, "periodUnit": "h"},
    "every 12 hours": {"frequency": 1, "period": 12, "periodUnit": "h"},
    "once a week": {"frequency": 1, "period": 1, "periodUnit": "wk"},
    "once": {"count": 1},
}
"""Timing.repeat of each choice of the form."""


class WrongField(Exception):
    """`field` is the one of the form that cannot be used; the text says what goes there."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class Medication(Struct, frozen=True):
    """A product and its ordinary dose: `amount` of `unit`, whose UCUM code is `ucum`."""

    code: str
    display: str
    name: str
    amount: float
    unit: str
    ucum: str
    how_often: str
    days: int | None = None
    if_needed: bool = False


class Test(Struct, frozen=True):
    """A laboratory test or panel."""

    code: str
    display: str
    name: str


class Catalogue(Struct, frozen=True):
    """What can be ordered."""

    medication: tuple[Medication, ...]
    test: tuple[Test, ...]

    def find(self, code: str) -> Medication | Test | None:
        """The medication or the test of this code."""
        every: tuple[Medication | Test, ...] = (*self.medication, *self.test)
        return next((each for each in every if each.code == code), None)


@cache
def catalogue() -> Catalogue:
    """The file of what can be ordered here."""
    path = Path(__file__).parents[1] / "catalogue.toml"
    return convert(tomllib.loads(path.read_text("utf-8")), Catalogue)


def ordered(form: Mapping[str, str], user: str) -> Resource:
    """The order that a form asks for; WrongField for what cannot be ordered.

    What the form leaves open is as usual for the medication.
    """
    item = catalogue().find(form.get("code", ""))
    if item is None:
        raise WrongField("code", "Choose a medication or a test from the list.")
    reason = form.get("reason", "").strip()
    if len(reason) > _LONGEST:
        raise WrongField("reason", f"Shorten the reason to {_LONGEST} characters.")
    made: Resource = {"intent": "order", "requester": {"reference": user}}
    if reason:
        made["reasonCode"] = [{"text": reason}]
    if isinstance(item, Test):
        concept = _concept(_LOINC, item)
        return {"resourceType": "ServiceRequest", **made, "code": concept}
    concept = {"medicationCodeableConcept": _concept(_RXNORM, item)}
    usual = {
        "amount": f"{item.amount:g}",
        "how_often": item.how_often,
        "days": str(item.days or ""),
        **({"if_needed": "yes"} if item.if_needed else {}),
    }
    given = {name: value for name, value in form.items() if value.strip()}
    dose = _dose(item, {**usual, **given})
    return {"resourceType": "MedicationRequest", **made, **concept, **dose}


def changed(draft: Resource, form: Mapping[str, str]) -> Resource:
    """The draft with the dose and the reason of the form; WrongField for what cannot be.

    Of a draft that is not of the catalogue, only the reason can be changed.
    """
    reason = form.get("reason", "").strip()
    if len(reason) > _LONGEST:
        raise WrongField("reason", f"Shorten the reason to {_LONGEST} characters.")
    kept = {name: value for name, value in draft.items() if name != "reasonCode"}
    if reason:
        kept["reasonCode"] = [{"text": reason}]
    item = catalogue().find(words.code_of(draft.get("medicationCodeableConcept")))
    if isinstance(item, Medication):
        kept.pop("dispenseRequest", None)
        kept |= _dose(item, form)
    return kept


def renewed(order: Resource, user: str) -> Resource:
    """A new order of what the chart has already, with the same dose."""
    names = ("medicationCodeableConcept", "medicationReference", "contained", "dosageInstruction")
    return {
        "resourceType": "MedicationRequest",
        "intent": "order",
        "requester": {"reference": user},
        **{name: order[name] for name in names if name in order},
        "priorPrescription": {"reference": f"MedicationRequest/{order['id']}"},
    }


def name(concept: Any) -> str:
    """What this EHR calls a medication or a test: one name, whoever ordered it; '' for nothing."""
    for coding in words.objects(words.first(concept).get("coding")):
        item = catalogue().find(str(coding.get("code")))
        if item and coding.get("system") in (_RXNORM, _LOINC):
            return item.name
    return words.concept(concept)


def as_form(draft: Resource) -> dict[str, str]:
    """What the fields of the form hold for this draft."""
    dosage = words.first(draft.get("dosageInstruction"))
    repeat = dict(words.first(words.first(dosage.get("timing")).get("repeat")))
    bounds = words.first(repeat.pop("boundsDuration", None))
    dose = words.first(words.first(dosage.get("doseAndRate")).get("doseQuantity"))
    often = (name for name, timing in HOW_OFTEN.items() if timing == repeat)
    return {
        "amount": str(dose.get("value", "")),
        "unit": str(dose.get("unit", "")),
        "how_often": next(often, ""),
        "days": str(bounds.get("value", "")),
        "if_needed": "yes" if dosage.get("asNeededBoolean") else "",
        "reason": words.concept(draft.get("reasonCode")),
    }


def _concept(system: str, item: Medication | Test) -> Resource:
    coding = {"system": system, "code": item.code, "display": item.display}
    return {"coding": [coding], "text": item.name}


def _dose(item: Medication, form: Mapping[str, str]) -> Resource:
    amount = _number("amount", form.get("amount", ""), 1000)
    if amount is None:
        raise WrongField("amount", f"Write how much of it to take, as a number of {item.unit}s.")
    days = _number("days", form.get("days", ""), 366)
    often = form.get("how_often", "")
    if often not in HOW_OFTEN:
        raise WrongField("how_often", "Choose how often from the list.")
    text = f"{amount:g} {_counted(item.unit, amount)} {often}"
    if if_needed := "if_needed" in form:
        text += " if needed"
    repeat = dict(HOW_OFTEN[often])
    if days:
        text += f", for {days:g} {_counted('day', days)}"
        repeat["boundsDuration"] = _quantity(days, "days", "d")
    dosage: Resource = {
        "text": text,
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": _quantity(amount, item.unit, item.ucum)}],
    }
    if if_needed:
        dosage["asNeededBoolean"] = True
    made: Resource = {"dosageInstruction": [dosage]}
    if days:
        made["dispenseRequest"] = {"expectedSupplyDuration": _quantity(days, "days", "d")}
    return made


def _counted(unit: str, amount: float) -> str:
    return f"{unit}s" if unit in ("tablet", "capsule", "spray", "day") and amount != 1 else unit


def _number(field: str, text: str, most: int) -> float | None:
    if not text.strip():
        return None
    try:
        number = convert(text.strip().replace(",", "."), float, strict=False)
    except ValidationError:
        number = 0
    if not 0 < number <= most:
        raise WrongField(field, f"Write a number above 0, at most {most}.")
    return number


def _quantity(value: float, unit: str, code: str) -> Resource:
    number = int(value) if value == int(value) else value
    return {"value": number, "unit": unit, "system": _UCUM, "code": code}
