"""The draft orders of a card that links into the app, kept for a day, encrypted.

Drafts live in the EHR's memory only; the app evaluates them again on the chart as it then is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from store import database
from store.sealing import Seal
from store.tables import drafts, inserting

KEPT = timedelta(hours=24)


def keep(
    engine: Engine,
    seal: Seal,
    ehr_id: str,
    card: str,
    patient_hash: str,
    content: bytes,
    at: datetime,
) -> None:
    """Keep the drafts of this card; those of a repeated call take their place."""
    card = card.lower()
    row = {
        "ehr": ehr_id,
        "card": card,
        "patient_hash": patient_hash,
        "at": at,
        "until": at + KEPT,
        "sealed": seal.seal(content, "drafts", ehr_id, card, patient_hash),
    }
    entry = inserting(drafts, engine.name)
    statement = entry.on_conflict_do_update(
        index_elements=["ehr", "card"],
        set_={name: entry.excluded[name] for name in row if name not in ("ehr", "card")},
    )
    database.single(engine, lambda connection: connection.execute(statement, row))


def find(
    engine: Engine, seal: Seal, ehr_id: str, card: str, patient_hash: str, now: datetime
) -> bytes | None:
    """The drafts of this card, if they are this patient's and still kept. They may be read again,
    since a user may open the link again.
    """
    card = card.lower()
    statement = select(drafts.c.sealed).where(
        drafts.c.ehr == ehr_id,
        drafts.c.card == card,
        drafts.c.patient_hash == patient_hash,
        drafts.c.until > now,
    )
    sealed = database.single(engine, lambda connection: connection.scalar(statement))
    return None if sealed is None else seal.open(sealed, "drafts", ehr_id, card, patient_hash)
