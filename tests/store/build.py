"""Calls, cards and feedback to store. All are about the same synthetic patient and user."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, Table, select

from store import database
from store.feedback import FeedbackItem
from store.overrides import Subject
from store.sealing import Seal
from store.story import Call, CardRecord, record_call

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SEAL = Seal("a secret of more than 32 characters")
ISSUER = "https://ehr.example/oauth2"
METFORMIN = Subject("renal.metformin.start", "warning", "metformin", -35.0)


def call(**changes: Any) -> Call:
    """A call of its own: another hookInstance each time."""
    given: dict[str, Any] = {
        "ehr_id": "north",
        "at": NOW,
        "service": "medication-safety",
        "hook": "order-sign",
        "version": "1.0.0",
        "hook_instance": str(uuid.uuid4()),
        "patient_hash": "patient-1",
        "user_hash": "user-1",
    }
    return Call(**{**given, **changes})


def card(**changes: Any) -> CardRecord:
    """A card of its own, about metformin."""
    given: dict[str, Any] = {
        "card": str(uuid.uuid4()),
        "finding_hash": "finding-1",
        "subject": METFORMIN,
        "suggestions": (str(uuid.uuid4()),),
    }
    return CardRecord(**{**given, **changes})


def shown(engine: Engine, *records: CardRecord, **changes: Any) -> CardRecord:
    """The first of these cards, or a new one, after a call that they answered."""
    records = records or (card(),)
    record_call(engine, call(**changes), records)
    return records[0]


def overridden(record: CardRecord, **changes: Any) -> FeedbackItem:
    """The user overrode this card."""
    return FeedbackItem(**{"card": record.card, "outcome": "overridden", "at": NOW, **changes})


def accepted(record: CardRecord, **changes: Any) -> FeedbackItem:
    """The user accepted this card's suggestions."""
    return overridden(
        record, **{"outcome": "accepted", "suggestions": record.suggestions, **changes}
    )


def rows(engine: Engine, table: Table) -> list[Row[Any]]:
    """All that the table holds."""
    return list(database.single(engine, lambda it: it.execute(select(table)).all()))
