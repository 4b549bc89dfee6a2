"""Three services so small that a call of them costs what Chartside itself costs.

Each answers with one card, the number of conditions, as the peer's service does. They differ in
what Chartside has to read for it: `condition-count` the conditions, `chart-count` all three keys
of the body, `six-keys` six answers of the EHR's FHIR server, since it is called with no prefetch.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask

import app
from clinical.finding import Finding, Source
from fhir.records import Condition, Encounter, MedicationRequest, Observation, Patient, Procedure
from hooks import service
from web.settings import Settings
from web.trust import DEVELOPMENT

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
    application = app.create_app(settings, services)
    gc.collect()
    gc.freeze()
    return application


def serve() -> Flask:
    """What granian starts; the environment names the FHIR server that may be asked."""
    base = os.environ.get(FHIR_BASE)
    ehr = replace(DEVELOPMENT, fhir_bases=(base,)) if base else DEVELOPMENT
    settings = Settings(mode="development", ehr=ehr)
    return create_app(settings, [condition_count, chart_count, six_keys])


def _counted(conditions: list[Condition]) -> Finding:
    return Finding(
        rule="benchmark.conditions",
        summary=f"{len(conditions)} conditions in the prefetch",
        indicator="info",
        source=_SOURCE,
    )
