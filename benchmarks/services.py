"""Three services so small that a call of them costs what Chartside itself costs.

Each answers with one card, the number of conditions, as the peer's service does. They differ in
what Chartside has to read for it: `condition-count` the conditions, `chart-count` all three keys
of the body, `six-keys` six answers of the EHR's FHIR server, since it is called with no prefetch.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask

import app
from clinical.finding import Finding, Source
from fhir.records import Condition, Encounter, MedicationRequest, Observation, Patient, Procedure
from hooks import service
from hooks.memory import Memory
from hooks.registry import find
from web.settings import Settings
from web.trust import Cds, Ehr, Trust

FHIR_BASE = "BENCHMARK_FHIR_BASE"

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


def create_app(settings: Settings, services: Iterable[Callable[..., Any]]) -> Flask:
    """The application with these services, as a server process has it (see app.serve)."""
    app.Memory = _Forgetful  # type: ignore[misc]
    application = app.create_app(settings, services)
    gc.collect()
    gc.freeze()
    return application


def serve() -> Flask:
    """What granian starts; the environment names the FHIR server that may be asked."""
    base = os.environ.get(FHIR_BASE)
    ehr = Ehr(
        id="benchmark",
        fhir_bases=(base,) if base else (),
        open_fhir=True,
        cds=Cds(calls_a_minute=10**9),
    )
    folder = tempfile.mkdtemp()
    settings = Settings(
        mode="development",
        trust=Trust((ehr,)),
        database=f"sqlite:///{folder}/benchmark.db",
        calls_at_once=100,
    )
    return create_app(settings, [condition_count, chart_count, six_keys, *find()])


class _Forgetful(Memory):
    """Records nothing and hides nothing: what a call costs without the store."""

    def hides(self, *_: Any) -> Any:
        return lambda _: None

    def keep(self, *_: Any) -> bool:
        return True


def _counted(conditions: list[Condition]) -> Finding:
    return Finding(
        rule="benchmark.conditions",
        summary=f"{len(conditions)} conditions in the prefetch",
        indicator="info",
        source=_SOURCE,
    )
