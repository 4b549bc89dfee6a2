"""What the store adds to a call. The figures are printed, not judged: the machine is shared."""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Engine

from store.feedback import add_feedback, past
from store.replay import Replay
from store.story import record_call
from tests.store.build import ISSUER, NOW, SEAL, call, card, overridden, shown

TIMES = 300


def milliseconds(work: Callable[[], object]) -> list[float]:
    """The times of one run each, after a few to warm up."""
    found = []
    for _ in range(TIMES + 20):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found[20:]


def test_what_a_call_costs_is_printed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    used, numbers = Replay(engine), count()
    answers = [(call(), [card(), card()]) for _ in range(TIMES + 20)]
    given = iter(answers)
    record = shown(engine)
    moments = (NOW + timedelta(seconds=number) for number in count())
    measured = {
        "replay entry": lambda: used.first_use(ISSUER, str(next(numbers)), time.time() + 300),
        "call and two cards": lambda: record_call(engine, *next(given)),
        "past overrides": lambda: past(engine, "north", "patient-1", "user-1", NOW),
        "feedback (to disk)": lambda: add_feedback(
            engine, SEAL, "north", [overridden(record, at=next(moments))], NOW
        ),
    }
    with capsys.disabled():
        for name, work in measured.items():
            times = milliseconds(work)
            low, middle, high = (
                statistics.quantiles(times, n=20)[0],
                *(statistics.quantiles(times, n=20)[at] for at in (9, 18)),
            )
            sys.stdout.write(
                f"\n{engine.name}: {name}: {middle:.3f} ms (5 % {low:.3f}, 95 % {high:.3f})"
            )
