"""Every table is purged, each by its own time."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from store import drafts, launches, pending
from store.feedback import add_feedback
from store.launches import LONGEST, Kept
from store.purge import Retention, purge
from store.replay import KEPT_AFTER, Replay
from store.story import record_call
from store.tables import metadata
from tests.store.build import ISSUER, NOW, SEAL, call, card, overridden, rows, shown

TABLES = set(metadata.tables)
SECOND = timedelta(seconds=1)
TEN_MINUTES = timedelta(minutes=10)


def fill(engine: Engine) -> None:
    """One row in each table, as of NOW."""
    record = shown(engine)
    add_feedback(engine, SEAL, "north", [overridden(record, comment="words")], NOW)
    drafts.keep(engine, SEAL, "north", record.card, "patient-1", b"{}", NOW)
    pending.ask(engine, "id", "north", "cookie", "jar", "state", b"", NOW, NOW + TEN_MINUTES)
    launch = Kept(
        handle="handle",
        ehr_id="north",
        cookie="cookie",
        user_hash=None,
        patient_hash="patient-1",
        at=NOW,
        sealed=b"",
    )
    launches.add(engine, launch, "0" * 32)
    Replay(engine, NOW.timestamp).first_use(ISSUER, "a", NOW.timestamp() + 300)
    assert {name: len(rows(engine, table)) for name, table in metadata.tables.items()} == (
        dict.fromkeys(TABLES, 1)
    )


def deleted(engine: Engine, now: datetime, **retention: timedelta) -> set[str]:
    """The tables whose row is gone now; what purge counted is what is gone."""
    before = {name: len(rows(engine, table)) for name, table in metadata.tables.items()}
    counted = purge(engine, now, Retention(**retention))
    after = {name: len(rows(engine, table)) for name, table in metadata.tables.items()}
    assert counted == {name: before[name] - after[name] for name in TABLES}
    return {name for name, count in counted.items() if count}


def test_every_table_is_purged_in_its_time(engine: Engine) -> None:
    fill(engine)
    day = timedelta(days=1)
    assert deleted(engine, NOW) == set()
    assert deleted(engine, NOW + timedelta(seconds=300) + KEPT_AFTER) == set()
    assert deleted(engine, NOW + timedelta(seconds=301) + KEPT_AFTER) == {"replay"}
    assert deleted(engine, NOW + TEN_MINUTES) == set()
    assert deleted(engine, NOW + TEN_MINUTES + SECOND) == {"pending"}
    assert deleted(engine, NOW + LONGEST) == set()
    assert deleted(engine, NOW + LONGEST + SECOND) == {"launches"}
    assert deleted(engine, NOW + day) == set()
    assert deleted(engine, NOW + day + SECOND) == {"drafts"}
    assert deleted(engine, NOW + 90 * day) == set()
    assert deleted(engine, NOW + 90 * day + SECOND) == {"comments"}
    assert deleted(engine, NOW + 400 * day) == set()
    assert deleted(engine, NOW + 400 * day + SECOND) == {"feedback"}
    # Whole days, so by the end of the day.
    assert deleted(engine, NOW + 401 * day) == {"calls", "cards"}
    assert all(rows(engine, table) == [] for table in metadata.tables.values())


def test_the_site_may_keep_for_longer_or_less_long(engine: Engine) -> None:
    fill(engine)
    week = timedelta(days=7)
    assert deleted(engine, NOW + 2 * week, calls=week, comments=week, feedback=20 * week) == (
        {"calls", "cards", "comments", "replay", "drafts", "pending", "launches"}
    )


def test_comments_go_with_their_feedback(engine: Engine) -> None:
    fill(engine)
    long = timedelta(days=1000)
    purge(engine, NOW + timedelta(days=500), Retention(comments=long))
    assert rows(engine, metadata.tables["comments"]) == []


def test_feedback_that_suppression_needs_cannot_be_purged() -> None:
    with pytest.raises(ValueError, match="90 days"):
        Retention(feedback=timedelta(days=89))


def test_many_rows_are_purged_and_what_is_fresh_stays(engine: Engine) -> None:
    old = call(at=NOW - timedelta(days=500))
    record_call(engine, old, [card() for _ in range(1300)])
    fresh = shown(engine)
    assert purge(engine, NOW)["cards"] == 1300
    assert [row.card for row in rows(engine, metadata.tables["cards"])] == [fresh.card]
    assert len(rows(engine, metadata.tables["calls"])) == 1


def test_a_second_purge_finds_nothing(engine: Engine) -> None:
    fill(engine)
    later = NOW + timedelta(days=500)
    assert set(purge(engine, later).values()) == {1}
    assert set(purge(engine, later).values()) == {0}
