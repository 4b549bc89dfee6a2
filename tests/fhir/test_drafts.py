"""Resources that we send: created ones are valid FHIR, changed ones keep what we do not know."""

import json
from typing import Any

import msgspec
import pytest
from fhirclient.models.medicationrequest import MedicationRequest
from fhirclient.models.servicerequest import ServiceRequest

from fhir import drafts
from fhir.records import Coding, Draft

pytestmark = pytest.mark.req("CH-010", "CH-102", "CH-103")

INR = Coding("http://loinc.org", "6301-6", "INR in Platelet poor plasma by Coagulation assay")


@pytest.mark.parametrize("encounter", [None, "e-1"])
@pytest.mark.parametrize("patient", ["p1", "A.b-C_9", "e" * 194])
def test_a_laboratory_order_is_a_valid_draft(patient: str, encounter: str | None) -> None:
    order = drafts.lab_order(INR, patient, encounter)
    read = ServiceRequest(json.loads(json.dumps(order)), strict=True)
    assert (read.status, read.intent) == ("draft", "order")
    assert read.subject.reference == f"Patient/{patient}"
    assert (read.encounter.reference if read.encounter else None) == (
        f"Encounter/{encounter}" if encounter else None
    )
    assert read.code.coding[0].code == "6301-6"
    assert read.category[0].coding[0].code == "108252007"
    assert "id" not in order


@pytest.mark.parametrize("encounter", [None, "e-1"])
def test_an_order_of_a_medicine_is_a_valid_draft_without_a_dose(encounter: str | None) -> None:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    order = drafts.medicine_order(Coding(rxnorm, "1725059", "naloxone spray"), "p1", encounter)
    read = MedicationRequest(json.loads(json.dumps(order)), strict=True)
    assert (read.status, read.intent) == ("draft", "order")
    assert read.subject.reference == "Patient/p1"
    assert read.medicationCodeableConcept.coding[0].code == "1725059"
    assert ("encounter" in order) == bool(encounter)
    assert {"id", "dosageInstruction"}.isdisjoint(order)
    with pytest.raises(ValueError, match="MedicationRequest"):
        drafts.medicine_order(Coding(rxnorm, 1, "not text"), "p1", None)  # type: ignore[arg-type]


def test_orders_of_two_patients_do_not_mix() -> None:
    first = drafts.lab_order(INR, "p1", "e1")
    second = drafts.lab_order(INR, "p2", None)
    assert first["subject"] == {"reference": "Patient/p1"}
    assert second["subject"] == {"reference": "Patient/p2"}
    assert "encounter" not in second


def test_an_order_without_a_display_has_no_empty_member() -> None:
    order = drafts.lab_order(Coding("http://loinc.org", "6301-6"), "p1", None)
    text = json.dumps(order)
    assert "null" not in text
    assert '""' not in text


def draft(text: str) -> Draft:
    return Draft("MedicationRequest/m", None, text.encode())


ORDER = (
    '{"resourceType": "MedicationRequest", "id": "m", "foo": {"bar": [ ]},'
    ' "value": 1.10, "big": 12345678901234567890.0, "tiny": 1E-7, "int": 10,'
    ' "_status": {"extension": [{"url": "https://ehr.test/x", "valueDecimal": 0.50}]},'
    ' "note": [{"text": "\\u017d\\/ \\ud83d\\ude00"}], "dosageInstruction": [{"text": "old"}]}'
)


@pytest.mark.parametrize(
    "changes",
    [
        {"dosageInstruction": [{"text": "new"}]},
        {"dosageInstruction": [{"text": "new"}], "status": "on-hold"},
        {"status": "cancelled"},
    ],
)
def test_a_change_touches_what_it_names_and_nothing_else(changes: dict[str, Any]) -> None:
    before = msgspec.json.decode(ORDER, type=dict[str, msgspec.Raw])
    after = msgspec.json.decode(
        bytes(drafts.changed(draft(ORDER), changes)), type=dict[str, msgspec.Raw]
    )
    assert {name: json.loads(bytes(after[name])) for name in changes} == changes
    kept = set(before) - set(changes)
    assert {name: bytes(after[name]) for name in kept} == {
        name: bytes(before[name]) for name in kept
    }
    assert set(after) == set(before) | set(changes)


def test_numbers_keep_their_precision() -> None:
    text = bytes(drafts.changed(draft(ORDER), {"status": "draft"})).decode()
    for number in ("1.10", "12345678901234567890.0", "1E-7", "0.50", '"int":10'):
        assert number in text


def test_the_draft_itself_is_not_changed() -> None:
    order = draft(ORDER)
    drafts.changed(order, {"status": "x"})
    assert order.original == ORDER.encode()
