"""What the parts of a call take by themselves, in this process: signature check and store."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from joserfc.jws import JWSRegistry
from sqlalchemy import Engine

from benchmarks.table import Row, show
from benchmarks.tokens import ISSUER, PAIRS
from store import database
from store.feedback import past
from store.overrides import HIDDEN_FOR, Subject
from store.replay import Replay
from store.story import Call, CardRecord, record_call

_WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of each time that it was done, and of processor time of this thread."""

    lasted: list[float]
    cpu: list[float]


def signature_check(algorithm: str) -> float:
    """Seconds of processor time, by the library that the server uses."""
    pair = PAIRS[algorithm]
    verify = JWSRegistry(algorithms=[algorithm]).get_alg(algorithm).verify
    signed = b"." * 400
    signature = pair.sign(signed)

    def check(_: int) -> None:
        if not verify(signed, signature, pair.key):
            raise RuntimeError(f"{algorithm} does not verify")

    taken = Taken([], [])
    for number in range(300):
        _time(check, number, taken)
    return median(taken.cpu)


def taken(stores: Mapping[str, str], number: int) -> dict[tuple[str, str], Taken]:
    """What was done so many times with each of these databases, by what and where: in turns, so
    that a busy moment of the machine falls on all.
    """
    works: dict[tuple[str, str], Callable[[int], None]] = {}
    engines = []
    for name, url in stores.items():
        engine = database.connect(url)
        engines.append(engine)
        database.migrate(engine)
        works |= {(what, name): work for what, work in _works(engine).items()}
    found = {key: Taken([], []) for key in works}
    for turn in range(_WARM_UP + number):
        for key, work in works.items():
            _time(work, turn, found[key])
    for engine in engines:
        engine.dispose()
    return {key: Taken(each.lasted[_WARM_UP:], each.cpu[_WARM_UP:]) for key, each in found.items()}


def tell(taken: Mapping[tuple[str, str], Taken]) -> None:
    """Print what was taken."""
    rows: list[Row] = [
        (
            f"{what}, {where}",
            f"{median(each.lasted) * 1e6:,.0f}",
            f"{sorted(each.lasted)[int(len(each.lasted) * 0.99)] * 1e6:,.0f}",
            f"{median(each.cpu) * 1e6:,.0f}",
        )
        for (what, where), each in sorted(taken.items())
    ]
    show(
        "What the store takes, in process, one thread",
        f"us; medians of {len(next(iter(taken.values())).lasted)}",
        ("", "lasts", "p99", "CPU"),
        rows,
    )


def _works(engine: Engine) -> dict[str, Callable[[int], None]]:
    replay = Replay(engine)

    def first_use(number: int) -> None:
        if not replay.first_use(ISSUER, f"{number}-{uuid.uuid4()}", time.time() + 300):
            raise RuntimeError("a new token is taken for a used one")

    def look_up(number: int) -> None:
        past(engine, "benchmark", "patient", "user", datetime.now(UTC) - HIDDEN_FOR)

    return {
        "replay check": first_use,
        "overrides looked up": look_up,
        "record, 1 card": lambda number: _record(engine, 1),
        "record, 4 cards": lambda number: _record(engine, 4),
    }


def _record(engine: Engine, cards: int) -> None:
    call = Call(
        ehr_id="benchmark",
        at=datetime.now(UTC),
        service="care-gaps",
        hook="patient-view",
        version="1.0.0",
        hook_instance=str(uuid.uuid4()),
        patient_hash="0" * 32,
        user_hash="1" * 32,
    )
    subject = Subject("diabetes.hba1c-overdue", "info")
    records = [
        CardRecord(card=str(uuid.uuid4()), finding_hash="2" * 32, subject=subject)
        for _ in range(cards)
    ]
    record_call(engine, call, records)


def _time(work: Callable[[int], None], number: int, into: Taken) -> None:
    began, began_cpu = time.perf_counter(), time.thread_time()
    work(number)
    into.cpu.append(time.thread_time() - began_cpu)
    into.lasted.append(time.perf_counter() - began)
