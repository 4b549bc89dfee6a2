"""How many calls one worker answers a second, against a bare Flask view and against the peer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import bare, bodies, measure, servers, services, table
from benchmarks.measure import Contender, Samples
from benchmarks.servers import Server

CLINICAL = "care-gaps"
CONNECTIONS = (1, 16)
_BARE = {1: 0.6, 16: 0.6}
_PEER = {
    1: {"2 kB": 2, "100 kB": 3, "1000 kB": 12},
    16: {"2 kB": 6, "100 kB": 15, "1000 kB": 18},
}
_SLOWEST = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure, and where files may be written."""

    rounds: int
    seconds: float
    folder: Path
    peer: Path | None


def run(plan: Plan) -> None:
    """Measure all contenders together and print what they did."""
    with ExitStack() as stack:
        ours, theirs = _contenders(stack, plan)
        pairs = [(our, other) for our, other in zip(ours, theirs, strict=True) if other]
        every = {each.name: each for each in (*ours, *theirs) if each}
        samples = measure.rounds(
            list(every.values()),
            list(bodies.SIZES),
            CONNECTIONS,
            plan.rounds,
            plan.seconds,
            lambda done: print(f"Round {done + 1} of {plan.rounds} ...", flush=True),
        )
    for our, other in pairs:
        if other.server.name == "peer":
            _against_peer(our, other, samples)
        else:
            _against_bare(our, other, samples)
    _noise(samples)


def _contenders(
    stack: ExitStack, plan: Plan
) -> tuple[list[Contender], list[Contender | None]]:
    small = stack.enter_context(servers.granian("Chartside", "benchmarks.services:serve"))
    files = _files(plan.folder, "count", services.CHART)
    chart = Contender("chart-count", small, "chart-count", files)
    conditions = Contender("condition-count", small, "condition-count", files)
    answers = {each.service: _counted(each) for each in (chart, conditions)}
    ours = [chart]
    clinical = stack.enter_context(servers.shipped())
    templates = _templates(clinical)
    if templates is None:
        print(f"Skipped: {CLINICAL} is not among the services of the shipped server.")
    else:
        care = Contender(CLINICAL, clinical, CLINICAL, _files(plan.folder, CLINICAL, templates))
        answers[CLINICAL] = _answered(care)
        ours.append(care)
    other = _bare(stack, plan.folder, answers)
    theirs: list[Contender | None] = [
        Contender(f"bare, {each.name}", other, each.service, each.bodies) for each in ours
    ]
    if plan.peer is None:
        return ours, theirs
    peer = stack.enter_context(servers.uvicorn("peer", plan.peer, plan.folder))
    rival = Contender("peer", peer, "condition-count", files)
    _counted(rival)
    return [*ours, conditions, chart], [*theirs, rival, rival]


def _bare(stack: ExitStack, folder: Path, answers: Mapping[str, bytes]) -> Server:
    place = folder / "answers"
    place.mkdir()
    for service, answer in answers.items():
        (place / f"{service}.json").write_bytes(answer)
    server = stack.enter_context(
        servers.granian("bare", "benchmarks.bare:serve", {bare.ANSWERS: str(place)})
    )
    return server


def _files(folder: Path, name: str, templates: Mapping[str, str]) -> dict[str, Path]:
    files = {}
    for label, size in bodies.SIZES.items():
        files[label] = folder / f"{name}-{size}.json"
        files[label].write_bytes(bodies.call(templates, size, few=1 if size < 10_000 else 15))
    return files


def _templates(server: Server) -> Mapping[str, str] | None:
    for entry in server.discovery()["services"]:
        if entry["id"] == CLINICAL and entry["hook"] == "patient-view":
            templates: Mapping[str, str] = entry["prefetch"]
            return templates
    return None
