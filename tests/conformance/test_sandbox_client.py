"""The public CDS Hooks sandbox's way of calling, end to end (github.com/cds-hooks/sandbox).

A web page calls: each address is preflighted, each call has a token of its own, whose audience is
the very address called. The key is one of these tests, since that of the sandbox is public and
refused in production; the shapes are the sandbox's.
"""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from store import tables
from tests.demo.bodies import DROP, Json, body, bundle
from tests.demo.client import Client, Reply
from tests.demo.key_host import KeyHost
from tests.demo.server import new_database
from tests.demo.signing import production, stored
from tests.demo.tokens import PUBLIC_BASE, pair, token
from web.trust import SANDBOX, Cds, Ehr

KID = "0c7dbe0f-55d2-4c5a-9b64-0d6f3f8a1c11"
ISSUER = "https://cds-sandbox.test"
DISCOVERY = "/cds-services"
VIEW = "/cds-services/demo-patient-view"
SELECT = "/cds-services/demo-order-select"
SIGN = "/cds-services/demo-order-sign"
USER = "Practitioner/COREPRACTITIONER1"


class Sandbox:
    """The page: it asks the browser's leave, signs, calls, and reports what the user did."""

    def __init__(self, client: Client, jku: str) -> None:
        self._client = client
        self._jku = jku

    def token(self, path: str, **claims: Any) -> str:
        """ES384, five minutes, a fresh jti, no sub; `aud` is the URL that is called."""
        given = {"iss": ISSUER, "aud": PUBLIC_BASE + path, **claims}
        return token(pair(KID), {"jku": self._jku}, given, now=time.time())

    def preflight(self, method: str, path: str, headers: str) -> None:
        """Fetch standard, CORS-preflight fetch: without credentials."""
        asked = {
            "Origin": ISSUER,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        }
        reply = self._client.request("OPTIONS", path, headers=asked)
        assert 200 <= reply.status < 300
        assert reply.headers["Access-Control-Allow-Origin"] == ISSUER
        assert method in reply.headers["Access-Control-Allow-Methods"].split(", ")
        granted = reply.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert set(headers.split(",")) <= set(granted)
        # Otherwise the browser asks again every few seconds.
        assert int(reply.headers["Access-Control-Max-Age"]) >= 300

    def fetch(self, method: str, path: str, body: Json | None = None, **claims: Any) -> Reply:
        """One request as the browser makes it; the page must be able to read the answer."""
        headers = {
            "Origin": ISSUER,
            "Referer": ISSUER + "/",
            "Accept": "application/json",
            "Authorization": f"Bearer {self.token(path, **claims)}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.preflight(method, path, "authorization" + (",content-type" if body else ""))
        reply = self._client.request(method, path, body, headers)
        assert reply.headers["Access-Control-Allow-Origin"] == ISSUER
        assert "Origin" in reply.headers["Vary"]
        return reply

    def call(self, path: str, body: Json, **claims: Any) -> Reply:
        return self.fetch("POST", path, body, **claims)

    def feedback(self, path: str, card: Json, **told: Any) -> Reply:
        """`outcomeTimestamp` is JavaScript's toISOString()."""
        item = {"card": card["uuid"], "outcomeTimestamp": "2026-11-24T11:58:30.123Z", **told}
        return self.fetch("POST", path + "/feedback", {"feedback": [item]})


@pytest.fixture(scope="module")
def host() -> Iterator[KeyHost]:
    with KeyHost(pair(KID).jwk(alg="ES384")) as running:
        yield running


@pytest.fixture
def url() -> str:
    return new_database()


@pytest.fixture
def sandbox(host: KeyHost, url: str) -> Iterator[Sandbox]:
    """A record with the sandbox's habits: its keys are fetched from `jku`."""
    record = Ehr(
        id="test-sandbox",
        cds=Cds(
            issuer=ISSUER,
            jku=host.jku,
            audiences=(PUBLIC_BASE,),
            origins=frozenset({ISSUER}),
        ),
    )
    with production(record, url=url) as client:
        yield Sandbox(client, host.jku)


def opened(name: str, **edits: Any) -> Json:
    """A body of the sandbox: its only user, no encounter, no token for FHIR."""
    own = {
        "hookInstance": str(uuid4()),
        "context.userId": USER,
        "context.encounterId": DROP,
        "fhirAuthorization": DROP,
        "fhirServer": "https://launch.smarthealthit.org/v/r2/fhir",
    }
    return body(name, edits={**own, **edits})


def drafted(**edits: Any) -> Json:
    """Its draft, the tab just opened: no medicine, no intent, objects instead of arrays."""
    draft: Json = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "category": {"coding": [{"code": "outpatient"}]},
        "subject": {"reference": "Patient/zofie-1957"},
        "reasonCode": {},
        "dosageInstruction": [
            {"doseAndRate": [{"doseQuantity": {"value": 1}}], "timing": {"repeat": {}}}
        ],
        **edits,
    }
    orders: Json = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    return {
        "context.draftOrders": orders,
        "context.selections": ["MedicationRequest/request-123"],
    }


AMOXICILLIN = {
    "text": "amoxicillin 500 MG capsule",
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "308191"}],
}


@pytest.mark.req("CH-127", "CH-129", "CH-142")
def test_it_discovers_with_a_token_and_without(sandbox: Sandbox) -> None:
    services = sandbox.fetch("GET", DISCOVERY).json["services"]
    # It rejects an empty list.
    assert {"patient-view", "order-select", "order-sign"} <= {each["hook"] for each in services}
    assert all(each["id"] and each["description"] for each in services)


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("path", [VIEW, VIEW + "/feedback"])
def test_a_preflight_says_no_more_than_that_the_page_may_ask(sandbox: Sandbox, path: str) -> None:
    sandbox.preflight("POST", path, "authorization,content-type")


@pytest.mark.req("CH-018", "CH-096", "CH-127", "CH-129", "CH-133")
def test_a_patient_is_opened_and_a_card_comes(sandbox: Sandbox) -> None:
    card = sandbox.call(VIEW, opened("patient-view")).card
    # Without them it has no dismiss button and sends no feedback.
    assert UUID(card["uuid"])
    assert card["source"]["label"]
    assert card["indicator"] in ("info", "warning", "critical")


@pytest.mark.req("CH-133")
@pytest.mark.parametrize(
    ("path", "audience"),
    [
        (VIEW, DISCOVERY),
        (VIEW, VIEW + "/feedback"),
        (VIEW, SIGN),
        (VIEW, VIEW + "/"),
        (VIEW + "/feedback", DISCOVERY),
        (VIEW + "/feedback", SIGN + "/feedback"),
        (VIEW + "/feedback", VIEW + "/feedback/"),
    ],
)
def test_a_token_for_another_address_is_refused_and_the_page_may_know(
    sandbox: Sandbox, path: str, audience: str
) -> None:
    reply = sandbox.call(path, opened("patient-view"), aud=PUBLIC_BASE + audience)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.req("CH-118", "CH-133")
@pytest.mark.parametrize("audience", [VIEW + "/feedback", VIEW])
def test_feedback_is_for_its_own_address_or_that_of_the_service(
    sandbox: Sandbox, audience: str
) -> None:
    reply = sandbox.call(VIEW + "/feedback", {"feedback": []}, aud=PUBLIC_BASE + audience)
    assert reply.status == 200


@pytest.mark.req("CH-136")
def test_each_call_needs_a_fresh_token(sandbox: Sandbox) -> None:
    jti = str(uuid4())
    assert sandbox.call(VIEW, opened("patient-view"), jti=jti).status == 200
    assert sandbox.call(VIEW, opened("patient-view"), jti=jti).status == 401
    assert sandbox.call(VIEW + "/feedback", {"feedback": []}, jti=jti).status == 401


@pytest.mark.req("CH-054", "CH-066")
def test_the_drug_is_chosen_step_by_step(sandbox: Sandbox) -> None:
    """Opening the tab calls with an empty draft, each choice calls again."""
    empty = opened("order-select", **drafted())
    assert sandbox.call(SELECT, empty).cards == []
    chosen = opened("order-select", **drafted(medicationCodeableConcept=AMOXICILLIN))
    card = sandbox.call(SELECT, chosen).card
    assert card["indicator"] == "critical"
    (suggestion,) = card["suggestions"]
    assert UUID(suggestion["uuid"])
    assert suggestion["label"]
    # Clicking the open tab again leaves out the order fields.
    again = opened("order-select", **{"context.draftOrders": DROP, "context.selections": DROP})
    assert sandbox.call(SELECT, again).status in (200, 400)


@pytest.mark.req("CH-070", "CH-072")
def test_prefetch_that_it_could_not_get_is_left_out(sandbox: Sandbox) -> None:
    without = sandbox.call(VIEW, opened("patient-view", prefetch={}))
    # It has sent no token for its FHIR server, which is not one of the record either.
    assert without.status == 412
    nothing = opened("patient-view", **{"prefetch.a1c": bundle(total=0)})
    assert sandbox.call(VIEW, nothing).cards == []


# --- feedback ----------------------------------------------------------------------------------

TOLD: dict[str, Json] = {
    "accepted": {"outcome": "accepted"},
    "dismissed": {"outcome": "overridden"},
    "overridden": {
        "outcome": "overridden",
        "overrideReason": {
            "reason": {"code": "specialist-advice", "system": "urn:chartside:override-reasons"}
        },
    },
    "a reason without system": {
        "outcome": "overridden",
        "overrideReason": {"reason": {"code": "specialist-advice"}},
    },
}


@pytest.mark.req("CH-118", "CH-120", "CH-124")
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_what_the_user_did_is_kept(sandbox: Sandbox, url: str, told: Json) -> None:
    card = sandbox.call(SIGN, opened("order-sign")).card
    if told["outcome"] == "accepted":
        told = {**told, "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    assert sandbox.feedback(SIGN, card, **told).status == 200
    (row,) = stored(url, tables.feedback)
    reason = told.get("overrideReason", {}).get("reason", {})
    assert (row.card, row.outcome) == (card["uuid"], told["outcome"])
    assert row.suggestions == [each["id"] for each in told.get("acceptedSuggestions", [])]
    assert (row.reason_code, row.reason_system) == (reason.get("code"), reason.get("system"))


@pytest.mark.req("CH-121")
def test_a_card_may_be_accepted_more_than_once(sandbox: Sandbox, url: str) -> None:
    card = sandbox.call(SIGN, opened("order-sign")).card
    for suggestion in (*card["suggestions"][:2], card["suggestions"][0]):
        told = {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion["uuid"]}]}
        assert sandbox.feedback(SIGN, card, **told).status == 200
    assert len(stored(url, tables.feedback)) == 2


@pytest.mark.req("CH-118")
def test_a_card_that_was_dismissed_is_gone_when_the_patient_is_opened_again(
    sandbox: Sandbox,
) -> None:
    card = sandbox.call(VIEW, opened("patient-view")).card
    assert sandbox.feedback(VIEW, card, outcome="overridden").status == 200
    assert sandbox.call(VIEW, opened("patient-view")).cards == []
    other = opened("patient-view", **{"context.userId": "Practitioner/another"})
    assert len(sandbox.call(VIEW, other).cards) == 1


# --- the real one ------------------------------------------------------------------------------


@pytest.mark.req("CH-141")
def test_the_public_sandbox_itself_is_refused_in_production(host: KeyHost) -> None:
    """Even by a record of its own and a signature that holds: its private key is published."""
    assert SANDBOX.cds
    issuer, (published,) = SANDBOX.cds.issuer, SANDBOX.cds.keys
    kid = published["kid"]
    host.keys.append(pair("published").jwk(kid=kid))
    try:
        record = Ehr(
            id="public-sandbox",
            cds=Cds(
                issuer=issuer, jku=host.jku, audiences=(PUBLIC_BASE,), origins=SANDBOX.cds.origins
            ),
        )
        with production(record) as client:
            for header in ({"kid": kid}, {"kid": KID}):
                by = pair("published") if header["kid"] == kid else pair(KID)
                claims = {"iss": issuer, "aud": PUBLIC_BASE + VIEW}
                head = {"jku": host.jku, **header}
                sent = {"Authorization": "Bearer " + token(by, head, claims, now=time.time())}
                assert client.call(VIEW.split("/")[-1], opened("patient-view"), sent).status == 401
    finally:
        host.keys.pop()
