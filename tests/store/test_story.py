"""Calls and cards: added whole, once, and never changed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from store import StoreError
from store.overrides import Subject
from store.story import record_call
from store.tables import calls, cards
from tests.store.build import METFORMIN, NOW, call, card, rows


def test_a_call_is_stored_with_its_source_and_its_cards(engine: Engine) -> None:
    said = call(gaps=2, took_ms=41)
    out = card()
    left = card(finding_hash="finding-2", subject=Subject("gap.hba1c", "info"), hidden="limit")
    record_call(engine, said, [out, left])
    (row,) = rows(engine, calls)
    assert (row.ehr, row.at, row.service, row.hook, row.version) == (
        *("north", NOW, "medication-safety", "order-sign", "1.0.0"),
    )
    assert row.hook_instance == said.hook_instance
    assert (row.patient_hash, row.user_hash, row.gaps, row.took_ms) == (
        *("patient-1", "user-1", 2, 41),
    )
    first, second = sorted(rows(engine, cards), key=lambda each: each.finding_hash)
    assert (first.call, first.card, first.ehr, first.at) == (row.id, out.card, "north", NOW)
    assert Subject(first.rule, first.indicator, first.drug, first.severity) == METFORMIN
    assert (tuple(first.suggestions), first.hidden) == (out.suggestions, None)
    assert (second.card, second.drug, second.severity, second.hidden) == (
        *(left.card, None, None, "limit"),
    )


def test_a_call_without_cards_is_stored(engine: Engine) -> None:
    record_call(engine, call(user_hash=None), [])
    assert len(rows(engine, calls)) == 1
    assert rows(engine, cards) == []


@pytest.mark.req("CH-038")
def test_a_repeated_call_adds_nothing(engine: Engine) -> None:
    said, out = call(), [card(), card()]
    record_call(engine, said, out)
    before = rows(engine, calls), rows(engine, cards)
    upper = replace(said, hook_instance=said.hook_instance.upper())
    for again in (said, replace(said, at=NOW + timedelta(seconds=3), took_ms=9), upper):
        record_call(engine, again, out[::-1])
    assert (rows(engine, calls), rows(engine, cards)) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"ehr_id": "south"},
        {"patient_hash": "patient-2"},
        {"user_hash": "user-2"},
        {"user_hash": None},
        {"hook": "order-select"},
        {"version": "1.0.1"},
        {"at": NOW + timedelta(days=1)},
    ],
    ids=str,
)
def test_the_same_hook_instance_does_not_make_two_calls_one(
    engine: Engine, changed: dict[str, Any]
) -> None:
    said, out = call(), card()
    record_call(engine, said, [out])
    record_call(engine, replace(said, **changed), [out])
    assert len(rows(engine, calls)) == len(rows(engine, cards)) == 2


def test_another_answer_to_the_same_call_is_added_beside_the_first(engine: Engine) -> None:
    said, out = call(), card()
    worse = replace(out, subject=replace(METFORMIN, severity=-31.0))
    for answer in ([out], [worse], [out], [replace(out, hidden="acknowledged")], []):
        record_call(engine, said, answer)
    assert sorted((row.severity, row.hidden or "") for row in rows(engine, cards)) == [
        (-35.0, ""),
        (-35.0, "acknowledged"),
        (-31.0, ""),
    ]
    assert len(rows(engine, calls)) == 4


def test_a_call_is_stored_with_all_its_cards_or_not_at_all(engine: Engine) -> None:
    broken = card(finding_hash=None)
    with pytest.raises(StoreError):
        record_call(engine, call(), [card(), broken, card()])
    assert rows(engine, calls) == []
    assert rows(engine, cards) == []
    record_call(engine, call(), [card()])
    assert len(rows(engine, cards)) == 1
