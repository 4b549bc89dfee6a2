"""The bodies of the calls: a synthetic patient's chart as prefetch, of an exact size.

The records are made here, in the shape that Synthea gives FHIR R4 resources (about 700 bytes each,
with category, code, subject, dates and a value with its unit), all of one patient. The answers to
the searches for Observations make up the size, the other searches find a few records, and the
narrative of the Patient takes up what is left over.
"""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

Resource = dict[str, Any]

SIZES = {"2 kB": 2_000, "100 kB": 100_000, "1000 kB": 1_000_000}
PATIENT_ID = "5f0c6ed1-3a7e-4b6c-9d58-2f1e7a90c4b3"
FHIR_SERVER = "http://127.0.0.1:5001/fhir"

_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_LABS = {
    "4548-4": ("Hemoglobin A1c/Hemoglobin.total in Blood", 6.9, "%"),
    "2339-0": ("Glucose [Mass/volume] in Blood", 98.2, "mg/dL"),
    "38483-4": ("Creatinine [Mass/volume] in Blood", 1.1, "mg/dL"),
    "2947-0": ("Sodium [Moles/volume] in Blood", 139.5, "mmol/L"),
    "6298-4": ("Potassium [Moles/volume] in Blood", 4.4, "mmol/L"),
    "2093-3": ("Cholesterol [Mass/volume] in Serum or Plasma", 187.4, "mg/dL"),
}
_CONDITIONS = {
    "44054006": "Diabetes mellitus type 2 (disorder)",
    "59621000": "Essential hypertension (disorder)",
    "55822004": "Hyperlipidemia (disorder)",
}


def call(templates: Mapping[str, str], size: int, few: int) -> bytes:
    """A patient-view call with `size` bytes; `few` records answer a search that is no filler."""
    chart = Chart()
    prefetch: dict[str, Resource] = {}
    fillers: list[Iterator[Resource]] = []
    bundles: list[Resource] = []
    for key, template in templates.items():
        if "?" not in template:
            prefetch[key] = chart.patient()
            continue
        prefetch[key] = bundle = {"resourceType": "Bundle", "type": "searchset", "entry": []}
        records = chart.search(template)
        if template.startswith("Observation?"):
            fillers.append(records)
            bundles.append(bundle)
        elif template.startswith("Condition?") or few > 1:
            bundle["entry"] += map(_entry, itertools.islice(records, few))
    room = size - len(_encoded(_envelope(prefetch)))
    for records, bundle in itertools.cycle(zip(fillers, bundles, strict=True)):
        entry = _entry(next(records))
        room -= len(_encoded(entry)) + 1
        if room < 0:
            room += len(_encoded(entry)) + 1
            break
        bundle["entry"].append(entry)
    return _padded(prefetch, size)


def count(body: bytes, resource_type: str) -> int:
    """How many records of a type the prefetch of a call holds."""
    bundles = json.loads(body).get("prefetch", {}).values()
    return sum(
        entry["resource"]["resourceType"] == resource_type
        for bundle in bundles
        for entry in bundle.get("entry", ())
    )


def without_prefetch(fhir_server: str) -> bytes:
    """A call whose every key is missing."""
    return _encoded({**_envelope({}), "fhirServer": fhir_server})


class Chart:
    """Makes the records of the one patient, the same ones each time."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    def patient(self) -> Resource:
        return {
            "resourceType": "Patient",
            "id": PATIENT_ID,
            "text": {"status": "generated", "div": _narrative("")},
            "name": [{"use": "official", "family": "Benchmark", "given": ["Bea"]}],
            "gender": "female",
            "birthDate": "1961-04-12",
        }

    def search(self, template: str) -> Iterator[Resource]:
        """Records without end that a search by this template finds."""
        type_, _, query = template.partition("?")
        params = dict(part.split("=", 1) for part in query.split("&"))
        asked = [code for code in params.get("code", "").split(",") if "|" in code]
        category = params.get("category", "laboratory").split(",")[0].rpartition("|")[2]
        default, codes = (_SNOMED, _CONDITIONS) if type_ != "Observation" else (_LOINC, _LABS)
        for token in itertools.cycle(asked or [f"{default}|{code}" for code in codes]):
            system, _, code = token.rpartition("|")
            yield self._record(type_, {"system": system, "code": code}, category)

    def _record(self, type_: str, coding: Resource, category: str) -> Resource:
        day = (date.today() - timedelta(days=self._random.randrange(30, 4000))).isoformat()
        moment = f"{day}T09:14:27+01:00"
        name, value, unit = _LABS.get(coding["code"], ("Measurement of a substance", 41.5, "mg/dL"))
        name = name if type_ == "Observation" else _CONDITIONS.get(coding["code"], "Finding")
        concept = {"coding": [{**coding, "display": name}], "text": name}
        patient = {"reference": f"Patient/{PATIENT_ID}"}
        record = {"resourceType": type_, "id": self._id()}
        if type_ == "Observation":
            return record | {
                "status": "final",
                "category": [_concept("observation-category", category)],
                "code": concept,
                "subject": patient,
                "encounter": {"reference": f"Encounter/{self._id()}"},
                "effectiveDateTime": moment,
                "issued": f"{day}T09:14:27.214+01:00",
                "valueQuantity": {
                    "value": round(value * self._random.uniform(0.7, 1.4), 2),
                    "unit": unit,
                    "system": "http://unitsofmeasure.org",
                    "code": unit,
                },
            }
        if type_ == "Condition":
            return record | {
                "clinicalStatus": _concept("condition-clinical", "active"),
                "verificationStatus": _concept("condition-ver-status", "confirmed"),
                "category": [_concept("condition-category", "encounter-diagnosis")],
                "code": concept,
                "subject": patient,
                "onsetDateTime": moment,
            }
        if type_ == "MedicationRequest":
            medicine = {"medicationCodeableConcept": concept, "intent": "order"}
            return record | {"status": "active", **medicine, "subject": patient, "authoredOn": day}
        owner = {"patient" if type_ == "AllergyIntolerance" else "subject": patient}
        return record | {"status": "completed", "code": concept, "performedDateTime": day, **owner}

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _concept(system: str, code: str) -> Resource:
    address = f"http://terminology.hl7.org/CodeSystem/{system}"
    return {"coding": [{"system": address, "code": code, "display": code}]}


def _entry(resource: Resource) -> Resource:
    url = f"{FHIR_SERVER}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": "match"}}


def _envelope(prefetch: Resource) -> Resource:
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": FHIR_SERVER,
        "context": {"userId": "Practitioner/example", "patientId": PATIENT_ID},
        "prefetch": prefetch,
    }


def _padded(prefetch: dict[str, Resource], size: int) -> bytes:
    missing = size - len(_encoded(_envelope(prefetch)))
    for resource in prefetch.values():
        if resource["resourceType"] == "Patient" and missing > 0:
            resource["text"]["div"] = _narrative("." * missing)
    body = _encoded(_envelope(prefetch))
    if abs(len(body) - size) > size / 20:
        raise ValueError(f"the smallest body for these templates has {len(body)} bytes")
    return body


def _narrative(text: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
