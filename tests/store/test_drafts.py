"""Drafts: readable for a day, by the EHR and the patient they are of, and by nobody else."""

from datetime import timedelta

from sqlalchemy import Engine

from store import drafts
from store.sealing import Seal
from store.tables import drafts as table
from tests.store.build import NOW, SEAL, rows

CARD = "d78ada40-f815-47c4-80f5-e992dcb82d0a"
ORDERS = '{"resourceType":"Bundle","note":"Žofie"}'.encode()
DAY = timedelta(hours=24)


def keep(engine: Engine, content: bytes = ORDERS, **place: str) -> None:
    given = {"ehr_id": "north", "card": CARD, "patient_hash": "patient-1", **place}
    drafts.keep(engine, SEAL, content=content, at=NOW, **given)


def find(engine: Engine, seal: Seal = SEAL, after: timedelta = DAY / 2, **place: str) -> object:
    given = {"ehr_id": "north", "card": CARD, "patient_hash": "patient-1", **place}
    return drafts.find(engine, seal, now=NOW + after, **given)


def test_drafts_are_found_again_for_a_day(engine: Engine) -> None:
    keep(engine)
    assert find(engine) == ORDERS
    assert find(engine, card=CARD.upper()) == ORDERS
    assert find(engine, after=DAY - timedelta(seconds=1)) == ORDERS
    assert find(engine, after=DAY) is None


def test_they_belong_to_one_ehr_card_and_patient(engine: Engine) -> None:
    keep(engine)
    assert find(engine, ehr_id="south") is None
    assert find(engine, patient_hash="patient-2") is None
    assert find(engine, card="821aed14-7e01-4391-8515-2187ebfabe86") is None


def test_those_of_a_repeated_call_take_their_place(engine: Engine) -> None:
    keep(engine)
    keep(engine, b"newer")
    keep(engine, b"south's", ehr_id="south")
    assert find(engine) == b"newer"
    assert find(engine, ehr_id="south") == b"south's"
    assert len(rows(engine, table)) == 2


def test_they_are_encrypted_and_bound_to_their_place(engine: Engine) -> None:
    keep(engine)
    (row,) = rows(engine, table)
    assert b"Bundle" not in row.sealed
    assert SEAL.open(row.sealed, "drafts", "north", CARD, "patient-1") == ORDERS
    assert SEAL.open(row.sealed, "drafts", "north", CARD, "patient-2") is None


def test_after_a_change_of_the_secret_they_are_gone(engine: Engine) -> None:
    keep(engine)
    assert find(engine, Seal("another secret of 32 characters or more")) is None
