"""Who is measured against whom: servers started, bodies written, every answer checked first.

Here with nothing on: callers need no token and nothing is recorded.

- `chart-count` against the bare view: what Chartside adds to decoding the same bytes;
- `care-gaps` against the bare view: what a clinical service adds;
- `condition-count` against the peer: the same task, each reading what it needs for it;
- `chart-count` against the peer, though Chartside then types and checks every record of the body.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bare, bodies, servers, services
from benchmarks.measure import Contender
from benchmarks.servers import Server

CLINICAL = "care-gaps"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`other` is the bare view or the peer."""

    ours: Contender
    other: Contender


@dataclass(frozen=True, slots=True)
class Lineup:
    """Two kinds of comparison; `peer` is empty where the peer could not be installed."""

    bare: list[Comparison]
    peer: list[Comparison]

    @property
    def contenders(self) -> list[Contender]:
        pairs = [*self.bare, *self.peer]
        every = {each.name: each for pair in pairs for each in (pair.ours, pair.other)}
        return list(every.values())


def start(stack: ExitStack, folder: Path, peer_python: Path | None) -> Lineup:
    """Start everything; the stack ends it. Raises RuntimeError where an answer is wrong."""
    server = stack.enter_context(servers.granian("Chartside", "benchmarks.services:alone", folder))
    files = write(folder, "count", services.CHART)
    chart, conditions = (
        Contender(f"Chartside {id}", server, id, files) for id in ("chart-count", "condition-count")
    )
    ours = [chart, clinical(server, folder)]
    others = plain(stack, folder, ours)
    rivals = []
    if peer_python is not None:
        peer = stack.enter_context(servers.uvicorn("peer", peer_python, folder))
        rivals = [Contender("peer", peer, "condition-count", files)]
    for each in (chart, conditions, *rivals):
        check_count(each, *bodies.SIZES)
    return Lineup(
        [Comparison(our, other) for our, other in zip(ours, others, strict=True)],
        [Comparison(our, rival) for rival in rivals for our in (conditions, chart)],
    )


def write(folder: Path, name: str, templates: Mapping[str, str]) -> dict[str, Path]:
    """A body of each size, as files."""
    files = {label: folder / f"{name}-{size}.json" for label, size in bodies.SIZES.items()}
    for label, size in bodies.SIZES.items():
        files[label].write_bytes(bodies.call(templates, size))
    return files


def clinical(server: Server, folder: Path) -> Contender:
    """The clinical service of this server."""
    for entry in server.discovery()["services"]:
        if (entry["id"], entry["hook"]) == (CLINICAL, "patient-view"):
            files = write(folder, CLINICAL, entry["prefetch"])
            return Contender(f"Chartside {CLINICAL}", server, CLINICAL, files)
    raise RuntimeError(f"there is no {CLINICAL} on patient-view")


def plain(
    stack: ExitStack, folder: Path, contenders: Sequence[Contender], workers: int = 1
) -> list[Contender]:
    """The bare view for each of these contenders, with its answer to 100 kB."""
    place = Path(tempfile.mkdtemp(dir=folder))
    for each in contenders:
        answer = each.answer("100 kB")
        if not json.loads(answer)["cards"]:
            raise RuntimeError(f"{each.name} answers without a card")
        (place / f"{each.service}.json").write_bytes(answer)
    server = stack.enter_context(
        servers.granian(
            "bare", "benchmarks.bare:serve", folder, {bare.ANSWERS: str(place)}, workers
        )
    )
    return [
        Contender(f"bare {each.service}", server, each.service, each.bodies) for each in contenders
    ]


def check_count(contender: Contender, *sizes: str) -> None:
    """Raise RuntimeError where a counting service counts wrongly."""
    for size in sizes:
        number = bodies.count(contender.bodies[size].read_bytes(), "Condition")
        cards = json.loads(contender.answer(size))["cards"]
        if [card["summary"] for card in cards] != [f"{number} conditions in the prefetch"]:
            raise RuntimeError(f"{contender.name} answers {size} wrongly: {cards}")
