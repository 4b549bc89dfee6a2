"""Side by side: the same cell for every contender in turn, in shuffled rounds.

Each figure of a contender has a figure of the others from the same seconds, so that a busy moment
of the machine falls on both sides of a ratio. What is told is the median of the rounds.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import load
from benchmarks.servers import Server

_WARM_UP = 0.15
# For one that does not answer each connection in that time: what is cut off at the end would count.
_LONGER = 4


@dataclass(frozen=True, slots=True)
class Contender:
    """A service on a server, with the file of its body for each size."""

    name: str
    server: Server
    service: str
    bodies: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Sample:
    """A contender in one cell of one round: calls a second, milliseconds, CPU seconds a call."""

    rate: float
    p50: float
    p99: float
    cpu: float


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
    server, body = contender.server, contender.bodies[size]
    url = server.url(contender.service)
    warm = load.run(url, body, connections, _WARM_UP)
    server.drain()
    if warm.calls < connections:
        seconds *= _LONGER
    before = server.cpu
    figures = load.run(url, body, connections, seconds)
    server.drain()
    if figures.failed or not figures.calls:
        where = f"{contender.name}, {size}, {connections} connections"
        raise RuntimeError(f"{where}: {figures.failed} of {figures.calls} calls failed")
    # The clock of CPU time ticks a hundred times a second.
    cpu = max(server.cpu - before, 0.01) / figures.calls
    return Sample(figures.calls / figures.seconds, figures.p50, figures.p99, cpu)
