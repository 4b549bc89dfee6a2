"""SMART Web Messaging 1.0.0 at the EHR: what the page passes on, and what is done with it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.cds.visit import Visit
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.sandbox.apps import LAUNCH, App, Reply, registered, send

Json = dict[str, Any]

PATIENT = "sandbox-renal"
USER = "Practitioner/sandbox-ada"
SCOPES = "launch messaging/scratchpad messaging/ui patient/Patient.r"
APP = "{0.scheme}://{0.netloc}".format(urlsplit(LAUNCH))
METFORMIN: Json = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {"text": "metformin 500 MG"},
}


@pytest.fixture(scope="module")
def ehr() -> Iterator[DevelopmentEhr]:
    """An EHR whose visits call no CDS service."""
    clients = [registered("public", auth="none")]
    with DevelopmentEhr(shipped_bundles(), clients) as running:
        yield running


@dataclass
class Opened:
    """An app that was opened from a visit, and the page around it."""

    ehr: DevelopmentEhr
    visit: Visit
    token: Json

    def post(self, body: Any, **headers: str) -> Reply:
        sent = {"Content-Type": "application/json", "Origin": self.ehr.origin, **headers}
        text = json.dumps(body).encode()
        return send(f"{self.ehr.origin}/visits/{self.visit.id}/messaging", None, sent, body=text)

    def passed(self, kind: str, payload: Json, origin: str = APP, **changed: Any) -> Json:
        message = {
            "messagingHandle": self.token["smart_web_messaging_handle"],
            "messageId": "m-1",
            "messageType": kind,
            "payload": payload,
            **changed,
        }
        reply = self.post({"origin": origin, "message": message})
        assert reply.status == 200, reply.text
        told: Json = reply.json
        response = told["response"]
        assert response["responseToMessageId"] == "m-1"
        assert response["messageId"] not in ("", "m-1")
        return told

    def say(self, kind: str, /, **payload: Any) -> Json:
        answered: Json = self.passed(kind, payload)["response"]["payload"]
        return answered


def opened(ehr: DevelopmentEhr, scope: str = SCOPES, visit: Visit | None = None) -> Opened:
    visit = visit or ehr.visits.start(PATIENT, USER)
    app = App(ehr, "public", scope)
    return Opened(ehr, visit, app.opened(visit.patient_id, user=USER, visit=visit.id).json)


@pytest.fixture
def inside(ehr: DevelopmentEhr) -> Opened:
    return opened(ehr)


def refused(answer: Json, status: int, words: str = "") -> None:
    assert answer["status"].startswith(f"{status} ")
    (issue,) = answer["outcome"]["issue"]
    assert words in issue["diagnostics"]


# --- the handle ----------------------------------------------------------------------------------


def test_an_app_of_a_visit_gets_a_handle_and_the_origin_of_the_page(ehr: DevelopmentEhr) -> None:
    token = opened(ehr, f"{SCOPES} offline_access").token
    assert token["smart_web_messaging_origin"] == ehr.origin
    assert len(token["smart_web_messaging_handle"]) >= 32
    assert {"messaging/scratchpad", "messaging/ui"} <= set(token["scope"].split())
    again = App(ehr, "public").refresh(token["refresh_token"]).json
    assert again["smart_web_messaging_handle"] == token["smart_web_messaging_handle"]
    # It is for the browser, where no access token goes, and it reads nothing.
    bearer = App(ehr, "public").fhir(token["smart_web_messaging_handle"], f"Patient/{PATIENT}")
    assert bearer.status == 401


@pytest.mark.parametrize(
    ("scope", "in_visit"), [("launch patient/Patient.r", True), (SCOPES, False)]
)
def test_without_a_scope_or_a_visit_there_is_no_handle(
    ehr: DevelopmentEhr, scope: str, in_visit: bool
) -> None:
    visit = ehr.visits.start(PATIENT, USER)
    token = App(ehr, "public", scope).opened(PATIENT, visit=visit.id if in_visit else None).json
    assert "access_token" in token
    assert not [name for name in token if name.startswith("smart_web_messaging")]


def test_the_scopes_are_announced(ehr: DevelopmentEhr) -> None:
    document = send(f"{ehr.base}/.well-known/smart-configuration").json
    assert {"messaging/scratchpad", "messaging/ui"} <= set(document["scopes_supported"])


# --- what it is good for -------------------------------------------------------------------------


def test_a_handshake_is_answered(ehr: DevelopmentEhr) -> None:
    for scope in ("messaging/ui", "messaging/scratchpad"):
        assert opened(ehr, f"launch {scope}").say("status.handshake") == {}


def test_a_draft_is_created_read_updated_and_deleted(inside: Opened) -> None:
    told = inside.passed("scratchpad.create", {"resource": METFORMIN})
    assert told["effect"] == "drafts"
    created = told["response"]["payload"]
    assert created["status"] == "201 Created"
    kind, _, draft_id = created["location"].partition("/")
    assert (kind, list(inside.visit.drafts)) == ("MedicationRequest", [draft_id])
    read = inside.passed("scratchpad.read", {"location": created["location"]})
    assert read["effect"] is None
    draft = read["response"]["payload"]["resource"]
    assert (draft["id"], draft["status"]) == (draft_id, "draft")
    assert draft["subject"] == {"reference": f"Patient/{PATIENT}"}
    changed = {**draft, "medicationCodeableConcept": {"text": "metformin 850 MG"}}
    changed["subject"] = {"reference": f"{inside.ehr.base}/Patient/{PATIENT}"}
    assert inside.say("scratchpad.update", resource=changed) == {"status": "200 OK"}
    assert inside.visit.drafts[draft_id]["medicationCodeableConcept"]["text"] == "metformin 850 MG"
    (only,) = inside.say("scratchpad.read")["scratchpad"]
    assert only["id"] == draft_id
    told = inside.passed("scratchpad.delete", {"location": created["location"]})
    assert (told["effect"], told["response"]["payload"]) == ("drafts", {"status": "200 OK"})
    assert inside.say("scratchpad.read")["scratchpad"] == []
    # Nothing of it ever was a record.
    assert inside.ehr.fhir.store.read(kind, draft_id) is None


def test_an_app_does_not_choose_the_id_of_a_draft(inside: Opened) -> None:
    first = inside.say("scratchpad.create", resource={**METFORMIN, "id": "mine"})["location"]
    second = inside.say("scratchpad.create", resource={**METFORMIN, "id": "mine"})["location"]
    assert len({"MedicationRequest/mine", first, second}) == 3


def test_the_app_says_that_it_is_done(inside: Opened) -> None:
    told = inside.passed("ui.done", {})
    assert (told["effect"], told["response"]["payload"]) == ("done", {"status": "success"})


# --- what is refused -----------------------------------------------------------------------------


def test_an_activity_that_is_not_offered_is_refused_in_words(inside: Opened) -> None:
    told = inside.passed("ui.launchActivity", {"activityType": "problem-review"})
    assert told["effect"] is None
    assert told["response"]["payload"] == {
        "status": "failure",
        "statusDetail": {"text": "This EHR opens no activity 'problem-review'."},
    }


@pytest.mark.parametrize("kind", ["fhir.http", "scratchpad.burn", "nothing", ""])
def test_a_message_that_nobody_knows_is_refused(inside: Opened, kind: str) -> None:
    refused(inside.say(kind), 501, "knows no messageType")


@pytest.mark.parametrize(
    ("granted", "kind", "missing"),
    [
        ("messaging/ui", "scratchpad.create", "messaging/scratchpad"),
        ("messaging/ui", "scratchpad.read", "messaging/scratchpad"),
        ("messaging/ui", "scratchpad.update", "messaging/scratchpad"),
        ("messaging/ui", "scratchpad.delete", "messaging/scratchpad"),
    ],
)
def test_a_scope_that_is_missing_is_named(
    ehr: DevelopmentEhr, granted: str, kind: str, missing: str
) -> None:
    inside = opened(ehr, f"launch {granted}")
    refused(inside.say(kind, resource=METFORMIN, location="MedicationRequest/x"), 403, missing)
    assert inside.visit.drafts == {}


def test_the_page_stays_as_it_is_without_the_scope_for_it(ehr: DevelopmentEhr) -> None:
    told = opened(ehr, "launch messaging/scratchpad").passed("ui.done", {})
    assert told["effect"] is None
    assert told["response"]["payload"]["status"] == "failure"
    assert "messaging/ui" in told["response"]["payload"]["statusDetail"]["text"]


@pytest.mark.parametrize("handle", ["", "guessed", "{other}", "{token}"])
def test_the_handle_is_that_of_an_app_of_this_visit(
    ehr: DevelopmentEhr, inside: Opened, handle: str
) -> None:
    other = opened(ehr)
    given = {
        "{other}": other.token["smart_web_messaging_handle"],
        "{token}": inside.token["access_token"],
    }.get(handle, handle)
    told = inside.passed("scratchpad.create", {"resource": METFORMIN}, messagingHandle=given)
    refused(told["response"]["payload"], 401)
    assert told["effect"] is None
    assert inside.visit.drafts == other.visit.drafts == {}


def test_an_app_at_another_origin_is_refused(inside: Opened) -> None:
    for origin in ("https://evil.example", "null", "", inside.ehr.origin, f"{APP}0"):
        told = inside.passed("scratchpad.create", {"resource": METFORMIN}, origin)
        refused(told["response"]["payload"], 403, "another origin")
    assert inside.visit.drafts == {}


@pytest.mark.parametrize(
    ("resource", "status", "words"),
    [
        ({**METFORMIN, "subject": {"reference": "Patient/sandbox-diabetes"}}, 403, PATIENT),
        ({**METFORMIN, "subject": {"reference": f"//evil/Patient/{PATIENT}"}}, 403, PATIENT),
        ({**METFORMIN, "subject": {"reference": f"http://e/Patient/{PATIENT}"}}, 403, PATIENT),
        ({**METFORMIN, "subject": {"display": "somebody"}}, 403, PATIENT),
        ({**METFORMIN, "subject": None}, 403, PATIENT),
        ({**METFORMIN, "subject": []}, 403, PATIENT),
        ({**METFORMIN, "status": "active"}, 422, "only the clinician signs"),
        ({**METFORMIN, "resourceType": "Condition"}, 422, "MedicationRequest, ServiceRequest"),
        ({**METFORMIN, "resourceType": ["MedicationRequest"]}, 422, "MedicationRequest"),
        ("MedicationRequest/1", 422, "MedicationRequest"),
        (None, 422, "MedicationRequest"),
    ],
)
@pytest.mark.parametrize("kind", ["scratchpad.create", "scratchpad.update"])
def test_an_order_is_a_draft_for_the_patient_of_the_visit(
    inside: Opened, kind: str, resource: Any, status: int, words: str
) -> None:
    draft = inside.visit.add(METFORMIN)
    if isinstance(resource, dict):
        resource = {**resource, "id": draft["id"]}
    refused(inside.say(kind, resource=resource), status, words)
    assert inside.visit.drafts == {draft["id"]: draft}


@pytest.mark.parametrize(
    "location", ["", "MedicationRequest/none", "{id}", None, 7, "ServiceRequest/{id}"]
)
@pytest.mark.parametrize("kind", ["scratchpad.read", "scratchpad.delete"])
def test_what_is_not_there_is_not_found(inside: Opened, kind: str, location: Any) -> None:
    draft = inside.visit.add(METFORMIN)
    if isinstance(location, str):
        location = location.replace("{id}", draft["id"])
    refused(inside.say(kind, location=location), 404)
    assert list(inside.visit.drafts) == [draft["id"]]


def test_a_draft_of_another_visit_is_not_there(ehr: DevelopmentEhr, inside: Opened) -> None:
    other = ehr.visits.start(PATIENT, USER)
    draft = other.add(METFORMIN)
    refused(inside.say("scratchpad.update", resource=draft), 404)
    refused(inside.say("scratchpad.delete", location=f"MedicationRequest/{draft['id']}"), 404)
    assert other.drafts == {draft["id"]: draft}


def test_signing_out_ends_the_handle(ehr: DevelopmentEhr, inside: Opened) -> None:
    ehr.sign_out(USER)
    refused(inside.say("scratchpad.create", resource=METFORMIN), 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": APP},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_only_the_page_around_the_app_passes_messages_on(
    inside: Opened, headers: dict[str, str]
) -> None:
    body = {
        "origin": APP,
        "message": {
            "messagingHandle": inside.token["smart_web_messaging_handle"],
            "messageId": "m-1",
            "messageType": "scratchpad.create",
            "payload": {"resource": METFORMIN},
        },
    }
    assert inside.post(body, **headers).status == 403
    assert inside.visit.drafts == {}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"origin": APP},
        {"origin": APP, "message": {"messagingHandle": "h", "messageType": "ui.done"}},
        {
            "origin": APP,
            "message": {
                "messagingHandle": "h",
                "messageId": "m",
                "messageType": "ui.done",
                "payload": 1,
            },
        },
    ],
)
def test_what_is_no_message_is_told(inside: Opened, body: Any) -> None:
    reply = inside.post(body)
    assert reply.status == 400
    assert "no message" in reply.json["error"]


def test_a_visit_that_is_not_open_takes_no_message(ehr: DevelopmentEhr) -> None:
    assert send(f"{ehr.origin}/visits/none/messaging", body=b"{}").status == 404
