"""Who may speak to the server: local Host names, no proxies, listed origins."""

from collections.abc import Iterator

import pytest

from tests.demo.bodies import DROP, body, encoded, raw
from tests.demo.client import Client, Reply
from tests.demo.server import Granian, nameless, serving

LISTED = "https://ehr.example"
JSON = {"Content-Type": "application/json"}
ALLOW = "Access-Control-Allow-"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A server whose trust record lists one origin."""
    with serving(ehr=nameless("browser", origins=frozenset({LISTED}))) as running:
        yield running


# --- Host and proxies --------------------------------------------------------------------------

HOSTS = {
    "localhost": 200,
    "localhost:5000": 200,
    "LOCALHOST": 200,
    "127.0.0.1": 200,
    "127.0.0.1:80": 200,
    "[::1]": 200,
    "[::1]:5000": 200,
    "evil.example": 403,
    "evil.example:5000": 403,
    "localhost.evil.example": 403,
    "evil.example#localhost": 403,
    "evil.example/localhost": 403,
    "user@localhost": 403,
    "localhost@evil.example": 403,
    "localhost, evil.example": 403,
    "127.0.0.2": 403,
    "127.0.0.1.evil.example": 403,
    "2130706433": 403,
    "0.0.0.0": 403,
    "192.168.1.5:5000": 403,
    "[::ffff:127.0.0.1]": 403,
    "localhost:": 403,
    "localhost:x": 403,
    "localhost.": 403,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_only_local_host_names_are_answered(
    client: Client, method: str, host: str, status: int
) -> None:
    path = "/cds-services/demo-shared" if method == "POST" else "/cds-services"
    sent = raw("shared-patient-view") if method == "POST" else None
    reply = client.request(method, path, sent, {**JSON, "Host": host})
    assert reply.status == (204 if status == 200 and method == "OPTIONS" else status)


FORWARDED = {
    "Forwarded": "for=192.0.2.1",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/x",
    "X-Forwarded-Server": "proxy",
    "X-Forwarded-Ssl": "on",
    "X-Real-IP": "127.0.0.1",
    "x-forwarded-for": "127.0.0.1",
    "Via": "1.1 proxy",
    "True-Client-IP": "192.0.2.1",
    "CF-Connecting-IP": "192.0.2.1",
}


@pytest.mark.parametrize(("header", "value"), FORWARDED.items())
def test_nothing_that_came_through_a_proxy_is_answered(
    client: Client, header: str, value: str
) -> None:
    assert client.get("/cds-services", **{header: value}).status == 403
    sent = raw("shared-patient-view")
    assert client.call("demo-shared", sent, {header: value}).status == 403
    assert client.get("/cds-services", **{header: ""}).status == 403


def test_a_proxy_in_front_of_the_shipped_server_is_refused_too(granian: Granian) -> None:
    assert granian.client.get("/cds-services", Host="evil.example").status == 403
    assert granian.client.get("/cds-services", Via="1.1 proxy").status == 403
    assert granian.client.get("/cds-services", Host="localhost").status == 200


# --- CORS --------------------------------------------------------------------------------------

ORIGINS = {
    LISTED: True,
    "http://localhost": True,
    "http://localhost:8080": True,
    "http://127.0.0.1:3000": True,
    "https://localhost:8443": True,
    "http://[::1]:3000": True,
    "https://evil.example": False,
    "http://ehr.example": False,
    "https://ehr.example.evil.example": False,
    "https://ehr.example:8443": False,
    "https://evil-ehr.example": False,
    "https://EHR.example": False,
    "https://ehr.example/": False,
    "https://ehr.example https://evil.example": False,
    "http://localhost.evil.example": False,
    "http://localhost:8080.evil.example": False,
    "http://evil.example/http://localhost": False,
    "ftp://localhost": False,
    "null": False,
    "*": False,
    "": False,
}
ANSWERS = {
    "discovery": ("GET", "/cds-services", b"", 200),
    "call": ("POST", "/cds-services/demo-shared", raw("shared-patient-view"), 200),
    "bad call": ("POST", "/cds-services/demo-shared", b"{", 400),
    "unknown service": ("POST", "/cds-services/none", b"{}", 404),
    "unknown path": ("GET", "/none", b"", 404),
    "wrong method": ("DELETE", "/cds-services", b"", 405),
    "data missing": (
        "POST",
        "/cds-services/demo-patient-view",
        encoded(body("patient-view", edits={"prefetch": DROP})),
        412,
    ),
}


def varies(reply: Reply) -> bool:
    return "origin" in (reply.headers.get("Vary") or "").lower()


@pytest.mark.req("CH-142")
@pytest.mark.parametrize(("method", "path", "sent", "status"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize(("origin", "listed"), ORIGINS.items())
def test_every_answer_is_readable_for_listed_origins_only(
    client: Client, method: str, path: str, sent: bytes, status: int, origin: str, listed: bool
) -> None:
    reply = client.request(method, path, sent, {**JSON, "Origin": origin})
    assert reply.status == status
    assert reply.headers.get(ALLOW + "Origin") == (origin if listed else None)
    assert ALLOW + "Credentials" not in reply.headers
    assert varies(reply)


def test_a_failure_of_our_own_and_a_refused_host_are_readable_too(client: Client) -> None:
    # The browser's console then tells the developer why.
    reply = client.get("/cds-services", Host="evil.example", Origin=LISTED)
    assert (reply.status, reply.headers[ALLOW + "Origin"]) == (403, LISTED)
    reply = client.request(
        "POST", "/cds-services/demo-shared", b"x", {"Content-Type": "text/plain", "Origin": LISTED}
    )
    assert (reply.status, reply.headers[ALLOW + "Origin"]) == (415, LISTED)


def test_an_answer_to_no_browser_says_nothing_of_origins(client: Client) -> None:
    reply = client.get("/cds-services")
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


PATHS = ["/cds-services", "/cds-services/demo-shared", "/cds-services/demo-shared/feedback"]


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "asked",
    [
        {"Access-Control-Request-Method": "POST"},
        {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
        {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"},
        {},
    ],
    ids=["post", "post with token", "get with token", "plain options"],
)
def test_a_preflight_is_answered_without_a_token(
    client: Client, path: str, asked: dict[str, str]
) -> None:
    reply = client.request("OPTIONS", path, headers={"Origin": LISTED, **asked})
    assert (reply.status, reply.body) == (204, b"")
    assert "Content-Type" not in reply.headers
    assert reply.headers[ALLOW + "Origin"] == LISTED
    assert reply.headers[ALLOW + "Methods"] == "GET, POST, OPTIONS"
    assert reply.headers[ALLOW + "Headers"] == "Authorization, Content-Type, Accept"
    assert int(reply.headers["Access-Control-Max-Age"]) >= 60
    assert varies(reply)


@pytest.mark.req("CH-142")
@pytest.mark.parametrize("origin", [origin for origin, listed in ORIGINS.items() if not listed])
def test_a_preflight_from_elsewhere_allows_nothing(client: Client, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    reply = client.request("OPTIONS", "/cds-services/demo-shared", headers=headers)
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_elsewhere_cannot_call_a_service_without_a_preflight(
    client: Client, media_type: str
) -> None:
    # These are the types that a form can send across origins.
    headers = {"Origin": "https://evil.example", "Content-Type": media_type}
    sent = raw("shared-patient-view")
    assert client.request("POST", "/cds-services/demo-shared", sent, headers).status == 415
