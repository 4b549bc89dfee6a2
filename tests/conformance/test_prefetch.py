"""CDS Hooks checklist E: prefetch and FHIR access (CH-070 to CH-088).

The EHR is a running FHIR server with the record of the demo patient; whether it was asked, and how,
is read from what it saw.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.fhir.server import FhirServer
from sandbox.http.faults import (
    Endless,
    Fault,
    ForeignNext,
    GzipBomb,
    Huge,
    NotJson,
    OtherPatient,
    Outcome,
    OutcomeEntry,
    Redirect,
    Slow,
    Status,
    Truncated,
    Unreadable,
    WrongType,
)
from tests.demo.bodies import (
    DROP,
    HOOKS,
    PATIENT_ID,
    PLACEHOLDER,
    SERVICES,
    TOKEN,
    Json,
    another_patient,
    body,
    bundle,
    chart,
    edit,
    raw,
    resources,
    without_prefetch,
)
from tests.demo.client import Client, Reply
from tests.demo.server import Granian, ehr_of, serving

# The keys of each demo service: needed ones and optional ones.
KEYS: dict[str, tuple[set[str], set[str]]] = {
    "patient-view": ({"patient", "a1c"}, {"conditions"}),
    "order-select": ({"patient", "allergies"}, {"medications"}),
    "order-sign": ({"patient", "medications"}, {"allergies"}),
    "order-dispatch": (set(), {"patient"}),
    "appointment-book": (set(), {"patient"}),
    "encounter-start": ({"encounter"}, {"patient"}),
    "encounter-discharge": ({"encounter", "medications"}, {"patient"}),
    "medication-refill": ({"medications"}, {"patient"}),
    "problem-list-item-create": (set(), {"patient", "conditions"}),
    "allergyintolerance-create": ({"medications"}, {"patient"}),
    "medication-verify": (set(), {"patient", "allergies"}),
    "medication-prescribe": (set(), {"patient"}),
    "order-review": (set(), {"patient"}),
}
NEEDED = [(hook, key) for hook in HOOKS for key in sorted(KEYS[hook][0])]
OPTIONAL = [(hook, key) for hook in HOOKS for key in sorted(KEYS[hook][1])]
READS = {"patient", "encounter"}
SEARCHES = [(hook, key) for hook, key in NEEDED + OPTIONAL if key not in READS]

# Seconds: long enough for a sound server on a busy machine, short enough to wait for a silent one.
HURRY = 0.6

# A body that names no FHIR server: what is missing cannot be had.
ALONE = {"fhirServer": DROP, "fhirAuthorization": DROP}


@pytest.fixture(scope="module")
def client(fhir_server: FhirServer) -> Iterator[Client]:
    """The demo services for the EHR of `fhir`."""
    with serving(ehr=ehr_of(fhir_server)) as running:
        yield running


@pytest.fixture
def hurried(fhir: FhirServer) -> Iterator[Client]:
    """The same for one test, with a short deadline for what a faulty server does."""
    with serving(ehr=ehr_of(fhir), prefetch_deadline=HURRY) as running:
        yield running


def calls(client: Client, hook: str, edits: Mapping[str, Any], base: str = PLACEHOLDER) -> Reply:
    return client.call(SERVICES[hook], body(hook, base, edits))


def missing(reply: Reply, key: str) -> None:
    """The answer is that needed data cannot be had, and which."""
    assert (reply.status, reply.field) == (412, f"prefetch.{key}")
    assert reply.issue["severity"] == "error"
    assert PATIENT_ID.encode() not in reply.body


def gap(card: Json) -> str:
    """What a card says it could not check, without its escapes."""
    _, _, told = card["detail"].partition("**Not checked:**")
    return str(told).replace("\\", "")


# --- absent ------------------------------------------------------------------------------------


@pytest.mark.req("CH-070")
@pytest.mark.parametrize(("hook", "key"), NEEDED)
def test_a_needed_key_that_cannot_be_had_is_a_412(demo: Client, hook: str, key: str) -> None:
    missing(calls(demo, hook, {f"prefetch.{key}": DROP, **ALONE}), key)


@pytest.mark.req("CH-070", "CH-088")
@pytest.mark.parametrize(
    "edits",
    [
        {"fhirServer": DROP, "fhirAuthorization": DROP},
        {"fhirAuthorization": DROP},
        {"fhirAuthorization": None},
        {"fhirAuthorization.expires_in": 0},
        {"fhirAuthorization.expires_in": -5},
        {"fhirAuthorization.patient": "somebody-else"},
        {"fhirAuthorization.patient": ""},
    ],
    ids=["no server", "no token", "null", "expired", "long expired", "token of another", "of none"],
)
def test_without_a_token_for_this_patient_nothing_is_asked(
    client: Client, fhir: FhirServer, edits: Mapping[str, Any]
) -> None:
    missing(calls(client, "patient-view", {"prefetch.a1c": DROP, **edits}, fhir.base), "a1c")
    assert fhir.seen == []


@pytest.mark.req("CH-070", "CH-081")
@pytest.mark.parametrize("patient", [DROP, None, PATIENT_ID])
def test_a_token_of_this_patient_is_used(client: Client, fhir: FhirServer, patient: Any) -> None:
    edits = {"prefetch.a1c": DROP}
    call = body("patient-view", fhir.base, edits)
    if patient is not DROP:
        call["fhirAuthorization"]["patient"] = patient
    assert len(client.call("demo-patient-view", call).cards) == 1
    assert len(fhir.seen) == 1


@pytest.mark.req("CH-071")
@pytest.mark.parametrize(("hook", "key"), OPTIONAL)
def test_an_optional_key_may_be_absent(demo: Client, hook: str, key: str) -> None:
    card = calls(demo, hook, {f"prefetch.{key}": DROP, **ALONE}).card
    assert key in gap(card)


@pytest.mark.req("CH-071")
@pytest.mark.parametrize("hook", [hook for hook in HOOKS if not KEYS[hook][0]])
def test_all_keys_may_be_absent_where_none_is_needed(demo: Client, hook: str) -> None:
    assert calls(demo, hook, {"prefetch": DROP, **ALONE}).status == 200


@pytest.mark.req("CH-071")
def test_a_key_whose_token_the_context_leaves_open_is_not_asked_for(
    client: Client, fhir: FhirServer
) -> None:
    # A patient's proxy opens the chart outside of an encounter.
    call = without_prefetch("patient-view", fhir.base, {"context.encounterId": DROP})
    call["context"]["userId"] = "RelatedPerson/daughter"
    assert client.call("demo-patient-view", call).status == 200
    assert all("{{" not in seen.target for seen in fhir.seen)


# --- null, empty, outcome ----------------------------------------------------------------------

WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "x"}]}
NOTE = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "x"}]}
FAILURE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
NOTHING: dict[str, tuple[str, Any]] = {
    "null": ("CH-072", None),
    "no entries": ("CH-072", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
    "empty entries": ("CH-072", {"resourceType": "Bundle", "type": "searchset", "entry": []}),
    "no type either": ("CH-072", {"resourceType": "Bundle"}),
    "a warning entry": (
        "CH-075",
        {"resourceType": "Bundle", "entry": [{"resource": WARNING, "search": {"mode": "outcome"}}]},
    ),
    "an information entry without mode": (
        "CH-075",
        {"resourceType": "Bundle", "entry": [{"resource": NOTE}]},
    ),
    "a warning in place of the Bundle": ("CH-075", WARNING),
}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=what, marks=pytest.mark.req(requirement))
        for what, (requirement, value) in NOTHING.items()
    ],
)
@pytest.mark.parametrize(("hook", "key"), SEARCHES)
def test_a_search_that_found_nothing_is_an_answer(
    client: Client, fhir: FhirServer, hook: str, key: str, value: Any
) -> None:
    reply = calls(client, hook, {f"prefetch.{key}": value}, fhir.base)
    assert reply.status == 200
    assert all("Not checked" not in card.get("detail", "") for card in reply.cards)
    assert fhir.seen == []


@pytest.mark.req("CH-075")
def test_a_warning_beside_records_does_not_spoil_them(demo: Client) -> None:
    call = body("patient-view")
    outcome = {"resource": WARNING, "search": {"mode": "outcome"}}
    call["prefetch"]["a1c"]["entry"].append(outcome)
    assert (
        demo.call("demo-patient-view", call).body
        == demo.call("demo-patient-view", body("patient-view")).body
    )


@pytest.mark.req("CH-074")
def test_an_error_beside_records_is_told(demo: Client) -> None:
    call = body("patient-view")
    call["prefetch"]["a1c"]["entry"].append({"resource": FAILURE, "search": {"mode": "outcome"}})
    assert "error" in gap(demo.call("demo-patient-view", call).card)


@pytest.mark.req("CH-073")
@pytest.mark.parametrize(("hook", "key"), [each for each in NEEDED if each[1] in READS])
def test_null_for_a_needed_read_is_a_412(
    client: Client, fhir: FhirServer, hook: str, key: str
) -> None:
    missing(calls(client, hook, {f"prefetch.{key}": None}, fhir.base), key)
    assert fhir.seen == []  # the EHR has looked


@pytest.mark.req("CH-073")
@pytest.mark.parametrize(("hook", "key"), [each for each in OPTIONAL if each[1] in READS])
def test_null_for_an_optional_read_is_told(demo: Client, hook: str, key: str) -> None:
    assert key in gap(calls(demo, hook, {f"prefetch.{key}": None}).card)


FAILURES = {
    "error": FAILURE,
    "fatal": {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "x"}]},
    "warning and error": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning"}, {"severity": "error"}],
    },
    "no issue": {"resourceType": "OperationOutcome"},
    "no severity": {"resourceType": "OperationOutcome", "issue": [{"code": "exception"}]},
    "unknown severity": {"resourceType": "OperationOutcome", "issue": [{"severity": "bad"}]},
    "with text": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "diagnostics": f"Patient/{PATIENT_ID} is locked"}],
    },
}


@pytest.mark.req("CH-074")
@pytest.mark.parametrize("outcome", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize(("hook", "key"), NEEDED[:6])
def test_what_the_ehr_could_not_provide_is_not_asked_for_again(
    client: Client, fhir: FhirServer, hook: str, key: str, outcome: Json
) -> None:
    missing(calls(client, hook, {f"prefetch.{key}": outcome}, fhir.base), key)
    assert fhir.seen == []


@pytest.mark.req("CH-074")
@pytest.mark.parametrize("outcome", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize(("hook", "key"), OPTIONAL[:4])
def test_what_the_ehr_could_not_provide_is_told_in_the_card(
    client: Client, fhir: FhirServer, hook: str, key: str, outcome: Json
) -> None:
    assert key in gap(calls(client, hook, {f"prefetch.{key}": outcome}, fhir.base).card)
    assert fhir.seen == []


# --- not an answer to what was asked -----------------------------------------------------------

LAB = body("patient-view")["prefetch"]["a1c"]["entry"][0]["resource"]
PATIENT = body("patient-view")["prefetch"]["patient"]
ANOTHER = {**PATIENT, "id": "somebody-else", "name": [{"family": "Else"}]}
FOREIGN_LAB = {**LAB, "id": "lab-of-else", "subject": {"reference": "Patient/somebody-else"}}
ELSEWHERE = {"reference": f"https://other.example/fhir/Patient/{PATIENT_ID}"}
NO_PATIENT: dict[str, tuple[str, Any]] = {
    "an Observation": ("CH-076", LAB),
    "a Bundle": ("CH-076", bundle(PATIENT)),
    "an unknown type": ("CH-076", {"resourceType": "Person", "id": PATIENT_ID}),
    "no type": ("CH-076", {"id": PATIENT_ID}),
    "no resource": ("CH-076", {}),
    "a name for a type": ("CH-076", {"resourceType": "Else, Joan 1970-01-01"}),
    "another patient": ("CH-077", ANOTHER),
    "a longer id": ("CH-077", {**PATIENT, "id": PATIENT_ID + "0"}),
    "no id": ("CH-077", {name: value for name, value in PATIENT.items() if name != "id"}),
    "an id that is no text": ("CH-077", {**PATIENT, "id": 1957}),
}
NO_LABS: dict[str, tuple[str, Any]] = {
    "a single one": ("CH-076", LAB),
    "a Patient": ("CH-076", PATIENT),
    "no type": ("CH-076", {"entry": []}),
    "no resource": ("CH-076", {}),
    "an error message": ("CH-076", {"error": "token expired", "status": 401}),
    "conditions": ("CH-076", body("patient-view")["prefetch"]["conditions"]),
    "a lab and a patient": ("CH-076", bundle(LAB, PATIENT)),
    "a lab and an unknown type": ("CH-076", bundle(LAB, {"resourceType": "Foo", "id": "a"})),
    "entries of another shape": ("CH-076", {"resourceType": "Bundle", "entry": {"a": 1}}),
    "a lab of another": ("CH-077", bundle(FOREIGN_LAB)),
    "a lab of another behind an own one": ("CH-077", bundle(LAB, FOREIGN_LAB)),
    "a lab of another at the end of many": ("CH-077", bundle(*[LAB] * 200, FOREIGN_LAB)),
    "a lab of the same id elsewhere": ("CH-077", bundle({**LAB, "subject": ELSEWHERE})),
    "an unreadable lab of another": ("CH-077", bundle(LAB, {**FOREIGN_LAB, "code": "HbA1c"})),
}
WRONG = [
    pytest.param(key, value, id=f"{key} {what}", marks=pytest.mark.req(requirement))
    for key, cases in (("patient", NO_PATIENT), ("a1c", NO_LABS))
    for what, (requirement, value) in cases.items()
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_what_does_not_fit_its_template_is_not_used(demo: Client, key: str, value: Any) -> None:
    reply = calls(demo, "patient-view", {f"prefetch.{key}": value, **ALONE})
    missing(reply, key)
    assert b"lse" not in reply.body.replace(b"false", b"")


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_what_does_not_fit_its_template_is_asked_for(
    client: Client, fhir: FhirServer, key: str, value: Any
) -> None:
    reply = calls(client, "patient-view", {f"prefetch.{key}": value}, fhir.base)
    assert reply.body == calls(client, "patient-view", {}, fhir.base).body
    assert len(fhir.seen) == 1


@pytest.mark.req("CH-077")
@pytest.mark.parametrize(("hook", "key"), SEARCHES)
def test_records_of_another_patient_reach_no_card(demo: Client, hook: str, key: str) -> None:
    call = body(hook, edits=ALONE)
    for resource in resources(call["prefetch"][key])[-1:]:
        resource["id"] = "record-of-else"
        for name in ("subject", "patient"):
            if name in resource:
                resource[name] = {"reference": "Patient/somebody-else"}
    reply = demo.call(SERVICES[hook], call)
    assert reply.status == (412 if (hook, key) in NEEDED else 200)
    assert b"else" not in reply.body.replace(b"false", b"")


@pytest.mark.req("CH-077")
@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"Patient/{PATIENT_ID}"},
        {"reference": f"Patient/{PATIENT_ID}/_history/3"},
        {"reference": f"{PLACEHOLDER}/Patient/{PATIENT_ID}"},
        {"reference": f"{PLACEHOLDER}/Patient/{PATIENT_ID}/_history/3", "display": "Else"},
    ],
    ids=["relative", "versioned", "absolute", "absolute and versioned"],
)
def test_an_own_record_is_known_by_every_reference_to_the_patient(
    demo: Client, subject: Json
) -> None:
    labs = bundle({**LAB, "subject": subject})
    assert len(calls(demo, "patient-view", {"prefetch.a1c": labs}).cards) == 1


@pytest.mark.req("CH-077")
def test_a_merged_patient_is_one_patient(demo: Client) -> None:
    link = [{"other": {"reference": "Patient/old-number"}, "type": "replaces"}]
    labs = bundle({**LAB, "subject": {"reference": "Patient/old-number"}})
    edits = {"prefetch.a1c": labs, **ALONE}
    missing(calls(demo, "patient-view", edits), "a1c")
    linked = {"prefetch.patient.link": link, **edits}
    assert len(calls(demo, "patient-view", linked).cards) == 1


@pytest.mark.req("CH-077")
@pytest.mark.parametrize("members", [{}, {"subject": {"display": "Žofie"}}, {"subject": None}])
def test_a_record_that_does_not_say_whose_it_is_is_told(demo: Client, members: Json) -> None:
    anonymous = {name: value for name, value in LAB.items() if name != "subject"}
    labs = bundle(LAB, {**anonymous, **members, "id": "anonymous"})
    card = calls(demo, "patient-view", {"prefetch.a1c": labs}).card
    assert "anonymous" not in card["detail"].partition("**Not checked:**")[0]
    assert "Observation" in gap(card)


@pytest.mark.req("CH-077")
def test_a_result_about_somebody_else_in_the_chart_is_not_used(demo: Client) -> None:
    fetus = {**LAB, "id": "fetal", "focus": [{"reference": "Patient/unborn"}]}
    card = calls(demo, "patient-view", {"prefetch.a1c": bundle(LAB, fetus)}).card
    assert "fetal" not in card["detail"]
    assert "Observation" in gap(card)


# --- pages -------------------------------------------------------------------------------------


def first_page(fhir: FhirServer, next_url: Any, *drugs: str) -> Json:
    """The order-sign body with the first page of the medicines."""
    call = body("order-sign", fhir.base)
    medicines = call["prefetch"]["medications"]
    medicines["link"].append({"relation": "next", "url": next_url})
    medicines["entry"] = [entry for entry in medicines["entry"] if entry["resource"]["id"] in drugs]
    return call


def second_page(fhir: FhirServer) -> str:
    return f"{fhir.base}/MedicationRequest?patient={PATIENT_ID}&status=active&_count=1&_offset=1"


@pytest.mark.req("CH-078")
def test_the_further_pages_of_a_search_are_fetched(client: Client, fhir: FhirServer) -> None:
    reply = client.call("demo-order-sign", first_page(fhir, second_page(fhir), "rx-metformin"))
    assert reply.body == client.call("demo-order-sign", body("order-sign", fhir.base)).body
    (seen,) = fhir.seen
    assert f"http://127.0.0.1:{urlsplit(fhir.base).port}{seen.target}" == second_page(fhir)
    assert seen.authorization == f"Bearer {TOKEN}"


@pytest.mark.req("CH-078")
def test_all_pages_of_a_fetched_search_are_read() -> None:
    with FhirServer([chart()], page_size=1) as fhir:  # noqa: SIM117
        with serving(ehr=ehr_of(fhir)) as client:
            reply = client.call("demo-order-sign", without_prefetch("order-sign", fhir.base))
            assert "metformin" in reply.card["detail"]
            assert "warfarin" in reply.card["detail"]
            searches = [seen for seen in fhir.seen if "MedicationRequest" in seen.path]
            assert len(searches) == 2


@pytest.mark.req("CH-078")
@pytest.mark.parametrize("edits", [ALONE, {"fhirAuthorization": DROP}], ids=["alone", "no token"])
def test_a_first_page_alone_is_not_the_whole_list(
    client: Client, fhir: FhirServer, edits: Mapping[str, Any]
) -> None:
    call = first_page(fhir, second_page(fhir), "rx-metformin", "rx-warfarin")
    for path, value in edits.items():
        edit(call, path, value)
    missing(client.call("demo-order-sign", call), "medications")
    assert fhir.seen == []


@pytest.mark.req("CH-078")
@pytest.mark.parametrize("refused", [False, True], ids=["no token", "server fails"])
def test_an_optional_first_page_is_used_and_its_rest_is_told(
    hurried: Client, fhir: FhirServer, refused: bool
) -> None:
    fhir.plant("MedicationRequest", Status(500))
    call = body("order-select", fhir.base, {} if refused else ALONE)
    link = {"relation": "next", "url": second_page(fhir)}
    call["prefetch"]["medications"]["link"].append(link)
    card = hurried.call("demo-order-select", call).card
    assert "warfarin" in card["detail"]
    assert "MedicationRequest" in gap(card)


@pytest.mark.req("CH-078")
@pytest.mark.parametrize("url", [None, "", DROP, 7, "?page=2", "relative", "http://["])
def test_a_next_link_that_leads_nowhere_is_noticed(
    client: Client, fhir: FhirServer, url: Any
) -> None:
    call = first_page(fhir, "", "rx-metformin", "rx-warfarin")
    edit(call, "prefetch.medications.link.1.url", url)
    reply = client.call("demo-order-sign", call)
    # The whole search may be run again; the page alone must not pass for the whole.
    assert reply.status == 412 or len(fhir.seen) > 0


@pytest.mark.req("CH-078")
def test_a_broken_next_link_of_a_caller_does_not_cost_the_ehr_its_fhir_server(
    client: Client, fhir: FhirServer
) -> None:
    call = first_page(fhir, "http://[", "rx-metformin")
    for _ in range(20):
        client.call("demo-order-sign", call)
    assert client.call("demo-order-sign", without_prefetch("order-sign", fhir.base)).status == 200


@pytest.mark.req("CH-078")
def test_a_window_of_the_newest_needs_no_further_page(client: Client, fhir: FhirServer) -> None:
    call = body("patient-view", fhir.base)
    link = {"relation": "next", "url": f"{fhir.base}/Observation?patient={PATIENT_ID}&_offset=20"}
    call["prefetch"]["a1c"]["link"].append(link)
    assert len(client.call("demo-patient-view", call).cards) == 1
    assert fhir.seen == []


@pytest.mark.req("CH-079")
@pytest.mark.parametrize(
    "value",
    [None, {}, ANOTHER, FAILURE, bundle(FOREIGN_LAB), {"resourceType": "Bundle", "entry": 1}],
    ids=["null", "empty", "another patient", "outcome", "their labs", "broken"],
)
def test_keys_that_were_not_asked_for_are_ignored(demo: Client, value: Any) -> None:
    call = body("patient-view")
    expected = demo.call("demo-patient-view", call)
    call["prefetch"] |= {"-user": value, "patients": value, "Patient": value, "": value}
    assert demo.call("demo-patient-view", call).body == expected.body


# --- prefetch alone, FHIR alone ----------------------------------------------------------------


@pytest.mark.req("CH-080")
@pytest.mark.parametrize("hook", HOOKS)
def test_the_cards_are_the_same_whichever_way_the_data_came(
    client: Client, fhir: FhirServer, hook: str
) -> None:
    given = client.call(SERVICES[hook], body(hook, fhir.base))
    assert given.cards
    assert fhir.seen == []
    fetched = client.call(SERVICES[hook], without_prefetch(hook, fhir.base))
    assert len(fhir.seen) == len(KEYS[hook][0] | KEYS[hook][1])
    assert fetched.body == given.body


@pytest.mark.req("CH-081")
def test_each_request_carries_the_token_of_the_call(client: Client, fhir: FhirServer) -> None:
    client.call("demo-patient-view", without_prefetch("patient-view", fhir.base))
    assert {seen.authorization for seen in fhir.seen} == {f"Bearer {TOKEN}"}
    seen = {(seen.method, seen.path) for seen in fhir.seen}
    assert seen == {
        ("GET", f"/fhir/Patient/{PATIENT_ID}"),
        ("POST", "/fhir/Condition/_search"),
        ("POST", "/fhir/Observation/_search"),
    }
    # What is searched for stands in no address, where logs on the way would keep it.
    assert all("?" not in seen.target for seen in fhir.seen)


@pytest.mark.req("CH-081")
@pytest.mark.parametrize("token", ["t", "!#$%&'*+-.^_`|~/=", "a" * 16_000])
def test_any_printable_token_is_passed_on(token: str) -> None:
    with FhirServer([chart()], token=token) as fhir, serving(ehr=ehr_of(fhir)) as client:
        edits = {"fhirAuthorization.access_token": token, "prefetch.a1c": DROP}
        call = body("patient-view", fhir.base, edits)
        assert client.call("demo-patient-view", call).status == 200
        assert [seen.authorization for seen in fhir.seen] == [f"Bearer {token}"]


@pytest.mark.req("CH-082")
def test_a_server_of_somebody_else_gets_no_request(attacker: FhirServer, demo: Client) -> None:
    missing(calls(demo, "patient-view", {"prefetch.a1c": DROP}, attacker.base), "a1c")


LOOK_ALIKES = {
    "path goes on": "{base}/other",
    "path is longer": "{base}x",
    "path is shorter": "{origin}",
    "path walks up": "{base}/../fhir",
    "path is encoded": "{origin}/%66hir",
    "path in other case": "{origin}/FHIR",
    "two slashes": "{origin}//fhir",
    "own host before the attacker's": "http://127.0.0.1@{attacker}/fhir",
    "attacker's port": "http://{attacker}/fhir",
    "attacker behind a backslash": "http://{attacker}\\@{own}/fhir",
    "another name of the host": "http://localhost:{port}/fhir",
    "another number of the host": "http://2130706433:{port}/fhir",
    "TLS": "https://{own}/fhir",
    "link-local": "http://169.254.169.254/latest/meta-data",
    "a query": "{base}?x=",
    "a fragment": "{base}#x",
}


@pytest.mark.req("CH-082")
@pytest.mark.parametrize("template", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_a_server_that_only_looks_like_a_listed_one_gets_no_request(
    client: Client, fhir: FhirServer, attacker: FhirServer, template: str
) -> None:
    own = urlsplit(fhir.base)
    server = template.format(
        base=fhir.base,
        origin=f"http://{own.netloc}",
        own=own.netloc,
        port=own.port,
        attacker=urlsplit(attacker.base).netloc,
    )
    edits = {"fhirServer": server, "prefetch.a1c": DROP}
    started = time.monotonic()
    assert calls(client, "patient-view", edits).status in (400, 412)
    assert time.monotonic() - started < 1
    assert fhir.seen == []


@pytest.mark.req("CH-082")
@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_a_listed_server_may_be_written_with_a_slash(
    client: Client, fhir: FhirServer, ending: str
) -> None:
    edits = {"fhirServer": fhir.base + ending, "prefetch.a1c": DROP}
    assert len(calls(client, "patient-view", edits).cards) == 1


@pytest.mark.req("CH-082")
def test_each_listed_server_is_called_for_its_own_calls_only(fhir: FhirServer) -> None:
    with (
        FhirServer([chart()], token=TOKEN) as second,
        serving(ehr=ehr_of(fhir, second)) as client,
    ):
        assert calls(client, "patient-view", {"prefetch.a1c": DROP}, second.base).status == 200
        assert (len(fhir.seen), len(second.seen)) == (0, 1)


WALKS = {
    "attacker": "{attacker}/MedicationRequest?page=2",
    "attacker without scheme": "//{attacker_host}/fhir/MedicationRequest",
    "own host before the attacker's": "http://{own}@{attacker_host}/fhir/MedicationRequest",
    "above the base": "http://{own}/admin",
    "beside the base": "{base}x/MedicationRequest",
    "walks up": "{base}/../admin",
    "walks up, encoded": "{base}/%2e%2e/admin",
    "walks up, half encoded": "{base}/.%2E/admin",
    "walks up, encoded twice": "{base}/%252e%252e/admin",
    "walks up by a backslash": "{base}/..\\admin",
    "walks up by an encoded slash": "{base}/x%2f..%2f..%2fadmin",
    "walks up with a parameter": "{base}/..;x=1/admin",
    "another scheme": "ftp://{own}/fhir/MedicationRequest",
    "a file": "file:///etc/passwd",
    "line feed": "{base}/MedicationRequest\r\nX-Evil: 1",
    "blank": "{base}/Medication Request",
}


@pytest.mark.req("CH-083")
@pytest.mark.parametrize("template", WALKS.values(), ids=WALKS)
def test_a_next_link_is_not_followed_out_of_the_base(
    client: Client, fhir: FhirServer, attacker: FhirServer, template: str
) -> None:
    url = template.format(
        base=fhir.base,
        own=urlsplit(fhir.base).netloc,
        attacker=attacker.base,
        attacker_host=urlsplit(attacker.base).netloc,
    )
    reply = client.call("demo-order-sign", first_page(fhir, url, "rx-metformin", "rx-warfarin"))
    missing(reply, "medications")
    assert fhir.seen == []


@pytest.mark.req("CH-083")
def test_redirects_and_next_links_of_the_server_are_not_followed_elsewhere(
    client: Client, fhir: FhirServer, attacker: FhirServer
) -> None:
    call = without_prefetch("patient-view", fhir.base)
    for fault in (
        Redirect(attacker.base + "/Patient/x"),
        Redirect(fhir.base + "/Patient/" + PATIENT_ID),
        Redirect("//" + urlsplit(attacker.base).netloc),
    ):
        fhir.plant("Patient", fault)
        missing(client.call("demo-patient-view", call), "patient")
    fhir.clear()
    fhir.plant("Observation", Redirect(attacker.base + "/Observation"))
    missing(client.call("demo-patient-view", call), "a1c")
    fhir.clear()
    fhir.plant("MedicationRequest", ForeignNext(attacker.base + "/MedicationRequest"))
    missing(
        client.call("demo-order-sign", without_prefetch("order-sign", fhir.base)), "medications"
    )


@pytest.mark.req("CH-083")
def test_references_inside_a_record_are_not_followed(
    client: Client, fhir: FhirServer, attacker: FhirServer
) -> None:
    call = body("order-sign", fhir.base)
    elsewhere = {"reference": f"{attacker.base}/Medication/m1"}
    for resource in resources(call["prefetch"]["medications"]):
        resource.pop("medicationCodeableConcept")
        resource["medicationReference"] = elsewhere
    call["context"]["draftOrders"]["entry"][0]["resource"]["medicationReference"] = elsewhere
    assert client.call("demo-order-sign", call).status == 200
    assert fhir.seen == []


# --- what stays behind -------------------------------------------------------------------------


@pytest.mark.req("CH-084")
@pytest.mark.parametrize(
    "fault",
    [None, Status(500), Slow(60.0), NotJson(), Truncated(), Redirect("http://127.0.0.1:9/x")],
    ids=lambda fault: type(fault).__name__,
)
def test_no_log_holds_a_token_an_id_or_a_name(
    hurried: Client, fhir: FhirServer, caplog: pytest.LogCaptureFixture, fault: Fault | None
) -> None:
    caplog.set_level(logging.DEBUG)
    if fault:
        fhir.plant("*", fault)
    call = without_prefetch("order-sign", fhir.base)
    reply = hurried.call("demo-order-sign", call)
    assert reply.status == (412 if fault else 200)
    hurried.call("demo-order-sign", json.dumps(call).encode()[:-1])
    assert TOKEN.encode() not in reply.body
    logged = caplog.text + repr([record.__dict__ for record in caplog.records])
    for secret in (TOKEN, PATIENT_ID, "Lindqvist", "ibuprofen", "ruiz", call["hookInstance"]):
        assert secret not in logged


@pytest.mark.req("CH-084")
def test_the_server_process_keeps_no_trace_of_a_call(granian: Granian) -> None:
    # Its trust record lists no server that runs here, so the token is refused a use; the rest of
    # the way is the same.
    for hook in HOOKS:
        granian.client.call(SERVICES[hook], raw(hook))
        granian.client.call(SERVICES[hook], without_prefetch(hook, PLACEHOLDER))
        granian.client.call(SERVICES[hook], raw(hook)[:-9])
    log = granian.log.read_text()
    for secret in (TOKEN, PATIENT_ID, "Lindqvist", "ibuprofen"):
        assert secret not in log
    assert list(granian.temporary.iterdir()) == []


@pytest.mark.req("CH-085")
@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_asked_when_prefetch_suffices(
    client: Client, fhir: FhirServer, name: str
) -> None:
    assert client.call(SERVICES[name], raw(name, fhir.base)).status == 200
    assert fhir.seen == []


@pytest.mark.req("CH-085")
@pytest.mark.parametrize("key", ["patient", "a1c", "conditions"])
def test_only_what_is_missing_is_asked_for(client: Client, fhir: FhirServer, key: str) -> None:
    assert calls(client, "patient-view", {f"prefetch.{key}": DROP}, fhir.base).status == 200
    wanted = {"patient": "Patient", "a1c": "Observation", "conditions": "Condition"}
    assert [seen.path.split("/")[2] for seen in fhir.seen] == [wanted[key]]


# --- a server that fails -----------------------------------------------------------------------

FAULTS: dict[str, Fault] = {
    **{f"status {code}": Status(code) for code in (400, 401, 403, 404, 410, 418, 429, 500, 503)},
    "slow": Slow(3600.0),
    "outcome": Outcome(),
    "wrong type": WrongType(),
    "other patient": OtherPatient(),
    "not JSON": NotJson(),
    "truncated": Truncated(),
    "huge": Huge(6_000_000),
    "gzip bomb": GzipBomb(2_000_000),
    "redirect": Redirect("http://127.0.0.1:9/"),
}


@pytest.mark.req("CH-086", "CH-115")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("key", ["patient", "a1c"])
def test_a_needed_key_that_the_server_fails_to_give_is_a_412_in_time(
    hurried: Client, fhir: FhirServer, key: str, fault: Fault
) -> None:
    fhir.plant({"patient": "Patient", "a1c": "Observation"}[key], fault)
    started = time.monotonic()
    reply = hurried.call("demo-patient-view", without_prefetch("patient-view", fhir.base))
    assert time.monotonic() - started < HURRY + 0.5
    missing(reply, key)
    assert b"somebody" not in reply.body


@pytest.mark.req("CH-086")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_optional_key_that_the_server_fails_to_give_is_told(
    hurried: Client, fhir: FhirServer, fault: Fault
) -> None:
    fhir.plant("Condition", fault)
    card = hurried.call("demo-patient-view", without_prefetch("patient-view", fhir.base)).card
    assert "conditions" in gap(card)


@pytest.mark.req("CH-086")
def test_endless_pages_end(hurried: Client, fhir: FhirServer) -> None:
    fhir.plant("MedicationRequest", Endless())
    call = without_prefetch("order-sign", fhir.base)
    missing(hurried.call("demo-order-sign", call), "medications")
    assert len(fhir.seen) < 50


@pytest.mark.req("CH-075", "CH-086")
def test_a_server_that_finds_nothing_says_so_with_a_warning(
    client: Client, fhir: FhirServer
) -> None:
    fhir.plant("Observation", OutcomeEntry())
    call = without_prefetch("patient-view", fhir.base)
    assert client.call("demo-patient-view", call).cards == []


@pytest.mark.req("CH-086")
def test_a_record_that_cannot_be_read_is_named_in_the_card(
    client: Client, fhir: FhirServer
) -> None:
    fhir.plant("MedicationRequest", Unreadable())
    card = client.call("demo-order-sign", without_prefetch("order-sign", fhir.base)).card
    assert "MedicationRequest/rx-metformin could not be read" in gap(card)


@pytest.mark.req("CH-086")
def test_a_server_that_is_down_is_a_412() -> None:
    with FhirServer([]) as gone:
        pass
    with serving(ehr=ehr_of(gone)) as client:
        missing(calls(client, "patient-view", {"prefetch.a1c": DROP}, gone.base), "a1c")


# --- ids in addresses --------------------------------------------------------------------------


@pytest.mark.req("CH-087")
@pytest.mark.parametrize("id", ["a.b-c", "A_1", "...", "e" * 194])
def test_an_id_reaches_the_server_unchanged(client: Client, fhir: FhirServer, id: str) -> None:
    call = without_prefetch("patient-view", fhir.base, {"context.patientId": id})
    missing(client.call("demo-patient-view", call), "patient")
    targets = {seen.path: seen for seen in fhir.seen}
    assert targets[f"/fhir/Patient/{id}"].target == f"/fhir/Patient/{id}"
    assert ("patient", id) in targets["/fhir/Observation/_search"].params


@pytest.mark.req("CH-087")
def test_what_is_searched_for_reaches_the_server_unchanged(
    client: Client, fhir: FhirServer
) -> None:
    client.call("demo-patient-view", without_prefetch("patient-view", fhir.base))
    (labs,) = (seen for seen in fhir.seen if "Observation" in seen.path)
    assert labs.params == [
        ("patient", PATIENT_ID),
        ("code", "http://loinc.org|4548-4"),
        ("_sort", "-date"),
        ("_count", "20"),
    ]


@pytest.mark.req("CH-088")
@pytest.mark.parametrize(("open_fhir", "status"), [(False, 412), (True, 200)])
def test_an_open_server_is_called_only_where_the_trust_record_says_so(
    open_fhir: bool, status: int
) -> None:
    with (
        FhirServer([chart()]) as fhir,
        serving(ehr=ehr_of(fhir, open_fhir=open_fhir)) as client,
    ):
        edits = {"prefetch.a1c": DROP, "fhirAuthorization": DROP}
        assert calls(client, "patient-view", edits, fhir.base).status == status
        assert [seen.authorization for seen in fhir.seen] == ([None] if open_fhir else [])


@pytest.mark.req("CH-088")
def test_a_useless_token_is_not_left_away(fhir: FhirServer) -> None:
    with serving(ehr=ehr_of(fhir, open_fhir=True)) as client:
        edits = {"prefetch.a1c": DROP, "fhirAuthorization.expires_in": 0}
        missing(calls(client, "patient-view", edits, fhir.base), "a1c")
    assert fhir.seen == []


@pytest.mark.req("CH-077")
def test_parallel_calls_for_two_patients_do_not_mix(fhir: FhirServer) -> None:
    names = {"patient-a": "Aaltonen", "patient-b": "Bellini"}
    with serving(ehr=ehr_of(fhir)) as client, ThreadPoolExecutor(8) as pool:
        calls = {id: another_patient(body("patient-view"), id, name) for id, name in names.items()}
        order = ["patient-a", "patient-b"] * 50
        replies = list(pool.map(lambda id: client.call("demo-patient-view", calls[id]), order))
    for id, reply in zip(order, replies, strict=True):
        (other,) = set(names) - {id}
        assert names[id] in reply.card["summary"]
        assert names[other].encode() not in reply.body
        assert other.encode() not in reply.body
