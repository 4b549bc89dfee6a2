"""The bodies of the calls: a synthetic patient's chart as prefetch, of an exact size.

The records are made here, in the shape that Synthea gives FHIR R4 resources (about 700 bytes each,
with category, code, subject, dates and a value with its unit), all of one patient. Searches for
Conditions find a few, those for Observations as many as the size asks for, others nothing; the
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
# load.py and load.lua put another one in its place with every call.
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"

_LABS = {
    "4548-4": ("Hemoglobin A1c/Hemoglobin.total in Blood", 8.1, "%"),
    "2160-0": ("Creatinine [Mass/volume] in Serum or Plasma", 1.1, "mg/dL"),
    "33914-3": ("Glomerular filtration rate/1.73 sq M.predicted", 74.0, "mL/min/{1.73_m2}"),
    "2339-0": ("Glucose [Mass/volume] in Blood", 98.2, "mg/dL"),
    "2947-0": ("Sodium [Moles/volume] in Blood", 139.5, "mmol/L"),
    "6298-4": ("Potassium [Moles/volume] in Blood", 4.4, "mmol/L"),
}
_PROBLEMS = {
    "44054006": "Diabetes mellitus type 2 (disorder)",
    "59621000": "Essential hypertension (disorder)",
    "55822004": "Hyperlipidemia (disorder)",
}
# Long ago enough for a reminder, so that a clinical service has something to say.
_DAYS_AGO = range(400, 4000)


def call(templates: Mapping[str, str], size: int) -> bytes:
    """A patient-view call of `size` bytes that answers these prefetch templates."""
    chart = Chart()
    few = 1 if size < 10_000 else 15
    prefetch = {key: _answer(template, chart, few) for key, template in templates.items()}
    searches = [
        (prefetch[key]["entry"], chart.observations(template))
        for key, template in templates.items()
        if template.startswith("Observation?")
    ]
    room = size - len(_encoded(_envelope(prefetch)))
    for entries, records in itertools.cycle(searches):
        entry = _entry(next(records))
        room -= len(_encoded(entry)) + 1
        if room < 0:
            break
        entries.append(entry)
    return _padded(prefetch, size)


def count(body: bytes, resource_type: str) -> int:
    """How many records of a type the prefetch of a call holds."""
    return sum(
        entry["resource"]["resourceType"] == resource_type
        for bundle in json.loads(body)["prefetch"].values()
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

    def conditions(self) -> Iterator[Resource]:
        """Problems without end."""
        for code, name in itertools.cycle(_PROBLEMS.items()):
            yield {
                "resourceType": "Condition",
                "id": self._id(),
                "clinicalStatus": _concept("condition-clinical", "active"),
                "verificationStatus": _concept("condition-ver-status", "confirmed"),
                "category": [_concept("condition-category", "encounter-diagnosis")],
                "code": _coded("http://snomed.info/sct", code, name),
                "subject": {"reference": f"Patient/{PATIENT_ID}"},
                "encounter": {"reference": f"Encounter/{self._id()}"},
                "onsetDateTime": f"{self._day()}T09:14:27+01:00",
            }

    def observations(self, template: str) -> Iterator[Resource]:
        """Laboratory results without end, of the codes that the template asks for."""
        asked = [code for code in _LABS if f"|{code}" in template]
        for code in itertools.cycle(asked or _LABS):
            name, value, unit = _LABS[code]
            day = self._day()
            yield {
                "resourceType": "Observation",
                "id": self._id(),
                "status": "final",
                "category": [_concept("observation-category", "laboratory")],
                "code": _coded("http://loinc.org", code, name),
                "subject": {"reference": f"Patient/{PATIENT_ID}"},
                "encounter": {"reference": f"Encounter/{self._id()}"},
                "effectiveDateTime": f"{day}T09:14:27+01:00",
                "issued": f"{day}T09:14:27.214+01:00",
                "valueQuantity": {
                    "value": round(value * self._random.uniform(0.8, 1.3), 2),
                    "unit": unit,
                    "system": "http://unitsofmeasure.org",
                    "code": unit,
                },
            }

    def _day(self) -> str:
        return (date.today() - timedelta(days=self._random.choice(_DAYS_AGO))).isoformat()

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _answer(template: str, chart: Chart, few: int) -> Resource:
    if "?" not in template:
        return chart.patient()
    found = itertools.islice(chart.conditions(), few if template.startswith("Condition?") else 0)
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [_entry(each) for each in found],
    }


def _concept(system: str, code: str) -> Resource:
    address = f"http://terminology.hl7.org/CodeSystem/{system}"
    return {"coding": [{"system": address, "code": code, "display": code}]}


def _coded(system: str, code: str, name: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": name}], "text": name}


def _entry(resource: Resource) -> Resource:
    url = f"{FHIR_SERVER}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": "match"}}


def _envelope(prefetch: Resource) -> Resource:
    return {
        "hook": "patient-view",
        "hookInstance": INSTANCE,
        "fhirServer": FHIR_SERVER,
        "context": {"userId": "Practitioner/example", "patientId": PATIENT_ID},
        "prefetch": prefetch,
    }


def _padded(prefetch: dict[str, Resource], size: int) -> bytes:
    missing = size - len(_encoded(_envelope(prefetch)))
    patients = [each for each in prefetch.values() if each["resourceType"] == "Patient"]
    if missing > 0 and patients:
        patients[0]["text"]["div"] = _narrative("." * missing)
    body = _encoded(_envelope(prefetch))
    if abs(len(body) - size) > size / 20:
        raise RuntimeError(f"the smallest body for these templates has {len(body)} bytes")
    return body


def _narrative(text: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
