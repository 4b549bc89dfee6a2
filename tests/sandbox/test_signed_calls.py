"""The calls of the development EHR prove who it is, also where nothing is taken without a proof."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app import create_app
from sandbox.auth.clients import shipped_clients
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from store import database
from tests.demo.server import free_port, keys_folder, new_database
from tests.launch.stage import serving
from web.settings import Settings
from web.trust import development

PATIENT, USER = "sandbox-diabetes", "Practitioner/sandbox-ada"


@dataclass
class Site:
    ehr: DevelopmentEhr
    app: str


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The app takes no call without a token, as in production, but knows the development EHR."""
    port, url = free_port(), new_database()
    engine = database.connect(url)
    database.migrate(engine)
    engine.dispose()
    origin = f"http://localhost:{port}"
    cds = CdsSettings(servers=(origin,))
    with DevelopmentEhr(shipped_bundles(), shipped_clients(origin), cds=cds) as ehr:
        settings = Settings(
            mode="production",
            public_url=origin,
            database=url,
            keys_folder=keys_folder(),
            trust=development(int(ehr.origin.rpartition(":")[2])),
        )
        with serving(create_app(settings), port):
            yield Site(ehr, origin)


@pytest.mark.req("CH-127", "CH-133")
def test_a_signed_call_is_answered_and_so_is_the_feedback(site: Site) -> None:
    visit = site.ehr.visits.start(PATIENT, USER)
    visit.open()
    assert [(call.status, call.error) for call in visit.exchanges] == [(200, None)] * 2
    (card,) = visit.cards
    assert visit.override(card.id).feedback == "stored"


@pytest.mark.req("CH-127")
def test_a_call_without_a_signature_is_not(site: Site) -> None:
    signing = site.ehr.cds.settings
    site.ehr.cds.settings = CdsSettings(servers=(site.app,), sign=False)
    visit = site.ehr.visits.start(PATIENT, USER)
    visit.open()
    assert [call.status for call in visit.exchanges] == [401, 401]
    assert list(visit.cards) == []
    site.ehr.cds.settings = signing
