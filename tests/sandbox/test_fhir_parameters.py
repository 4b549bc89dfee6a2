"""The search parameters of each type, and what a search says of those it does not know."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.fhir.index import Kept
from sandbox.fhir.parameters import PARAMETERS, WRITES
from sandbox.fhir.search import query
from sandbox.fhir.server import FhirServer
from sandbox.fhir.store import Store
from tests.sandbox.apps import Json, send

Ask = Callable[..., Any]


def coded(code: str, system: str = "urn:s") -> Json:
    return {"coding": [{"system": system, "code": code}]}


MINE = {"reference": "Patient/p1"}
VISIT = {"reference": "Encounter/e1"}
PERSON = {
    "name": [{"family": "Åström-Nagy", "given": ["Elif", "Noor"]}],
    "identifier": [{"system": "urn:mrn", "value": "77"}],
}
RESOURCES: list[Json] = [
    {"resourceType": "Patient", "id": "p1", **PERSON, "birthDate": "1961-04", "gender": "female"},
    {"resourceType": "Patient", "id": "p2", "name": [{"text": "Baby of p1"}], "gender": "male"},
    {"resourceType": "Practitioner", "id": "pr1", **PERSON},
    {"resourceType": "Organization", "id": "o1", "name": "North Clinic", "alias": ["Polar"]},
    {"resourceType": "Location", "id": "l1", "name": "Room 4",
     "managingOrganization": {"reference": "Organization/o1"}},
    {"resourceType": "PractitionerRole", "id": "ro1", "identifier": [{"value": "9"}],
     "practitioner": {"reference": "Practitioner/pr1"},
     "organization": {"reference": "Organization/o1"}},
    {"resourceType": "Encounter", "id": "e1", "status": "finished", "subject": MINE,
     "class": {"system": "urn:s", "code": "AMB"}, "type": [coded("check")],
     "period": {"start": "2026-01-01", "end": "2026-01-02"}},
    {"resourceType": "Condition", "id": "c1", "subject": MINE, "encounter": VISIT,
     "category": [coded("problem-list-item")], "code": coded("44054006"),
     "onsetDateTime": "2019-05", "recordedDate": "2020-01-01"},
    {"resourceType": "Condition", "id": "c2", "subject": MINE, "recordedDate": "2021-01-01"},
    {"resourceType": "Observation", "id": "ob1", "status": "final", "code": coded("4548-4"),
     "subject": MINE, "encounter": VISIT, "effectivePeriod": {"start": "2026-01-01"}},
    {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
     "subject": MINE, "encounter": VISIT, "authoredOn": "2026-02-01",
     "medicationCodeableConcept": coded("861007")},
    {"resourceType": "MedicationStatement", "id": "ms1", "status": "active", "subject": MINE,
     "effectiveDateTime": "2026-02-02"},
    {"resourceType": "AllergyIntolerance", "id": "a1", "patient": MINE,
     "clinicalStatus": coded("active"), "code": coded("372687004")},
    {"resourceType": "Procedure", "id": "pc1", "status": "completed", "subject": MINE,
     "performedPeriod": {"start": "2026-01-01"}, "code": coded("73761001")},
    {"resourceType": "Immunization", "id": "i1", "status": "completed", "patient": MINE,
     "occurrenceDateTime": "2026-01-01", "vaccineCode": coded("140")},
    {"resourceType": "DiagnosticReport", "id": "d1", "status": "final", "subject": MINE,
     "category": [coded("LAB")], "code": coded("24323-8"), "effectiveDateTime": "2026-01-01"},
    {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order",
     "subject": MINE, "category": [coded("lab")], "code": coded("4548-4"),
     "authoredOn": "2026-01-01"},
    {"resourceType": "Appointment", "id": "ap1", "status": "booked", "start": "2026-12-01",
     "participant": [{"actor": {"reference": "Practitioner/pr1"}}, {"actor": MINE}]},
    {"resourceType": "CarePlan", "id": "cp1", "status": "active", "subject": MINE,
     "category": [coded("diabetes")], "period": {"start": "2026-01-01"}},
    {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "subject": MINE,
     "category": [coded("dietary")], "startDate": "2026-01-01"},
    {"resourceType": "Coverage", "id": "cv1", "status": "active", "beneficiary": MINE,
     "period": {"start": "2026-01-01"}},
    {"resourceType": "DocumentReference", "id": "dr1", "status": "current", "subject": MINE,
     "type": coded("34133-9"), "category": [coded("note")], "date": "2026-01-01T00:00:00Z"},
    {"resourceType": "Questionnaire", "id": "q1", "url": "https://ehr.example/q",
     "status": "draft"},
    {"resourceType": "QuestionnaireResponse", "id": "qr1", "status": "completed", "subject": MINE,
     "questionnaire": "https://ehr.example/q|2", "authored": "2026-01-01"},
    {"resourceType": "Task", "id": "t1", "status": "ready", "for": MINE, "code": coded("fulfill"),
     "owner": {"reference": "Practitioner/pr1"}},
    {"resourceType": "Basic", "id": "b1", "subject": MINE},
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer([{"entry": [{"resource": each} for each in RESOURCES]}]) as running:
        yield running


@pytest.mark.req("SL-5.4")
@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Patient?name=astrom", "p1"),
        ("Patient?name=noor", "p1"),
        ("Patient?name=nagy", ""),
        ("Patient?name=baby", "p2"),
        ("Patient?family=%C3%85STR", "p1"),
        ("Patient?given=Elif", "p1"),
        ("Patient?given=astrom", ""),
        ("Patient?birthdate=1961", "p1"),
        ("Patient?birthdate=lt1961", ""),
        ("Patient?gender=male", "p2"),
        ("Patient?gender=male,female", "p1 p2"),
        ("Patient?identifier=77", "p1"),
        ("Patient?identifier=urn:mrn|77", "p1"),
        ("Patient?identifier=urn:other|77", ""),
        ("Patient?_id=p2,p1,none", "p1 p2"),
        ("Practitioner?name=astr&identifier=77", "pr1"),
        ("Organization?name=polar", "o1"),
        ("Location?name=room&organization=o1", "l1"),
        ("PractitionerRole?practitioner=pr1&organization=Organization/o1&identifier=9", "ro1"),
        ("Encounter?patient=p1&status=finished&class=AMB&type=check&date=2026-01", "e1"),
        ("Condition?patient=p1&encounter=e1&category=problem-list-item&code=44054006", "c1"),
        ("Condition?patient=p1&encounter=Encounter/e2", ""),
        ("Condition?onset-date=2019", "c1"),
        ("Condition?recorded-date=gt2020-06", "c2"),
        ("Condition?patient=p1&_sort=-recorded-date", "c2 c1"),
        ("Condition?patient=p1&_sort=onset-date", "c1 c2"),
        ("Condition?patient=p1&_sort=recorded-date,-_id", "c1 c2"),
        ("Condition?patient=p1&_sort=-_id", "c2 c1"),
        ("Condition?patient=p1&_sort:desc=recorded-date", "c2 c1"),
        ("Condition?patient=p1&_id=c2", "c2"),
        ("Condition?_id=c2&patient=p2", ""),
        ("Condition?patient=p2,p1", "c1 c2"),
        ("Condition?patient=p1&patient=p2", ""),
        ("Observation?patient=p1&encounter=e1&code=4548-4&date=ge2026&status=final", "ob1"),
        ("MedicationRequest?patient=p1&intent=order&encounter=e1&authoredon=2026-02", "m1"),
        ("MedicationStatement?patient=p1&effective=2026-02-02&status=active", "ms1"),
        ("AllergyIntolerance?patient=p1&clinical-status=active&code=372687004", "a1"),
        ("Procedure?patient=p1&date=ge2026&status=completed&code=73761001", "pc1"),
        ("Immunization?patient=p1&date=2026&status=completed&vaccine-code=140", "i1"),
        ("DiagnosticReport?patient=p1&category=LAB&code=24323-8&date=2026&status=final", "d1"),
        ("ServiceRequest?patient=p1&category=lab&authored=2026&intent=order", "s1"),
        ("Appointment?patient=p1&status=booked&date=ge2026-11", "ap1"),
        ("Appointment?patient=pr1", ""),
        ("Appointment?actor=Practitioner/pr1", "ap1"),
        ("CarePlan?patient=p1&category=diabetes&date=ge2026&status=active", "cp1"),
        ("Goal?patient=p1&category=dietary&status=active&date=2026", "g1"),
        ("Goal?lifecycle-status=active&start-date=2026", "g1"),
        ("Coverage?beneficiary=p1&patient=p1&status=active&date=ge2026", "cv1"),
        ("DocumentReference?patient=p1&type=34133-9&category=note&date=2026", "dr1"),
        ("Questionnaire?url=https://ehr.example/q", "q1"),
        ("QuestionnaireResponse?patient=p1&questionnaire=https://ehr.example/q", "qr1"),
        ("QuestionnaireResponse?questionnaire=https://ehr.example/q|2&authored=2026", "qr1"),
        ("Task?patient=p1&status=ready&code=fulfill&owner=Practitioner/pr1", "t1"),
        ("Basic?patient=p1", "b1"),
        ("Basic?patient=p2", ""),
        ("Condition?_lastUpdated=ge2026", "c1 c2"),
        ("Condition?_lastUpdated=lt2026", ""),
    ],
)
def test_each_type_has_its_parameters(server: FhirServer, ask: Ask, query: str, ids: str) -> None:
    reply = ask(server, query)
    assert reply.ids == ids.split()
    assert reply.json["total"] == len(ids.split())
    assert reply.link("self").count("=") == query.count("=")


def test_the_total_alone(server: FhirServer, ask: Ask) -> None:
    reply = ask(server, "Condition?patient=p1&_summary=count")
    assert reply.json["total"] == 2
    assert {"entry", "next"}.isdisjoint([*reply.json, *(k["relation"] for k in reply.json["link"])])


@pytest.mark.parametrize(
    ("address", "unknown"),
    [
        ("Condition?patient=p1&colour=red", "colour"),
        ("Condition?code:in=urn:x", "code:in"),
        ("Condition?_sort=colour", "_sort"),
        ("Condition?_include=Condition:asserter", "_include"),
        ("Condition?_summary=true", "_summary"),
        ("Patient?_sort:asc=colour", "_sort:asc"),
    ],
)
def test_what_is_not_known_is_left_out_or_refused(
    server: FhirServer, ask: Ask, address: str, unknown: str
) -> None:
    reply = ask(server, address)
    assert reply.status == 200
    assert f"{unknown}=" not in reply.link("self")
    strict = send(f"{server.base}/{address}", headers={"Prefer": "handling=strict"})
    assert strict.status == 400
    assert unknown in strict.json["issue"][0]["diagnostics"]


def test_what_is_known_is_not_refused(server: FhirServer) -> None:
    address = "Condition?patient=p1&_sort=-recorded-date&_count=5&_summary=false&_format=json"
    headers = {"Prefer": "respond-async, handling=strict"}
    assert send(f"{server.base}/{address}", headers=headers).status == 200


@pytest.mark.req("SL-5.4")
def test_the_capability_statement_lists_what_there_is(server: FhirServer, ask: Ask) -> None:
    [rest] = ask(server, "metadata").json["rest"]
    assert {each["code"] for each in rest["interaction"]} == {"batch", "transaction"}
    listed = {each["type"]: each for each in rest["resource"]}
    assert set(listed) == set(PARAMETERS)
    for resource_type, each in listed.items():
        codes = {interaction["code"] for interaction in each["interaction"]}
        writes = {"c": "create", "u": "update"}
        expected = {writes[letter] for letter in WRITES.get(resource_type, "")}
        assert codes == {"read", "vread", "search-type", *expected}
        names = "&".join(f"{p['name']}=2026" for p in each["searchParam"])
        strict = {"Prefer": "handling=strict"}
        assert send(f"{server.base}/{resource_type}?{names}", headers=strict).status == 200
    assert listed["MedicationRequest"]["searchInclude"] == ["MedicationRequest:medication"]


def test_the_index_finds_what_looking_at_each_would_find() -> None:
    chance = random.Random(5)
    store = Store([])
    asked = [
        [("patient", "p1")],
        [("patient", "p1"), ("code", "a,b")],
        [("patient", "p2"), ("status", "final"), ("code", "urn:s|a")],
        [("patient", "p1"), ("date", "ge2026-06"), ("_sort", "-date")],
        [("patient", "p1,p2"), ("_sort", "date")],
        [("_id", "3,4"), ("patient", "p1")],
    ]
    for _ in range(300):
        number = str(chance.randrange(20))
        resource = {
            "resourceType": "Observation",
            "id": number,
            "status": chance.choice(["final", "amended"]),
            "code": coded(chance.choice("abc")),
            "subject": {"reference": f"Patient/{chance.choice(['p1', 'p2'])}"},
            "effectiveDateTime": f"2026-{chance.randrange(1, 13):02}",
        }
        if store.read("Observation", number) is None:
            store.create(resource)
        elif chance.random() < 0.3:
            store.delete("Observation", number)
        else:
            store.update(resource)
        params = chance.choice(asked)
        wanted = query("Observation", params)
        found = [
            each
            for each in store.all("Observation")
            if all(Kept(each).satisfies(criterion) for criterion in wanted.criteria)
        ]
        got = store.search("Observation", params)
        assert sorted(each["id"] for each in got) == sorted(each["id"] for each in found)
        assert all(each in found for each in got)
        dates = [each["effectiveDateTime"] for each in got]
        if wanted.order:
            assert dates == sorted(dates, reverse=wanted.order[0][1])
