"""The application as a server process runs it, with the demo services and one that fails.

For `python -m web.server` started in this folder, which imports the module `app` from there: this
one loads the real one under another name and hands it the services.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from clinical.finding import Finding
from fhir.records import Patient
from hooks import service
from hooks.contexts import PatientView
from tests.demo.services import DEMO, PATIENT, name_of


@service(
    "patient-view",
    id="demo-crash",
    title="Demo crash",
    description="Fails with the patient's name in its mouth.",
    prefetch={"patient": PATIENT},
)
def demo_crash(patient: Patient, context: PatientView) -> Iterator[Finding]:
    raise RuntimeError(f"{name_of(patient)} {context.patient_id} {patient!r}")
    yield


_FILE = Path(__file__).parents[3] / "app.py"
_SPEC = importlib.util.spec_from_file_location("chartside_app", _FILE)
assert _SPEC
assert _SPEC.loader
_real = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_real)

_SERVICES = (*DEMO, demo_crash)


def create_app() -> Flask:
    """The application with the services of the tests."""
    app: Flask = _real.create_app(services=_SERVICES)
    return app


def ready() -> Flask:
    """The same, as a process has it that may serve."""
    app: Flask = _real.ready(_SERVICES)
    return app


def serve() -> Flask:
    """The application of a server process."""
    app: Flask = _real.serve(_SERVICES)
    return app
