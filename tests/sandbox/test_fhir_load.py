"""`load`: a developer's own bundles, brought to the running EHR."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.load import load
from tests.sandbox.apps import CLIENTS, Json, send
from tests.sandbox.writing import condition

SYNTHEA = os.environ.get("SYNTHEA_PATIENTS", "")

Load = Callable[..., Result]


@pytest.fixture
def ehr() -> Iterator[DevelopmentEhr]:
    with DevelopmentEhr([], CLIENTS, open_records=True) as running:
        yield running


@pytest.fixture
def loading(ehr: DevelopmentEhr) -> Load:
    def run(path: Path, *options: str) -> Result:
        return CliRunner().invoke(load, [str(path), "--to", ehr.base, *options])

    return run


def chart(patient: str, bundle_type: str = "transaction", **members: Any) -> Json:
    """A patient with one problem, as Synthea writes it."""
    problem = condition(subject={"reference": f"urn:uuid:{patient}"}, id=f"{patient}-problem")
    person = {"resourceType": "Patient", "id": patient, "name": [{"family": patient}], **members}
    entries: list[Json] = [
        {"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in (problem, person)
    ]
    if bundle_type == "transaction":
        for each in entries:
            each["request"] = {"method": "POST", "url": each["resource"]["resourceType"]}
    return {"resourceType": "Bundle", "type": bundle_type, "entry": entries}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def outcome(result: Result) -> list[str]:
    return result.stderr.strip().splitlines()


@pytest.mark.parametrize("bundle_type", ["transaction", "batch", "collection", "searchset"])
def test_a_file_is_loaded_and_keeps_its_ids(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path, bundle_type: str
) -> None:
    result = loading(write(tmp_path / "one.json", chart("ada", bundle_type)))
    assert (result.exit_code, outcome(result)) == (0, [])
    assert "Loaded 1 of 1 files: 2 resources." in result.stdout
    found = send(f"{ehr.base}/Condition?patient=ada").json
    assert [each["resource"]["id"] for each in found["entry"]] == ["ada-problem"]
    names = [person["name"][0]["family"] for person in ehr.fhir.store.all("Patient")]
    assert names == ["ada"]


def test_loading_again_changes_and_doubles_nothing(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path
) -> None:
    file = tmp_path / "one.json"
    loading(write(file, chart("ada")))
    assert loading(write(file, chart("ada", gender="female"))).exit_code == 0
    [patient] = ehr.fhir.store.all("Patient")
    assert (patient["gender"], patient["meta"]["versionId"]) == ("female", "2")


def test_an_id_is_that_of_the_full_url_where_there_is_no_other(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path
) -> None:
    bundle = chart("ada")
    for each in bundle["entry"]:
        del each["resource"]["id"]
    assert loading(write(tmp_path / "one.json", bundle)).exit_code == 0
    assert [patient["id"] for patient in ehr.fhir.store.all("Patient")] == ["ada"]


def test_what_others_refer_to_comes_first(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path
) -> None:
    house = {"resourceType": "Organization", "id": "h1", "identifier": [{"value": "44"}]}
    create = {"method": "POST", "url": "Organization", "ifNoneExist": "identifier=44"}
    entry = {"fullUrl": "urn:uuid:h1", "resource": house, "request": create}
    houses = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    member = chart("ada", managingOrganization={"reference": "Organization?identifier=44"})
    write(tmp_path / "ada.json", member)
    write(tmp_path / "hospitalInformation1.json", houses)
    for _ in range(2):
        result = loading(tmp_path)
        assert (result.exit_code, outcome(result)) == (0, [])
    [organization] = ehr.fhir.store.search("Organization", [("identifier", "44")])
    [patient] = ehr.fhir.store.all("Patient")
    assert patient["managingOrganization"]["reference"] == f"Organization/{organization['id']}"


def test_a_bad_file_is_told_and_the_others_are_loaded(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path
) -> None:
    wrong = chart("eve")
    del wrong["entry"][0]["resource"]["subject"]
    for name, content in [
        ("a-text.json", "no JSON"),
        ("b-list.json", "[]"),
        ("c-patient.json", {"resourceType": "Patient"}),
        ("d-document.json", {"resourceType": "Bundle", "type": "document"}),
        ("e-entries.json", {"resourceType": "Bundle", "type": "collection", "entry": {}}),
        ("f-nothing.json", {"resourceType": "Bundle", "type": "collection", "entry": [7]}),
        ("g-wrong.json", wrong),
        ("h-good.json", chart("ada")),
    ]:
        write(tmp_path / name, content)
    (tmp_path / "notes.txt").write_text("not read")
    result = loading(tmp_path)
    assert result.exit_code != 0
    *told, last = outcome(result)
    assert [line.partition(":")[0][0] for line in told] == list("abcdefg")
    assert "no JSON" in told[0]
    assert "document" in told[3]
    assert "Bundle.entry[0]: Condition.subject is required" in told[6]
    assert "7 of 8 files" in last
    assert [patient["id"] for patient in ehr.fhir.store.all("Patient")] == ["ada"]


def test_a_folder_without_files_is_told(loading: Load, tmp_path: Path) -> None:
    result = loading(tmp_path)
    assert result.exit_code != 0
    assert "no .json file" in result.stderr


def test_where_no_ehr_is_running_the_remedy_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "one.json", chart("ada"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    result = CliRunner().invoke(load, [str(file)], env={"EHR_PORT": port})
    assert result.exit_code != 0
    assert f"http://127.0.0.1:{port}/fhir" in result.stderr
    assert "make run" in result.stderr


def test_an_ehr_that_wants_tokens_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "one.json", chart("ada"))
    with DevelopmentEhr([], CLIENTS) as strict:
        result = CliRunner().invoke(load, [str(file), "--to", strict.base])
    assert result.exit_code != 0
    assert "EHR_TOKENS=optional" in result.stderr


@pytest.mark.parametrize(
    "url", ["http://ehr.example/fhir", "https://127.0.0.1/fhir", "http://127.0.0.1.ehr.example"]
)
def test_nothing_is_sent_to_another_machine(tmp_path: Path, url: str) -> None:
    file = write(tmp_path / "one.json", chart("ada"))
    result = CliRunner().invoke(load, [str(file), "--to", url])
    assert result.exit_code == 2
    assert "only an http address of this machine" in result.stderr


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "one.json", chart("ada"))
    result = CliRunner().invoke(load, [str(file), "--to", "http://["])
    assert result.exit_code == 2
    assert "no address" in result.stderr


def test_types_that_the_ehr_has_not_are_left_out_and_told(
    ehr: DevelopmentEhr, loading: Load, tmp_path: Path
) -> None:
    bundle = chart("ada")
    request = {"method": "POST", "url": "Media"}
    media = {"resourceType": "Media", "status": "completed"}
    bundle["entry"].append({"fullUrl": "urn:uuid:m", "resource": media, "request": request})
    result = loading(write(tmp_path / "one.json", bundle))
    assert (result.exit_code, outcome(result)) == (0, [])
    assert "Loaded 1 of 1 files: 2 resources." in result.stdout
    assert "1 Media" in result.stdout
    assert [patient["id"] for patient in ehr.fhir.store.all("Patient")] == ["ada"]


def test_what_is_no_file_or_too_long_is_told(
    loading: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.fhir.load.LONGEST_BUNDLE", 100)
    os.mkfifo(tmp_path / "a.json")
    write(tmp_path / "b.json", chart("ada"))
    result = loading(tmp_path)
    assert "Loaded 0 of 2 files" in result.stdout
    fifo, long, last = outcome(result)
    assert fifo == "a.json: it is no file"
    assert "longer than the 100 bytes" in long
    assert "Not loaded: 2 of 2 files." in last


@pytest.mark.skipif(not SYNTHEA, reason="SYNTHEA_PATIENTS names no folder of Synthea's patients")
def test_synthea_patients_are_loaded_whole(ehr: DevelopmentEhr, loading: Load) -> None:
    folder = Path(SYNTHEA)
    result = loading(folder)
    assert (result.exit_code, outcome(result)) == (0, [])
    bundles = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    entries = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    assert (
        f"Loaded {len(bundles)} of {len(bundles)} files: {len(entries)} resources." in result.stdout
    )
    for resource_type in ("Patient", "Observation", "MedicationRequest", "Claim"):
        ids = {each["id"] for each in entries if each["resourceType"] == resource_type}
        assert {each["id"] for each in ehr.fhir.store.all(resource_type)} == ids
    labs = ehr.fhir.store.all("Observation")
    assert all(each["subject"]["reference"].startswith("Patient/") for each in labs)
