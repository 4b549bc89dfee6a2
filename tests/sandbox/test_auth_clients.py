"""How clients prove who they are: as registered, in no other way, and with nothing to spare."""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from sandbox.auth.assertions import ASSERTION_TYPE, public
from sandbox.auth.id_token import hs256
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http.answer import json_answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request
from tests.sandbox.apps import CALLBACK, KEY, SECRET, App, Clock, registered, send

RSA = RSAKey.generate_key(2048)


def code(smart: App) -> str:
    launch = smart.ehr.launch(smart.client_id, patient="sandbox-renal")
    found: str = smart.authorize(launch).back["code"]
    return found


def basic(secret: str, name: str = "basic") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"}


def post(smart: App, headers: dict[str, str] | None = None, **members: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code(smart),
        "redirect_uri": CALLBACK,
        "code_verifier": smart.verifier,
        **members,
    }
    return send(f"{smart.ehr.origin}/auth/token", form, headers)


def assertion(value: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": value}


WRONG: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("asymmetric", {}, {}),
    ("asymmetric", {}, {"client_id": "asymmetric"}),
    ("asymmetric", {}, {"client_id": "asymmetric", "client_secret": SECRET}),
    ("asymmetric", basic(SECRET, "asymmetric"), {}),
    ("asymmetric", {}, assertion("not-a-token")),
    ("asymmetric", {}, assertion("a.b.c")),
    ("basic", {}, {}),
    ("basic", basic("wrong"), {}),
    ("basic", basic(SECRET, "nobody"), {}),
    ("basic", basic(SECRET), {"client_id": "basic"}),
    ("basic", basic(SECRET), {"client_secret": SECRET}),
    ("basic", {}, {"client_id": "basic", "client_secret": SECRET}),
    ("basic", {"Authorization": "Basic %%%"}, {}),
    ("basic", {"Authorization": "Bearer x"}, {}),
    ("post", {}, {"client_id": "post"}),
    ("post", {}, {"client_id": "post", "client_secret": "wrong"}),
    ("post", basic(SECRET, "post"), {}),
    ("public", {}, {}),
    ("public", {}, {"client_id": "public", "client_secret": "any"}),
    ("public", {}, {"client_id": "asymmetric"}),
]


@pytest.mark.req("SL-207")
@pytest.mark.parametrize(("client_id", "headers", "members"), WRONG)
def test_a_client_that_comes_in_another_way_is_refused(
    ehr: DevelopmentEhr, client_id: str, headers: dict[str, str], members: dict[str, str]
) -> None:
    reply = post(App(ehr, client_id), headers, **members)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert reply.headers["Cache-Control"] == "no-store"
    if headers.get("Authorization", "").startswith("Basic "):
        assert reply.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.req("SL-207")
@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
@pytest.mark.parametrize("client_id", ["asymmetric", "basic", "post"])
def test_every_endpoint_asks_who_it_is(
    ehr: DevelopmentEhr, clock: Clock, client_id: str, endpoint: str
) -> None:
    smart = App(ehr, client_id, "launch offline_access patient/Patient.r", clock)
    token = smart.opened().json["refresh_token"]
    form = {"token": token}
    if endpoint == "token":
        form = {"grant_type": "refresh_token", "refresh_token": token}
    reply = send(f"{ehr.origin}/auth/{endpoint}", form)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert token in ehr.active_tokens()
    assert smart.call(endpoint, form).status == 200


def refused(smart: App, value: str) -> str:
    before = smart.ehr.active_tokens()
    reply = smart.exchange(code(smart), client_assertion=value)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client"), reply.json
    assert smart.ehr.active_tokens() == before
    return str(reply.json["error_description"])


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "basic"}, "iss and sub"),
    ({"iss": None}, "iss and sub"),
    ({"aud": None}, "aud"),
    ({"aud": "https://evil.example/auth/token"}, "aud"),
    ({"jti": None}, "jti"),
    ({"jti": "1"}, "jti"),
    ({"jti": 12345678901234567890123}, "jti"),
    ({"exp": None}, "not a number"),
    ({"exp": "soon"}, "not a number"),
    ({"iat": "now"}, "not a number"),
]


@pytest.mark.req("SL-208")
@pytest.mark.parametrize(("claims", "reason"), CLAIMS)
def test_an_assertion_with_a_wrong_claim_is_refused(
    smart: App, claims: dict[str, Any], reason: str
) -> None:
    assert reason in refused(smart, smart.assertion(**claims))


@pytest.mark.req("SL-208")
def test_an_assertion_for_several_audiences_is_refused(smart: App) -> None:
    token = f"{smart.ehr.origin}/auth/token"
    assert "one string" in refused(smart, smart.assertion(aud=[token, token]))


@pytest.mark.req("SL-208", "SL-121")
@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        ("exp", 300, True),
        ("exp", 305, False),
        ("exp", 600, False),
        ("exp", 0, False),
        ("exp", -1, False),
        ("iat", 0, True),
        ("iat", 60, False),
    ],
)
def test_an_assertion_lives_five_minutes_at_most(
    smart: App, clock: Clock, claim: str, seconds: int, good: bool
) -> None:
    value = smart.assertion(**{claim: int(clock()) + seconds})
    if good:
        assert smart.exchange(code(smart), client_assertion=value).status == 200
    else:
        refused(smart, value)


HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"kid": None}, "no kid"),
    ({"kid": "another"}, "Not exactly one"),
    ({"typ": None}, "typ"),
    ({"typ": "at+jwt"}, "typ"),
    ({"jku": "https://evil.example/jwks.json"}, "jku"),
]


@pytest.mark.req("SL-208")
@pytest.mark.parametrize(("header", "reason"), HEADERS)
def test_an_assertion_with_a_wrong_header_is_refused(
    smart: App, header: dict[str, Any], reason: str
) -> None:
    assert reason in refused(smart, smart.assertion(header))


@pytest.mark.req("SL-208")
def test_an_assertion_of_another_key_is_refused(smart: App) -> None:
    assert "signature" in refused(smart, smart.assertion(key=ECKey.generate_key("P-384")))


@pytest.mark.req("SL-208")
def test_an_assertion_with_a_secret_or_without_a_signature_is_refused(smart: App) -> None:
    head = {"alg": "HS256", "typ": "JWT", "kid": KEY.thumbprint()}
    claims = {"iss": "asymmetric", "sub": "asymmetric"}
    forged = hs256(head, claims, KEY.as_pem(private=False))
    assert "not signed" in refused(smart, forged)
    head["alg"] = "none"
    unsigned = urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("=")
    assert "not signed" in refused(smart, f"{unsigned}.{forged.split('.')[1]}.")


@pytest.mark.req("SL-208")
def test_a_weaker_algorithm_is_refused(clock: Clock) -> None:
    client = registered("asymmetric", jwks={"keys": [public(RSA)]})
    with DevelopmentEhr(shipped_bundles(), [client], clock=clock) as ehr:
        smart = App(ehr, clock=clock)
        head = {"kid": RSA.thumbprint()}
        assert "not signed" in refused(smart, smart.assertion({**head, "alg": "RS256"}, RSA))
        sound = smart.assertion({**head, "alg": "RS384"}, RSA)
        assert smart.exchange(code(smart), client_assertion=sound).status == 200


@pytest.mark.req("SL-208")
def test_an_assertion_works_once_and_its_jti_until_it_has_expired(smart: App, clock: Clock) -> None:
    jti = secrets.token_urlsafe(32)
    assert smart.exchange(code(smart), client_assertion=smart.assertion(jti=jti)).status == 200
    assert "seen" in refused(smart, smart.assertion(jti=jti))
    clock.now += 241
    again = smart.exchange(code(smart), client_assertion=smart.assertion(jti=jti))
    assert again.status == 200


@pytest.mark.req("SL-208")
def test_an_assertion_is_of_the_right_type(smart: App) -> None:
    reply = smart.exchange(code(smart), client_assertion_type="urn:something-else")
    assert reply.json["error"] == "invalid_client"


@pytest.mark.req("SL-208")
def test_two_keys_of_one_kid_or_a_private_key_are_refused(clock: Clock) -> None:
    for keys in ([public(KEY), public(KEY)], [{**KEY.as_dict(private=True), **public(KEY)}]):
        client = registered("asymmetric", jwks={"keys": keys})
        with DevelopmentEhr(shipped_bundles(), [client], clock=clock) as ehr:
            smart = App(ehr, clock=clock)
            refused(smart, smart.assertion())


class Host:
    """An app's JWKS URL."""

    def __init__(self) -> None:
        self.keys = [KEY]
        self.fault = Fault()
        self.status = 200
        self.asked = 0
        self.listener = Listener(0, self.respond)
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}/jwks.json"

    def respond(self, request: Request) -> Iterator[Piece]:
        self.asked += 1
        members = {"keys": [public(key) for key in self.keys]}
        headers = {"Cache-Control": "public, max-age=300", "Location": "/elsewhere"}
        yield from self.fault.pieces(json_answer(members, self.status, headers))


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    running.listener.start()
    yield running
    running.listener.close()


@pytest.mark.req("SL-124", "SL-208")
@pytest.mark.parametrize("refetch", [False, True])
def test_keys_of_a_url_are_kept_as_long_as_they_may_be(
    clock: Clock, host: Host, refetch: bool
) -> None:
    client = registered("asymmetric", jwks_url=host.url)
    options: Any = {"clock": clock, "refetch_keys": refetch}
    with DevelopmentEhr(shipped_bundles(), [client], **options) as ehr:
        smart = App(ehr, clock=clock)
        assert smart.opened().status == 200
        assert smart.exchange(
            code(smart), client_assertion=smart.assertion({"jku": host.url})
        ).json["access_token"]
        assert host.asked == 1
        new = ECKey.generate_key("P-384")
        host.keys = [KEY, new]
        signed = {"header": {"kid": new.thumbprint()}, "key": new}
        early = smart.exchange(code(smart), client_assertion=smart.assertion(**signed))
        assert early.status == (200 if refetch else 401)
        clock.now += 301
        late = smart.exchange(code(smart), client_assertion=smart.assertion(**signed))
        assert late.status == 200


@pytest.mark.req("SL-208")
@pytest.mark.parametrize("status", [302, 404, 500])
def test_keys_that_are_not_there_are_none(clock: Clock, host: Host, status: int) -> None:
    host.status = status
    client = registered("asymmetric", jwks_url=host.url)
    with DevelopmentEhr(shipped_bundles(), [client], clock=clock) as ehr:
        smart = App(ehr, clock=clock)
        assert f"status {status}" in refused(smart, smart.assertion())
    assert host.asked == 1
