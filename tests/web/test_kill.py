"""Feedback that was answered with 200 survives `kill -9` of the server, however often."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from store.tables import feedback
from tests.demo.bodies import raw
from tests.demo.client import Client
from tests.demo.server import ROOT, free_port, new_database, process, wait_until_ready

ROUNDS = 4
SENDERS = 4
ENOUGH = 25


@pytest.mark.req("CH-121", "CH-122")
def test_feedback_that_was_answered_outlives_the_server(tmp_path: Path) -> None:
    database = new_database()
    acknowledged: set[str] = set()
    times = itertools.count(1_700_000_000)
    for number in range(ROUNDS):
        log, port = tmp_path / f"log{number}", free_port()
        variables = {"CHARTSIDE_MODE": "development", "CHARTSIDE_DATABASE": database}
        served = ROOT / "tests" / "demo" / "served"
        options = ("--port", str(port), "--workers", "1")
        with process(*options, cwd=served, log=log, **variables) as running:
            wait_until_ready(running, port, log)
            client = Client(f"http://127.0.0.1:{port}")
            card = client.call("demo-patient-view", raw("patient-view")).cards[0]["uuid"]
            enough = threading.Event()
            with ThreadPoolExecutor(SENDERS) as pool:
                senders = [
                    pool.submit(_send, port, card, times, acknowledged, enough)
                    for _ in range(SENDERS)
                ]
                assert enough.wait(20)
                # In the midst of it, without a chance to finish anything.
                os.killpg(running.pid, signal.SIGKILL)
            for sender in senders:
                sender.result()
    assert len(acknowledged) >= ROUNDS * ENOUGH / SENDERS
    assert acknowledged <= _stored(database)


def _send(
    port: int,
    card: str,
    times: itertools.count[int],
    acknowledged: set[str],
    enough: threading.Event,
) -> None:
    """Overrides at ever new times, one after another, until the server is gone."""
    mine = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError, http.client.HTTPException):
        while True:
            at = f"{datetime.fromtimestamp(next(times), UTC):%Y-%m-%dT%H:%M:%SZ}"
            item = {"card": card, "outcome": "overridden", "outcomeTimestamp": at}
            connection.request(
                "POST",
                "/cds-services/demo-patient-view/feedback",
                json.dumps({"feedback": [item]}),
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            acknowledged.add(f"{card} {at}")
            mine += 1
            if mine * SENDERS >= ENOUGH:
                enough.set()


def _stored(database: str) -> set[str]:
    engine = create_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(select(feedback.c.card, feedback.c.outcome_at)).all()
    engine.dispose()
    return {f"{row.card} {row.outcome_at:%Y-%m-%dT%H:%M:%SZ}" for row in rows}
