"""Two services small enough that a call of them costs what Chartside itself costs.

`condition-count` does what the peer's service does: one card with the number of conditions.
`six-keys` needs six answers of the EHR's FHIR server; it is called with none of them given.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from flask import Flask

import app
from clinical.finding import Finding, Source
from fhir.records import Condition, Encounter, MedicationRequest, Observation, Patient, Procedure
from hooks import service
from web.settings import Settings
from web.trust import DEVELOPMENT

COUNT = "condition-count"
SIX = "six-keys"
_SOURCE = Source("Benchmark")
FHIR_BASE = "BENCHMARK_FHIR_BASE"
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "labs": "Observation?patient={{context.patientId}}&category=laboratory",
}
_MORE = {
    "procedures": "Procedure?patient={{context.patientId}}",
    "encounters": "Encounter?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}",
}


@service("patient-view", id=COUNT, title="Count", description="Counts.", prefetch=TEMPLATES)
def condition_count(
    patient: Patient, conditions: list[Condition], labs: list[Observation]
) -> Iterator[Finding]:
    yield _counted(conditions)


@service("patient-view", id=SIX, title="Six", description="Counts.", prefetch=TEMPLATES | _MORE)
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
    """The application with these services, as a server process has it."""
    application = app.create_app(settings, services)
    gc.collect()
    gc.freeze()
    return application


def serve() -> Flask:
    """What granian starts; the environment names the FHIR server that `six-keys` may ask."""
    base = os.environ.get(FHIR_BASE)
    ehr = replace(DEVELOPMENT, fhir_bases=(base,)) if base else DEVELOPMENT
    return create_app(Settings(mode="development", ehr=ehr), [condition_count, six_keys])


def _counted(conditions: list[Condition]) -> Finding:
    return Finding(
        rule="benchmark.conditions",
        summary=f"{len(conditions)} conditions in the prefetch",
        indicator="info",
        source=_SOURCE,
    )
