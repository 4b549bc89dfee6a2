"""Which web pages may read which answer (Fetch standard, CORS; CDS Hooks, Cross-Origin Resource
Sharing): by trust record, in production mode, on errors as well.
"""

from collections.abc import Iterator

import pytest

from tests.demo.bodies import body, raw, without_prefetch
from tests.demo.client import Client, Reply
from tests.demo.signing import JSON, NORTH, SOUTH, Signer, production

SERVICE = "demo-patient-view"
PATH = f"/cds-services/{SERVICE}"
STRANGER = "https://evil.test"
ALLOW = "Access-Control-Allow-"

# What is no listed origin, although it looks like one.
STRANGERS = (
    STRANGER,
    "null",
    "*",
    NORTH.origin + ".evil.test",
    NORTH.origin + "/",
    NORTH.origin + ":8443",
    NORTH.origin.upper(),
    NORTH.origin.replace("https", "http"),
    f"{NORTH.origin}, {SOUTH.origin}",
    "http://localhost:3000",
    "http://127.0.0.1",
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with production(
        NORTH.record(services=frozenset({SERVICE, "demo-order-sign"})), SOUTH.record()
    ) as running:
        yield running


def allowed(reply: Reply) -> str | None:
    """The origin that may read this. Whatever it is, a cache must know that it depends on it."""
    assert "Origin" in reply.headers["Vary"]
    assert ALLOW + "Credentials" not in reply.headers
    assert len(reply.headers.get_all(ALLOW + "Origin", [])) <= 1
    return reply.headers.get(ALLOW + "Origin")


def preflight(client: Client, path: str, origin: str, method: str = "POST") -> Reply:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.request("OPTIONS", path, headers=asked)


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("ehr", [NORTH, SOUTH], ids=lambda ehr: ehr.id)
@pytest.mark.parametrize("path", ["/cds-services", PATH, PATH + "/feedback"])
def test_a_preflight_needs_no_token(client: Client, ehr: Signer, path: str) -> None:
    reply = preflight(client, path, ehr.origin)
    assert (reply.status, reply.body) == (204, b"")
    assert allowed(reply) == ehr.origin
    assert set(reply.headers[ALLOW + "Methods"].split(", ")) == {"GET", "POST", "OPTIONS"}
    granted = reply.headers[ALLOW + "Headers"].lower().split(", ")
    assert {"authorization", "content-type"} <= set(granted)
    assert int(reply.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("origin", STRANGERS)
def test_a_strange_origin_gets_no_leave(client: Client, origin: str) -> None:
    reply = preflight(client, PATH, origin)
    assert reply.status == 204
    assert allowed(reply) is None
    assert ALLOW + "Methods" not in reply.headers
    sent = {**JSON, **NORTH.bearer(PATH), "Origin": origin}
    reply = client.request("POST", PATH, raw("patient-view"), sent)
    assert reply.status == 200
    assert allowed(reply) is None


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("origin", [NORTH.origin, STRANGER])
def test_every_answer_says_who_may_read_it(client: Client, origin: str) -> None:
    order = "/cds-services/demo-order-sign"
    closed = "/cds-services/demo-order-review"
    needy = without_prefetch("patient-view", "https://elsewhere.test/fhir")
    told = {}
    for status, path, sent, headers in (
        (200, PATH, body("patient-view"), NORTH.bearer(PATH)),
        (200, order + "/feedback", {"feedback": []}, NORTH.bearer(order + "/feedback")),
        (400, PATH, b"{", NORTH.bearer(PATH)),
        (401, PATH, b"{", {}),
        (401, PATH, b"{", {"Authorization": "Bearer x.y.z"}),
        (401, PATH, b"{", NORTH.bearer(PATH, iss="https://nobody.test")),
        (403, closed, b"{}", NORTH.bearer(closed)),
        (404, "/cds-services/nobody", b"{}", {}),
        (404, "/elsewhere", b"{}", {}),
        (405, "/cds-services", b"{}", {}),
        (412, PATH, needy, NORTH.bearer(PATH)),
        (413, PATH, b"x" * 9_000_000, NORTH.bearer(PATH)),
        (415, PATH, b"{}", {**NORTH.bearer(PATH), "Content-Type": "text/plain"}),
    ):
        reply = client.request("POST", path, sent, {**JSON, "Origin": origin, **headers})
        assert reply.status == status, (status, reply.body)
        told[status, path] = allowed(reply)
    assert set(told.values()) == {origin if origin == NORTH.origin else None}
    assert allowed(client.get("/cds-services", Origin=origin)) == told[200, PATH]


@pytest.mark.req("CH-142")
def test_a_page_may_read_that_it_calls_too_often() -> None:
    with production(NORTH.record(calls_a_minute=1), SOUTH.record()) as limited:
        NORTH.call(limited, SERVICE, body("patient-view"))
        reply = NORTH.call(limited, SERVICE, body("patient-view"))
        assert (reply.status, allowed(reply)) == (429, NORTH.origin)


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_page_of_one_ehr_may_not_read_the_answers_to_another(client: Client, status: int) -> None:
    """Origins are part of the trust record of the EHR that calls."""
    path = {403: "/cds-services/demo-order-review"}.get(status, PATH)
    sent = b"{" if status == 400 else raw("patient-view")
    headers = {**JSON, **NORTH.bearer(path), "Origin": SOUTH.origin}
    reply = client.request("POST", path, sent, headers)
    assert reply.status == status
    assert allowed(reply) is None


@pytest.mark.req("CH-142")
def test_without_an_origin_nothing_is_said(client: Client) -> None:
    reply = client.get("/cds-services")
    assert ALLOW + "Origin" not in reply.headers
