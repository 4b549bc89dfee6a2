"""Feedback that was answered with 200 is kept, whatever becomes of the server a moment later.

A real server process is killed under load, many times, with all its workers; after each death the
database is read, and the next process goes on with the same one.
"""

import http.client
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from store import database, tables
from tests.demo.bodies import Json, body
from tests.demo.client import Client
from tests.demo.hospital import environment, running
from tests.demo.server import new_database
from tests.demo.signing import NORTH, stored

SERVICE = "demo-order-sign"
FIRST = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DEATHS = 8
BATCH = 3
SENDERS = 4


class Senders:
    """Send batches without end, until the server is gone; know which ones it took."""

    def __init__(self, card: Json, numbers: "count[int]") -> None:
        self.taken: list[datetime] = []
        self.enough = threading.Event()
        self._card = card
        self._numbers = numbers
        self._lock = threading.Lock()

    def send(self, client: Client, wanted: int) -> None:
        while True:
            with self._lock:
                times = [FIRST + timedelta(seconds=next(self._numbers)) for _ in range(BATCH)]
            items = [
                {
                    "card": self._card["uuid"],
                    "outcome": "overridden",
                    "outcomeTimestamp": at.isoformat(),
                    "overrideReason": {"userComment": "kept"},
                }
                for at in times
            ]
            try:
                status = NORTH.feedback(client, SERVICE, *items).status
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            with self._lock:
                self.taken += times
                if len(self.taken) >= wanted:
                    self.enough.set()


@pytest.mark.req("CH-118", "CH-122")
def test_feedback_that_was_answered_survives_a_killed_server(tmp_path: Path) -> None:
    url = new_database()
    engine = database.connect(url)
    database.migrate(engine)
    engine.dispose()
    variables = environment(tmp_path, url, NORTH)
    numbers = count()
    taken: list[datetime] = []
    for death in range(DEATHS):
        with running(tmp_path, f"log-{death}", **variables) as server:
            # A user of each life's own, who has not overridden this card before.
            sent = body("order-sign", edits={"context.userId": f"Practitioner/{death}"})
            senders = Senders(NORTH.call(server.client, SERVICE, sent).card, numbers)
            with ThreadPoolExecutor(SENDERS) as threads:
                sending = [
                    # A different moment of its life each time.
                    threads.submit(senders.send, server.client, BATCH * (1 + 3 * death))
                    for _ in range(SENDERS)
                ]
                assert senders.enough.wait(30)
                os.killpg(server.pid, signal.SIGKILL)
            for each in sending:
                each.result()
        taken += senders.taken
        kept = {row.outcome_at for row in stored(url, tables.feedback)}
        assert set(taken) <= kept
        # Batches are whole, those too to which no answer came.
        seconds = {int((at - FIRST).total_seconds()) for at in kept}
        assert {second - second % BATCH + step for second in seconds for step in range(BATCH)} == (
            seconds
        )
        assert len(stored(url, tables.comments)) == len(kept)
    assert len(taken) >= BATCH * DEATHS
