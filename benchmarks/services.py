"""Three services so small that a call of them costs what Chartside itself costs.

Each answers with one card, the number of conditions, as the peer's service does. They differ in
what Chartside has to read for it: `condition-count` the conditions, `chart-count` all three keys
of the body, `six-keys` six answers of the EHR's FHIR server, since it is called with no prefetch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask

import app
from benchmarks import bodies
from clinical.finding import Finding, Source
from fhir.records import Condition, Encounter, MedicationRequest, Observation, Patient, Procedure
from hooks import registry, service
from hooks.memory import Memory
from store.replay import Replay
from web.settings import Settings
from web.trust import Cds, Ehr, Trust

FHIR_BASE = "BENCHMARK_FHIR_BASE"
OFF = "BENCHMARK_OFF"

CONDITIONS = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
}
CHART = CONDITIONS | {"labs": "Observation?patient={{context.patientId}}&category=laboratory"}
SIX = CHART | {
    "procedures": "Procedure?patient={{context.patientId}}",
    "encounters": "Encounter?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}",
}
_SOURCE = Source("Benchmark")


def _counting(id: str, prefetch: Mapping[str, str]) -> Callable[[Any], Any]:
    text = "Counts conditions."
    return service("patient-view", id=id, title=text, description=text, prefetch=prefetch)


@_counting("condition-count", CONDITIONS)
def condition_count(patient: Patient, conditions: list[Condition]) -> Iterator[Finding]:
    yield _counted(conditions)


@_counting("chart-count", CHART)
def chart_count(
    patient: Patient, conditions: list[Condition], labs: list[Observation]
) -> Iterator[Finding]:
    yield _counted(conditions)


@_counting("six-keys", SIX)
def six_keys(
    patient: Patient,
    conditions: list[Condition],
    labs: list[Observation],
    procedures: list[Procedure],
    encounters: list[Encounter],
    medications: list[MedicationRequest],
) -> Iterator[Finding]:
    yield _counted(conditions)


_find = registry.find
setattr(registry, "find", lambda: [condition_count, chart_count, six_keys, *_find()])  # noqa: B010


def alone() -> Flask:
    """What granian starts: a call by itself, since callers need no token and nothing is recorded.

    The environment may name the FHIR server that can be asked.
    """
    ehr = Ehr(
        id="benchmark",
        fhir_bases=(os.environ.get(FHIR_BASE, bodies.FHIR_SERVER),),
        open_fhir=True,
        cds=Cds(calls_a_minute=10**9),
    )
    settings = Settings(
        mode="development",
        trust=Trust((ehr,)),
        database=os.environ["CHARTSIDE_DATABASE"],
        calls_at_once=100,
    )
    return _served({"from_environment": lambda _: settings, "Memory": _Forgetful})


def production() -> Flask:
    """What granian starts: the server that this environment describes, with the small services.

    BENCHMARK_OFF names the parts that are left out.
    """
    return _served(dict(_STUBS[part] for part in os.environ.get(OFF, "").split()))


def _served(instead: Mapping[str, Any]) -> Flask:
    """As a server process has it, with other things in the place of what app.py imports."""
    for name, other in instead.items():
        setattr(app, name, other)
    return app.serve()


class _Forgetful(Memory):
    """Records nothing and hides nothing: what a call costs without the store."""

    def recall(self, *_: Any) -> Any:
        return self

    def hides(self, _: Finding) -> None:
        return None

    def keep(self, *_: Any) -> bool:
        return True


class _Trusting(Replay):
    """Takes every token for a new one."""

    def first_use(self, *_: Any) -> bool:
        return True


_STUBS: dict[str, tuple[str, Any]] = {
    "record": ("Memory", _Forgetful),
    "replay": ("Replay", _Trusting),
}


def _counted(conditions: list[Condition]) -> Finding:
    return Finding(
        rule="benchmark.conditions",
        summary=f"{len(conditions)} conditions in the prefetch",
        indicator="info",
        source=_SOURCE,
    )
