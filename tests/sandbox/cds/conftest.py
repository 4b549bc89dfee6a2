"""The development EHR with a CDS server: the application itself, or one that a test scripts."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

import pytest
from werkzeug.serving import make_server

from app import create_app
from sandbox.cds.exchange import Exchange
from sandbox.cds.settings import CdsSettings
from sandbox.cds.visit import Visit
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.demo.server import _Quiet, free_port, keys_folder, new_database, whole
from tests.sandbox.cds.scripted import Json, Scripted
from web.settings import Settings
from web.trust import Cds, Ehr, Trust

USER = "Practitioner/sandbox-ada"
METFORMIN: Json = {
    "resourceType": "MedicationRequest",
    "medicationCodeableConcept": {
        "coding": [
            {
                "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                "code": "861007",
                "display": "metformin hydrochloride 500 MG Oral Tablet",
            }
        ],
        "text": "metformin 500 mg",
    },
}
GLIPIZIDE: Json = {
    "resourceType": "MedicationRequest",
    "medicationCodeableConcept": {"text": "glipizide 5 mg"},
}


@dataclass(frozen=True)
class Both:
    """The EHR and the application, which knows the EHR by its signature."""

    ehr: DevelopmentEhr
    origin: str
    database: str

    def visit(self, patient: str, **settings: object) -> Visit:
        """A chart that is opened with these settings."""
        given = {"servers": (self.origin,), **settings}
        self.ehr.cds.settings = CdsSettings(**given)  # type: ignore[arg-type]
        opened = self.ehr.visits.start(patient, USER)
        opened.open()
        return opened


def answer_of(opened: Visit, service: str = "care-gaps") -> Exchange:
    """What this service of the application was asked and answered as the chart opened."""
    (exchange,) = (each for each in opened.exchanges if each.service_id == service)
    return exchange


def _now(zone: tzinfo) -> datetime:
    return datetime.now(zone)


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    """The application knows one EHR by its signature, and answers nobody else."""
    port, database = free_port(), new_database()
    origin = f"http://127.0.0.1:{port}"
    with DevelopmentEhr(shipped_bundles(), []) as ehr:
        known = Cds(issuer=ehr.origin, jku=ehr.cds.signer.jku, audiences=(origin,))
        record = Ehr(id="development", fhir_bases=(ehr.base,), cds=known)
        settings = Settings(
            mode="development",
            public_url=origin,
            database=database,
            keys_folder=keys_folder(),
            trust=Trust((record,)),
        )
        app = create_app(settings, None, _now)
        server = make_server("127.0.0.1", port, whole(app), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Both(ehr, origin, database)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.extensions["chartside.engine"].dispose()


@pytest.fixture(scope="module")
def desk() -> Iterator[DevelopmentEhr]:
    """What `ehr` is made of; a test takes `ehr`."""
    with DevelopmentEhr(shipped_bundles(), []) as running:
        yield running


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A CDS server without services yet."""
    with Scripted() as running:
        yield running


@pytest.fixture
def ehr(desk: DevelopmentEhr, scripted: Scripted) -> DevelopmentEhr:
    """A development EHR that knows the scripted server, and no other."""
    desk.fhir.clear()
    desk.cds.settings = CdsSettings(servers=(scripted.url,))
    return desk


@pytest.fixture
def visit(ehr: DevelopmentEhr) -> Visit:
    """A chart of sandbox-renal; nothing was fired yet."""
    return ehr.visits.start("sandbox-renal", USER)
