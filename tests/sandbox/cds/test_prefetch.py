"""What becomes of each prefetch key: given, empty, left out, not filled, refused, fetched back."""

import json
from datetime import date
from typing import Any

import pytest

from sandbox.cds.exchange import Prefetched
from sandbox.cds.prefetch import satisfied
from sandbox.cds.settings import CdsSettings
from sandbox.cds.visit import Visit
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http import faults
from sandbox.http.answer import Answer
from tests.sandbox.cds.conftest import GLIPIZIDE, USER, Both, answer_of
from tests.sandbox.cds.scripted import Json, Scripted, cards

PATIENT = "Patient/{{context.patientId}}"
LABS = "Observation?patient={{context.patientId}}&category=laboratory"


def _row(visit: Visit, key: str = "key") -> Prefetched:
    (exchange,) = visit.exchanges
    return next(row for row in exchange.prefetched if row.key == key)


def _opened(
    visit: Visit, scripted: Scripted, template: str, **others: str
) -> tuple[Prefetched, Json]:
    """The row of a key with this template, and the prefetch that the service got."""
    scripted.offer("view", "patient-view", cards(), prefetch={**others, "key": template})
    visit.open()
    return _row(visit), scripted.calls("view")[0].body.get("prefetch", {})


def test_a_search_is_given_as_the_fhir_server_answers_it(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "Observation?patient={{context.patientId}}&_count=2")
    assert (row.outcome, row.entries) == ("given", 2)
    assert row.query == "Observation?patient=sandbox-renal&_count=2"
    bundle = prefetch["key"]
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    assert bundle["total"] > 2
    assert {link["relation"] for link in bundle["link"]} == {"self", "next"}
    assert row.reason == f"This is the first page of {bundle['total']}."


def test_a_search_that_finds_nothing_is_an_empty_bundle(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "Procedure?patient={{context.patientId}}&code=x")
    assert (row.outcome, row.entries) == ("empty", 0)
    assert prefetch["key"]["total"] == 0
    assert "entry" not in prefetch["key"]


def test_a_read_of_nothing_is_null(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "Encounter/not-there")
    assert (row.outcome, row.reason) == ("empty", "There is no such resource.")
    assert prefetch == {"key": None}


def test_the_user_can_be_read(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "{{context.userId}}")
    assert (row.outcome, row.entries) == ("given", 1)
    assert prefetch["key"]["id"] == "sandbox-ada"


def test_what_the_settings_leave_out_is_left_out(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    ehr.cds.settings = CdsSettings(servers=(scripted.url,), left_out=frozenset({"key"}))
    row, prefetch = _opened(visit, scripted, LABS, patient=PATIENT)
    assert (row.outcome, row.query) == (
        "left out",
        "Observation?patient=sandbox-renal&category=laboratory",
    )
    assert prefetch.keys() == {"patient"}


def test_what_cannot_be_filled_is_left_out(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "Encounter/{{context.encounterId}}", patient=PATIENT)
    assert (row.outcome, row.query) == ("not filled", None)
    assert row.reason == "There is no value for {{context.encounterId}}."
    assert prefetch.keys() == {"patient"}


def test_a_date_is_filled(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, LABS + "&date=ge{{today() - 3 years}}")
    assert row.outcome == "given"
    assert prefetch["key"]["total"] > 0


def test_an_ehr_of_2_0_fills_no_dates(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    ehr.cds.settings = CdsSettings(servers=(scripted.url,), version="2.0")
    row, _ = _opened(visit, scripted, LABS + "&date=ge{{today() - 3 years}}")
    assert row.outcome == "not filled"


def test_a_key_may_build_on_an_earlier_one(visit: Visit, scripted: Scripted) -> None:
    template = "Patient?_id={{%patient.id}}"
    row, prefetch = _opened(visit, scripted, template, patient=PATIENT)
    assert row.query == "Patient?_id=sandbox-renal"
    assert prefetch["key"]["entry"][0]["resource"]["id"] == "sandbox-renal"


def test_a_key_may_build_on_the_drafts(visit: Visit, scripted: Scripted) -> None:
    path = "context.draftOrders.entry.resource.ofType(MedicationRequest).requester.resolve()"
    template = f"Practitioner?_id={{{{{path}.ofType(Practitioner).id}}}}"
    scripted.offer("select", "order-select", cards(), prefetch={"key": template})
    visit.add({**GLIPIZIDE, "requester": {"reference": USER}})
    assert (_row(visit).query, _row(visit).entries) == ("Practitioner?_id=sandbox-ada", 1)


@pytest.mark.parametrize(
    "template",
    [
        "Patient/sandbox-diabetes",
        "Observation?patient=sandbox-diabetes",
        "http://elsewhere.invalid/Patient/1",
        "../style.json",
        "Nothing?patient={{context.patientId}}",
        "Observation?patient={{context.patientId}}&date=yesterday",
    ],
)
def test_what_the_fhir_server_refuses_is_told_as_an_outcome(
    visit: Visit, scripted: Scripted, template: str
) -> None:
    # CDS Hooks 2.0: a client that tried and failed says so, with an OperationOutcome.
    row, prefetch = _opened(visit, scripted, template)
    assert row.outcome in ("refused", "empty")
    assert row.reason
    assert (prefetch["key"] or {"resourceType": "OperationOutcome"})["resourceType"] == (
        "OperationOutcome"
    )


def test_a_search_finds_nobody_else(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, "Condition?_count=1000")
    assert row.outcome == "given"
    subjects = {each["resource"]["subject"]["reference"] for each in prefetch["key"]["entry"]}
    assert subjects == {"Patient/sandbox-renal"}


@pytest.mark.parametrize("fault", [faults.Status(500), faults.NotJson()])
def test_a_planted_fault_spoils_prefetch_too(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted, fault: Any
) -> None:
    ehr.fhir.plant("Observation", fault)
    row, prefetch = _opened(visit, scripted, LABS, patient=PATIENT)
    assert row.outcome == "refused"
    assert prefetch["patient"]["id"] == "sandbox-renal"
    assert prefetch.get("key", {"resourceType": "OperationOutcome"})["resourceType"] == (
        "OperationOutcome"
    )


@pytest.mark.req("CH-080")
@pytest.mark.parametrize("settings", [{"prefetch": "none"}, {"left_out": frozenset({"labs"})}])
def test_the_application_fetches_back_what_was_left_out(both: Both, settings: Json) -> None:
    given = both.visit("sandbox-renal")
    opened = both.visit("sandbox-renal", **settings)
    exchange = answer_of(opened)
    assert exchange.error is None
    left = [row for row in exchange.prefetched if row.outcome == "left out"]
    assert "labs" in {row.key for row in left}
    for row in left:
        # One request, unless two keys ask for the same.
        assert {f.status for f in row.fetched} == {200}, (row.key, row.query, len(row.fetched))
    labs = next(row for row in left if row.key == "labs")
    assert labs.fetched[0].entries == 4
    assert len(exchange.fetched) == len(left)
    assert [c.card.summary for c in opened.cards] == [c.card.summary for c in given.cards]


@pytest.mark.req("CH-070", "CH-088")
def test_without_prefetch_and_token_the_application_says_what_it_lacks(both: Both) -> None:
    opened = both.visit("sandbox-renal", prefetch="none", authorization=False)
    exchange = answer_of(opened)
    assert exchange.status == 412
    assert "412 (Precondition Failed):" in (exchange.error or "")
    assert opened.cards == []


def test_nothing_is_fetched_back_when_all_was_given(both: Both) -> None:
    exchange = answer_of(both.visit("sandbox-renal"))
    assert exchange.fetched == ()
    assert {row.outcome for row in exchange.prefetched} <= {"given", "empty"}


@pytest.mark.parametrize(
    "bundle", shipped_bundles(), ids=lambda b: str(b["entry"][0]["resource"]["id"])
)
def test_every_chart_opens(both: Both, bundle: Json) -> None:
    patients = [
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"
    ]
    opened = both.visit(patients[0]["id"])
    assert [each.error for each in opened.exchanges] == [None, None]


def test_a_service_gets_no_more_than_a_hundred_keys(visit: Visit, scripted: Scripted) -> None:
    row, prefetch = _opened(visit, scripted, LABS, **{f"k{n}": PATIENT for n in range(100)})
    assert len(prefetch) == 100
    assert row.outcome == "left out"
    assert row.reason == "Only the first 100 keys of a service are filled."


def test_a_request_does_not_grow_without_end() -> None:
    asked: list[str] = []
    body = json.dumps({"resourceType": "Bundle", "note": "x" * 9_000_000}).encode()

    def get(target: str) -> Answer:
        asked.append(target)
        return Answer(200, body)

    templates = {f"k{n}": "Observation?a" if n < 2 else f"Observation?{n}" for n in range(6)}
    given = satisfied(templates, {}, USER, date(2026, 11, 24), CdsSettings(), get)
    assert list(given.values) == ["k0", "k1", "k2"]
    assert {row.reason for row in given.rows[3:]} == {"The request has more than 20 MB already."}
    # What two keys ask for is asked for once.
    assert asked == ["Observation?a", "Observation?2"]
