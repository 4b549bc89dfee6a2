"""A chart with something of everything that the overview shows. The patient is invented."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ID = "overview-ruth"
NAME = "Sample, Ruth Adelheid"
_SUBJECT = {"reference": f"Patient/{ID}"}
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_FLAG = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def patient(**changes: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": ID,
        "identifier": [
            {
                "type": {"coding": [{"code": "SS"}]},
                "system": "http://hl7.org/fhir/sid/us-ssn",
                "value": "999-00-0000",
            },
            {"type": {"coding": [{"code": "MR"}]}, "value": "TEST-0042"},
        ],
        "name": [
            {"use": "maiden", "family": "Former", "given": ["Ruth"]},
            {"use": "official", "family": "Sample", "given": ["Ruth", "Adelheid"]},
        ],
        "gender": "female",
        "birthDate": "1956-03-03",
        **changes,
    }


def problem(id: str, text: str, status: str = "active", **more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": status}]},
        "code": {"text": text},
        "subject": _SUBJECT,
        **more,
    }


def allergy(id: str, text: str, status: str = "active", **more: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "id": id,
        "clinicalStatus": {"coding": [{"system": _ALLERGY, "code": status}]},
        "code": {"text": text},
        "patient": _SUBJECT,
        **more,
    }


def order(id: str, text: str | None, status: str = "active", **more: Any) -> Json:
    medicine = {} if text is None else {"medicationCodeableConcept": {"text": text}}
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "subject": _SUBJECT,
        **medicine,
        **more,
    }


def result(
    id: str, text: str, code: str, value: Any, unit: str, on: str | None, **more: Any
) -> Json:
    category = more.pop("category", "laboratory")
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": text},
        "subject": _SUBJECT,
        **({"effectiveDateTime": on} if on else {}),
        **({} if value is None else {"valueQuantity": {"value": value, "unit": unit}}),
        **more,
    }


def between(low: float | None, high: float | None, unit: str) -> list[Json]:
    sides = {"low": low, "high": high}
    return [
        {name: {"value": side, "unit": unit} for name, side in sides.items() if side is not None}
    ]


def flagged(code: str) -> list[Json]:
    return [{"coding": [{"system": _FLAG, "code": code}]}]


def _pressure(systolic: float, diastolic: float) -> list[Json]:
    return [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": text},
            "valueQuantity": {"value": value, "unit": "mmHg"},
        }
        for code, text, value in (
            ("8480-6", "Systolic", systolic),
            ("8462-4", "Diastolic", diastolic),
        )
    ]


MEDICATION = {
    "resourceType": "Medication",
    "id": "glipizide",
    "code": {"text": "glipizide 5 mg tablet"},
}


def records() -> list[Json]:
    twice = [{"text": "1 tablet twice daily with meals"}]
    return [
        patient(),
        problem("p1", "Type 2 diabetes mellitus (disorder)", onsetDateTime="2014"),
        problem("p2", "Chronic kidney disease, stage 3b", onsetDateTime="2025-06-16"),
        problem("p3", "Hypertension", onsetDateTime="2012-04"),
        problem("p4", "Osteoarthritis of the knee", recordedDate="2021-10-11"),
        problem("p5", "Acute bronchitis", "resolved", onsetDateTime="2019-01-05"),
        allergy(
            "a1",
            "Penicillin",
            criticality="high",
            onsetDateTime="2009-05-14",
            reaction=[{"manifestation": [{"text": "anaphylaxis"}], "severity": "severe"}],
        ),
        allergy("a2", "Sulfonamide antibiotic"),
        order("m1", "metformin 500 mg tablet", authoredOn="2026-04-02", dosageInstruction=twice),
        order("m2", "empagliflozin 10 mg tablet", authoredOn="2026-02-11"),
        order("m3", "naproxen 500 mg tablet", "on-hold", authoredOn="2026-10-01"),
        order(
            "m4",
            None,
            medicationReference={"reference": "Medication/glipizide"},
            authoredOn="2023-12-18",
        ),
        order("m5", "amoxicillin 500 mg capsule", "completed", authoredOn="2019-01-05"),
        MEDICATION,
        result(
            "o1",
            "Creatinine",
            "2160-0",
            1.9,
            "mg/dL",
            "2026-10-01",
            referenceRange=between(0.5, 1.1, "mg/dL"),
        ),
        result("o2", "Creatinine", "2160-0", 1.4, "mg/dL", "2025-10-01"),
        result(
            "o3",
            "Potassium",
            "2823-3",
            4.9,
            "mmol/L",
            "2026-10-01",
            referenceRange=between(3.5, 5.1, "mmol/L"),
        ),
        result(
            "o4",
            "Hemoglobin A1c",
            "4548-4",
            8.1,
            "%",
            "2026-05-26",
            interpretation=flagged("H"),
        ),
        result("o5", "Platelets", "777-3", 1234567, "/mL", "2026-05-26", status="preliminary"),
        result("o6", "Urine culture", "630-4", None, "", "2026-03-01", valueString="No growth"),
        result("o7", "Sodium", "2951-2", 140, "mmol/L", "2026-11-01", status="cancelled"),
        result("o8", "Vitamin D", "1989-3", 21.44444, "ng/mL", None),
        result(
            "v1",
            "Blood pressure",
            "85354-9",
            None,
            "",
            "2026-10-01T09:30:00+00:00",
            category="vital-signs",
            component=_pressure(152, 86),
        ),
        result("v2", "Body weight", "29463-7", 81.25, "kg", "2026-10-01", category="vital-signs"),
    ]


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}


USER = {
    "resourceType": "Practitioner",
    "id": "ada",
    "name": [{"use": "official", "family": "Example", "given": ["Ada"]}],
}


def chart() -> Json:
    return bundle(*records(), USER)


# What each section of the page is read from.
SECTIONS = {
    "allergies": "AllergyIntolerance",
    "medications": "MedicationRequest",
    "laboratory": "Observation",
    "problems": "Condition",
    "vital-signs": "Observation",
}
