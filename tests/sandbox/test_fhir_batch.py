"""Several interactions in one request: each for itself, or all or none."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.server import FhirServer
from sandbox.http.faults import OtherPatient, Partial, Status
from tests.sandbox.apps import App, Clock, Json
from tests.sandbox.writing import OTHER, PATIENT, condition, write


@pytest.fixture
def server() -> Iterator[FhirServer]:
    kept = [{"resourceType": "Patient", "id": "p1"}, condition("p1", id="c1")]
    with FhirServer([{"entry": [{"resource": each} for each in kept]}]) as running:
        yield running


def entry(
    method: str, url: str, resource: Any = None, full_url: str | None = None, **conditions: str
) -> Json:
    given = {
        "fullUrl": full_url,
        "resource": resource,
        "request": {"method": method, "url": url, **conditions},
    }
    return {name: value for name, value in given.items() if value is not None}


def bundle(bundle_type: str, *entries: Any) -> Json:
    return {"resourceType": "Bundle", "type": bundle_type, "entry": list(entries)}


def statuses(reply: Any) -> list[str]:
    return [each["response"]["status"][:3] for each in reply.json["entry"]]


@pytest.mark.req("SL-5.4")
def test_a_batch_answers_each_entry_as_if_it_had_come_alone(server: FhirServer) -> None:
    reply = write(
        server.base,
        "",
        bundle(
            "batch",
            entry("GET", "Patient/p1"),
            entry("GET", "Condition?patient=p1&_count=1"),
            entry("GET", f"{server.base}/Condition/c1/_history/1"),
            entry("GET", "Patient/none"),
            entry("GET", "Condition?onset-date=soon"),
            entry("POST", "Condition", condition("p1")),
            entry("POST", "Condition", condition("p1", subject=None)),
            entry("PUT", "Condition/c1", condition("p1", id="c1"), ifMatch='W/"9"'),
            entry("DELETE", "Condition/c1"),
            entry("POST", "", bundle("batch")),
            entry("GET", "http://[/Patient"),
            {"request": {"method": "GET"}},
            "nonsense",
        ),
    )
    assert (reply.status, reply.json["type"]) == (200, "batch-response")
    assert statuses(reply) == [
        *("200", "200", "200", "404", "400"),
        *("201", "422", "412", "405", "400", "404", "400", "400"),
    ]
    entries = reply.json["entry"]
    assert entries[0]["resource"]["id"] == "p1"
    assert entries[1]["resource"]["total"] == 1
    assert entries[2]["response"]["etag"] == 'W/"1"'
    assert entries[3]["response"]["outcome"]["issue"][0]["code"] == "not-found"
    assert entries[5]["response"]["location"].startswith(f"{server.base}/Condition/")
    assert "resource" not in entries[5]


def test_a_batch_with_nothing_in_it_is_answered_by_nothing(server: FhirServer) -> None:
    reply = write(server.base, "", bundle("batch"))
    assert reply.json == {"resourceType": "Bundle", "type": "batch-response"}


def test_a_transaction_ties_its_resources_together(server: FhirServer) -> None:
    patient = {"resourceType": "Patient", "id": "ignored"}
    reply = write(
        server.base,
        "",
        bundle(
            "transaction",
            entry("GET", "Condition?_summary=count"),
            entry("POST", "Condition", condition(subject={"reference": "urn:uuid:a"})),
            entry("POST", "Patient", patient, "urn:uuid:a"),
            entry("PUT", "Goal/g1", {
                "resourceType": "Goal", "id": "g1", "subject": {"reference": "urn:uuid:a"}
            }),
        ),
        Prefer="return=representation",
    )  # fmt: skip
    assert (reply.status, reply.json["type"]) == (200, "transaction-response")
    assert statuses(reply) == ["200", "201", "201", "201"]
    count, problem, person, goal = [each["resource"] for each in reply.json["entry"]]
    assert person["id"] not in ("a", "ignored")
    assert problem["subject"] == goal["subject"] == {"reference": f"Patient/{person['id']}"}
    assert count["total"] == 2  # what is read is read after the writes
    assert server.store.search("Condition", [("patient", person["id"])]) == [problem]


BAD = [
    entry("POST", "Condition", condition("p1", subject=None)),
    entry("POST", "Nonsense", {"resourceType": "Nonsense"}),
    entry("POST", "Condition"),
    entry("PUT", "Condition/c1", condition("p1", id="c1"), ifMatch='W/"9"'),
    entry("PUT", "Condition/c1", condition("p2", id="c1")),
    entry("PUT", "Patient/new", {"resourceType": "Patient", "id": "new"}),
    entry("DELETE", "Condition/c1"),
    entry("POST", "Condition/_search"),
    entry("POST", "Condition", condition(subject={"reference": "Patient?identifier=none"})),
    entry("POST", "Condition", condition("p1"), ifNoneExist="colour=red"),
    {"request": {"method": "POST", "url": 1}},
    {"request": {"method": "POST", "url": "Condition", "ifNoneExist": 1}},
    7,
]


@pytest.mark.parametrize("bad", BAD)
def test_a_transaction_does_all_or_nothing(server: FhirServer, bad: Any) -> None:
    new = {"resourceType": "Patient", "id": "new"}
    before = {name: server.store.all(name) for name in ("Patient", "Condition")}
    good = entry("PUT", "Patient/new", new)
    reply = write(server.base, "", bundle("transaction", good, bad, good | {"fullUrl": "x"}))
    assert reply.status >= 400
    [issue] = reply.json["issue"]
    assert issue["diagnostics"].startswith(("Bundle.entry[1]: ", "Bundle.entry[2]: "))
    assert {name: server.store.all(name) for name in before} == before


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle"},
        {"resourceType": "Patient"},
        {"resourceType": "Bundle", "type": "batch", "entry": {}},
        {"resourceType": "Bundle", "type": "transaction", "entry": "x"},
    ],
)
def test_another_body_is_refused(server: FhirServer, body: Json) -> None:
    assert write(server.base, "", body).status == 400


def test_what_is_there_is_referred_to_by_what_it_is_known_by(server: FhirServer) -> None:
    house = {"resourceType": "Organization", "identifier": [{"system": "urn:x", "value": "1"}]}
    create = entry("POST", "Organization", house, "urn:uuid:o", ifNoneExist="identifier=urn:x|1")
    places = []
    for reference in ("urn:uuid:o", "Organization?identifier=urn:x|1"):
        member = {"resourceType": "Patient", "managingOrganization": {"reference": reference}}
        reply = write(
            server.base,
            "",
            bundle("transaction", create, entry("POST", "Patient", member)),
            Prefer="return=representation",
        )
        places.append(reply.json["entry"][1]["resource"]["managingOrganization"]["reference"])
    assert places[0] == places[1]
    assert len(server.store.all("Organization")) == 1


@pytest.mark.parametrize("bundle_type", ["batch", "transaction"])
def test_each_entry_is_held_to_the_token(
    ehr: DevelopmentEhr, clock: Clock, bundle_type: str
) -> None:
    smart = App(ehr, clock=clock, scope="launch patient/Condition.crus")
    token = smart.opened().json["access_token"]
    theirs = ehr.fhir.store.create(condition(OTHER))
    for each, status in [
        (entry("GET", f"Condition?patient={PATIENT}"), 200),
        (entry("GET", f"Condition?patient={OTHER}"), 403),
        (entry("GET", f"Condition/{theirs['id']}"), 403),
        (entry("GET", "Observation"), 403),
        (entry("POST", "Condition", condition()), 201),
        (entry("POST", "Condition", condition(OTHER)), 403),
        (entry("POST", "Observation", {"resourceType": "Observation"}), 403),
        (entry("PUT", f"Condition/{theirs['id']}", theirs), 403),
    ]:
        reply = write(ehr.base, "", bundle(bundle_type, each), token)
        got = statuses(reply)[0] if reply.status == 200 else str(reply.status)
        assert got == str(status)


def test_a_fault_spoils_a_batch_like_other_answers(server: FhirServer) -> None:
    asked = bundle("batch", entry("GET", "Patient/p1"), entry("GET", "Patient/none"))
    sound = write(server.base, "", asked)
    server.plant("*", Partial())
    assert write(server.base, "", asked).body == sound.body
    server.plant("*", OtherPatient("p7"))
    assert write(server.base, "", asked).json["entry"][0]["resource"]["id"] == "p7"
    server.plant("*", Status(500))
    assert write(server.base, "", asked).status == 500


def test_a_short_bundle_is_not_answered_without_end(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.fhir.batch._LONGEST", 1000)
    asked = [entry("GET", "Condition?patient=p1")] * 50
    for bundle_type in ("batch", "transaction"):
        reply = write(server.base, "", bundle(bundle_type, *asked))
        assert statuses(reply)[0] == "200"
        assert statuses(reply)[-1] == "413"
        assert len(reply.body) < 20_000
