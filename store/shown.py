"""Cards that went out, to be found again by the app that was opened from one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from store import database
from store.tables import calls, cards


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """A card as it was last shown, and in answer to what. `ehr_id`: the realm of its ids."""

    card: str
    ehr_id: str
    at: datetime
    patient_hash: str
    service: str
    hook: str
    rule: str
    indicator: str
    drug: str | None
    severity: float | None


def find(engine: Engine, card: str) -> ShownCard | None:
    """The card with this id, of whichever EHR and patient: the caller compares both."""
    statement = (
        select(
            cards.c.card,
            cards.c.ehr.label("ehr_id"),
            cards.c.at,
            calls.c.patient_hash,
            calls.c.service,
            calls.c.hook,
            cards.c.rule,
            cards.c.indicator,
            cards.c.drug,
            cards.c.severity,
        )
        .join(calls, calls.c.id == cards.c.call)
        .where(cards.c.card == card.lower(), cards.c.hidden.is_(None))
        .order_by(cards.c.at.desc())
        .limit(1)
    )
    row = database.single(engine, lambda connection: connection.execute(statement).first())
    return None if row is None else ShownCard(**row._mapping)
