"""What was said: each call and its cards, added and never changed.

A repeated call adds nothing. It is one that gets the same answer on the same day; a hookInstance
alone does not tell, since some clients send the same one for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Engine, bindparam, cast, column, func, select

from store import database
from store.hashes import digest
from store.overrides import Subject
from store.statements import driver, sql
from store.tables import KEY, Insert, adding, calls, cards, json, ticks

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One answer to a service call. `version`: of the server, and with it of the rules."""

    ehr_id: str
    at: datetime
    service: str
    hook: str
    version: str
    hook_instance: str
    patient_hash: str
    user_hash: str | None = None
    gaps: int = 0
    took_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRecord:
    """One finding of an answer. `hidden`: why it was left out, None if its card went out."""

    card: str
    finding_hash: str
    subject: Subject
    suggestions: tuple[str, ...] = ()
    hidden: str | None = None


def record_call(engine: Engine, call: Call, records: Sequence[CardRecord]) -> None:
    """Add a call and all that it found, in one transaction."""
    call_row = _call_row(call, records)
    card_rows = [_card_row(call_row, each) for each in records]

    add = _on_sqlite if engine.name == "sqlite" else _on_postgresql
    database.single(engine, lambda connection: add(driver(connection), call_row, card_rows))


def _on_sqlite(driver: Any, call_row: Row, card_rows: list[Row]) -> None:
    with driver:  # which commits at the end, or rolls back
        driver.execute("BEGIN IMMEDIATE")
        if driver.execute(sql(adding(calls, "sqlite"), "sqlite"), call_row).rowcount:
            rows = [{**each, "suggestions": json(each["suggestions"])} for each in card_rows]
            driver.executemany(sql(adding(cards, "sqlite"), "sqlite"), rows)


def _on_postgresql(driver: Any, call_row: Row, card_rows: list[Row]) -> None:
    driver.execute(sql(_AT_ONCE, "postgresql"), {**call_row, "found": json(card_rows)})


def _at_once() -> Insert:
    """A call and its cards in one statement of PostgreSQL: one round trip instead of four."""
    added = adding(calls, "postgresql").returning(calls.c.id).cte("added")
    found = (
        func.json_to_recordset(cast(bindparam("found"), JSON))
        .table_valued(*(column(each.name, each.type) for each in cards.c), name="found")
        .render_derived(with_types=True)
    )
    rows = select(*found.c).join_from(found, added, found.c.call == added.c.id)
    return adding(cards, "postgresql").from_select(list(cards.c), rows)


_AT_ONCE = _at_once()


def _call_row(call: Call, records: Sequence[CardRecord]) -> Row:
    # The key begins with the day, so that old days are purged without an index.
    day = f"{call.at.astimezone(UTC):%Y%m%d}"
    instance = call.hook_instance.lower()
    said = digest(
        *(call.ehr_id, call.service, call.hook, call.version, instance),
        *(call.patient_hash, call.user_hash or ""),
        *sorted(map(json, records)),
    )
    return {
        "id": (day + said)[:KEY],
        "ehr": call.ehr_id,
        "at": ticks(call.at),
        "service": call.service,
        "hook": call.hook,
        "version": call.version,
        "hook_instance": instance,
        "patient_hash": call.patient_hash,
        "user_hash": call.user_hash,
        "gaps": call.gaps,
        "took_ms": call.took_ms,
    }


def _card_row(call_row: Row, record: CardRecord) -> Row:
    return {
        "call": call_row["id"],
        "card": record.card.lower(),
        "ehr": call_row["ehr"],
        "at": call_row["at"],
        "finding_hash": record.finding_hash,
        "rule": record.subject.rule,
        "indicator": record.subject.indicator,
        "drug": record.subject.drug,
        "severity": record.subject.severity,
        "suggestions": record.suggestions,
        "hidden": record.hidden,
    }
