"""Feedback: whole batches, once, and only from the EHR that got the card."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, text

from store import StoreError, database
from store.feedback import UNFIT, FeedbackItem, Stored, add_feedback, past
from store.overrides import HIDDEN_FOR, Past, Subject, hides
from store.story import record_call
from store.tables import comments, feedback
from tests.store.build import METFORMIN, NOW, SEAL, accepted, call, card, overridden, rows, shown

SINCE = NOW - HIDDEN_FOR
LATER = NOW + timedelta(minutes=5)


def add(engine: Engine, *items: FeedbackItem, ehr_id: str = "north") -> Stored:
    return add_feedback(engine, SEAL, ehr_id, items, LATER)


def seen_by(engine: Engine, patient: str = "patient-1", user: str | None = "user-1") -> list[Past]:
    return list(past(engine, "north", patient, user, SINCE))


@pytest.mark.req("CH-118")
def test_feedback_is_stored_with_what_its_card_was_about(engine: Engine) -> None:
    record = shown(engine)
    reason = {"reason_code": "will-monitor", "reason_system": "urn:chartside:override-reasons"}
    assert add(engine, overridden(record, **reason)) == Stored(1, 0, 0)
    (row,) = rows(engine, feedback)
    assert (row.ehr, row.at, row.service, row.hook, row.version) == (
        *("north", LATER, "medication-safety", "order-sign", "1.0.0"),
    )
    assert (row.card, row.outcome, row.outcome_at) == (record.card, "overridden", NOW)
    assert (row.reason_code, row.reason_system) == (*reason.values(),)
    assert (row.patient_hash, row.user_hash, row.finding_hash) == (
        *("patient-1", "user-1", "finding-1"),
    )
    assert Subject(row.rule, row.indicator, row.drug, row.severity) == METFORMIN


@pytest.mark.req("CH-121")
def test_a_repeated_item_adds_nothing(engine: Engine) -> None:
    record = shown(engine)
    batch = (accepted(record), overridden(record), accepted(record))
    assert add(engine, *batch) == Stored(2, 1, 0)
    before = rows(engine, feedback)
    assert add(engine, *batch) == Stored(0, 3, 0)
    other_form = overridden(
        replace(record, card=record.card.upper()),
        at=NOW.astimezone(timezone(timedelta(hours=2))),
        reason_code="will-monitor",
        comment="said only now",
    )
    assert add(engine, other_form) == Stored(0, 1, 0)
    assert rows(engine, feedback) == before


@pytest.mark.req("CH-121")
def test_the_order_of_the_suggestions_makes_no_other_item(engine: Engine) -> None:
    record = shown(engine)
    for suggestions in (("a", "b"), ("b", "a"), ("A", "b", "b")):
        add(engine, accepted(record, suggestions=suggestions))
    (row,) = rows(engine, feedback)
    assert row.suggestions == ["a", "b"]


@pytest.mark.req("CH-121")
def test_another_outcome_time_or_suggestion_is_another_item(engine: Engine) -> None:
    record = shown(engine)
    items = (
        overridden(record),
        accepted(record),
        accepted(record, suggestions=("a",)),
        accepted(record, at=NOW + timedelta(microseconds=1)),
    )
    assert add(engine, *items) == Stored(4, 0, 0)


def test_the_same_feedback_from_20_threads_is_stored_once(engine: Engine) -> None:
    record = shown(engine)
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(lambda _: add(engine, overridden(record)), range(20)))
    assert sum(each.added for each in found) == 1
    assert len(rows(engine, feedback)) == 1


@pytest.mark.req("CH-126")
def test_feedback_counts_only_from_the_ehr_that_got_the_card(engine: Engine) -> None:
    theirs, ours = shown(engine, ehr_id="south"), shown(engine)
    assert add(engine, overridden(theirs), overridden(ours)) == Stored(1, 0, 1)
    assert [row.card for row in rows(engine, feedback)] == [ours.card]
    assert add(engine, overridden(ours), ehr_id="south") == Stored(0, 0, 1)


@pytest.mark.req("CH-123")
def test_feedback_on_a_card_that_never_went_out_is_dropped(engine: Engine) -> None:
    hidden = card(hidden="limit")
    record_call(engine, call(), [hidden])
    assert add(engine, overridden(hidden), overridden(card())) == Stored(0, 0, 2)
    assert rows(engine, feedback) == []


@pytest.mark.req("CH-125")
def test_an_empty_batch_is_fine(engine: Engine) -> None:
    assert add(engine) == Stored(0, 0, 0)


@pytest.mark.req("CH-122")
def test_a_batch_is_stored_whole_or_not_at_all(engine: Engine) -> None:
    record, other = shown(engine), shown(engine)
    database.single(engine, lambda it: it.execute(text("ALTER TABLE comments RENAME TO gone")))
    with pytest.raises(StoreError):
        add(engine, overridden(record), overridden(other, comment="cannot be stored"))
    assert rows(engine, feedback) == []
    database.single(engine, lambda it: it.execute(text("ALTER TABLE gone RENAME TO comments")))
    assert add(engine, overridden(record), overridden(other, comment="can")) == Stored(2, 0, 0)


def test_a_batch_may_be_large(engine: Engine) -> None:
    records = [card() for _ in range(1200)]
    record_call(engine, call(), records)
    assert add(engine, *map(overridden, records)) == Stored(1200, 0, 0)
    assert add(engine, *map(overridden, records)) == Stored(0, 1200, 0)


@pytest.mark.req("CH-124")
def test_a_reason_of_the_clients_own_is_kept_if_it_looks_like_a_code(engine: Engine) -> None:
    record = shown(engine)
    told = {
        "patient-refuses": "patient-refuses",
        "Zofie says she will not": UNFIT,
        "x" * 65: UNFIT,
        "": UNFIT,
    }
    for number, reason in enumerate(told):
        add(
            engine,
            overridden(
                record,
                at=NOW + timedelta(seconds=number),
                reason_code=reason,
                reason_system="https://ehr.example/reasons" if number == 0 else "not one",
            ),
        )
    stored = sorted(rows(engine, feedback), key=lambda row: row.outcome_at)
    assert [row.reason_code for row in stored] == list(told.values())
    assert [row.reason_system for row in stored] == [
        *("https://ehr.example/reasons", UNFIT, UNFIT, UNFIT),
    ]


def test_a_comment_is_stored_encrypted_and_opens_only_in_its_place(engine: Engine) -> None:
    first, second = shown(engine), shown(engine)
    words = "Žofie will not, \ud800"
    add(engine, overridden(first, comment=words), overridden(second, comment="another"))
    stored = {row.feedback: row for row in rows(engine, comments)}
    of_card = {row.card: row.id for row in rows(engine, feedback)}
    sealed = stored[of_card[first.card]].sealed
    assert b"will not" not in sealed
    assert SEAL.open(sealed, "comment", "north", of_card[first.card]) == words.encode(
        "utf-8", "surrogatepass"
    )
    assert SEAL.open(sealed, "comment", "north", of_card[second.card]) is None
    assert SEAL.open(sealed, "comment", "south", of_card[first.card]) is None


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12))),
    ],
)
def test_an_impossible_time_is_taken_and_hides_nothing_for_longer(
    engine: Engine, at: datetime
) -> None:
    record = shown(engine)
    assert add(engine, overridden(record, at=at)) == Stored(1, 0, 0)
    (known,) = seen_by(engine)
    assert known.at <= LATER
    assert not hides(METFORMIN, [known], LATER + HIDDEN_FOR)


def test_past_overrides_are_those_of_this_user_patient_and_ehr(engine: Engine) -> None:
    add(engine, overridden(shown(engine), reason_code="will-monitor"))
    assert seen_by(engine) == [
        Past(subject=METFORMIN, outcome="overridden", at=NOW, reason="will-monitor")
    ]
    assert seen_by(engine, user="user-2") == []
    assert seen_by(engine, user=None) == []
    assert seen_by(engine, patient="patient-2") == []
    assert past(engine, "south", "patient-1", "user-1", SINCE) == ()
    assert past(engine, "north", "patient-1", "user-1", LATER + timedelta(seconds=1)) == ()


def test_an_override_of_nobody_known_hides_from_nobody(engine: Engine) -> None:
    add(engine, overridden(shown(engine, user_hash=None)))
    assert len(rows(engine, feedback)) == 1
    assert seen_by(engine, user=None) == []


def test_a_card_that_went_out_with_several_values_is_overridden_at_the_mildest(
    engine: Engine,
) -> None:
    # One hookInstance for ever: nobody can tell which of the answers the user had in front.
    said, record = call(), card()
    mildest = Subject(METFORMIN.rule, "info", METFORMIN.drug, -44.0)
    for subject in (METFORMIN, mildest, replace(METFORMIN, severity=-31.0)):
        record_call(engine, said, [replace(record, subject=subject)])
    add(engine, overridden(record))
    (known,) = seen_by(engine)
    assert known.subject == mildest


def test_a_card_that_went_out_to_two_users_is_overridden_by_neither(engine: Engine) -> None:
    said, record = call(), card()
    for user in ("user-1", "user-2"):
        record_call(engine, replace(said, user_hash=user), [record])
    assert add(engine, overridden(record)) == Stored(1, 0, 0)
    assert seen_by(engine) == seen_by(engine, user="user-2") == []


def test_two_servers_see_each_others_feedback(url: str, engine: Engine) -> None:
    other = database.connect(url)
    record = shown(engine)
    assert add(other, overridden(record)) == Stored(1, 0, 0)
    assert len(seen_by(engine)) == 1
    other.dispose()
