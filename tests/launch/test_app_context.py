"""From an `appContext` to the card that the app was opened from, and to no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from launch.context import Context, NotOpened, Opened, chart
from store import database, drafts
from store.hashes import Hashes
from store.tables import metadata
from tests.demo.server import new_database
from tests.store.build import METFORMIN, NOW, SEAL, card, rows, shown
from web.trust import Cds, Ehr

SECRET = "a secret of more than 32 characters"
HASHES = Hashes(SECRET)
BASE = "https://ehr.example/fhir"
NORTH = Ehr(id="north", fhir_bases=(BASE,))
TWO_BASES = Ehr(id="north", fhir_bases=(BASE, "https://ehr.example/other"))
TENANTS = Ehr(id="north", fhir_bases=(BASE,), cds=Cds(tenants=frozenset({"clinic"})))
CARD = "d78ada40-f815-47c4-80f5-e992dcb82d0a"
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


@pytest.fixture
def engine() -> Any:
    made = database.connect(new_database())
    database.migrate(made)
    yield made
    made.dispose()


def show(engine: Engine, ehr: Ehr = NORTH, tenant: str | None = None, **changes: Any) -> str:
    """A card of this patient went out."""
    whose = chart(HASHES, ehr, BASE, tenant, "patient-1")
    shown(
        engine,
        card(card=CARD, **changes),
        ehr_id=whose.realm,
        patient_hash=whose.patient_hash,
    )
    return CARD


def opened(
    engine: Engine,
    app_context: str | None = CARD,
    ehr: Ehr = NORTH,
    iss: str = BASE,
    tenant: str | None = None,
    patient: str = "patient-1",
    after: timedelta = SECOND,
) -> Opened | NotOpened | None:
    context = Context(engine, SEAL, HASHES, lambda: NOW + after)
    return context.open(app_context, ehr, iss, tenant, patient)


@pytest.mark.req("SL-064")
def test_a_card_opens_for_its_ehr_and_patient(engine: Engine) -> None:
    show(engine)
    for given in (CARD, CARD.upper(), f" {CARD}\n"):
        found = opened(engine, given)
        assert isinstance(found, Opened)
        assert (found.card.card, found.card.rule, found.card.drug) == (
            CARD,
            METFORMIN.rule,
            METFORMIN.drug,
        )
        assert found.card.service == "medication-safety"
        assert found.drafts is None


@pytest.mark.req("SL-064")
@pytest.mark.parametrize("iss", [BASE, BASE + "/", "https://EHR.example:443/fhir"])
@pytest.mark.parametrize("ehr", [NORTH, TWO_BASES], ids=["one base", "two bases"])
def test_the_form_of_the_issuer_makes_no_difference(engine: Engine, ehr: Ehr, iss: str) -> None:
    show(engine, ehr)
    assert isinstance(opened(engine, ehr=ehr, iss=iss), Opened)


@pytest.mark.req("SL-064")
def test_its_draft_orders_come_with_it(engine: Engine) -> None:
    show(engine)
    whose = chart(HASHES, NORTH, BASE, None, "patient-1")
    drafts.keep(engine, SEAL, whose.realm, CARD, whose.patient_hash, b"[]", NOW)
    found = opened(engine)
    assert isinstance(found, Opened)
    assert found.drafts == b"[]"


@pytest.mark.req("SL-064")
@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("unknown", {"app_context": "821aed14-7e01-4391-8515-2187ebfabe86"}),
        ("foreign", {"ehr": Ehr(id="south", fhir_bases=(BASE,))}),
        ("other-patient", {"patient": "patient-2"}),
        ("too-old", {"after": DAY + SECOND}),
        ("malformed", {"app_context": "{" + CARD + "}"}),
        ("malformed", {"app_context": CARD.replace("-", "")}),
        ("malformed", {"app_context": f"urn:uuid:{CARD}"}),
        ("malformed", {"app_context": '{"card": "' + CARD + '"}'}),
        ("malformed", {"app_context": "x" * 1_000_000}),
        ("malformed", {"app_context": "' OR 1=1 --"}),
        ("malformed", {"app_context": "<script>alert(1)</script>"}),
        ("malformed", {"app_context": "\u0661" + CARD[1:]}),
    ],
)
def test_otherwise_it_says_why_not(engine: Engine, reason: str, wrong: dict[str, Any]) -> None:
    show(engine)
    assert opened(engine, **wrong) == NotOpened(reason)  # type: ignore[arg-type]


@pytest.mark.req("SL-064")
@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_one_there_is_nothing_to_say(engine: Engine, nothing: str | None) -> None:
    assert opened(engine, nothing) is None


@pytest.mark.req("SL-064")
def test_it_opens_for_a_day(engine: Engine) -> None:
    show(engine)
    assert isinstance(opened(engine, after=DAY), Opened)


@pytest.mark.req("SL-064")
def test_a_card_that_was_never_shown_does_not_open(engine: Engine) -> None:
    show(engine, hidden="overridden")
    assert opened(engine) == NotOpened("unknown")


@pytest.mark.req("SL-064")
def test_tenants_of_one_ehr_have_cards_of_their_own(engine: Engine) -> None:
    show(engine, TENANTS, "clinic")
    assert isinstance(opened(engine, ehr=TENANTS, tenant="clinic"), Opened)
    for tenant in (None, "another"):
        assert opened(engine, ehr=TENANTS, tenant=tenant) == NotOpened("foreign")


@pytest.mark.req("SL-064")
def test_two_fhir_servers_of_one_ehr_have_patients_of_their_own(engine: Engine) -> None:
    show(engine, TWO_BASES)
    found = opened(engine, ehr=TWO_BASES, iss="https://ehr.example/other")
    assert found == NotOpened("other-patient")


@pytest.mark.req("SL-064", "SL-112")
def test_opening_writes_nothing(engine: Engine) -> None:
    show(engine)
    before = {name: rows(engine, table) for name, table in metadata.tables.items()}
    opened(engine)
    opened(engine, patient="patient-2")
    assert {name: rows(engine, table) for name, table in metadata.tables.items()} == before


@pytest.mark.req("SL-064")
def test_without_the_store_it_says_that_too(engine: Engine) -> None:
    nowhere = database.connect("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert opened(nowhere) == NotOpened("unavailable")
    nowhere.dispose()
