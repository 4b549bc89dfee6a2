"""Small charts for the tests: records as a FHIR server would send them, with sound defaults."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from clinical.chart import Chart
from clinical.finding import Finding, Gap, Result
from fhir.records import (
    AllergyIntolerance,
    CodeableConcept,
    Coding,
    Component,
    Condition,
    Draft,
    Immunization,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    Quantity,
    Reaction,
    Records,
    ServiceRequest,
    Unreadable,
)

TODAY = date(2026, 6, 15)
ZONE = ZoneInfo("America/New_York")
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
CVX = "http://hl7.org/fhir/sid/cvx"

METFORMIN_500 = (RXNORM, "861007", "metformin hydrochloride 500 MG Oral Tablet")
TYPE_2 = (SNOMED, "44054006", "Diabetes mellitus type 2 (disorder)")
ON_DIALYSIS = (SNOMED, "236435004", "End stage renal failure on dialysis (disorder)")
IN_HOSPICE = (SNOMED, "385763009", "Hospice care (regime/therapy)")


def concept(*codings: tuple[str | None, str | None, str | None], text: str | None = None) -> Any:
    return CodeableConcept([Coding(*each) for each in codings], text)


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def patient(**changes: Any) -> Patient:
    return Patient(**{"id": "p1", "gender": "female", "birth_date": "1956-03-01"} | changes)


def lab(
    code: str,
    value: float | None,
    unit: str | None,
    when: str | None,
    *,
    comparator: str | None = None,
    **changes: Any,
) -> Observation:
    defaults = {
        "id": "o1",
        "status": "final",
        "code": concept((LOINC, code, None)),
        "effective_date_time": when,
        "value_quantity": Quantity(value, comparator, unit, None, unit),
    }
    return Observation(**defaults | changes)


def creatinine(value: float | None, when: str | None = ago(10), **changes: Any) -> Observation:
    """A serum creatinine in mg/dL; in a 70-year-old woman 1.9 is 28.1 and 1.45 is 38.8."""
    return lab("2160-0", value, "mg/dL", when, **changes)


def egfr(value: float | None, when: str | None = ago(10), **changes: Any) -> Observation:
    return lab("98979-8", value, "mL/min/{1.73_m2}", when, **changes)


def text(code: str, value: str | None, when: str | None = ago(10), **changes: Any) -> Observation:
    """A result that the laboratory sends as text."""
    return lab(code, None, None, when, **{"value_quantity": None, "value_string": value} | changes)


def a1c(value: float | None, when: str | None = ago(10), unit: str = "%", **changes: Any) -> Any:
    return lab("4548-4", value, unit, when, **changes)


def condition(code: tuple[str, str, str], **changes: Any) -> Condition:
    defaults = {
        "id": "c1",
        "code": concept(code),
        "clinical_status": concept((None, "active", None)),
        "verification_status": concept((None, "confirmed", None)),
    }
    return Condition(**defaults | changes)


def procedure(code: tuple[str, str, str], when: str | None, status: str = "completed") -> Procedure:
    return Procedure("pr1", status, concept(code), performed_date_time=when)


def medication(*codings: tuple[str, str, str], id: str = "m1", **changes: Any) -> MedicationRequest:
    coded = {"medication_codeable_concept": concept(*codings)} if codings else {}
    return MedicationRequest(**{"id": id, "status": "active", "intent": "order"} | coded | changes)


def draft(*codings: tuple[str, str, str], id: str = "d1", **changes: Any) -> Draft:
    """A draft order in this session, of metformin unless told otherwise."""
    named = any(key.startswith("medication_") for key in changes)
    codings = codings or (() if named else (METFORMIN_500,))
    order = medication(*codings, id=id, **{"status": "draft"} | changes)
    return Draft(f"MedicationRequest/{id}", order, msgspec.json.encode(order))


def statement(*codings: tuple[str, str, str], id: str = "ms1", **changes: Any) -> Any:
    """What the patient is said to take."""
    coded = {"medication_codeable_concept": concept(*codings)} if codings else {}
    return MedicationStatement(**{"id": id, "status": "active"} | coded | changes)


def allergy(
    *codings: tuple[str, str, str], reactions: Iterable[Any] = (), **changes: Any
) -> AllergyIntolerance:
    """An allergy; `reactions` are concepts, or Reactions."""
    reaction = tuple(
        each if isinstance(each, Reaction) else Reaction(manifestation=(each,))
        for each in reactions
    )
    defaults: dict[str, Any] = {
        "id": "a1",
        "clinical_status": concept((None, "active", None)),
        "verification_status": concept((None, "confirmed", None)),
        "code": concept(*codings),
        "reaction": reaction,
    }
    return AllergyIntolerance(**defaults | changes)


def immunization(code: str, when: str | None = ago(10), **changes: Any) -> Immunization:
    defaults = {
        "id": "i1",
        "status": "completed",
        "vaccine_code": concept((CVX, code, None)),
        "occurrence_date_time": when,
    }
    return Immunization(**defaults | changes)


def pressure(
    systolic: float | None, diastolic: float | None, when: str | None = ago(10), **changes: Any
) -> Observation:
    """A blood pressure, with both its parts in mm[Hg]."""
    parts = {"8480-6": systolic, "8462-4": diastolic}
    return lab(
        "85354-9",
        None,
        None,
        when,
        value_quantity=None,
        component=tuple(
            Component(concept((LOINC, code, None)), Quantity(value, None, "mmHg", None, "mm[Hg]"))
            for code, value in parts.items()
            if value is not None
        ),
        **changes,
    )


def weight(value: float | None, when: str | None = ago(10), **changes: Any) -> Observation:
    return lab("29463-7", value, "kg", when, **changes)


def answer(
    code: str, *codings: tuple[str, str, str], when: str | None = ago(10), **changes: Any
) -> Any:
    """An observation whose value is a concept, such as a smoking status."""
    value = {"value_quantity": None, "value_codeable_concept": concept(*codings)}
    return lab(code, None, None, when, **value | changes)


def lab_draft(code: str, id: str = "l1", **changes: Any) -> Draft:
    """A draft order of a laboratory test in this session."""
    order = order_of(code, **{"id": id, "status": "draft", "intent": "order"} | changes)
    return Draft(f"ServiceRequest/{id}", order, msgspec.json.encode(order))


def order_of(code: str, **changes: Any) -> ServiceRequest:
    """An order of a laboratory test."""
    defaults = {"id": "s1", "status": "active", "code": concept((LOINC, code, None))}
    defaults["authored_on"] = ago(1)
    return ServiceRequest(**defaults | changes)


def chart(**changes: Any) -> Chart:
    """A 70-year-old woman with every list known and empty."""
    known: dict[str, Any] = {
        "patient": patient(),
        "today": TODAY,
        "zone": ZONE,
        "medications": Records(),
        "conditions": Records(),
        "labs": Records(),
        "tests": Records(),
        "orders": Records(),
        "procedures": Records(),
        "statements": Records(),
        "allergies": Records(),
        "vitals": Records(),
        "social": Records(),
        "immunizations": Records(),
        "reports": Records(),
        "appointments": Records(),
        "tasks": Records(),
        "communications": Records(),
    }
    return Chart(**known | changes)


def unreadable(type: str, *records: Any) -> Records[Any]:
    return Records(records, (Unreadable(type, "x"),))


def findings(results: Iterable[Result]) -> list[Finding]:
    return [each for each in results if isinstance(each, Finding)]


def gaps(results: Iterable[Result]) -> str:
    """All gaps as one text, with the escapes taken out."""
    return " | ".join(each.text.replace("\\", "") for each in results if isinstance(each, Gap))


def rules(results: Iterable[Result]) -> list[str]:
    return [each.rule for each in findings(results)]


def said(finding: Finding) -> str:
    """The detail with the escapes taken out."""
    return (finding.detail or "").replace("\\", "")
