"""Calls as an EHR makes them: signed, with what was asked for, with a token that soon ends.

CDS Hooks 2.0, "Calling a CDS Service", "FHIR Resource Access", "Trusting CDS Clients".
"""

import http.client
import json
import shlex
import threading
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import UUID

import pytest
import requests

from sandbox.cds.chart import Chart
from sandbox.cds.settings import CdsSettings
from sandbox.cds.visit import Visit
from sandbox.desk.inspector import curl
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.cds.conftest import GLIPIZIDE, USER, Both, answer_of
from tests.sandbox.cds.scripted import Json, Scripted, card, cards

PATIENT = "Patient/{{context.patientId}}"
LABS = "Observation?patient={{context.patientId}}&category=laboratory"


def _part(token: str, number: int) -> Any:
    part = token.removeprefix("Bearer ").split(".")[number]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _get(url: str, token: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=5)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.req("CH-127", "CH-131", "CH-133")
def test_the_application_verifies_the_signature(both: Both) -> None:
    signed = answer_of(both.visit("sandbox-renal"))
    assert (signed.status, signed.error) == (200, None)
    assert signed.cards
    plain = answer_of(both.visit("sandbox-renal", sign=False))
    assert plain.status == 401
    assert "It answered 401 (Unauthorized): Send one valid Bearer token" in (plain.error or "")
    assert plain.cards == ()


def test_every_request_has_a_token_of_its_own(
    ehr: DevelopmentEhr, scripted: Scripted, visit: Visit
) -> None:
    scripted.offer("view", "patient-view", cards(card()))
    visit.open()
    visit.override(visit.cards[0].id)
    tokens = [each.headers["authorization"] for each in scripted.asked]
    assert [_part(token, 1)["aud"] for token in tokens] == [
        f"{scripted.url}/cds-services",
        f"{scripted.url}/cds-services/view",
        f"{scripted.url}/cds-services/view/feedback",
    ]
    published = json.load(urlopen(f"{ehr.origin}/cds/jwks.json"))["keys"]
    for token in tokens:
        head, claims = _part(token, 0), _part(token, 1)
        assert head == {
            "alg": "ES384",
            "typ": "JWT",
            "kid": published[0]["kid"],
            "jku": f"{ehr.origin}/cds/jwks.json",
        }
        assert claims["iss"] == ehr.origin
        assert claims["exp"] == claims["iat"] + 300
    assert len({_part(token, 1)["jti"] for token in tokens}) == 3
    assert "d" not in published[0]


def test_a_call_has_what_the_specification_asks_for(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(), prefetch={"patient": PATIENT})
    scripted.offer("second", "patient-view", cards())
    ehr.visits.start("sandbox-renal", USER, "e1").open()
    (one,), (two,) = scripted.calls("view"), scripted.calls("second")
    assert one.headers["content-type"] == "application/json"
    body = one.body
    assert body["hook"] == "patient-view"
    assert str(UUID(body["hookInstance"])) == body["hookInstance"] == two.body["hookInstance"]
    assert body["fhirServer"] == ehr.base
    assert body["context"] == {"patientId": "sandbox-renal", "userId": USER, "encounterId": "e1"}
    assert body["prefetch"]["patient"]["id"] == "sandbox-renal"
    # Empty objects have no place in the JSON of CDS Hooks.
    assert "prefetch" not in two.body
    assert body["fhirAuthorization"]["patient"] == "sandbox-renal"
    assert body["fhirAuthorization"]["token_type"] == "Bearer"
    assert body["fhirAuthorization"]["expires_in"] == 30


def test_no_token_is_kept(ehr: DevelopmentEhr, scripted: Scripted, visit: Visit) -> None:
    scripted.offer("view", "patient-view", cards())
    visit.open()
    (exchange,) = visit.exchanges
    kept = json.dumps(exchange.request) + json.dumps(dict(exchange.request_headers))
    call = scripted.calls("view")[0]
    assert call.body["fhirAuthorization"]["access_token"] not in kept
    assert call.headers["authorization"].removeprefix("Bearer ") not in kept


@pytest.mark.parametrize(
    ("version", "prefetch", "scopes"),
    [
        ("3.0", {"a": LABS, "b": PATIENT}, "patient/Patient.rs patient/Observation.rs"),
        ("2.0", {"a": LABS}, "patient/Patient.read patient/Observation.read"),
        ("3.0", {"user": "{{context.userId}}"}, "patient/Patient.rs user/Practitioner.rs"),
        (
            "3.0",
            {"m": "MedicationRequest?patient=x&_include=MedicationRequest:medication"},
            "patient/Patient.rs patient/MedicationRequest.rs patient/Medication.rs",
        ),
        ("3.0", {}, "patient/*.rs"),
    ],
)
def test_the_scopes_are_those_of_the_templates(
    ehr: DevelopmentEhr, scripted: Scripted, version: Any, prefetch: Json, scopes: str
) -> None:
    ehr.cds.settings = CdsSettings(servers=(scripted.url,), version=version)
    scripted.offer("view", "patient-view", cards(), prefetch=prefetch)
    ehr.visits.start("sandbox-renal", USER).open()
    assert scripted.calls("view")[0].body["fhirAuthorization"]["scope"] == scopes


@pytest.mark.req("CH-081")
def test_the_token_is_for_this_patient_and_ends_with_the_call(
    ehr: DevelopmentEhr, scripted: Scripted, visit: Visit
) -> None:
    tokens, statuses = [], []

    def says(body: Json) -> Json:
        token = body["fhirAuthorization"]["access_token"]
        tokens.append(token)
        for place in (
            "Observation?patient=sandbox-renal",
            "Observation?patient=sandbox-diabetes",
            "Patient/sandbox-diabetes",
            "Condition?patient=sandbox-renal",
        ):
            statuses.append(_get(f"{body['fhirServer']}/{place}", token))
        return cards()

    scripted.offer("view", "patient-view", says, prefetch={"labs": LABS})
    visit.open()
    assert statuses == [200, 403, 403, 403]
    assert _get(f"{ehr.base}/Observation?patient=sandbox-renal", tokens[0]) == 401
    (exchange,) = visit.exchanges
    assert [(each.method, each.status) for each in exchange.fetched] == [
        ("GET", status) for status in statuses
    ]
    assert exchange.fetched[0].target == "/fhir/Observation?patient=sandbox-renal"
    assert ehr.active_tokens() == []


def test_without_authorization_there_is_no_token(
    ehr: DevelopmentEhr, scripted: Scripted, visit: Visit
) -> None:
    ehr.cds.settings = CdsSettings(servers=(scripted.url,), authorization=False)
    scripted.offer("view", "patient-view", cards())
    visit.open()
    assert "fhirAuthorization" not in scripted.calls("view")[0].body


def test_the_services_of_a_hook_are_called_at_the_same_time(
    ehr: DevelopmentEhr, scripted: Scripted, visit: Visit
) -> None:
    meeting = threading.Barrier(3)

    def says(_: Json) -> Json:
        meeting.wait(5)
        return cards(card())

    for number in range(3):
        scripted.offer(f"view-{number}", "patient-view", says)
    visit.open()
    assert len(visit.cards) == 3
    assert not meeting.broken


def test_a_service_can_be_called_without_a_chart(both: Both) -> None:
    both.ehr.cds.settings = CdsSettings(servers=(both.origin,))
    service = next(s for s in both.ehr.cds.services("patient-view") if s.id == "care-gaps")
    context = {"patientId": "sandbox-renal", "userId": USER}
    [exchange] = both.ehr.cds.fire(Chart("sandbox-renal", USER), service.hook, context, [service])
    assert exchange.error is None
    assert exchange.cards[0].indicator == "warning"


def test_an_order_hook_tells_what_is_ordered(
    ehr: DevelopmentEhr, scripted: Scripted, visit: Visit
) -> None:
    scripted.offer("select", "order-select", cards())
    scripted.offer("sign", "order-sign", cards())
    first = visit.add(GLIPIZIDE)
    second = visit.add({**GLIPIZIDE, "medicationCodeableConcept": {"text": "glyburide"}})
    visit.sign()
    select, sign = scripted.calls("select")[-1].body, scripted.calls("sign")[0].body
    assert select["context"]["selections"] == [f"MedicationRequest/{second['id']}"]
    for body in (select, sign):
        bundle = body["context"]["draftOrders"]
        assert bundle["resourceType"] == "Bundle"
        assert [each["resource"] for each in bundle["entry"]] == [first, second]
    assert "selections" not in sign["context"]


def test_a_copied_request_is_taken_by_the_application(both: Both) -> None:
    (exchange, *_) = both.visit("sandbox-renal").exchanges
    token = both.ehr.cds.signer.token(exchange.url)
    command = [each for each in shlex.split(curl(exchange, token)) if each.strip()]
    assert command[:2] == ["curl", "-i"]
    headers = dict(each.split(": ", 1) for each in command[4:-1:2])
    assert requests.post(command[2], command[-1], headers=headers, timeout=5).status_code == 200
    del headers["Authorization"]
    assert requests.post(command[2], command[-1], headers=headers, timeout=5).status_code == 401
