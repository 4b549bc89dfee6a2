"""How Bundles are loaded, and the synthetic patients that come with the sandbox."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from sandbox.fhir.bundles import shipped_bundles
from sandbox.fhir.server import FhirServer

Ask = Callable[..., Any]

LOINC = "http://loinc.org"


def test_references_to_urns_are_made_relative(ask: Ask) -> None:
    entries = [
        {"resource": {"resourceType": "Goal", "id": "g1", "subject": {"reference": "urn:uuid:a"}}},
        {"fullUrl": "urn:uuid:a", "resource": {"resourceType": "Patient", "id": "p9"}},
    ]
    with FhirServer([{"type": "transaction", "entry": entries}]) as server:
        assert ask(server, "Goal/g1").json["subject"] == {"reference": "Patient/p9"}


def test_references_to_absolute_full_urls_are_made_relative(ask: Ask) -> None:
    there = "https://ehr.example/r4/Patient/p9"
    entries = [
        {"fullUrl": there, "resource": {"resourceType": "Patient", "id": "p9"}},
        {"resource": {"resourceType": "Goal", "id": "g1", "subject": {"reference": there}}},
    ]
    with FhirServer([{"type": "searchset", "entry": entries}]) as server:
        assert ask(server, "Goal/g1").json["subject"] == {"reference": "Patient/p9"}


def test_an_entry_without_an_id_gets_that_of_its_full_url(ask: Ask) -> None:
    entry = {"fullUrl": "urn:uuid:p9", "resource": {"resourceType": "Patient"}}
    with FhirServer([{"type": "transaction", "entry": [entry]}]) as server:
        assert ask(server, "Patient/p9").status == 200


@pytest.mark.parametrize("patient", ["sandbox-diabetes", "sandbox-healthy", "sandbox-renal"])
def test_the_shipped_patients_are_whole(ask: Ask, patient: str) -> None:
    with FhirServer(shipped_bundles()) as server:
        person = ask(server, f"Patient/{patient}").json
        assert person["name"][0]["family"] == "Sandbox"
        assert ask(server, f"Observation?patient={patient}&category=laboratory").ids


def test_the_shipped_patients_differ_in_what_matters(ask: Ask) -> None:
    def newest(patient: str, code: str) -> tuple[str, float]:
        query = f"Observation?patient={patient}&code={LOINC}|{code}&_sort=-date&_count=1"
        [entry] = ask(server, query).json["entry"]
        return entry["resource"]["effectiveDateTime"], entry["resource"]["valueQuantity"]["value"]

    diabetes = "Condition?code=http://snomed.info/sct|44054006&clinical-status=active&patient="
    metformin = "MedicationRequest?status=active&code=861007&patient="
    with FhirServer(shipped_bundles(date(2026, 11, 24))) as server:
        assert newest("sandbox-renal", "2160-0") == ("2026-10-01", 1.9)
        assert newest("sandbox-renal", "4548-4") == ("2026-09-15", 9.4)
        assert newest("sandbox-diabetes", "4548-4") == ("2025-07-08", 7.2)
        for patient, count in [("renal", 1), ("diabetes", 1), ("healthy", 0)]:
            assert len(ask(server, f"{diabetes}sandbox-{patient}").ids) == count
            assert len(ask(server, f"{metformin}sandbox-{patient}").ids) == count
