"""What is asked of an authorization server, and how its refusals are told."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.jwk import KeySet

from launch import authorize, tokens
from launch.authorize import Authorizer, Pending, assertion_claims, authorization_url
from launch.discovery import Endpoints
from launch.errors import LaunchError
from launch.keys import KeyFolder
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http.faults import Drip, Fault, Huge, Redirect, Slow, Status, Truncated
from tests.demo.logs import capture_logs
from tests.launch.asking import (
    CALLBACK,
    METHODS,
    PATIENT,
    SCOPES,
    SECRET,
    App,
    As,
    Dated,
    HungUp,
    clients,
    folder,
    record,
)
from tests.launch.documents import Documents
from web.trust import Ehr, Smart

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISS = "https://ehr.example/fhir/r4/"
ENDPOINTS = Endpoints(
    iss=ISS,
    authorization="https://auth.example/authorize",
    token="https://auth.example/token",
    issuer="https://auth.example",
)
EHR = Ehr(id="north", smart=Smart(client_id="the app", issuers=(ISS,)))
ASKED = Pending(
    ehr_id="north",
    iss=ISS,
    launch="a+b/c= &d",
    endpoints=ENDPOINTS,
    redirect_uri=CALLBACK,
    scopes=SCOPES,
    state="id.state",
    verifier="v" * 64,
    nonce="the-nonce",
)


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFolder:
    return folder(tmp_path_factory.mktemp("keys") / "keys")


@pytest.fixture(scope="module")
def shared_ehr(keys: KeyFolder) -> Iterator[DevelopmentEhr]:
    with (
        Documents() as attacker,
        DevelopmentEhr(
            shipped_bundles(), clients(keys), elsewhere=attacker.origin, slow=15.0
        ) as ehr,
    ):
        yield ehr
        assert attacker.seen == []


@pytest.fixture
def ehr(shared_ehr: DevelopmentEhr) -> DevelopmentEhr:
    shared_ehr.seen.clear()
    return shared_ehr


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def us(ehr: DevelopmentEhr, keys: KeyFolder, clock: Clock) -> App:
    return App(ehr, keys, clock, record(ehr))


@pytest.fixture
def server() -> Iterator[Documents]:
    """An authorization server that answers anything."""
    with Documents() as server:
        server.at["/token"] = server.at["/revoke"] = {"access_token": "a"}
        yield server


def endpoints_of(server: Documents) -> Endpoints:
    return Endpoints(
        iss=f"{server.origin}/fhir",
        authorization=f"{server.origin}/authorize",
        token=f"{server.origin}/token",
        revocation=f"{server.origin}/revoke",
    )


def record_of(server: Documents, **smart: Any) -> Ehr:
    given = {"client_id": "c", "issuers": (f"{server.origin}/fhir",), **smart}
    return Ehr(id="north", smart=Smart(**given))


def refused_by(server: Documents, keys: KeyFolder, step: str) -> LaunchError:
    """The error of an exchange or a refresh at this server."""
    authorizer, ehr, endpoints = Authorizer(keys), record_of(server), endpoints_of(server)
    asked = msgspec.structs.replace(ASKED, endpoints=endpoints)
    ask: dict[str, Callable[[], bytes]] = {
        "exchange": lambda: authorizer.exchange(ehr, asked, "the-code"),
        "refresh": lambda: authorizer.refresh(ehr, endpoints, "the-token"),
    }
    with pytest.raises(LaunchError) as error:
        ask[step]()
    return error.value


# The request for a code.


@pytest.mark.req("SL-030", "SL-032", "SL-019", "T-08")
def test_each_parameter_is_asked_once_and_as_it_was_received() -> None:
    url = authorization_url(EHR, ENDPOINTS, ASKED)
    assert url.startswith("https://auth.example/authorize?")
    given = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert sorted(given) == sorted(
        {
            "response_type": "code",
            "client_id": "the app",
            "redirect_uri": CALLBACK,
            "scope": " ".join(SCOPES),
            "state": "id.state",
            "aud": ISS,
            "launch": "a+b/c= &d",
            "nonce": "the-nonce",
            "code_challenge": create_s256_code_challenge("v" * 64),
            "code_challenge_method": "S256",
        }.items()
    )


@pytest.mark.req("SL-016")
def test_a_standalone_launch_has_no_launch_parameter() -> None:
    url = authorization_url(EHR, ENDPOINTS, msgspec.structs.replace(ASKED, launch=None))
    assert "launch" not in dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@pytest.mark.req("SL-033")
def test_a_nonce_is_sent_only_with_openid() -> None:
    asked = msgspec.structs.replace(ASKED, scopes=("launch", "patient/Patient.r"))
    assert "nonce=" not in authorization_url(EHR, ENDPOINTS, asked)


@pytest.mark.req("SL-030")
def test_what_the_endpoint_has_in_its_address_is_kept() -> None:
    own = msgspec.structs.replace(
        ENDPOINTS, authorization="https://auth.example/authorize?tenant=a%20b&empty="
    )
    given = parse_qsl(urlsplit(authorization_url(EHR, own, ASKED)).query, keep_blank_values=True)
    assert given[:2] == [("tenant", "a b"), ("empty", "")]
    assert max(Counter(name for name, _ in given).values()) == 1


@pytest.mark.req("SL-030")
@pytest.mark.parametrize("name", ["client_id", "state", "aud", "redirect_uri"])
def test_an_endpoint_that_has_a_parameter_of_ours_is_refused(name: str) -> None:
    own = msgspec.structs.replace(
        ENDPOINTS, authorization=f"https://auth.example/authorize?{name}=theirs"
    )
    with pytest.raises(LaunchError) as error:
        authorization_url(EHR, own, ASKED)
    assert error.value.kind == "ehr-setup"


@pytest.mark.req("T-22")
def test_no_secret_shows_in_a_text_of_what_is_pending() -> None:
    text = f"{ASKED} {ASKED!r} {[ASKED]}"
    for each in (ASKED.state, ASKED.verifier, ASKED.nonce, ASKED.launch):
        assert str(each) not in text


def test_what_is_pending_survives_being_stored() -> None:
    assert msgspec.json.decode(msgspec.json.encode(ASKED), type=Pending) == ASKED


# The exchange.


@pytest.mark.req("SL-005", "SL-050", "SL-051")
@pytest.mark.parametrize("auth", METHODS)
def test_a_code_gives_tokens_with_each_way_to_say_who_we_are(
    auth: str, ehr: DevelopmentEhr, keys: KeyFolder, clock: Clock
) -> None:
    us = App(ehr, keys, clock, record(ehr, auth))
    asked = us.asked()
    grant = tokens.parse(us.authorizer.exchange(us.record, asked, us.code(asked)))
    assert grant.patient == PATIENT
    [request] = [each for each in ehr.seen if each.path == "/auth/token"]
    assert (request.method, request.query) == ("POST", [])
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert request.headers["accept"] == "application/json"
    assert "cookie" not in request.headers
    form = dict(request.form)
    assert len(form) == len(request.form)
    assert form.pop("code")
    plain = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code_verifier": asked.verifier,
    }
    match auth:
        case "private_key_jwt":
            assert form.pop("client_assertion")
            assert form == {**plain, "client_assertion_type": ASSERTION_TYPE}
        case "client_secret_post":
            assert form == {**plain, "client_id": auth, "client_secret": SECRET}
        case "none":
            assert form == {**plain, "client_id": auth}
        case _:
            assert form == plain
    basic = b64encode(f"{auth}:{SECRET}".encode()).decode()
    assert request.authorization == (f"Basic {basic}" if auth.endswith("basic") else None)


@pytest.mark.req("SL-051")
def test_a_code_of_any_characters_arrives_as_it_is(server: Documents, keys: KeyFolder) -> None:
    code = "a+b/c==&d=%25 ä\u20ac"
    asked = msgspec.structs.replace(ASKED, endpoints=endpoints_of(server))
    Authorizer(keys).exchange(record_of(server), asked, code)
    [request] = server.seen
    assert dict(request.form)["code"] == code


@pytest.mark.req("T-08")
def test_the_code_of_another_launch_is_of_no_use(us: App) -> None:
    mine, another = us.asked(), us.asked()
    code = us.code(another)
    with pytest.raises(LaunchError) as error:
        us.authorizer.exchange(us.record, mine, code)
    assert error.value.kind == "expired"
    assert "invalid_grant" in error.value.reason


@pytest.mark.req("T-09")
def test_a_code_is_good_once(us: App) -> None:
    asked = us.asked()
    code = us.code(asked)
    us.authorizer.exchange(us.record, asked, code)
    with pytest.raises(LaunchError) as error:
        us.authorizer.exchange(us.record, asked, code)
    assert error.value.kind == "expired"


# Step, fault, kind.
AT_THE_EHR = [
    ("exchange", "auth_invalid_client_secret", "ehr-setup"),
    ("exchange", "token_invalid_token", "expired"),
    ("exchange", "token_invalid_scope", "ehr-setup"),
    ("exchange", "token_html_500", "ehr-unavailable"),
    ("exchange", "token_429", "ehr-unavailable"),
    ("exchange", "token_307", "ehr-setup"),
    ("exchange", "token_dropped", "ehr-unavailable"),
    ("exchange", "token_huge", "not-verified"),
    ("refresh", "token_expired_refresh_token", "ended"),
    ("refresh", "refresh_invalid_client", "ehr-setup"),
    ("refresh", "refresh_503", "ehr-unavailable"),
]


@pytest.mark.req("SL-050", "SL-052", "SL-053", "T-24")
@pytest.mark.parametrize(("step", "fault", "kind"), AT_THE_EHR)
def test_a_refusal_is_told_by_its_kind_and_nothing_is_sent_again(
    step: str, fault: str, kind: str, us: App
) -> None:
    if step == "refresh":
        token = tokens.parse(us.open(faults=[fault])).refresh_token
        assert token
    us.ehr.seen.clear()
    with pytest.raises(LaunchError) as error:
        us.open(faults=[fault]) if step == "exchange" else us.refresh(token or "")
    assert error.value.kind == kind
    assert "planted" not in error.value.reason
    assert len(us.forms()) == 1


# What an answer is, its kind.
ANSWERS: list[tuple[Fault, str]] = [
    (Status(400), "ehr-setup"),
    (Status(401), "ehr-setup"),
    (Status(403), "ehr-setup"),
    (Status(404), "ehr-setup"),
    (As(201), "ehr-setup"),
    (Status(500), "ehr-unavailable"),
    (Status(503), "ehr-unavailable"),
    (Status(429), "ehr-unavailable"),
    (HungUp(), "ehr-unavailable"),
    (Truncated(), "ehr-unavailable"),
    (Huge(1 << 20), "not-verified"),
]


@pytest.mark.req("SL-050", "SL-053", "T-27")
@pytest.mark.parametrize("step", ["exchange", "refresh"])
@pytest.mark.parametrize(("fault", "kind"), ANSWERS)
def test_an_answer_that_is_none_is_told_by_its_kind(
    fault: Fault, kind: str, step: str, server: Documents, keys: KeyFolder
) -> None:
    server.fault = fault
    assert refused_by(server, keys, step).kind == kind
    assert len(server.seen) == 1


@pytest.mark.req("SL-053")
@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        '"invalid_grant"',
        '{"error": 1}',
        '{"error": "invented <b>"}',
        "[" * 30000,
    ],
)
def test_what_a_refusal_says_beyond_the_known_codes_is_not_repeated(
    body: str, server: Documents, keys: KeyFolder
) -> None:
    server.at["/token"] = body
    server.fault = As(400)
    error = refused_by(server, keys, "refresh")
    assert error.kind == "ehr-setup"
    assert error.reason == "the token endpoint: status 400"


@pytest.mark.req("SL-050", "T-27")
@pytest.mark.parametrize("step", ["exchange", "refresh"])
@pytest.mark.parametrize("fault", [Slow(60), Drip(0.2)])
def test_an_answer_that_takes_too_long_ends_in_time(
    step: str, fault: Fault, server: Documents, keys: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorize, "EXCHANGE", 0.3)
    server.at["/token"] = "x" * 60_000
    server.fault = fault
    began = time.monotonic()
    assert refused_by(server, keys, step).kind == "ehr-slow"
    assert time.monotonic() - began < 3


@pytest.mark.req("T-24")
@pytest.mark.parametrize("step", ["exchange", "refresh"])
def test_no_redirect_is_followed(step: str, server: Documents, keys: KeyFolder) -> None:
    with Documents() as attacker:
        server.fault = Redirect(f"{attacker.origin}/token")
        assert refused_by(server, keys, step).kind == "ehr-setup"
        assert attacker.seen == []


@pytest.mark.req("SL-050", "T-29")
def test_neither_netrc_nor_proxy_of_the_environment_counts(
    server: Documents, keys: KeyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Documents() as proxy:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        Authorizer(keys).refresh(record_of(server), endpoints_of(server), "the-token")
        [request] = server.seen
        assert request.authorization is None
        assert proxy.seen == []


@pytest.mark.req("T-03")
def test_a_token_endpoint_at_an_inner_address_is_not_asked(keys: KeyFolder) -> None:
    inner = msgspec.structs.replace(ENDPOINTS, token="https://169.254.169.254/token")
    with pytest.raises(LaunchError) as error:
        Authorizer(keys).refresh(EHR, inner, "the-token")
    assert error.value.kind == "ehr-setup"


# The refresh.


@pytest.mark.req("SL-103", "SL-051")
def test_a_refresh_sends_the_token_and_no_scope(us: App) -> None:
    first = tokens.parse(us.open())
    assert first.refresh_token
    second = tokens.parse(us.refresh(first.refresh_token))
    assert second.access_token != first.access_token
    form = us.forms()[-1]
    assert set(form) == {
        "grant_type",
        "refresh_token",
        "client_assertion_type",
        "client_assertion",
    }
    assert form["refresh_token"] == first.refresh_token


@pytest.mark.req("SL-104")
@pytest.mark.parametrize("fault", ["refresh_null", "refresh_not_rotated"])
def test_no_new_refresh_token_is_no_token(us: App, fault: str) -> None:
    first = tokens.parse(us.open(faults=[fault]))
    assert tokens.parse(us.refresh(first.refresh_token or "")).refresh_token is None


def test_a_client_that_is_refused_is_an_alarm(us: App) -> None:
    first = tokens.parse(us.open(faults=["refresh_invalid_client"]))
    with capture_logs() as lines, pytest.raises(LaunchError):
        us.refresh(first.refresh_token or "")
    [line] = [each for each in lines if each["event"] == "client refused"]
    assert (line["level"], line["ehr"]) == ("error", "north")
    assert line["reason"] == "the token endpoint: invalid_client"


# The revocation.


@pytest.mark.req("SL-114", "SL-066")
@pytest.mark.parametrize("auth", METHODS)
def test_a_token_is_revoked(auth: str, ehr: DevelopmentEhr, keys: KeyFolder, clock: Clock) -> None:
    us = App(ehr, keys, clock, record(ehr, auth))
    grant = tokens.parse(us.open())
    assert grant.refresh_token
    assert us.revoke(grant.refresh_token)
    form = us.forms("/auth/revoke")[-1]
    assert form["token"] == grant.refresh_token
    assert form["token_type_hint"] == "refresh_token"
    with pytest.raises(LaunchError) as error:
        us.refresh(grant.refresh_token)
    assert error.value.kind == "ended"


@pytest.mark.req("SL-114")
@pytest.mark.parametrize(
    "fault", [Status(503), Status(400), HungUp(), Truncated(), Slow(60), Redirect("http://a.test/")]
)
def test_a_revocation_that_fails_is_told_and_does_not_hold_anybody_up(
    fault: Fault, server: Documents, keys: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorize, "REVOCATION", 0.3)
    server.fault = fault
    began = time.monotonic()
    done = Authorizer(keys).revoke(record_of(server), endpoints_of(server), "t", "access_token")
    assert done is False
    assert time.monotonic() - began < 3


def test_without_an_endpoint_nothing_is_revoked(server: Documents, keys: KeyFolder) -> None:
    none = msgspec.structs.replace(endpoints_of(server), revocation=None)
    assert not Authorizer(keys).revoke(record_of(server), none, "t", "access_token")
    assert server.seen == []


# Who we are.


def assertion_of(server: Documents, keys: KeyFolder, now: float, **smart: Any) -> jwt.Token:
    """The assertion of a refresh at this time, verified with what is published."""
    server.seen.clear()
    authorizer = Authorizer(keys, lambda: now)
    authorizer.refresh(record_of(server, **smart), endpoints_of(server), "the-token")
    [request] = server.seen
    published = KeySet.import_key_set(keys.published())  # type: ignore[arg-type]
    return jwt.decode(
        dict(request.form)["client_assertion"], published, algorithms=["ES384", "RS384"]
    )


@pytest.mark.req("SL-120", "SL-121", "SL-125")
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
@pytest.mark.parametrize("ahead", [-60.0, 0.0, 60.0])
def test_an_assertion_says_who_we_are_to_one_endpoint_for_four_minutes(
    algorithm: str, ahead: float, server: Documents, keys: KeyFolder
) -> None:
    now = time.time() + ahead
    found = assertion_of(server, keys, now, algorithm=algorithm)
    key = keys.signing(algorithm)  # type: ignore[arg-type]
    assert found.header == {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    assert len(found.claims.pop("jti")) >= 22
    assert found.claims == {
        "iss": "c",
        "sub": "c",
        "aud": f"{server.origin}/token",
        "iat": int(now),
        "exp": int(now) + 240,
    }


@pytest.mark.req("SL-125")
def test_a_server_that_names_weaker_algorithms_gets_that_of_the_record(
    server: Documents, keys: KeyFolder
) -> None:
    authorizer = Authorizer(keys)
    weak = msgspec.structs.replace(endpoints_of(server), algorithms=("none", "HS256", "RS256"))
    authorizer.refresh(record_of(server), weak, "the-token")
    [request] = server.seen
    header = dict(request.form)["client_assertion"].split(".")[0]
    assert json.loads(b64decode(header + "==", b"-_"))["alg"] == "ES384"


@pytest.mark.req("SL-122")
def test_no_two_assertions_share_their_id() -> None:
    ids = {assertion_claims("c", "https://a.test/token", 1e9)["jti"] for _ in range(10_000)}
    assert len(ids) == 10_000


@pytest.mark.req("SL-122")
def test_each_request_has_an_assertion_of_its_own(us: App) -> None:
    grant = tokens.parse(us.open(faults=["refresh_503_once"]))
    assert grant.refresh_token
    with pytest.raises(LaunchError):
        us.refresh(grant.refresh_token)
    renewed = tokens.parse(us.refresh(grant.refresh_token))
    assert us.revoke(renewed.refresh_token or "")
    forms = us.forms() + us.forms("/auth/revoke")
    assert len(forms) == 4
    assert len({form["client_assertion"] for form in forms}) == 4


def test_no_key_is_a_fault_of_ours(server: Documents, tmp_path: Path) -> None:
    nothing = Authorizer(KeyFolder(tmp_path / "none"))
    with capture_logs() as lines, pytest.raises(LaunchError) as error:
        nothing.refresh(record_of(server), endpoints_of(server), "the-token")
    assert error.value.kind == "broken"
    assert [(each["event"], each["ehr"]) for each in lines] == [("key missing", "north")]
    assert not nothing.revoke(record_of(server), endpoints_of(server), "t", "access_token")
    assert server.seen == []


# Clocks.


@pytest.mark.req("SL-133")
@pytest.mark.parametrize(("ahead", "told"), [(0, False), (-50, False), (120, True), (-120, True)])
def test_a_clock_that_differs_is_told(
    ahead: float, told: bool, us: App, clock: Clock, keys: KeyFolder, server: Documents
) -> None:
    asked = us.asked()
    code = us.code(asked)
    clock.ahead = ahead
    with capture_logs() as lines:
        try:
            us.authorizer.exchange(us.record, asked, code)
        except LaunchError:
            assert abs(ahead) > 60  # and there the assertion was refused
    warnings = [each for each in lines if each["event"] == "clock differs"]
    assert bool(warnings) is told
    for each in warnings:
        assert (each["level"], each["ehr"]) == ("warning", "north")
        assert each["reason"] in (f"by {abs(ahead) + off:.0f} s" for off in (-1, 0, 1))


@pytest.mark.req("SL-133")
@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2026 10:00:00 GMT"])
def test_a_date_that_is_none_is_no_matter(date: str, server: Documents, keys: KeyFolder) -> None:
    server.fault = Dated(date)
    with capture_logs() as lines:
        Authorizer(keys).refresh(record_of(server), endpoints_of(server), "the-token")
    assert lines == []


# Secrets.


@pytest.mark.req("T-22", "SL-130")
def test_no_secret_is_logged_even_at_debug(us: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    asked = us.asked()
    code = us.code(asked)
    with capture_logs() as lines:
        grant = tokens.parse(us.authorizer.exchange(us.record, asked, code))
        renewed = tokens.parse(us.refresh(grant.refresh_token or ""))
        us.revoke(renewed.refresh_token or "")
    text = caplog.text + str(lines)
    secret_ones = (code, asked.state, asked.verifier, asked.nonce, asked.launch)
    given = (grant.access_token, grant.refresh_token, renewed.access_token, renewed.refresh_token)
    for each in (*secret_ones, *given):
        assert each
        assert each not in text
