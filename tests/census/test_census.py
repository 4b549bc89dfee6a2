"""The shipped services over whole synthetic records, fetched from a FHIR server as an EHR would.

The records are not part of this project; without them the census is skipped.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from hooks import registry
from sandbox.fhir.server import FhirServer
from tests.demo.client import Client
from tests.demo.server import ehr_of, serving

RECORDS = Path(__file__).parents[3] / "shared" / "patients"
PATIENTS = sorted(path.stem for path in RECORDS.glob("*.json"))
EXPECTED = tomllib.loads((Path(__file__).parent / "expected.toml").read_text())["card"]
DAYS = (date(2021, 6, 1), date(2026, 11, 24))

pytestmark = pytest.mark.skipif(
    not PATIENTS, reason="the synthetic records are not beside this repository"
)

METFORMIN = {
    "resourceType": "MedicationRequest",
    "id": "draft-metformin",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "861007"}]
    },
}


@pytest.fixture(scope="module")
def records() -> Iterator[FhirServer]:
    with FhirServer([json.loads((RECORDS / f"{name}.json").read_text()) for name in PATIENTS]) as s:
        yield s


@pytest.fixture(scope="module", params=DAYS, ids=str)
def census(request: pytest.FixtureRequest, records: FhirServer) -> Iterator[tuple[date, Client]]:
    """The shipped services on one day. A census is not a race: ten seconds for each call."""
    noon = datetime(*request.param.timetuple()[:3], 12, tzinfo=UTC)
    with serving(
        registry.find(),
        ehr_of(records, open_fhir=True),
        lambda zone: noon.astimezone(zone),
        prefetch_deadline=10.0,
    ) as client:
        yield request.param, client


@pytest.mark.parametrize("name", PATIENTS)
@pytest.mark.parametrize("call", ["chart", "order"])
def test_every_card_is_one_that_somebody_read_the_record_for(
    census: tuple[date, Client], records: FhirServer, name: str, call: str
) -> None:
    today, client = census
    cards = _chart(client, records, name) if call == "chart" else _order(client, records, name)
    expected = [
        each
        for each in EXPECTED
        if (each["patient"], each["today"], each["call"]) == (name, today, call)
    ]
    assert [(card["source"]["topic"]["display"], card["indicator"]) for card in cards] == [
        (each["rule"], each["indicator"]) for each in expected
    ]
    for card, each in zip(cards, expected, strict=True):
        assert each["about"] in card["summary"]


def _patient(name: str) -> str:
    record = json.loads((RECORDS / f"{name}.json").read_text())
    patient = next(
        entry["resource"]
        for entry in record["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    )
    return str(patient["id"])


def _chart(client: Client, records: FhirServer, name: str) -> list[dict[str, Any]]:
    body = _body("patient-view", records, _patient(name))
    return [
        card for id in ("care-gaps", "results-attention") for card in client.call(id, body).cards
    ]


def _order(client: Client, records: FhirServer, name: str) -> list[dict[str, Any]]:
    id_ = _patient(name)
    own = {"reference": f"Patient/{id_}"}
    active = [
        order
        for order in records.store.all("MedicationRequest")
        if order["subject"] == own and order["status"] == "active"
    ]
    body = _body("order-sign", records, id_)
    body["context"]["draftOrders"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": order} for order in (METFORMIN | {"subject": own}, *active)],
    }
    return client.call("medication-safety", body).cards


def _body(hook: str, records: FhirServer, patient_id: str) -> dict[str, Any]:
    return {
        "hook": hook,
        "hookInstance": "9f0a3e5c-1d2b-4a6e-8c7f-2b4d6f8a0c1e",
        "fhirServer": records.base,
        "context": {"userId": "Practitioner/census", "patientId": patient_id},
    }
