"""Medicines that are ordered and that no table here knows, for the line that a call leaves.

Whoever runs a site learns from it which codes to add. Only what cannot be a text about a patient
is told: the code of a system that is on a list, in the form of a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from clinical import ingredients
from clinical.code_systems import RXNORM, SNOMED_CT, canonical
from fhir.records import CodeableConcept, Draft, MedicationRequest

_SYSTEMS = {
    RXNORM: "rxnorm",
    SNOMED_CT: "snomed",
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "http://www.whocc.no/atc": "atc",
}
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")
_MOST = 20


def unmapped(drafts: Iterable[Draft]) -> list[str]:
    """ "rxnorm 12345" for each, or that there is no code that may be told."""
    found: dict[str, None] = {}
    for draft in drafts:
        order = draft.resource
        if draft.selected and isinstance(order, MedicationRequest):
            concept = order.medication_codeable_concept
            if concept and ingredients.of_concept(concept).basis == "unmapped":
                found |= dict.fromkeys([*_codes(concept)] or ["no known code"])
    return [*found][:_MOST]


def _codes(concept: CodeableConcept) -> Iterator[str]:
    for coding in concept.coding:
        system, code = _SYSTEMS.get(canonical(coding.system or "")), (coding.code or "").strip()
        if system and _CODE.fullmatch(code):
            yield f"{system} {code}"
