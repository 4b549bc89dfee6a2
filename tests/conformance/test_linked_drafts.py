"""The draft orders of a card that links into the app are kept for a day, for that chart only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine

from store import drafts
from store.hashes import Hashes
from store.sealing import Seal
from tests.demo.bodies import PATIENT_ID, raw
from tests.demo.server import new_database, serving

SECRET = "a secret of these tests, longer than most"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(hours=23)


@pytest.mark.req("CH-110")
def test_they_open_for_this_card_patient_ehr_and_day_only() -> None:
    database = new_database()
    with serving(database=database, secret=SECRET) as client:
        cards = client.call("demo-order-sign", raw("order-sign")).cards
    (card,) = [each for each in cards if any(link["type"] == "smart" for link in each["links"])]
    (link,) = [link for link in card["links"] if link["type"] == "smart"]
    assert link["appContext"] == card["uuid"]
    engine, seal = create_engine(database), Seal(SECRET)
    patient = Hashes(SECRET).of("demo-ehr", "patient", PATIENT_ID)
    kept = drafts.find(engine, seal, "demo-ehr", card["uuid"], patient, SOON)
    assert kept is not None
    sent = json.loads(raw("order-sign"))["context"]["draftOrders"]["entry"]
    assert json.loads(kept) == [
        entry["resource"] for entry in sent if entry["resource"]["id"] == "draft-ibu"
    ]
    another = Hashes(SECRET).of("demo-ehr", "patient", "another")
    for ehr, whose, when in (
        ("other-ehr", patient, SOON),
        ("demo-ehr", another, SOON),
        ("demo-ehr", patient, NOW + timedelta(hours=25)),
    ):
        assert drafts.find(engine, seal, ehr, card["uuid"], whose, when) is None
    engine.dispose()
