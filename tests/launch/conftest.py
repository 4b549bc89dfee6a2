"""The application with two EHRs, for tests that leave the other charts alone."""

from collections.abc import Iterator

import pytest

from sandbox.fhir.server import FhirServer
from tests.launch import charts
from tests.launch.browser import Browser
from tests.launch.made import TOKEN
from tests.launch.stage import Stage, stage


@pytest.fixture(scope="session")
def shared_stage() -> Iterator[Stage]:
    """What `site` is made of; a test takes `site`."""
    with stage("north", "south") as running:
        yield running


@pytest.fixture
def site(shared_stage: Stage) -> Stage:
    """The application and its EHRs, which have seen nothing yet. Its time goes forward only."""
    for ehr in shared_stage.ehrs.values():
        ehr.fhir.clear()
        ehr.seen.clear()
    return shared_stage


@pytest.fixture
def browser() -> Browser:
    """A browser without cookies."""
    return Browser()


@pytest.fixture(scope="session")
def chart_server() -> Iterator[FhirServer]:
    """What `server` is made of; a test takes `server`."""
    with FhirServer([charts.chart()], token=TOKEN) as running:
        yield running


@pytest.fixture
def server(chart_server: FhirServer) -> FhirServer:
    """A FHIR server with one chart, sound and unasked: plant faults, count."""
    chart_server.clear()
    chart_server.seen.clear()
    return chart_server
