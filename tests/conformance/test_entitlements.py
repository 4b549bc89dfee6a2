"""CDS Hooks checklist H: what a known EHR may call and be told, over HTTP in production mode.

Who it is, is judged first (401), then whether it may (403), then what it sent (415, 400).
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

import pytest

from hooks import Finding, Source, service
from hooks.contexts import PatientView
from store import tables
from tests.demo.bodies import Json, body, raw
from tests.demo.client import Client
from tests.demo.server import new_database
from tests.demo.services import DEMO
from tests.demo.signing import JSON, NORTH, SOUTH, production, stored
from tests.demo.tokens import PUBLIC_BASE, token

SERVICE = "demo-patient-view"
CLOSED = "demo-order-sign"
NOT_JSON = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """North may call one service, South all of them with a tenant of its own."""
    north = NORTH.record(services=frozenset({SERVICE}))
    with production(north, SOUTH.record(tenants=frozenset({"ward-1", "ward-2"}))) as running:
        yield running


@pytest.mark.req("CH-127")
def test_an_entitled_service_answers(client: Client) -> None:
    assert NORTH.call(client, SERVICE, body("patient-view")).card


@pytest.mark.req("CH-127")
@pytest.mark.parametrize("path", [CLOSED, f"{CLOSED}/feedback"])
@pytest.mark.parametrize("sent", [b"{}", b"no JSON", b""])
def test_another_service_is_forbidden_whatever_is_sent(
    client: Client, path: str, sent: bytes
) -> None:
    path = f"/cds-services/{path}"
    reply = NORTH.post(client, path, sent)
    assert (reply.status, reply.issue["code"]) == (403, "forbidden")
    headers = {**NORTH.bearer(path), **NOT_JSON}
    assert client.request("POST", path, sent, headers).status == 403


@pytest.mark.req("CH-127", "CH-139")
@pytest.mark.parametrize("path", [SERVICE, CLOSED, f"{SERVICE}/feedback", f"{CLOSED}/feedback"])
def test_who_calls_is_judged_before_what_it_may_and_sent(client: Client, path: str) -> None:
    path = f"/cds-services/{path}"
    answers = {
        (reply.status, reply.body)
        for headers in ({}, {"Authorization": "Bearer x"}, SOUTH.bearer("/elsewhere"))
        for sent in (raw("patient-view"), b'{"cut', b"x" * 9_000_000)
        for reply in [client.request("POST", path, sent, {**NOT_JSON, **headers})]
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 401


@pytest.mark.req("CH-127")
def test_then_content_type_then_json_then_hook(client: Client) -> None:
    path = f"/cds-services/{SERVICE}"
    for headers, sent, status in (
        (NOT_JSON, b"{", 415),
        (JSON, b"{", 400),
        (JSON, raw("order-sign"), 400),
        (JSON, raw("patient-view"), 200),
    ):
        reply = client.request("POST", path, sent, {**headers, **NORTH.bearer(path)})
        assert reply.status == status


@pytest.mark.req("CH-127")
def test_an_unknown_service_is_not_found_before_anybody_is_asked_who_they_are(
    client: Client,
) -> None:
    assert client.call("nobody", b"{}").status == 404
    assert NORTH.call(client, "nobody", b"{}").status == 404


@pytest.mark.req("CH-136")
def test_a_token_is_used_up_by_a_refusal_too(client: Client) -> None:
    path = f"/cds-services/{CLOSED}"
    headers = {**JSON, **NORTH.bearer(path)}
    assert client.request("POST", path, b"{}", headers).status == 403
    assert client.request("POST", path, b"{}", headers).status == 401


@pytest.mark.req("CH-137")
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"tenant": "ward-1"}, 200),
        ({"tenant": "ward-2"}, 200),
        ({"tenant": "ward-3"}, 401),
        ({"tenant": "WARD-1"}, 401),
        ({"tenant": ""}, 401),
        ({"tenant": ["ward-1"]}, 401),
        ({}, 401),
    ],
)
def test_a_tenant_is_one_of_the_record(client: Client, claims: Json, status: int) -> None:
    assert SOUTH.call(client, SERVICE, body("patient-view"), **claims).status == status


@pytest.mark.req("CH-137")
def test_a_tenant_that_was_not_agreed_is_refused(client: Client) -> None:
    assert NORTH.call(client, SERVICE, body("patient-view"), tenant="ward-1").status == 401


@pytest.mark.req("CH-131")
def test_a_key_of_one_ehr_does_not_sign_for_the_other(client: Client) -> None:
    claims = {"iss": SOUTH.issuer, "aud": PUBLIC_BASE + f"/cds-services/{SERVICE}"}
    now = datetime.now().timestamp()
    for header in ({}, {"kid": SOUTH.pair.kid}):
        sent = {"Authorization": "Bearer " + token(NORTH.pair, header, claims, now=now)}
        assert client.call(SERVICE, body("patient-view"), sent).status == 401


@pytest.mark.req("CH-133")
def test_a_record_without_audiences_takes_the_public_address() -> None:
    """`ehrs check` says so, and it is what most first records look like."""
    with production(NORTH.record(audiences=()), SOUTH.record()) as client:
        assert NORTH.call(client, SERVICE, body("patient-view")).status == 200
        assert NORTH.call(client, SERVICE, body("patient-view"), aud="x").status == 401


@pytest.mark.req("CH-133")
def test_behind_a_path_prefix_the_whole_address_is_the_audience() -> None:
    base = "https://cds.test/chartside/v1"
    for bases in ((base,), ()):
        with production(
            NORTH.record(audiences=bases), public_url=base, prefix="/chartside/v1"
        ) as client:
            path = f"/cds-services/{SERVICE}"
            right = NORTH.call(client, SERVICE, body("patient-view"), aud=base + path)
            wrong = NORTH.call(client, SERVICE, body("patient-view"))
            assert (right.status, wrong.status) == (200, 401)


@pytest.mark.req("CH-127")
def test_the_client_certificate_that_the_proxy_saw_is_the_one_agreed() -> None:
    header = "X-Client-Cert-Fingerprint"
    north = NORTH.record(certificate="ab:cd")
    path = f"/cds-services/{SERVICE}"
    with production(north, SOUTH.record(), certificate_header=header) as client:
        for told, status in (({header: "ab:cd"}, 200), ({header: "ef"}, 401), ({}, 401)):
            sent = {**JSON, **NORTH.bearer(path), **told}
            assert client.request("POST", path, raw("patient-view"), sent).status == status
        assert SOUTH.call(client, SERVICE, body("patient-view")).status == 200
    # Without a proxy that sets it, anybody could.
    with production(north, SOUTH.record()) as client:
        sent = {**JSON, **NORTH.bearer(path), header: "ab:cd"}
        assert client.request("POST", path, raw("patient-view"), sent).status == 401


# --- findings ----------------------------------------------------------------------------------

RULES = ("probe.a", "probe.b", "probe.grave")


@service("patient-view", id="probe-many", title="Probe", description="Three findings.")
def probe_many(context: PatientView) -> Iterator[Finding]:
    for rule in RULES:
        yield Finding(
            rule=rule,
            summary=rule,
            indicator="critical" if rule == "probe.grave" else "warning",
            source=Source("Demo handbook, 2026"),
        )


@pytest.mark.req("CH-127")
@pytest.mark.parametrize(
    ("allowed", "shown"),
    [
        (None, {*RULES}),
        ({"probe.b"}, {"probe.b"}),
        # Nothing speaks that was not enabled, however grave.
        ({"probe.a", "probe.b"}, {"probe.a", "probe.b"}),
        ({"probe.grave", "probe.a.more", "PROBE.B"}, {"probe.grave"}),
        (set(), set()),
    ],
    ids=["not said", "one", "some", "others", "none"],
)
def test_only_enabled_findings_speak_and_the_others_are_recorded(
    allowed: set[str] | None, shown: set[str]
) -> None:
    url = new_database()
    findings = None if allowed is None else frozenset(allowed)
    sent: Json = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"patientId": "zofie", "userId": "Practitioner/ruiz"},
    }
    with production(
        NORTH.record(findings=findings), SOUTH.record(), services=[*DEMO, probe_many], url=url
    ) as client:
        cards = NORTH.call(client, "probe-many", sent).cards
        assert {card["summary"] for card in cards} == shown
        rows = stored(url, tables.cards)
        assert {row.rule: row.hidden for row in rows} == {
            rule: None if rule in shown else "not-enabled" for rule in RULES
        }
        # What one EHR is not told, another may be.
        assert len(SOUTH.call(client, "probe-many", sent).cards) == len(RULES)
