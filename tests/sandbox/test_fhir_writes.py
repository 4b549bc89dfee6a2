"""Records are created and updated, each time in a new version."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.fhir.store import Store, VersionConflict
from tests.sandbox.apps import CLIENTS, App, Clock, Json, Reply, send
from tests.sandbox.writing import OTHER, PATIENT, condition, write

SCOPE = "launch patient/*.cruds"
MINE = {"reference": f"Patient/{PATIENT}"}


@pytest.fixture(scope="module")
def token(ehr: DevelopmentEhr, clock: Clock) -> str:
    return str(App(ehr, clock=clock, scope=SCOPE).opened().json["access_token"])


def created(ehr: DevelopmentEhr, token: str, **members: Any) -> Json:
    reply = write(ehr.base, "Condition", condition(**members), token)
    assert reply.status == 201
    return reply.json


def updated(ehr: DevelopmentEhr, token: str, resource: Json, **headers: str) -> Reply:
    address = f"Condition/{resource['id']}"
    return write(ehr.base, address, resource, token, "PUT", **headers)


@pytest.mark.req("SL-5.4")
def test_what_is_created_is_found_under_an_id_of_the_server(
    ehr: DevelopmentEhr, token: str, smart: App, clock: Clock
) -> None:
    sent = condition(id="mine", note=[{"text": "new"}], meta={"versionId": "7", "tag": []})
    reply = write(ehr.base, "Condition", sent, token)
    kept = reply.json
    assert reply.status == 201
    assert kept["id"] != "mine"
    assert kept["meta"]["versionId"] == "1"
    assert kept["note"] == sent["note"]
    assert reply.headers["Location"] == f"{ehr.base}/Condition/{kept['id']}/_history/1"
    assert reply.headers["ETag"] == 'W/"1"'
    assert parsedate_to_datetime(reply.headers["Last-Modified"]).timestamp() == int(clock.now)
    assert smart.fhir(token, f"Condition/{kept['id']}").json == kept
    found = smart.fhir(token, f"Condition?patient={PATIENT}").json
    assert kept in [entry["resource"] for entry in found["entry"]]


def test_an_update_is_the_next_version_and_the_old_one_can_be_read(
    ehr: DevelopmentEhr, token: str, smart: App
) -> None:
    first = created(ehr, token)
    active = {"coding": [{"code": "active"}]}
    reply = updated(ehr, token, {**first, "clinicalStatus": active}, If_Match='W/"1"')
    assert (reply.status, reply.headers["ETag"]) == (200, 'W/"2"')
    address = f"Condition/{first['id']}"
    assert smart.fhir(token, address).headers["ETag"] == 'W/"2"'
    assert smart.fhir(token, address).json["clinicalStatus"] == active
    assert smart.fhir(token, f"{address}/_history/1").json == first
    assert smart.fhir(token, f"{address}/_history/2").json == reply.json
    assert smart.fhir(token, f"{address}/_history/3").status == 404
    for status, found in (("active", True), ("resolved", False)):
        query = f"Condition?patient={PATIENT}&clinical-status={status}&_id={first['id']}"
        assert ("entry" in smart.fhir(token, query).json) == found


@pytest.mark.req("SL-112")
def test_an_update_of_an_older_version_changes_nothing(ehr: DevelopmentEhr, token: str) -> None:
    resource = created(ehr, token)
    assert updated(ehr, token, resource, If_Match='"1"').status == 200
    reply = updated(ehr, token, resource, If_Match='W/"1"')
    assert (reply.status, reply.json["issue"][0]["code"]) == (412, "conflict")
    assert "newest version is 2" in reply.json["issue"][0]["diagnostics"]
    assert updated(ehr, token, resource, If_Match="2").status == 400


@pytest.mark.req("SL-112")
def test_a_client_may_choose_the_id(ehr: DevelopmentEhr, token: str) -> None:
    resource = condition(id="chosen-by-the-client")
    assert updated(ehr, token, resource, If_Match='W/"1"').status == 412
    reply = updated(ehr, token, resource)
    assert (reply.status, reply.json["id"]) == (201, "chosen-by-the-client")
    assert updated(ehr, token, resource).status == 200


@pytest.mark.req("SL-112")
def test_what_is_there_is_not_created_again(ehr: DevelopmentEhr, token: str) -> None:
    marked = condition(identifier=[{"value": "x"}], code={"coding": [{"code": "only-once"}]})
    condition_of_create = f"patient={PATIENT}&code=only-once"
    first = write(ehr.base, "Condition", marked, token, If_None_Exist=condition_of_create)
    second = write(ehr.base, "Condition", marked, token, If_None_Exist=condition_of_create)
    assert (first.status, second.status) == (201, 200)
    assert "Location" not in second.headers
    assert first.json == second.json
    assert write(ehr.base, "Condition", marked, token).status == 201
    third = write(ehr.base, "Condition", marked, token, If_None_Exist=condition_of_create)
    assert (third.status, third.json["issue"][0]["code"]) == (412, "multiple-matches")


@pytest.mark.parametrize("terms", ["", "colour=red", "code=x&colour=red", "onset-date=soon"])
def test_a_condition_that_is_not_clear_creates_nothing(
    ehr: DevelopmentEhr, token: str, terms: str
) -> None:
    reply = write(ehr.base, "Condition", condition(), token, If_None_Exist=terms or "?")
    assert reply.status in (400, 412)


def test_a_client_may_want_no_answer(ehr: DevelopmentEhr, token: str) -> None:
    reply = write(ehr.base, "Condition", condition(), token, Prefer="return=minimal")
    assert (reply.status, reply.body) == (201, b"")
    assert reply.headers["Location"].startswith(f"{ehr.base}/Condition/")


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("patient/Condition.c", "POST", 201),
        ("patient/Condition.write", "POST", 201),
        ("patient/Condition.write", "PUT", 201),
        ("patient/Condition.cu", "PUT", 201),
        ("patient/Condition.c", "PUT", 403),
        ("patient/Condition.u", "PUT", 403),  # it is not there yet
        ("patient/Condition.u", "POST", 403),
        ("patient/Condition.rs", "POST", 403),
        ("patient/Condition.read", "POST", 403),
        ("patient/Observation.cu", "POST", 403),
        ("patient/Condition.c?category=encounter-diagnosis", "POST", 403),
        ("user/Condition.cu", "PUT", 201),
    ],
)
def test_a_token_writes_what_its_scopes_are_for(
    ehr: DevelopmentEhr, smart: App, scope: str, method: str, status: int
) -> None:
    smart.scope = f"launch {scope}"
    token = smart.opened().json["access_token"]
    resource = condition(id=f"scoped-{uuid.uuid4()}")
    address = "Condition" if method == "POST" else f"Condition/{resource['id']}"
    reply = write(ehr.base, address, resource, token, method)
    assert reply.status == status
    if status == 403:
        assert "insufficient_scope" in reply.headers["WWW-Authenticate"]


def test_a_restricted_scope_writes_what_its_query_would_find(
    ehr: DevelopmentEhr, smart: App
) -> None:
    smart.scope = "launch patient/Condition.c?category=problem-list-item"
    token = smart.opened().json["access_token"]
    for code, status in (("problem-list-item", 201), ("encounter-diagnosis", 403)):
        resource = condition(category=[{"coding": [{"code": code}]}])
        assert write(ehr.base, "Condition", resource, token).status == status


def foreign(ehr: DevelopmentEhr) -> Json:
    return ehr.fhir.store.create(condition(OTHER))


@pytest.mark.parametrize(
    "disguise",
    [
        {},
        {"patient": MINE},
        {"subject": {"reference": f"Patient/{OTHER}", "identifier": {"value": PATIENT}}},
        {"subject": {"reference": f"Group/{PATIENT}"}},
        {"subject": {"reference": f"http://elsewhere.example/x/Patient/{OTHER}"}},
    ],
)
def test_nothing_is_created_for_another_patient(
    ehr: DevelopmentEhr, token: str, disguise: Json
) -> None:
    before = len(ehr.fhir.store.all("Condition"))
    assert write(ehr.base, "Condition", condition(OTHER) | disguise, token).status == 403
    assert len(ehr.fhir.store.all("Condition")) == before


def test_another_patients_record_is_neither_changed_nor_taken_over(
    ehr: DevelopmentEhr, token: str
) -> None:
    record = foreign(ehr)
    for subject in (record["subject"], MINE):
        assert updated(ehr, token, {**record, "subject": subject}).status == 403
    assert ehr.fhir.store.read("Condition", record["id"]) == record


def test_an_own_record_is_not_given_away(ehr: DevelopmentEhr, token: str, smart: App) -> None:
    record = created(ehr, token)
    given = {**record, "subject": {"reference": f"Patient/{OTHER}"}}
    assert updated(ehr, token, given).status == 403
    smart.scope = "launch user/*.cruds"
    reply = updated(ehr, smart.opened().json["access_token"], given)
    assert (reply.status, reply.json["issue"][0]["code"]) == (422, "business-rule")


def test_an_old_version_of_anothers_record_is_not_read(
    ehr: DevelopmentEhr, token: str, smart: App
) -> None:
    assert smart.fhir(token, f"Condition/{foreign(ehr)['id']}/_history/1").status == 403


@pytest.mark.parametrize(
    ("address", "method"),
    [
        ("Patient", "POST"),
        ("Patient/sandbox-renal", "PUT"),
        ("Observation/any", "PUT"),
        ("Practitioner", "POST"),
        ("Condition/any", "DELETE"),
        ("Condition/any", "PATCH"),
    ],
)
def test_apps_write_only_what_the_capability_statement_lists(
    ehr: DevelopmentEhr, token: str, address: str, method: str
) -> None:
    resource_type, _, resource_id = address.partition("/")
    resource = {"resourceType": resource_type, "id": resource_id or "x"}
    reply = write(ehr.base, address, resource, token, method)
    assert (reply.status, reply.json["resourceType"]) == (405, "OperationOutcome")
    assert "Allow" in reply.headers


def test_without_a_token_nothing_is_written(ehr: DevelopmentEhr) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction"}
    for address, resource in (("Condition", condition()), ("", bundle)):
        assert write(ehr.base, address, resource).status == 401


@pytest.fixture(scope="module")
def unlocked(clock: Clock) -> Iterator[DevelopmentEhr]:
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, open_records=True) as running:
        yield running


def test_with_open_records_everything_can_be_written(unlocked: DevelopmentEhr) -> None:
    patient = {"resourceType": "Patient", "id": "brought"}
    assert write(unlocked.base, "Patient/brought", patient, method="PUT").status == 201
    assert write(unlocked.base, "Condition", condition("brought")).status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_elsewhere_cannot_write_unasked(unlocked: DevelopmentEhr, kind: str) -> None:
    reply = write(unlocked.base, "Condition", condition(), **{"Content-Type": kind})
    assert reply.status == 415


def test_a_page_of_a_registered_origin_may_write() -> None:
    client = replace(CLIENTS[0], origins=("http://localhost:5000",))
    with DevelopmentEhr([], [client]) as running:
        asked = {"Access-Control-Request-Method": "PUT"}
        for origin, allowed in (("http://localhost:5000", True), ("http://evil.example", False)):
            headers = {**asked, "Origin": origin}
            reply = send(f"{running.base}/Condition/x", headers=headers, method="OPTIONS")
            assert ("PUT" in reply.headers.get("Access-Control-Allow-Methods", "")) == allowed
            names = reply.headers.get("Access-Control-Allow-Headers", "")
            assert ("If-Match" in names) == allowed


def test_a_write_by_many_at_once_loses_nothing() -> None:
    store = Store([])
    kept = store.create(condition())
    won: list[str] = []

    def change() -> None:
        while len(won) < 200:
            now = store.read("Condition", kept["id"])
            assert now
            with suppress(VersionConflict):
                won.append(store.update(now, now["meta"]["versionId"])["meta"]["versionId"])
            store.search("Condition", [("patient", PATIENT), ("_sort", "-recorded-date")])

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, won)) == list(range(2, len(won) + 2))
