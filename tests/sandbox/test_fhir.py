"""The sandbox's FHIR server, as any client meets it."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.fhir import FhirServer
from sandbox.records import shipped_bundles

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
    observation(2, "2160-0", "2026-10-01T08:30:00+02:00"),
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
)


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer([CHART]) as running:
        yield running


def test_a_read_answers_the_resource_with_its_references_made_relative(
    server: FhirServer, ask: Ask
) -> None:
    reply = ask(server, "Observation/o1")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/fhir+json"
    assert reply.json["subject"] == {"reference": "Patient/p1"}


@pytest.mark.parametrize(
    "address", ["Observation/none", "Nonsense/1", "Nonsense?_id=1", "Observation/o1/_history", ""]
)
def test_what_does_not_exist_is_a_404_with_an_outcome(
    server: FhirServer, ask: Ask, address: str
) -> None:
    reply = ask(server, address)
    assert reply.status == 404
    assert reply.json["issue"][0]["severity"] == "error"


def test_an_address_outside_the_base_is_a_404(server: FhirServer, ask: Ask) -> None:
    assert ask(server, server.base.removesuffix("/fhir") + "/Patient/p1").status == 404


def test_metadata_names_the_version_and_the_search_parameters(server: FhirServer, ask: Ask) -> None:
    statement = ask(server, "metadata").json
    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    resources = {r["type"]: r["searchParam"] for r in statement["rest"][0]["resource"]}
    assert {"name": "patient", "type": "reference"} in resources["Observation"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_nothing_can_be_written(server: FhirServer, ask: Ask, method: str) -> None:
    reply = ask(server, "Patient/p1", form=[("a", "b")], method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET")


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


def test_pages_are_linked_until_the_last(server: FhirServer, ask: Ask) -> None:
    first = ask(server, "Observation?patient=p1&_sort=-date&_count=3")
    assert (first.json["total"], first.ids) == (4, ["o2", "o1", "o3"])
    following = first.link("next")
    assert following.startswith(f"{server.base}/Observation?")
    last = ask(server, following)
    assert (last.json["total"], last.ids, last.link("next")) == (4, ["o4"], None)


def test_count_zero_asks_for_the_total_only(server: FhirServer, ask: Ask) -> None:
    reply = ask(server, "Observation?_count=0")
    assert (reply.json["total"], reply.link("next")) == (5, None)
    assert "entry" not in reply.json


def test_the_server_pages_by_itself_whatever_the_client_asks(ask: Ask) -> None:
    with FhirServer([CHART], page_size=2) as server:
        for query in ("Observation", "Observation?_count=50"):
            assert ask(server, query).ids == ["o1", "o2"]
            assert ask(server, ask(server, query).link("next")).ids == ["o3", "o4"]


def test_entries_tell_matches_from_included_resources(server: FhirServer, ask: Ask) -> None:
    query = "MedicationRequest?status=active&_include=MedicationRequest:medication"
    reply = ask(server, query)
    assert [e["search"]["mode"] for e in reply.json["entry"]] == ["match", "include"]
    assert reply.json["entry"][1]["fullUrl"] == f"{server.base}/Medication/m1"
    assert reply.json["total"] == 1


def test_a_search_by_post_equals_one_by_get(server: FhirServer, ask: Ask) -> None:
    posted = ask(server, "Observation/_search", form=[("code", f"{LOINC}|4548-4"), ("_count", "1")])
    assert posted.json == ask(server, f"Observation?code={LOINC}|4548-4&_count=1").json


def test_search_by_post_can_be_switched_off(ask: Ask) -> None:
    with FhirServer([CHART], post_search=False) as server:
        assert ask(server, "Observation/_search", form=[("_id", "o1")]).status == 405


def test_an_entry_without_an_id_gets_that_of_its_full_url(ask: Ask) -> None:
    entry = {"fullUrl": "urn:uuid:p9", "resource": {"resourceType": "Patient"}}
    with FhirServer(
        [{"resourceType": "Bundle", "type": "transaction", "entry": [entry]}]
    ) as server:
        assert ask(server, "Patient/p9").status == 200


def test_references_to_absolute_full_urls_are_made_relative(ask: Ask) -> None:
    there = "https://ehr.example/r4/Patient/p9"
    entries = [
        {"fullUrl": there, "resource": {"resourceType": "Patient", "id": "p9"}},
        {"resource": {"resourceType": "Goal", "id": "g1", "subject": {"reference": there}}},
    ]
    with FhirServer([{"type": "searchset", "entry": entries}]) as server:
        assert ask(server, "Goal/g1").json["subject"] == {"reference": "Patient/p9"}


def test_with_a_token_only_its_bearer_is_answered(ask: Ask) -> None:
    with FhirServer([CHART], token="good") as server:
        assert ask(server, "Patient/p1", token="good").status == 200
        for token in (None, "bad", "good "):
            reply = ask(server, "Patient/p1", token=token)
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert reply.json["issue"][0]["code"] == "login"
        assert ask(server, "metadata").status == 200


def test_the_server_remembers_what_it_was_asked(ask: Ask) -> None:
    with FhirServer([CHART], token="good") as server:
        ask(server, "Patient/p1", token="bad")
        ask(server, "Observation?code=a%7Cb&code=c")
        ask(server, "Observation/_search?_count=1", form=[("patient", "p1")], token="good")
        read, search, post = server.seen
    assert (read.method, read.path, read.params) == ("GET", "/fhir/Patient/p1", [])
    assert read.authorization == "Bearer bad"
    assert search.target == "/fhir/Observation?code=a%7Cb&code=c"
    assert search.params == [("code", "a|b"), ("code", "c")]
    assert search.authorization is None
    assert (post.method, post.path) == ("POST", "/fhir/Observation/_search")
    assert post.params == [("_count", "1"), ("patient", "p1")]


def test_a_connection_is_kept_alive_after_every_kind_of_answer(server: FhirServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=5)
    connection.connect()
    sock = connection.sock
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, path, body, status in [
        ("GET", "Patient/p1", None, 200),
        ("GET", "Patient/none", None, 404),
        ("POST", "Patient/_search", "_id=p1", 200),
        ("POST", "Patient", "a=b", 405),
        ("GET", "Observation?patient=p1", None, 200),
    ]:
        connection.request(method, f"/fhir/{path}", body, form)
        response = connection.getresponse()
        response.read()
        assert (response.status, connection.sock) == (status, sock)
    connection.close()


def test_an_answer_is_sent_in_one_piece(server: FhirServer) -> None:
    with socket.create_connection(("127.0.0.1", port(server)), 5) as sock:
        sock.sendall(b"GET /fhir/Patient/p1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).endswith(b"}")


def test_many_connections_are_answered_at_once(server: FhirServer) -> None:
    waiting = [socket.create_connection(("127.0.0.1", port(server)), 5) for _ in range(100)]
    for sock in waiting:
        sock.sendall(b"GET /fhir/Patient/p1 HTTP/1.1\r\nHost: x\r\n\r\n")
    for sock in waiting:
        assert sock.recv(12) == b"HTTP/1.1 200"
        sock.close()


def test_a_delay_holds_every_answer_back() -> None:
    with (
        FhirServer([CHART], delay=3600) as server,
        socket.create_connection(("127.0.0.1", port(server)), 5) as sock,
    ):
        sock.sendall(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: bool(server.seen))
        sock.settimeout(0.02)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_no_thread_and_no_connection_outlives_the_server(ask: Ask) -> None:
    before = set(threading.enumerate())
    with FhirServer([CHART]) as server:
        idle = socket.create_connection(("127.0.0.1", port(server)), 5)
        ask(server, "Patient/p1")
    assert set(threading.enumerate()) == before
    with idle:
        assert idle.recv(1) == b""


def test_a_taken_port_is_refused_at_once(server: FhirServer) -> None:
    with pytest.raises(OSError, match="in use"):
        FhirServer([], port=port(server))


@pytest.mark.parametrize("patient", ["sandbox-diabetes", "sandbox-healthy", "sandbox-renal"])
def test_the_shipped_patients_are_whole(ask: Ask, patient: str) -> None:
    with FhirServer(shipped_bundles()) as server:
        person = ask(server, f"Patient/{patient}").json
        assert person["name"][0]["family"] == "Sandbox"
        assert ask(server, f"Observation?patient={patient}&category=laboratory").ids


def test_the_shipped_patients_differ_in_what_matters(ask: Ask) -> None:
    def newest(patient: str, code: str) -> tuple[str, float]:
        query = f"Observation?patient={patient}&code={LOINC}|{code}&_sort=-date&_count=1"
        [entry] = ask(server, query).json["entry"]
        return entry["resource"]["effectiveDateTime"], entry["resource"]["valueQuantity"]["value"]

    diabetes = "Condition?code=http://snomed.info/sct|44054006&clinical-status=active&patient="
    metformin = "MedicationRequest?status=active&code=861007&patient="
    with FhirServer(shipped_bundles()) as server:
        assert newest("sandbox-renal", "2160-0") == ("2026-10-01", 1.9)
        assert newest("sandbox-renal", "4548-4") == ("2026-09-15", 9.4)
        assert newest("sandbox-diabetes", "4548-4") == ("2025-07-08", 7.2)
        for patient, count in [("renal", 1), ("diabetes", 1), ("healthy", 0)]:
            assert len(ask(server, f"{diabetes}sandbox-{patient}").ids) == count
            assert len(ask(server, f"{metformin}sandbox-{patient}").ids) == count


def port(server: FhirServer) -> int:
    return int(server.base.split(":")[2].split("/")[0])


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.001)
