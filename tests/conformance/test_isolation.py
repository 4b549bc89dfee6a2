"""CDS Hooks checklist CH-145: calls at the same time know nothing of each other."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from store import tables
from tests.demo.bodies import Json, another_patient, body
from tests.demo.server import new_database
from tests.demo.signing import NORTH, SOUTH, Signer, production, stored

SERVICE = "demo-patient-view"
PATIENTS = {"north-1": "Aaltonen", "north-2": "Bergström", "south-1": "Cederblad"}


@pytest.mark.req("CH-145")
def test_a_hundred_and_fifty_calls_of_two_ehrs_do_not_mix() -> None:
    url = new_database()

    def call(client_and_id: tuple[Signer, str]) -> tuple[str, Json]:
        ehr, id = client_and_id
        sent = body("patient-view", edits={"hookInstance": str(uuid4())})
        return id, ehr.call(client, SERVICE, another_patient(sent, id, PATIENTS[id])).card

    with production(url=url) as client, ThreadPoolExecutor(12) as threads:
        turns = [(SOUTH if id.startswith("south") else NORTH, id) for id in PATIENTS] * 50
        answers = list(threads.map(call, turns))
    for id, card in answers:
        text = repr(card)
        assert {name for name in PATIENTS.values() if name in text} == {PATIENTS[id]}
        assert not any(other in text for other in PATIENTS if other != id)
    assert len({card["uuid"] for _, card in answers}) == len(answers)
    calls = stored(url, tables.calls)
    assert len({(call.ehr, call.patient_hash) for call in calls}) == len(PATIENTS)
    assert [call.ehr for call in calls].count("south") == 50
