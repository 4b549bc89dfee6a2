"""Which medicine an order is for, and whether the patient has it already.

By its code where the table of the medicine has it. Only an order without any such code is matched
by name: whole words of its text and displays, and marked so, since text and code can disagree.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from clinical.chart import Chart, unreadable
from clinical.codes import CodeSet
from fhir.records import CodeableConcept, Draft, Medication, MedicationRequest, Reference

# "unknown": the order names no medicine that could be read, so it may be this one.
Match = Literal["by code", "by name", "another", "unknown"]

_MEDICATION = re.compile(r"(?:^|/)(Medication/[A-Za-z0-9.-]+)(?:/_history/[A-Za-z0-9.-]+)?$")


def match(chart: Chart, order: MedicationRequest, medicine: CodeSet) -> Match:
    """Whether the order is for this medicine."""
    concept = _concept(chart, order)
    if concept in medicine:
        return "by code"
    names = _names(concept, order.medication_reference)
    if any(_words(medicine).search(name) for name in names):
        return "by name"
    return "another" if names else "unknown"


def name(chart: Chart, order: MedicationRequest) -> str:
    """What the order calls its medicine; record text."""
    return next(iter(_names(_concept(chart, order), order.medication_reference)), "")


def continues(
    chart: Chart, draft: Draft, order: MedicationRequest, medicine: CodeSet
) -> bool | None:
    """Whether this order goes on with a medicine that is active; None where nobody can tell."""
    if order.status == "active":
        return True
    if chart.medications is None:
        return None
    unsure = bool(unreadable(chart.medications))
    for each in chart.medications:
        if each.status not in ("active", None) or each.do_not_perform:
            continue
        matched = match(chart, each, medicine)
        # An order that names the one it renews tells by that what an unnamed medicine is.
        if matched in ("by code", "by name") or (
            matched == "unknown" and _renews(draft, order, each)
        ):
            return True
        unsure = unsure or matched == "unknown"
    return None if unsure else False


def is_removable(chart: Chart, draft: Draft, order: MedicationRequest) -> bool:
    """Whether the order can be named and exists in this session only, not in the record too."""
    recorded = {f"MedicationRequest/{each.id}" for each in chart.medications or ()}
    named = not draft.reference.endswith("/")
    return named and order.status != "active" and draft.reference not in recorded


def _renews(draft: Draft, order: MedicationRequest, earlier: MedicationRequest) -> bool:
    prior = order.prior_prescription.reference if order.prior_prescription else None
    return any(
        f"/{reference}".endswith(f"/MedicationRequest/{earlier.id}")
        for reference in (draft.reference, prior or "")
    )


def _names(concept: CodeableConcept | None, reference: Reference | None) -> list[str]:
    displays = [coding.display for coding in concept.coding] if concept else []
    texts = [concept.text if concept else None, *displays, reference.display if reference else None]
    return [text for text in texts if text and text.strip()]


def _concept(chart: Chart, order: MedicationRequest) -> CodeableConcept | None:
    if order.medication_codeable_concept is not None:
        return order.medication_codeable_concept
    target = (order.medication_reference and order.medication_reference.reference) or ""
    if target.startswith("#"):
        return next((each.code for each in order.contained if each.id == target[1:]), None)
    found = _MEDICATION.search(target)
    included: dict[str, Medication] = getattr(chart.medications, "included", {})
    medication = included.get(found[1]) if found else None
    return medication.code if medication else None


@cache
def _words(medicine: CodeSet) -> re.Pattern[str]:
    names = sorted({row.name for row in medicine if row.name}, key=len, reverse=True)
    if not names:
        raise ValueError(f"{medicine.title}: no names to match an order by")
    longest_first = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
    return re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE)
