"""The memory of one worker after many calls, and whether it still grows."""

from __future__ import annotations

from pathlib import Path

from benchmarks import lineup, load, servers, services
from benchmarks.servers import Server
from benchmarks.table import Row, at_most, show

SIZE = "100 kB"
EARLY, LATE = 2_000, 10_000
_MOST_MB = 120
# Allocators round up; more than this in 8,000 calls would be a leak.
_GROWTH = 1.02


def run(folder: Path) -> None:
    """Make the calls on 16 connections and print what the worker holds."""
    rows = []
    with servers.shipped() as server:
        templates = lineup.clinical_templates(server)
        if templates is not None:
            body = lineup.write(folder, lineup.CLINICAL, templates)[SIZE]
            rows.append(_row(server, lineup.CLINICAL, body))
    if not rows:
        with servers.granian("Chartside", "benchmarks.services:serve") as server:
            body = lineup.write(folder, "count", services.CHART)[SIZE]
            rows.append(_row(server, "chart-count", body))
    show(
        f"Memory of the worker process after calls of {SIZE}, 16 connections",
        "MB; RSS counts shared pages whole, PSS its share of them",
        ("", "RSS at start", f"after {EARLY:,}", f"after {LATE:,}", "growth", "PSS", "RSS/120 MB"),
        rows,
    )


def _row(server: Server, service: str, body: Path) -> Row:
    url = server.url(service)
    start = servers.memory(server.worker)
    early = _after(server, url, body, EARLY)
    late = _after(server, url, body, LATE - EARLY)
    return (
        service,
        f"{start['Rss'] / 1000:.1f}",
        f"{early['Rss'] / 1000:.1f}",
        f"{late['Rss'] / 1000:.1f}",
        at_most(late["Rss"] / early["Rss"], _GROWTH),
        f"{late['Pss'] / 1000:.1f}",
        at_most(late["Rss"] / 1000 / _MOST_MB, 1),
    )


def _after(server: Server, url: str, body: Path, calls: int) -> dict[str, int]:
    figures = load.exactly(url, body, connections=16, calls=calls)
    if figures.failed or figures.calls < calls:
        raise RuntimeError(f"{figures.failed} of {figures.calls} calls failed, {calls} wanted")
    server.drain()
    return servers.memory(server.worker)
