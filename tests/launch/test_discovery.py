"""Discovery: what a document may decide, what it may not, and how long it is believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from launch.discovery import FAILURE_KEPT, KEPT, Discovery, Endpoints
from launch.errors import LaunchError
from sandbox.http.faults import Huge, NotJson, Redirect, Status
from tests.demo.logs import capture_logs
from tests.launch.documents import Documents
from web.trust import Ehr, Smart

CAPABILITIES = ["launch-ehr", "launch-standalone", "permission-v2"]
PLACE = "/r4/.well-known/smart-configuration"


class Clock:
    """Seconds, moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[Documents]:
    with Documents() as server:
        server.at[PLACE] = document(server)
        yield server


@pytest.fixture
def attacker() -> Iterator[Documents]:
    """Somebody else's server, which must not see a request."""
    with Documents() as server:
        yield server
    assert server.seen == []


def document(server: Documents, **members: Any) -> dict[str, Any]:
    whole = {
        "issuer": f"{server.origin}/oauth2",
        "authorization_endpoint": f"{server.origin}/authorize",
        "token_endpoint": f"{server.origin}/token",
        "revocation_endpoint": f"{server.origin}/revoke",
        "jwks_uri": f"{server.origin}/jwks",
        "capabilities": CAPABILITIES,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
    }
    return {name: value for name, value in {**whole, **members}.items() if value is not None}


def record(server: Documents, id: str = "hospital", **smart: Any) -> Ehr:
    return Ehr(id=id, smart=Smart(client_id="c", issuers=(f"{server.origin}/r4",), **smart))


def found(server: Documents, **smart: Any) -> Endpoints:
    return Discovery().endpoints(record(server, **smart), f"{server.origin}/r4")


def refused(server: Documents, **smart: Any) -> str:
    with pytest.raises(LaunchError) as error:
        found(server, **smart)
    return error.value.kind


@pytest.mark.req("SL-020", "SL-021")
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_document_stands_under_the_fhir_base(slash: str, server: Documents) -> None:
    iss = f"{server.origin}/r4{slash}"
    endpoints = Discovery().endpoints(record(server), iss)
    assert [(each.method, each.target) for each in server.seen] == [("GET", PLACE)]
    assert server.seen[0].headers["accept"] == "application/json"
    assert endpoints.iss == iss
    assert endpoints.authorization == f"{server.origin}/authorize"
    assert endpoints.token == f"{server.origin}/token"
    assert endpoints.revocation == f"{server.origin}/revoke"
    assert endpoints.issuer == f"{server.origin}/oauth2"
    assert endpoints.capabilities == frozenset(CAPABILITIES)
    assert not endpoints.iss_parameter


@pytest.mark.req("SL-021", "T-03", "T-27")
def test_only_a_json_object_of_status_200_is_read(server: Documents, attacker: Documents) -> None:
    for fault, kind in (
        (NotJson(), "ehr-setup"),
        (Status(404), "ehr-setup"),
        (Status(500), "ehr-unavailable"),
        (Status(429), "ehr-unavailable"),
        (Redirect(f"{attacker.origin}{PLACE}"), "ehr-setup"),
        (Huge(1_000_000), "ehr-setup"),
    ):
        server.fault = fault
        assert refused(server) == kind
    server.fault = type(server.fault).__mro__[1]()
    for body in ("[]", "null", '"x"', "{", "[" * 50_000):
        server.at[PLACE] = body
        assert refused(server) == "ehr-setup"


BAD = [
    ("SL-022", {"authorization_endpoint": None}),
    ("SL-022", {"token_endpoint": None}),
    ("SL-022", {"capabilities": None}),
    ("SL-022", {"capabilities": "launch-ehr"}),
    ("SL-022", {"code_challenge_methods_supported": None}),
    ("SL-023", {"code_challenge_methods_supported": ["plain"]}),
    ("SL-022", {"token_endpoint": 7}),
    ("SL-007", {"token_endpoint_auth_methods_supported": ["client_secret_post"]}),
    ("SL-125", {"token_endpoint_auth_signing_alg_values_supported": ["RS256", "HS256"]}),
    ("SL-024", {"token_endpoint": "http://169.254.169.254/latest"}),
    ("SL-024", {"token_endpoint": "https://evil.example/token"}),
    ("SL-024", {"token_endpoint": "//evil.example/token"}),
    ("SL-024", {"token_endpoint": "http://{host}@evil.example/token"}),
    ("SL-024", {"token_endpoint": "http://user@{host}/token"}),
    ("SL-024", {"token_endpoint": "http://{host}.evil.example/token"}),
    ("SL-024", {"token_endpoint": "http://127.0.0.1:1/token"}),
    ("SL-024", {"token_endpoint": "http://{host}/token#x"}),
    ("SL-024", {"token_endpoint": "http://{host}/tok\ren"}),
    ("SL-024", {"token_endpoint": "http://{host}:99999999/"}),
    ("SL-024", {"token_endpoint": "file:///etc/passwd"}),
    ("SL-024", {"authorization_endpoint": "javascript:alert(1)"}),
    ("SL-024", {"authorization_endpoint": "data:text/html,x"}),
    ("SL-024", {"authorization_endpoint": "https://evil.example/authorize"}),
    ("SL-024", {"revocation_endpoint": "https://evil.example/revoke"}),
    ("SL-024", {"jwks_uri": "https://evil.example/jwks"}),
]


@pytest.mark.parametrize(("number", "members"), BAD)
def test_a_document_that_cannot_be_used_ends_the_launch(
    number: str, members: dict[str, Any], server: Documents
) -> None:
    filled = {
        name: value.format(host=server.host) if isinstance(value, str) else value
        for name, value in members.items()
    }
    server.at[PLACE] = document(server, **filled)
    assert refused(server) == "ehr-setup"
    assert len(server.seen) == 1


@pytest.mark.req("SL-023")
@pytest.mark.parametrize("methods", [["plain", "S256"], ["S256"]])
def test_plain_beside_s256_changes_nothing(methods: list[str], server: Documents) -> None:
    server.at[PLACE] = document(server, code_challenge_methods_supported=methods)
    assert found(server).token


@pytest.mark.req("SL-023")
def test_a_record_may_know_better_that_a_server_does_s256(server: Documents) -> None:
    server.at[PLACE] = document(server, code_challenge_methods_supported=None)
    assert found(server, s256_unlisted=True).token


@pytest.mark.req("SL-024")
def test_another_host_is_used_where_the_record_lists_it(server: Documents) -> None:
    server.at[PLACE] = document(server, token_endpoint="http://localhost:5/token")
    listed = frozenset({"localhost:5"})
    assert found(server, endpoint_hosts=listed).token == "http://localhost:5/token"


@pytest.mark.req("SL-025")
@pytest.mark.parametrize(
    ("relative", "path"),
    [("token", "/r4/token"), ("/oauth/token", "/oauth/token"), ("../token", "/token")],
)
def test_a_relative_endpoint_is_resolved(relative: str, path: str, server: Documents) -> None:
    server.at[PLACE] = document(server, token_endpoint=relative)
    assert found(server).token == server.origin + path


@pytest.mark.req("SL-026", "T-04")
def test_nothing_but_known_fields_comes_out_of_a_document(server: Documents) -> None:
    hostile = {
        "verify": False,
        "proxies": {"http": "http://127.0.0.1:1"},
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "user/*.cruds",
    }
    plain = found(server)
    server.at[PLACE] = document(server, **hostile)
    assert found(server) == plain


@pytest.mark.req("SL-027")
def test_a_document_is_believed_for_an_hour_and_a_failure_for_half_a_minute(
    server: Documents,
) -> None:
    clock = Clock()
    discovery, ehr, iss = Discovery(clock), record(server), f"{server.origin}/r4"
    discovery.endpoints(ehr, iss)
    clock.now = KEPT - 1
    discovery.endpoints(ehr, iss)
    assert len(server.seen) == 1
    clock.now = KEPT
    server.fault = Status(503)
    for _ in range(3):
        with pytest.raises(LaunchError):
            discovery.endpoints(ehr, iss)
    assert len(server.seen) == 2
    clock.now = KEPT + FAILURE_KEPT
    server.fault = type(server.fault).__mro__[1]()
    discovery.endpoints(ehr, iss)
    assert len(server.seen) == 3
    discovery.forget(ehr, iss)
    discovery.endpoints(ehr, iss)
    assert len(server.seen) == 4
    assert (KEPT, FAILURE_KEPT) == (3600, 30)


@pytest.mark.req("SL-027")
def test_records_share_nothing(server: Documents) -> None:
    discovery, iss = Discovery(), f"{server.origin}/r4"
    discovery.endpoints(record(server), iss)
    discovery.endpoints(record(server, "clinic"), iss)
    assert len(server.seen) == 2


@pytest.mark.req("SL-028")
def test_a_missing_capability_is_told_and_no_failure(server: Documents) -> None:
    server.at[PLACE] = document(server, capabilities=["sso-openid-connect"])
    with capture_logs() as logs:
        found(server)
    missing = [each["reason"] for each in logs if each["event"] == "capability missing"]
    assert missing == ["launch-ehr", "launch-standalone", "permission-v"]


def test_keys_are_found_by_the_openid_document_of_the_issuer(server: Documents) -> None:
    server.at[PLACE] = document(server, jwks_uri=None)
    openid = {"issuer": f"{server.origin}/oauth2", "jwks_uri": f"{server.origin}/keys"}
    server.at["/oauth2/.well-known/openid-configuration"] = openid
    assert found(server).jwks == f"{server.origin}/keys"
    for other in ({"issuer": server.origin}, {"jwks_uri": "https://evil.example/keys"}):
        server.at["/oauth2/.well-known/openid-configuration"] = {**openid, **other}
        assert found(server).jwks is None
    server.at[PLACE] = document(server, jwks_uri=None, issuer="https://evil.example")
    assert found(server).jwks is None


@pytest.mark.req("SL-027")
def test_an_openid_document_that_is_down_is_no_lasting_answer(server: Documents) -> None:
    server.at[PLACE] = document(server, jwks_uri=None)
    del server.at[PLACE]["revocation_endpoint"]
    ehr, iss = record(server, oidc_issuer="http://127.0.0.1:1"), f"{server.origin}/r4"
    assert Discovery().endpoints(ehr, iss).jwks is None  # on a host that is not listed
    listed = frozenset({"127.0.0.1:1"})
    ehr = record(server, oidc_issuer="http://127.0.0.1:1", endpoint_hosts=listed)
    with pytest.raises(LaunchError) as error:
        Discovery().endpoints(ehr, iss)
    assert error.value.kind == "ehr-unavailable"


def test_older_servers_tell_their_endpoints_in_their_capability_statement(
    server: Documents,
) -> None:
    del server.at[PLACE]
    uris = [
        {"url": "authorize", "valueUri": f"{server.origin}/a"},
        {"url": "token", "valueUri": f"{server.origin}/t"},
        {"url": "register"},
    ]
    url = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    security = {"extension": [{"url": url, "extension": uris}]}
    server.at["/r4/metadata"] = {"resourceType": "CapabilityStatement", "rest": [{}]}
    assert refused(server) == "ehr-setup"
    assert refused(server, legacy_metadata=True, s256_unlisted=True) == "ehr-setup"
    server.at["/r4/metadata"]["rest"] = [{"security": security}]
    endpoints = found(server, legacy_metadata=True, s256_unlisted=True)
    assert endpoints.authorization == f"{server.origin}/a"
    assert endpoints.token == f"{server.origin}/t"
    assert endpoints.capabilities == frozenset()
