"""The records are held to the token: whose it is, what it is for, whether it is good."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http.faults import Status
from tests.sandbox.apps import CLIENTS, App, Clock, Reply, send

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"


def reads(smart: App, scope: str, address: str, **launch: Any) -> Reply:
    smart.scope = f"launch {scope}"
    return smart.fhir(smart.opened(**launch).json["access_token"], address)


@pytest.mark.parametrize(
    ("token", "challenge"), [(None, "Bearer"), ("guessed", 'Bearer error="invalid_token"')]
)
def test_without_a_good_token_there_is_nothing(
    smart: App, token: str | None, challenge: str
) -> None:
    for address in ("Patient/sandbox-renal", "Patient/nobody", "Observation", "Nonsense/1"):
        reply = smart.fhir(token, address)
        assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, challenge)
        assert reply.json["resourceType"] == "OperationOutcome"


def test_a_refresh_token_reads_nothing(smart: App) -> None:
    smart.scope = "launch offline_access patient/Patient.r"
    assert smart.fhir(smart.opened().json["refresh_token"], "Patient/sandbox-renal").status == 401


def test_a_token_of_another_ehr_reads_nothing(smart: App, clock: Clock) -> None:
    token = smart.opened().json["access_token"]
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock) as other:
        assert App(other).fhir(token, "Patient/sandbox-renal").status == 401


def test_metadata_is_public_and_says_where_tokens_are(ehr: DevelopmentEhr, smart: App) -> None:
    security = smart.fhir(None, "metadata").json["rest"][0]["security"]
    [uris] = security["extension"]
    assert uris["url"].endswith("/oauth-uris")
    assert {u["url"]: u["valueUri"] for u in uris["extension"]} == {
        "authorize": f"{ehr.origin}/auth/authorize",
        "token": f"{ehr.origin}/auth/token",
    }


SCOPED = [
    ("patient/Patient.r", "Patient/sandbox-renal", 200),
    ("patient/Patient.rs", "Patient?_id=sandbox-renal", 200),
    ("patient/Patient.s", "Patient/sandbox-renal", 403),
    ("patient/Patient.r", "Patient?_id=sandbox-renal", 403),
    ("patient/Patient.read", "Patient?_id=sandbox-renal", 200),
    ("patient/Observation.rs", "Patient/sandbox-renal", 403),
    ("patient/Observation.rs", "Observation?patient=sandbox-renal", 200),
    ("patient/*.rs", "Observation?patient=Patient/sandbox-renal", 200),
    ("patient/*.cud", "Observation?patient=sandbox-renal", 403),
    ("patient/Patient.r", "Patient/sandbox-healthy", 403),
    ("patient/Patient.r", "Patient/nobody", 404),
    ("patient/*.rs", "Patient?_id=sandbox-healthy", 403),
    ("patient/*.rs", "Observation?patient=sandbox-healthy", 403),
    ("patient/*.rs", "Observation?patient=sandbox-renal,sandbox-healthy", 403),
    ("patient/*.rs", "Condition?subject=Patient/sandbox-diabetes", 403),
    ("patient/*.rs", "Observation/sandbox-diabetes-a1c", 404),
    ("patient/*.rs", "Practitioner/sandbox-ada", 200),
    ("user/Patient.r", "Patient/sandbox-healthy", 200),
    ("user/Patient.rs", "Observation?patient=sandbox-renal", 403),
    ("user/Observation.rs", "Observation?patient=sandbox-healthy", 200),
    ("patient/Patient.r user/Practitioner.r", "Practitioner/sandbox-ben", 200),
    ("patient/Patient.r", "Practitioner/sandbox-ben", 403),
]


@pytest.mark.parametrize(("scope", "address", "status"), SCOPED)
def test_a_token_is_good_for_its_scopes(smart: App, scope: str, address: str, status: int) -> None:
    reply = reads(smart, scope, address)
    assert reply.status == status
    if status == 403:
        assert reply.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


def subjects(reply: Reply) -> set[str]:
    entries = reply.json.get("entry", [])
    return {entry["resource"]["subject"]["reference"] for entry in entries}


def test_a_search_without_a_patient_finds_the_own_records_only(smart: App) -> None:
    assert subjects(reads(smart, "patient/*.rs", "Observation")) == {"Patient/sandbox-renal"}
    everybody = subjects(reads(smart, "user/*.rs", "Observation"))
    assert "Patient/sandbox-healthy" in everybody


def test_a_search_is_held_to_the_scope_by_post_too(smart: App) -> None:
    token = smart.opened().json["access_token"]
    for patient, status in [("sandbox-renal", 200), ("sandbox-healthy", 403)]:
        form = {"patient": patient}
        assert smart.fhir(token, "Observation/_search", form).status == status


def test_a_read_of_anothers_record_is_refused(ehr: DevelopmentEhr, smart: App) -> None:
    foreign = ehr.fhir.store.search("Observation", [("patient", "sandbox-healthy")])[0]["id"]
    assert reads(smart, "patient/*.rs", f"Observation/{foreign}").status == 403
    assert reads(smart, "user/*.rs", f"Observation/{foreign}").status == 200


@pytest.mark.parametrize(("category", "found"), [(CATEGORY, True), ("exam", False)])
def test_a_restricted_scope_finds_what_its_query_would(
    smart: App, category: str, found: bool
) -> None:
    scope = f"patient/Observation.rs?category={category}"
    reply = reads(smart, scope, "Observation?patient=sandbox-renal")
    assert ("entry" in reply.json) == found
    one = (
        "Observation/"
        + smart.ehr.fhir.store.search("Observation", [("patient", "sandbox-renal")])[0]["id"]
    )
    assert reads(smart, scope, one).status == (200 if found else 403)


def test_a_search_for_another_patient_can_find_nothing_instead(smart: App) -> None:
    fault = "fhir_empty_compartment"
    reply = reads(smart, "patient/*.rs", "Observation?patient=sandbox-healthy", faults=[fault])
    assert (reply.status, "entry" in reply.json) == (200, False)


@pytest.fixture(scope="module")
def unlocked(clock: Clock) -> Iterator[DevelopmentEhr]:
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, open_records=True) as running:
        yield running


def test_open_records_need_no_token_but_a_token_is_held_to_its_scopes(
    unlocked: DevelopmentEhr, clock: Clock
) -> None:
    smart = App(unlocked, clock=clock)
    assert smart.fhir(None, "Patient/sandbox-healthy").status == 200
    assert smart.fhir("guessed", "Patient/sandbox-healthy").status == 401
    token = smart.opened().json["access_token"]
    assert smart.fhir(token, "Patient/sandbox-healthy").status == 403


def test_a_planted_fault_spoils_answers_and_no_refusal(ehr: DevelopmentEhr, smart: App) -> None:
    ehr.fhir.plant("Patient", Status(500))
    token = smart.opened().json["access_token"]
    assert smart.fhir(token, "Patient/sandbox-renal").status == 500
    assert smart.fhir(None, "Patient/sandbox-renal").status == 401
    ehr.fhir.clear()
    assert smart.fhir(token, "Patient/sandbox-renal").status == 200


@pytest.mark.req("SL-214")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:80"])
def test_another_host_name_gets_nothing(ehr: DevelopmentEhr, host: str) -> None:
    for path in ("/fhir/metadata", "/ehr", "/jwks.json"):
        assert send(f"{ehr.origin}{path}", headers={"Host": host}).status == 421
