"""Who is measured against whom: servers started, bodies written, every answer checked first.

- `chart-count` against the bare view: what Chartside adds to decoding the same bytes;
- `care-gaps` against the bare view, on the server that is shipped, where it has that service;
- `condition-count` against the peer: the same task, each reading what it needs for it;
- `chart-count` against the peer, though Chartside then types and checks every record of the body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    files = write(folder, "count", services.CHART)
    small = stack.enter_context(servers.granian("Chartside", "benchmarks.services:serve"))
    chart, conditions = (
        Contender(f"Chartside {id}", small, id, files) for id in ("chart-count", "condition-count")
    )
    ours = [chart, *_clinical(stack, folder)]
    place = folder / "answers"
    place.mkdir()
    for each in ours:
        (place / f"{each.service}.json").write_bytes(_answer(each, "100 kB"))
    variables = {bare.ANSWERS: str(place)}
    plain = stack.enter_context(servers.granian("bare", "benchmarks.bare:serve", variables))
    others = [Contender(f"bare {each.service}", plain, each.service, each.bodies) for each in ours]
    rivals = []
    if peer_python is not None:
        server = stack.enter_context(servers.uvicorn("peer", peer_python, folder))
        rivals = [Contender("peer", server, "condition-count", files)]
    for each in (chart, conditions, *rivals):
        _check_count(each)
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


def clinical_templates(server: Server) -> Mapping[str, str] | None:
    """The prefetch templates of the clinical service, if this server has it."""
    for entry in server.discovery()["services"]:
        if (entry["id"], entry["hook"]) == (CLINICAL, "patient-view"):
            templates: Mapping[str, str] = entry["prefetch"]
            return templates
    return None


def _clinical(stack: ExitStack, folder: Path) -> list[Contender]:
    server = stack.enter_context(servers.shipped())
    templates = clinical_templates(server)
    if templates is None:
        print(f"SKIPPED: the shipped server has no {CLINICAL} on patient-view.")
        return []
    files = write(folder, CLINICAL, templates)
    found = Contender(f"Chartside {CLINICAL}", server, CLINICAL, files)
    cards = [len(json.loads(_answer(found, size))["cards"]) for size in files]
    print(f"{CLINICAL} answers the bodies with {', '.join(map(str, cards))} cards.")
    return [found]


def _answer(contender: Contender, size: str) -> bytes:
    return contender.server.post(contender.service, contender.bodies[size].read_bytes())


def _check_count(contender: Contender) -> None:
    for size, file in contender.bodies.items():
        number = bodies.count(file.read_bytes(), "Condition")
        cards = json.loads(_answer(contender, size))["cards"]
        if [card["summary"] for card in cards] != [f"{number} conditions in the prefetch"]:
            raise RuntimeError(f"{contender.name} answers {size} wrongly: {cards}")
