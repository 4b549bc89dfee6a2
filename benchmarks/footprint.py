"""The memory of one worker after many calls, and whether it still grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import lineup, load, production, servers
from benchmarks.measure import Contender
from benchmarks.servers import Server
from benchmarks.table import Row, at_most, show
from benchmarks.tokens import Stock

SIZE = "100 kB"
_MOST_MB = 120
# Allocators round up; more than this between the two would be a leak.
_GROWTH = 1.02


def run(folder: Path, early: int, late: int) -> None:
    """Make the calls on 16 connections and print what the worker holds."""
    url = production.sqlite(folder, "footprint")
    variables = production.environment(folder, [lineup.CLINICAL], url)
    with servers.shipped(folder, variables) as server:
        row = _row(lineup.clinical(server, folder), early, late)
    show(
        f"Memory of the worker process after calls of {SIZE}, 16 connections",
        "MB, everything on; RSS counts shared pages whole, PSS its share of them",
        ("", "RSS at start", f"after {early:,}", f"after {late:,}", "growth", "PSS", "RSS/120 MB"),
        [row],
    )


def _row(contender: Contender, early: int, late: int) -> Row:
    stock = Stock("RS384", contender.service)
    server = contender.server
    held = [servers.memory(server.worker)]
    for calls in (early, late - early):
        tokens = stock.at_least(calls)[:calls]
        stock.used(calls)
        _make(server, server.url(contender.service), contender.bodies[SIZE], tokens)
        held.append(servers.memory(server.worker))
    return (
        contender.service,
        *(f"{each['Rss'] / 1000:.1f}" for each in held),
        at_most(held[2]["Rss"] / held[1]["Rss"], _GROWTH),
        f"{held[2]['Pss'] / 1000:.1f}",
        at_most(held[2]["Rss"] / 1000 / _MOST_MB, 1),
    )


def _make(server: Server, url: str, body: Path, tokens: Sequence[str]) -> None:
    calls = len(tokens)
    figures = load.exactly(url, body, 16, tokens)
    if figures.failed or figures.calls < calls:
        raise RuntimeError(f"{figures.failed} of {figures.calls} calls failed, {calls} wanted")
    server.drain()
