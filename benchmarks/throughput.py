"""Calls a second of one worker: against a bare Flask view, and against the peer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import bodies, lineup, measure
from benchmarks.lineup import Comparison
from benchmarks.measure import Sample, Samples, of, ratios
from benchmarks.table import Row, at_least, at_most, show

CONNECTIONS = (1, 16)
_SHARE_OF_BARE = 0.6
_TIMES_PEER = {
    ("2 kB", 1): 2,
    ("100 kB", 1): 3,
    ("1000 kB", 1): 12,
    ("2 kB", 16): 6,
    ("100 kB", 16): 15,
    ("1000 kB", 16): 18,
}
_P99_OVER_P50 = 3
_CELLS = [(size, open_) for open_ in CONNECTIONS for size in bodies.SIZES]


def run(folder: Path, peer_python: Path | None, rounds: int, seconds: float) -> None:
    """Measure all contenders together and print what they did."""
    with ExitStack() as stack:
        compared = lineup.start(stack, folder, peer_python)
        samples = measure.rounds(
            compared.contenders, list(bodies.SIZES), CONNECTIONS, rounds, seconds
        )
    for pair in compared.bare:
        title = f"{pair.ours.name} / bare Flask view (typed decode of the body, fixed answer)"
        show(title, NOTE, _BARE_HEADER, [_bare_row(pair, cell, samples) for cell in _CELLS])
    for pair in compared.peer:
        title = f"{pair.ours.name} / HealthChain 0.16.1 on uvicorn, as installed"
        show(title, NOTE, _PEER_HEADER, [_peer_row(pair, cell, samples) for cell in _CELLS])
    noise(list(samples.values()))


NOTE = "calls/s: medians; ratio: median (lowest-highest) of the rounds; CPU: of the whole server"
_BARE_HEADER = (
    *("body, connections", "ours/s", "bare/s", "ratio", "rounds", "us CPU ours", "bare"),
    *("ratio", "p50 ms", "p99 ms", "p99/p50", "bare"),
)
_PEER_HEADER = (
    *("body, connections", "ours/s", "peer/s", "times", "rounds", "us CPU ours", "peer"),
    *("times", "p99 ms ours", "peer"),
)
Cell = tuple[str, int]


def _bare_row(pair: Comparison, cell: Cell, samples: Samples) -> Row:
    ours, bare = samples[pair.ours.name, *cell], samples[pair.other.name, *cell]
    rates, cpu = ratios(ours, bare), ratios(bare, ours, "cpu")
    tail, bare_tail = (median(each.p99 / each.p50 for each in cells) for cells in (ours, bare))
    return (
        f"{cell[0]}, {cell[1]}",
        f"{of(ours, 'rate'):,.0f}",
        f"{of(bare, 'rate'):,.0f}",
        at_least(median(rates), _SHARE_OF_BARE),
        f"{min(rates):.2f}-{max(rates):.2f}",
        f"{of(ours, 'cpu') * 1e6:,.0f}",
        f"{of(bare, 'cpu') * 1e6:,.0f}",
        f"{median(cpu):.2f}",
        f"{of(ours, 'p50'):.2f}",
        f"{of(ours, 'p99'):.2f}",
        at_most(tail, _P99_OVER_P50) if cell[1] == 1 else f"{tail:.2f}",
        f"{bare_tail:.2f}",
    )


def _peer_row(pair: Comparison, cell: Cell, samples: Samples) -> Row:
    ours, peer = samples[pair.ours.name, *cell], samples[pair.other.name, *cell]
    rates, cpu = ratios(ours, peer), ratios(peer, ours, "cpu")
    return (
        f"{cell[0]}, {cell[1]}",
        f"{of(ours, 'rate'):,.0f}",
        f"{of(peer, 'rate'):,.0f}",
        at_least(median(rates), _TIMES_PEER[cell]),
        f"{min(rates):.1f}-{max(rates):.1f}",
        f"{of(ours, 'cpu') * 1e6:,.0f}",
        f"{of(peer, 'cpu') * 1e6:,.0f}",
        f"{median(cpu):.1f}",
        f"{of(ours, 'p99'):.2f}",
        f"{of(peer, 'p99'):.1f}",
    )


def noise(cells: Sequence[Sequence[Sample]]) -> None:
    """Print how far apart the rounds are."""
    spreads = sorted(
        max(each.rate for each in cell) / min(each.rate for each in cell) for cell in cells
    )
    print(
        "\nNoise: the fastest round of a cell over its slowest is "
        f"{median(spreads):.2f} in the median cell, {spreads[-1]:.2f} in the worst."
    )
