"""The checklist's example bodies, valid and invalid, each with the status it asks for.

They stand in a folder beside this repository and are no part of it: without them nothing here is
tested, and each group has bodies of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer
from tests.demo.bodies import bundle
from tests.demo.client import Client
from tests.demo.server import ehr_of, serving

FOLDER = Path(__file__).parents[3] / "shared" / "examples" / "cds-hooks"
BASE = b"https://ehr.example.org/fhir/r4"

needs_folder = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not here")


def cases(folder: Path) -> list[Any]:
    """The cases of a manifest as parameters, or one that says that there is none."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return [pytest.param({}, id="none")]
    return [
        pytest.param(case, id=case["file"])
        for case in json.loads(manifest.read_text("utf-8"))["cases"]
    ]


def warfarin() -> dict[str, Any]:
    """The second page of order-sign--paged-prefetch.json."""
    first = json.loads((FOLDER / "order-sign--paged-prefetch.json").read_bytes())
    (entry,) = first["prefetch"]["medications"]["entry"]
    concept = {"text": "warfarin 5 MG tablet"}
    return {**entry["resource"], "id": "rx-warfarin", "medicationCodeableConcept": concept}


@pytest.fixture(scope="module")
def ehr() -> Iterator[FhirServer]:
    """The FHIR server of the examples; it holds the second page only."""
    with FhirServer([bundle(warfarin())], token="opaque-demo-token-not-a-secret") as server:
        yield server


@pytest.fixture(scope="module")
def client(ehr: FhirServer) -> Iterator[Client]:
    with serving(ehr=ehr_of(ehr)) as running:
        yield running


def sent(folder: Path, file: str, ehr: FhirServer) -> bytes:
    """The example with the base of a server that runs here."""
    return (folder / file).read_bytes().replace(BASE, ehr.base.encode())


@needs_folder
@pytest.mark.parametrize("case", cases(FOLDER))
def test_a_valid_example_is_accepted(client: Client, ehr: FhirServer, case: Any) -> None:
    body = sent(FOLDER, case["file"], ehr)
    reply = client.request(case["method"], case["path"], body, {"Content-Type": "application/json"})
    # A defensible refusal is not what this server gives: it does accept all of them.
    assert reply.status == case["expected_status"]


@needs_folder
@pytest.mark.parametrize("case", cases(FOLDER / "invalid"))
def test_an_invalid_example_is_refused(client: Client, ehr: FhirServer, case: Any) -> None:
    ehr.seen.clear()
    body = sent(FOLDER / "invalid", case["file"], ehr)
    reply = client.request("POST", case["path"], body, {"Content-Type": "application/json"})
    assert reply.status in (case["expected_status"], *case.get("accept_also", ()))
    if 200 not in case.get("accept_also", ()):
        assert 400 <= reply.status < 500


@needs_folder
def test_the_second_page_of_the_example_is_used(client: Client, ehr: FhirServer) -> None:
    body = sent(FOLDER, "order-sign--paged-prefetch.json", ehr)
    detail = client.call("demo-order-sign", body).card["detail"]
    assert "metformin" in detail
    assert "warfarin" in detail


@needs_folder
def test_the_example_of_a_penicillin_gets_a_card(client: Client, ehr: FhirServer) -> None:
    card = client.call("demo-order-select", sent(FOLDER, "order-select.json", ehr)).card
    assert card["indicator"] == "critical"
