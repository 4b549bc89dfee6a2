"""FHIR resources that we send: built and validated with fhirclient (FHIR R4).

A change of an existing order starts from its original JSON and touches top-level members only: a
round trip through object models would lose extensions, precision and whatever we do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from fhirclient.models.fhirabstractbase import FHIRValidationError
from fhirclient.models.medicationrequest import MedicationRequest
from fhirclient.models.servicerequest import ServiceRequest

from fhir.records import Coding, Draft

JSON = dict[str, Any]

# FHIR R4 value set servicerequest-category (HL7, CC0).
_LABORATORY = {
    "coding": [
        {
            "system": "http://snomed.info/sct",
            "code": "108252007",
            "display": "Laboratory procedure",
        }
    ]
}


def lab_order(code: Coding, patient_id: str, encounter_id: str | None) -> JSON:
    """A draft ServiceRequest for a laboratory test; the clinician completes and signs it."""
    return _lab_order(code) | _whose(patient_id, encounter_id)


def medicine_order(code: Coding, patient_id: str, encounter_id: str | None) -> JSON:
    """A draft MedicationRequest without a dose; the clinician completes and signs it."""
    return _medicine_order(code) | _whose(patient_id, encounter_id)


def changed(draft: Draft, changes: Mapping[str, Any]) -> msgspec.Raw:
    """The draft's own JSON with these top-level members replaced; all others byte for byte."""
    members = msgspec.json.decode(draft.original, type=dict[str, msgspec.Raw])
    members |= {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changes.items()}
    return msgspec.Raw(msgspec.json.encode(members))


def _whose(patient_id: str, encounter_id: str | None) -> JSON:
    whose = {"subject": {"reference": f"Patient/{patient_id}"}}
    if encounter_id:
        whose["encounter"] = {"reference": f"Encounter/{encounter_id}"}
    return whose


@lru_cache(maxsize=256)
def _medicine_order(code: Coding) -> JSON:
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [msgspec.to_builtins(code)],
            "text": code.display,
        },
        "subject": {"reference": "Patient/any"},
    }
    try:
        valid: JSON = MedicationRequest(order, strict=True).as_json()
    except FHIRValidationError as error:
        raise ValueError(f"not a valid MedicationRequest: {error}") from error
    return valid


@lru_cache(maxsize=256)
def _lab_order(code: Coding) -> JSON:
    """What is the same for every patient, validated once."""
    order = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "category": [_LABORATORY],
        "code": {"coding": [msgspec.to_builtins(code)], "text": code.display},
        "subject": {"reference": "Patient/any"},
    }
    try:
        valid: JSON = ServiceRequest(order, strict=True).as_json()
    except FHIRValidationError as error:
        raise ValueError(f"not a valid ServiceRequest: {error}") from error
    return valid
