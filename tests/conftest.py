"""Servers for the tests that speak to one: the demo services, the shipped ones, a FHIR server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.fhir.server import FhirServer
from tests import offline
from tests.demo.bodies import TOKEN, chart
from tests.demo.client import Client
from tests.demo.server import ROOT, Granian, ehr_of, free_port, process, serving, wait_until_ready


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "req(*numbers): what a test proves, by number: CH- requirements of CDS Hooks, SL- those of "
        "SMART App Launch, T- threats to a launch",
    )
    offline.stay()


@pytest.fixture(scope="session")
def record() -> Iterator[FhirServer]:
    """A FHIR server with the demo patient's record; shared, so nobody plants a fault in it."""
    with FhirServer([chart()]) as server:
        yield server


@pytest.fixture(scope="session")
def demo(record: FhirServer) -> Iterator[Client]:
    """The application with the demo services, for the EHR of `record`."""
    with serving(ehr=ehr_of(record)) as client:
        yield client


@pytest.fixture(scope="session")
def fhir_server() -> Iterator[FhirServer]:
    """What `fhir` is made of; a test takes `fhir`."""
    with FhirServer([chart()], token=TOKEN) as server:
        yield server


@pytest.fixture
def fhir(fhir_server: FhirServer) -> FhirServer:
    """A FHIR server with the demo patient's record, sound and unasked: plant faults, count."""
    fhir_server.clear()
    fhir_server.seen.clear()
    return fhir_server


@pytest.fixture(scope="session")
def attacker_server() -> Iterator[FhirServer]:
    """What `attacker` is made of; a test takes `attacker`."""
    with FhirServer([chart()]) as server:
        yield server


@pytest.fixture
def attacker(attacker_server: FhirServer) -> Iterator[FhirServer]:
    """A server of somebody else. It has the same records, and must not see a request."""
    yield attacker_server
    assert attacker_server.seen == []


def _granian(tmp_path_factory: pytest.TempPathFactory, name: str, cwd: Path) -> Iterator[Granian]:
    folder = tmp_path_factory.mktemp(name)
    temporary = folder / "tmp"
    temporary.mkdir()
    log, port = folder / "log", free_port()
    options = ("--port", str(port), "--workers", "1")
    environment = {"CHARTSIDE_MODE": "development", "TMPDIR": str(temporary)}
    with process(*options, cwd=cwd, log=log, **environment) as running:
        wait_until_ready(running, port, log)
        yield Granian(Client(f"http://127.0.0.1:{port}"), log, temporary, running.pid)


@pytest.fixture(scope="session")
def granian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granian]:
    """`python -m web.server` with the demo services."""
    yield from _granian(tmp_path_factory, "demo", ROOT / "tests" / "demo" / "served")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granian]:
    """`python -m web.server` as it is shipped."""
    yield from _granian(tmp_path_factory, "shipped", ROOT)
