"""The census over bundles of its own, and over the synthetic records where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hooks.commands import census

RECORDS = Path(__file__).parents[3] / "shared" / "patients"
PATIENT = {
    "resourceType": "Patient",
    "id": "p-secret",
    "gender": "female",
    "birthDate": "1950-01-01",
    "name": [{"family": "Nobody"}],
}


def order(system: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "urn:uuid:1"},
        "medicationCodeableConcept": {"coding": [{"system": system, "code": code}]},
    }


EGFR = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "subject": {"reference": "urn:uuid:1"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "98979-8"}]},
    "effectiveDateTime": "2021-05-01",
    "valueQuantity": {
        "value": 20,
        "unit": "mL/min/{1.73_m2}",
        "system": "http://unitsofmeasure.org",
        "code": "mL/min/{1.73_m2}",
    },
}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def write(file: Path, *records: dict[str, Any]) -> None:
    entry: list[dict[str, Any]] = [{"fullUrl": "urn:uuid:1", "resource": PATIENT}]
    entry += [{"resource": each} for each in records]
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}))


def run(path: Path) -> Result:
    return CliRunner().invoke(census, [str(path), "--today", "2021-06-01"])


def test_counts_cards_by_finding_and_tells_nothing_of_the_patient(tmp_path: Path) -> None:
    write(tmp_path / "a.json", order(RXNORM, "861007"), EGFR)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "patients: 1\ncalls: 4; refused: 0" in done.output
    assert " critical " in done.output
    assert "#" in done.output
    assert "patients with a critical card: 100 % (1)" in done.output
    assert "p-secret" not in done.output
    assert "Nobody" not in done.output


def test_counts_codes_that_no_table_knows(tmp_path: Path) -> None:
    write(tmp_path / "a.json", order(RXNORM, "99999999"))
    assert "  rxnorm 99999999: 1\n" in run(tmp_path).output


def test_names_a_file_that_is_no_bundle_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("[]")
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "b.json is no FHIR Bundle" in done.output
    assert "patients: 1\n" in done.output


def test_a_folder_without_files_says_what_to_name(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "Name a folder" in done.output


@pytest.mark.skipif(not RECORDS.exists(), reason="the synthetic records are not here")
def test_few_cards_above_info_a_chart_opening() -> None:
    done = run(RECORDS)
    assert done.exit_code == 0, done.output
    line = next(each for each in done.output.splitlines() if each.startswith("cards above info"))
    assert float(line.rpartition(" ")[2]) < 1
