"""Feedback that was acknowledged outlives a process that is killed at any moment."""

import random
from collections import Counter
from datetime import timedelta

from sqlalchemy import Engine

from store.story import CardRecord
from store.tables import EPOCH, calls, cards, comments, feedback
from tests.store import crew
from tests.store.build import rows, shown

ROUNDS = 25
PATIENCE = 20


def test_no_acknowledged_feedback_is_lost_when_the_process_is_killed(
    url: str, engine: Engine
) -> None:
    record = shown(engine)
    moments = random.Random(20)
    acknowledged: set[int] = set()
    for number in range(ROUNDS):
        acknowledged |= until_killed(url, record, number * 100_000, moments.randint(1, 40))
        stored = batches(engine)
        assert acknowledged <= set(stored)
        # Whatever it was doing when it was killed, it did the whole of it or nothing.
        assert set(stored.values()) == {crew.ITEMS}
    assert len(rows(engine, comments)) == len(rows(engine, feedback))
    assert len(rows(engine, calls)) == len(rows(engine, cards))


def until_killed(url: str, record: CardRecord, first: int, after: int) -> set[int]:
    """The batches that a process acknowledged; it is killed as soon as there are so many."""
    receiver, sender = crew.processes.Pipe(duplex=False)
    child = crew.processes.Process(target=crew.give_feedback, args=(url, record, first, sender))
    child.start()
    sender.close()
    heard: set[int] = set()
    try:
        while len(heard) < after:
            assert receiver.poll(PATIENCE), "the process gives no feedback"
            heard.add(receiver.recv())
    finally:
        child.kill()
    child.join(PATIENCE)
    try:
        while True:
            heard.add(receiver.recv())
    except EOFError:
        receiver.close()
        child.close()
    return heard


def batches(engine: Engine) -> Counter[int]:
    """How many items of each batch are stored."""
    return Counter(
        (row.outcome_at - EPOCH) // timedelta(seconds=1) for row in rows(engine, feedback)
    )
