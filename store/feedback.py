"""What users did with their cards (CDS Hooks, Feedback), added and never changed.

A repeated item adds nothing: it is one with the same card, outcome, time and suggestions. It counts
only if this EHR got the card; what the card was about is copied from its record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, literal_column, select

from store import database, tables
from store.hashes import digest
from store.overrides import RANKS, Outcome, Past, Subject
from store.sealing import Seal
from store.statements import driver, sql
from store.tables import EPOCH, KEY, adding, instant, ticks

# What stands for a reason's code or system that looks like neither: it may be anyone's words.
UNFIT = "unfit"
_CODE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SYSTEM = re.compile(r"[!-~]{1,200}")

_AT_ONCE = 500  # a database takes only so many parameters in one statement
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackItem:
    """One item as the EHR sent it. `at`: its outcomeTimestamp. `suggestions`: those accepted.

    `comment` is in the user's own words; it is stored encrypted.
    """

    card: str
    outcome: Outcome
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason_code: str | None = None
    reason_system: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: items added, items that were there, items on no card of theirs."""

    added: int
    repeated: int
    dropped: int


def add_feedback(
    engine: Engine, seal: Seal, ehr_id: str, items: Sequence[FeedbackItem], at: datetime
) -> Stored:
    """Add the items, all or none; once this has returned they outlive a power cut.

    `at`: when they came.
    """
    shown = _shown(engine, ehr_id, sorted({item.card.lower() for item in items}))
    ours = [item for item in items if item.card.lower() in shown]
    rows: dict[str, dict[str, Any]] = {}
    comments: dict[str, dict[str, Any]] = {}
    for item in ours:
        row = {**shown[item.card.lower()], **_told(item, ehr_id), "ehr": ehr_id, "at": at}
        rows.setdefault(row["id"], row)
        if item.comment:
            sealed = seal.seal(_encoded(item.comment), "comment", ehr_id, row["id"])
            comment = {"feedback": row["id"], "ehr": ehr_id, "at": at, "sealed": sealed}
            comments.setdefault(row["id"], comment)

    def add(connection: Connection) -> int:
        statement = adding(tables.feedback, engine.name)
        added = connection.execute(statement, list(rows.values())).rowcount
        if comments:
            connection.execute(adding(tables.comments, engine.name), list(comments.values()))
        return added

    added = database.write(engine, add, durable=True) if rows else 0
    return Stored(added, len(ours) - added, len(items) - len(ours))


def _told(item: FeedbackItem, ehr_id: str) -> dict[str, Any]:
    card = item.card.lower()
    suggestions = sorted({each.lower() for each in item.suggestions})
    key = digest(ehr_id, card, item.outcome, str(ticks(item.at)), *suggestions)
    return {
        "id": key[:KEY],
        "card": card,
        "outcome": item.outcome,
        "outcome_at": max(EPOCH, min(item.at, _LATEST)),
        "suggestions": suggestions,
        "reason_code": _fit(item.reason_code, _CODE),
        "reason_system": _fit(item.reason_system, _SYSTEM),
    }


def _fit(text: str | None, form: re.Pattern[str]) -> str | None:
    return text if text is None or form.fullmatch(text) else UNFIT


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_cards, _calls = tables.cards.c, tables.calls.c
_SHOWN = (
    select(
        *(_cards[name] for name in ("card", "call", "finding_hash", "rule", "drug")),
        *(_cards[name] for name in ("indicator", "severity")),
        *(_calls[name] for name in ("service", "hook", "version", "patient_hash", "user_hash")),
    )
    .join(tables.calls)
    .where(
        _cards.card.in_(bindparam("cards", expanding=True)),
        _cards.ehr == bindparam("ehr"),
        _cards.hidden.is_(None),
    )
    .order_by(_cards.card, _cards.call)
)


def _shown(engine: Engine, ehr_id: str, cards: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Which of these cards this EHR got, and what they were about."""
    found: dict[str, list[Row[Any]]] = {}
    for start in range(0, len(cards), _AT_ONCE):
        for row in _went_out(engine, ehr_id, cards[start : start + _AT_ONCE]):
            found.setdefault(row.card, []).append(row)
    return {card: _as_one(rows) for card, rows in found.items()}


def _went_out(engine: Engine, ehr_id: str, cards: Sequence[str]) -> Sequence[Row[Any]]:
    keys = {"ehr": ehr_id, "cards": cards}
    return database.single(engine, lambda connection: connection.execute(_SHOWN, keys).all())


def _as_one(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """A card that went out more than once, with other values or to another user.

    Nobody knows which one the feedback is about, so it is put down as about the mildest, and as
    from nobody where there were several users: that hides least.
    """
    severities = [row.severity for row in rows]
    users = {row.user_hash for row in rows}
    return {
        **rows[-1]._mapping,
        "indicator": min((row.indicator for row in rows), key=RANKS.index),
        "severity": None if None in severities else min(severities),
        "user_hash": users.pop() if len(users) == 1 else None,
    }


_feedback = tables.feedback.c
# More than any chart and user need; older ones hide nothing newer.
_MOST_PAST = 200
_PAST = (
    select(
        *(_feedback[name] for name in ("rule", "indicator", "drug", "severity")),
        *(_feedback[name] for name in ("outcome", "reason_code", "at", "outcome_at")),
    )
    .where(
        _feedback.patient_hash == bindparam("patient"),
        _feedback.user_hash == bindparam("user"),
        _feedback.ehr == bindparam("ehr"),
        _feedback.at >= bindparam("since"),
    )
    .order_by(_feedback.at.desc())
    # As text: whoever asks gives the names above and nothing else.
    .limit(literal_column(str(_MOST_PAST)))
    .offset(literal_column("0"))
)


def past(
    engine: Engine, ehr_id: str, patient_hash: str, user_hash: str | None, since: datetime
) -> tuple[Past, ...]:
    """What this user did with cards of this patient since then, for `overrides.hides`."""
    if user_hash is None:
        return ()
    keys = {"ehr": ehr_id, "patient": patient_hash, "user": user_hash, "since": ticks(since)}
    select = sql(_PAST, engine.name)
    rows = database.single(engine, lambda it: driver(it).execute(select, keys).fetchall())
    return tuple(
        Past(
            subject=Subject(rule, indicator, drug, severity),
            outcome=outcome,
            # An EHR whose clock is ahead does not hide a card for longer.
            at=instant(min(at, outcome_at)),
            reason=reason,
        )
        for rule, indicator, drug, severity, outcome, reason, at, outcome_at in rows
    )
