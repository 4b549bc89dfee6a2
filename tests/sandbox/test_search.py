"""Which records a search finds, in what order, on how many pages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer

Ask = Callable[..., Any]

LOINC = "http://loinc.org"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def observation(number: int, loinc: str, day: str | None, **more: Any) -> dict[str, Any]:
    dated = {"effectiveDateTime": day} if day else {}
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "category": [{"coding": [{"system": "urn:categories", "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": loinc}]},
        "subject": {"reference": "urn:uuid:p1"},
        **dated,
        **more,
    }


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources],
    }


CHART = bundle(
    {"resourceType": "Patient", "id": "p1"},
    {"resourceType": "Patient", "id": "p2"},
    observation(1, "4548-4", "2026-09-15"),
    observation(2, "2160-0", "2026-10-01T08:30:30+02:00"),
    observation(3, "4548-4", "2025"),
    observation(4, "8480-6", None, code={"coding": [{"code": "local"}]}),
    observation(5, "2160-0", "2026-10", subject={"reference": "urn:uuid:p2"}, status="amended"),
    {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "subject": {"reference": "urn:uuid:p1"},
    },
    {"resourceType": "Medication", "id": "m1"},
    {
        "resourceType": "MedicationRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "urn:uuid:m1"},
        "subject": {"reference": "urn:uuid:p1"},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "r2",
        "status": "stopped",
        "intent": "plan",
        "medicationCodeableConcept": {"coding": [{"system": "urn:drugs", "code": "861007"}]},
        "subject": {"reference": "urn:uuid:p1"},
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "category": ["food"],
        "recordedDate": "2026-01-02",
        "patient": {"reference": "urn:uuid:p1"},
    },
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "period": {"start": "2026-11-01"},
        "subject": {"reference": "urn:uuid:p1"},
    },
    {"resourceType": "ServiceRequest", "id": "s1", "subject": {"reference": "Group/p1"}},
)


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART]) as running:
        yield running


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Observation", "o1 o2 o3 o4 o5"),
        ("Observation?patient=p1", "o1 o2 o3 o4"),
        ("Observation?patient=Patient/p2", "o5"),
        ("Observation?patient=http://ehr.example/fhir/Patient/p2", "o5"),
        ("Observation?patient=2", ""),
        ("Observation?subject=p2", "o5"),
        ("Observation?subject=Patient/p2", "o5"),
        ("Observation?subject=Group/p2", ""),
        ("ServiceRequest?subject=p1", "s1"),
        ("ServiceRequest?patient=p1", ""),
        ("AllergyIntolerance?patient=p1", "a1"),
        ("Observation?_id=o3,o1", "o1 o3"),
        (f"Observation?code={LOINC}|4548-4", "o1 o3"),
        (f"Observation?code={LOINC}|4548-4,{LOINC}|2160-0", "o1 o2 o3 o5"),
        (f"Observation?code={LOINC}|", "o1 o2 o3 o5"),
        ("Observation?code=2160-0", "o2 o5"),
        ("Observation?code=|2160-0", ""),
        ("Observation?code=|local", "o4"),
        ("Observation?code=urn:other|4548-4", ""),
        ("Observation?category=laboratory&status=amended", "o5"),
        ("Observation?status=final,amended", "o1 o2 o3 o4 o5"),
        ("Observation?status=final&status=amended", ""),
        ("AllergyIntolerance?category=food", "a1"),
        ("AllergyIntolerance?category=medication", ""),
        (f"Condition?clinical-status={CLINICAL}|active", "c1"),
        ("Condition?clinical-status=resolved", ""),
        ("Condition?verification-status=confirmed", "c1"),
        ("Condition?verification-status=refuted", ""),
        ("MedicationRequest?intent=order", "r1"),
        ("MedicationRequest?status=active", "r1"),
        ("MedicationRequest?code=urn:drugs|861007", "r2"),
        ("MedicationRequest?_include=MedicationRequest:medication", "r1 r2 m1"),
        ("MedicationRequest?_id=r2&_include=MedicationRequest:medication", "r2"),
        ("Immunization?patient=p1", ""),
    ],
)
def test_a_search_finds_what_satisfies_all_parameters(
    server: FhirServer, ask: Ask, query: str, ids: str
) -> None:
    reply = ask(server, query)
    assert reply.status == 200
    assert reply.ids == ids.split()


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("2026-09-15", "o1"),
        ("eq2026", "o1 o2 o5"),
        ("2026-10", "o2 o5"),
        ("2026-10-01", "o2"),
        ("2026-10-01T06:30Z", "o2"),
        ("2026-10-01T08:30:00", ""),
        ("ge2026-10-01", "o2 o5"),
        ("gt2026-10-01", "o5"),
        ("gt2026-10", ""),
        ("le2026-09-15", "o1 o3"),
        ("lt2026-09-15", "o3"),
        ("lt2025-06", "o3"),
        ("le9999-12-31", "o1 o2 o3 o5"),
        ("ge2026-09&date=lt2026-10", "o1"),
        ("2025,2026-09", "o1 o3"),
    ],
)
def test_dates_are_compared_as_spans(server: FhirServer, ask: Ask, value: str, ids: str) -> None:
    assert ask(server, f"Observation?date={value}").ids == ids.split()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Encounter?date=ge2030", "e1"),
        ("Encounter?date=le2026-10", ""),
        ("AllergyIntolerance?date=2026-01", "a1"),
        ("Condition?date=1900", "c1"),  # Condition has no parameter of that name
    ],
)
def test_each_type_has_its_own_date(server: FhirServer, ask: Ask, query: str, ids: str) -> None:
    assert ask(server, query).ids == ids.split()


def test_an_unknown_parameter_is_ignored(server: FhirServer, ask: Ask) -> None:
    assert ask(server, "Patient?colour=red&_sort:desc=date&code:in=x").ids == ["p1", "p2"]


@pytest.mark.parametrize(
    "query", ["date={{today()}}", "date=ne2026", "date=2026-13", "_count=-1", "_offset=x"]
)
def test_a_malformed_value_is_a_400_with_an_outcome(
    server: FhirServer, ask: Ask, query: str
) -> None:
    reply = ask(server, f"Observation?{query}")
    assert reply.status == 400
    assert reply.json["issue"][0]["code"] == "invalid"


@pytest.mark.parametrize(("sort", "ids"), [("date", "o3 o1 o5 o2 o4"), ("-date", "o2 o5 o1 o3 o4")])
def test_sorted_by_date_with_the_undated_last(
    server: FhirServer, ask: Ask, sort: str, ids: str
) -> None:
    assert ask(server, f"Observation?_sort={sort}").ids == ids.split()


def test_count_zero_asks_for_the_total_only(server: FhirServer, ask: Ask) -> None:
    reply = ask(server, "Observation?_count=0")
    assert (reply.json["total"], reply.link("next")) == (5, None)
    assert "entry" not in reply.json


def test_entries_tell_matches_from_included_resources(server: FhirServer, ask: Ask) -> None:
    query = "MedicationRequest?status=active&_include=MedicationRequest:medication"
    reply = ask(server, query)
    assert [e["search"]["mode"] for e in reply.json["entry"]] == ["match", "include"]
    assert reply.json["entry"][1]["fullUrl"] == f"{server.base}/Medication/m1"
    assert reply.json["total"] == 1


def test_a_search_by_post_equals_one_by_get(server: FhirServer, ask: Ask) -> None:
    posted = ask(server, "Observation/_search", form=[("code", f"{LOINC}|4548-4"), ("_count", "1")])
    assert posted.json == ask(server, f"Observation?code={LOINC}|4548-4&_count=1").json


def test_pages_are_linked_until_the_last(server: FhirServer, ask: Ask) -> None:
    addresses = ["Observation?patient=p1&_sort=-date&_count=1"]
    pages = []
    while addresses[-1]:
        pages.append(ask(server, addresses[-1]))
        addresses.append(pages[-1].link("next"))
    assert [page.ids for page in pages] == [["o2"], ["o1"], ["o3"], ["o4"]]
    assert [page.json["total"] for page in pages] == [4] * 4
    for address in addresses[1:4]:
        assert address.startswith(f"{server.base}/Observation?")
        assert address.count("_offset") == 1
