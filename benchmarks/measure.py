"""Side by side: the same cell for every contender in turn, in shuffled rounds.

Each figure of a contender has a figure of the others from the same seconds, so that a busy moment
of the machine falls on both sides of a ratio. What is told is the median of the rounds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import load
from benchmarks.servers import Server, cpu
from benchmarks.tokens import Stock

_WARM_UP = 0.15
# Calls a second that a warm-up has tokens for, and how much faster than it the run itself may be.
_GUESS = 1500
_FASTER = 1.5
# For one that does not answer each connection in that time: what is cut off at the end would count.
_LONGER = 4


@dataclass(frozen=True, slots=True)
class Contender:
    """A service on a server, with the file of its body for each size.

    `stock`: the tokens of its calls, None if they carry none. `database`: the id of the process
    whose processor time is told apart.
    """

    name: str
    server: Server
    service: str
    bodies: Mapping[str, Path]
    stock: Stock | None = None
    database: int | None = None

    def answer(self, size: str) -> bytes:
        """The answer to one call."""
        token = self.stock.one() if self.stock else None
        return self.server.post(self.service, self.bodies[size].read_bytes(), token)

    def load(self, size: str, connections: int, seconds: float, rate: float) -> load.Figures:
        """Calls for so many seconds; `rate`: so many a second are expected at the most."""
        url, body = self.server.url(self.service), self.bodies[size]
        if self.stock is None:
            return load.run(url, body, connections, seconds)
        wanted = math.ceil(rate * seconds) + connections
        for _ in range(5):
            tokens = self.stock.at_least(wanted)
            figures = load.run(url, body, connections, seconds, tokens)
            self.stock.used(figures.sent)
            if figures.sent <= len(tokens):
                return figures
            wanted *= 3
        raise RuntimeError(f"{self.name}: {figures.sent} calls, {len(tokens)} tokens")


@dataclass(frozen=True, slots=True)
class Sample:
    """A contender in one cell of one round: calls a second, milliseconds, CPU seconds a call.

    `client`, `database`: their CPU seconds a call.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    client: float
    database: float


Samples = dict[tuple[str, str, int], list[Sample]]


def rounds(
    contenders: Sequence[Contender],
    sizes: Sequence[str],
    connections: Sequence[int],
    number: int,
    seconds: float,
) -> Samples:
    """A sample of every contender, size and number of connections in every round."""
    samples: Samples = {}
    for done in range(number):
        print(f"round {done + 1} of {number} ...", flush=True)
        cells = [(size, open_) for size in sizes for open_ in connections]
        for size, open_ in random.sample(cells, len(cells)):
            for contender in random.sample(contenders, len(contenders)):
                sample = _sample(contender, size, open_, seconds)
                samples.setdefault((contender.name, size, open_), []).append(sample)
    return samples


def of(samples: Sequence[Sample], figure: str) -> float:
    """The median of one figure."""
    return float(median(getattr(sample, figure) for sample in samples))


def ratios(one: Sequence[Sample], other: Sequence[Sample], figure: str = "rate") -> list[float]:
    """One's figure over the other's, round by round."""
    pairs = zip(one, other, strict=True)
    return [getattr(left, figure) / getattr(right, figure) for left, right in pairs]


def _sample(contender: Contender, size: str, connections: int, seconds: float) -> Sample:
    server, database = contender.server, contender.database
    warm = contender.load(size, connections, _WARM_UP, _GUESS)
    server.drain()
    if warm.calls < connections:
        seconds *= _LONGER
    expected = _FASTER * (warm.calls + connections) / _WARM_UP
    if contender.stock:
        contender.stock.at_least(math.ceil(expected * seconds))
    before, database_before = server.cpu, cpu(database) if database else 0.0
    figures = contender.load(size, connections, seconds, expected)
    server.drain()
    if figures.failed or not figures.calls:
        where = f"{contender.name}, {size}, {connections} connections"
        raise RuntimeError(f"{where}: {figures.failed} of {figures.calls} calls failed")
    return Sample(
        figures.calls / figures.seconds,
        figures.p50,
        figures.p99,
        # The clock of CPU time ticks a hundred times a second.
        max(server.cpu - before, 0.01) / figures.calls,
        figures.cpu / figures.calls,
        (cpu(database) - database_before) / figures.calls if database else 0.0,
    )
