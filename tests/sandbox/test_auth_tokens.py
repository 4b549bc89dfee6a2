"""Codes and tokens: what they are bound to, how long they are good, what ends them."""

import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.auth.vault import Lifetimes
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.sandbox.apps import CLIENTS, App, Clock, send

OFFLINE = "launch openid fhirUser offline_access patient/Patient.r"
ONLINE = "launch openid fhirUser online_access patient/Patient.r"


def code(smart: App) -> str:
    launch = smart.ehr.launch(smart.client_id, patient="sandbox-renal")
    found: str = smart.authorize(launch).back["code"]
    return found


@pytest.fixture
def own(clock: Clock) -> Iterator[DevelopmentEhr]:
    """An EHR of this test's own, whose tokens can be counted."""
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock) as running:
        yield running


@pytest.mark.req("SL-206", "T-08")
@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "http://localhost:5000/smart/callback/another"},
        {"code_verifier": secrets.token_urlsafe(32)},
        {"code_verifier": "short"},
        {"code": "never-issued"},
    ],
)
def test_a_code_is_bound_to_its_request(smart: App, changed: dict[str, str]) -> None:
    reply = smart.exchange(code(smart), **changed)
    assert (reply.status, reply.json["error"]) == (400, "invalid_grant")


@pytest.mark.req("SL-206", "T-08")
def test_the_code_of_one_launch_does_not_go_with_the_verifier_of_another(
    ehr: DevelopmentEhr, clock: Clock
) -> None:
    one, other = App(ehr, clock=clock), App(ehr, clock=clock)
    mine, _ = code(one), code(other)
    assert other.exchange(mine).json["error"] == "invalid_grant"


@pytest.mark.req("SL-206")
def test_a_code_is_for_one_client(ehr: DevelopmentEhr, smart: App) -> None:
    other = App(ehr, "public", verifier=smart.verifier)
    assert other.exchange(code(smart)).json["error"] == "invalid_grant"


@pytest.mark.req("SL-206")
@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_a_code_lives_for_a_minute(smart: App, clock: Clock, seconds: int, status: int) -> None:
    given = code(smart)
    clock.now += seconds
    assert smart.exchange(given).status == status


@pytest.mark.req("SL-206", "T-09")
def test_a_code_that_comes_twice_ends_what_came_of_it(own: DevelopmentEhr, clock: Clock) -> None:
    smart = App(own, scope=OFFLINE, clock=clock)
    given = code(smart)
    token = smart.exchange(given).json["access_token"]
    assert smart.fhir(token, "Patient/sandbox-renal").status == 200
    assert smart.exchange(given).json["error"] == "invalid_grant"
    assert smart.fhir(token, "Patient/sandbox-renal").status == 401
    assert own.active_tokens() == []


@pytest.mark.req("SL-206")
def test_of_many_that_come_with_one_code_at_a_time_one_gets_tokens(
    own: DevelopmentEhr, clock: Clock
) -> None:
    smart = App(own, clock=clock)
    given = code(smart)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(smart.exchange(given).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, *[400] * 7]


SENT: list[tuple[dict[str, str | None], str]] = [
    ({"grant_type": None}, "unsupported_grant_type"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"code": None}, "invalid_request"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"code_verifier": None}, "invalid_request"),
    ({"state": "x"}, "invalid_request"),
    ({"scope": "patient/Patient.r"}, "invalid_request"),
    ({"launch": "x"}, "invalid_request"),
    ({"refresh_token": "x"}, "invalid_request"),
]


@pytest.mark.req("SL-051")
@pytest.mark.parametrize(("changed", "error"), SENT)
def test_an_exchange_has_its_parameters_and_no_others(
    smart: App, changed: dict[str, str | None], error: str
) -> None:
    reply = smart.exchange(code(smart), **changed)
    assert (reply.status, reply.json["error"]) == (400, error)


@pytest.mark.req("SL-051")
@pytest.mark.parametrize(
    ("query", "content_type"),
    [("?code=x", "application/x-www-form-urlencoded"), ("", "application/json"), ("", None)],
)
def test_an_exchange_is_a_form_in_the_body(
    ehr: DevelopmentEhr, query: str, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = send(f"{ehr.origin}/auth/token{query}", headers=headers, body=b"grant_type=x")
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")


def test_a_parameter_that_comes_twice_is_refused(ehr: DevelopmentEhr) -> None:
    form = [("grant_type", "authorization_code"), ("code", "a"), ("code", "b")]
    assert send(f"{ehr.origin}/auth/token", form).json["error"] == "invalid_request"


def test_tokens_are_not_to_be_had_by_get(ehr: DevelopmentEhr) -> None:
    assert send(f"{ehr.origin}/auth/token?grant_type=authorization_code").status == 405


@pytest.mark.req("SL-209")
def test_an_access_token_says_nothing_and_ends(own: DevelopmentEhr, clock: Clock) -> None:
    smart = App(own, clock=clock)
    members = smart.opened().json
    token = members["access_token"]
    assert members["expires_in"] == 300
    assert "." not in token
    assert len(token) >= 43
    clock.now += 299
    assert smart.fhir(token, "Patient/sandbox-renal").status == 200
    clock.now += 1
    expired = smart.fhir(token, "Patient/sandbox-renal")
    assert expired.status == 401
    assert expired.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert own.active_tokens() == []


@pytest.mark.req("SL-209")
def test_lifetimes_can_be_set(clock: Clock) -> None:
    lifetimes = Lifetimes(access=2)
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, lifetimes=lifetimes) as ehr:
        smart = App(ehr, clock=clock)
        members = smart.opened().json
        clock.now += 2
        assert members["expires_in"] == 2
        assert smart.fhir(members["access_token"], "Patient/sandbox-renal").status == 401


@pytest.mark.req("SL-210")
def test_a_refresh_token_needs_its_scope(smart: App) -> None:
    assert "refresh_token" not in smart.opened().json


@pytest.mark.req("SL-210")
@pytest.mark.parametrize("scope", [OFFLINE, ONLINE])
@pytest.mark.parametrize("client_id", [client.id for client in CLIENTS])
def test_a_refresh_replaces_both_tokens_and_keeps_the_context(
    ehr: DevelopmentEhr, clock: Clock, scope: str, client_id: str
) -> None:
    smart = App(ehr, client_id, scope, clock)
    first = smart.opened().json
    second = smart.refresh(first["refresh_token"]).json
    assert second["patient"] == first["patient"]
    assert second["scope"] == first["scope"]
    assert second["expires_in"] == 300
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert smart.fhir(second["access_token"], "Patient/sandbox-renal").status == 200


@pytest.mark.req("SL-210", "T-26")
def test_a_refresh_token_that_comes_twice_ends_them_all(own: DevelopmentEhr, clock: Clock) -> None:
    smart = App(own, scope=OFFLINE, clock=clock)
    first = smart.opened().json["refresh_token"]
    second = smart.refresh(first).json
    assert smart.refresh(first).json["error"] == "invalid_grant"
    assert smart.refresh(second["refresh_token"]).json["error"] == "invalid_grant"
    assert smart.fhir(second["access_token"], "Patient/sandbox-renal").status == 401
    assert own.active_tokens() == []


@pytest.mark.req("SL-210")
def test_a_refresh_may_narrow_the_scope_and_never_widens_it(smart: App) -> None:
    smart.scope = OFFLINE
    token = smart.opened().json["refresh_token"]
    narrow = smart.refresh(token, scope="patient/Patient.r").json
    assert narrow["scope"] == "patient/Patient.r"
    wide = smart.refresh(narrow["refresh_token"], scope="patient/*.cruds")
    assert (wide.status, wide.json["error"]) == (400, "invalid_scope")


@pytest.mark.req("SL-210")
@pytest.mark.parametrize(("scope", "left"), [(ONLINE, 0), (OFFLINE, 2)])
def test_what_is_online_ends_with_the_user_of_the_ehr(
    own: DevelopmentEhr, clock: Clock, scope: str, left: int
) -> None:
    smart = App(own, scope=scope, clock=clock)
    token = smart.opened().json["refresh_token"]
    own.sign_out("Practitioner/sandbox-ben")
    assert len(own.active_tokens()) == 2
    own.sign_out("Practitioner/sandbox-ada")
    assert len(own.active_tokens()) == left
    assert smart.refresh(token).status == (200 if left else 400)


@pytest.mark.req("SL-212")
def test_the_id_token_says_who_signed_in(ehr: DevelopmentEhr, smart: App, clock: Clock) -> None:
    members = smart.opened(user="Practitioner/sandbox-ben").json
    keys = send(f"{ehr.origin}/jwks.json").json
    token = jwt.decode(members["id_token"], KeySet.import_key_set(keys), algorithms=["RS256"])
    [key] = keys["keys"]
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
    assert not {"d", "p", "q"} & set(key)
    claims = token.claims
    sub, at_hash = claims.pop("sub"), claims.pop("at_hash")
    assert len(sub) == 32
    assert len(at_hash) == 22
    assert claims == {
        "iss": ehr.iss,
        "aud": "asymmetric",
        "iat": int(clock()),
        "exp": int(clock()) + 300,
        "nonce": smart.nonce,
        "fhirUser": f"{ehr.base}/Practitioner/sandbox-ben",
    }


@pytest.mark.req("SL-212")
def test_without_openid_there_is_no_id_token(smart: App) -> None:
    smart.scope = "launch patient/Patient.r"
    assert "id_token" not in smart.opened().json


CONTEXT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"need_patient_banner": True}, {"need_patient_banner": True}),
    ({"encounter": "AUTO"}, {"encounter": "sandbox-renal-visit"}),
    ({"fhir_context": []}, {"fhirContext": []}),
    ({"app_context": ""}, {"appContext": ""}),
]


@pytest.mark.req("SL-213")
@pytest.mark.parametrize(("launch", "expected"), CONTEXT)
def test_the_context_is_what_the_launch_has(
    smart: App, launch: dict[str, Any], expected: dict[str, Any]
) -> None:
    members = smart.opened(**launch).json
    plain = {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert {n: v for n, v in members.items() if n not in plain} == {
        "patient": "sandbox-renal",
        **expected,
    }


def test_the_style_is_there(ehr: DevelopmentEhr, smart: App) -> None:
    url = smart.opened(style=True).json["smart_style_url"]
    assert send(url).json["color_background"] == "#ffffff"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_token_is_good_for_nothing(own: DevelopmentEhr, clock: Clock, kind: str) -> None:
    smart = App(own, scope=OFFLINE, clock=clock)
    members = smart.opened().json
    form = {"token": members[kind], "token_type_hint": kind}
    assert smart.call("revoke", form).status == 200
    assert own.revoked_tokens() == [members[kind]]
    assert smart.fhir(members["access_token"], "Patient/sandbox-renal").status == 401
    # A refresh token takes the whole grant with it, an access token only itself.
    assert len(own.active_tokens()) == (1 if kind == "access_token" else 0)


def test_tokens_of_others_and_unknown_ones_are_not_revoked(
    own: DevelopmentEhr, clock: Clock
) -> None:
    token = App(own, clock=clock).opened().json["access_token"]
    other = App(own, "basic")
    for value in (token, "never-issued"):
        assert other.call("revoke", {"token": value}).status == 200
    assert token in own.active_tokens()
    assert own.revoked_tokens() == []


def test_introspection_tells_a_client_of_its_own_tokens(own: DevelopmentEhr, clock: Clock) -> None:
    smart = App(own, scope=OFFLINE, clock=clock)
    members = smart.opened().json
    for kind, life in [("access_token", 300), ("refresh_token", 8 * 3600)]:
        told = smart.call("introspect", {"token": members[kind]}).json
        assert len(told.pop("sub")) == 32
        assert told == {
            "active": True,
            "scope": OFFLINE,
            "client_id": "asymmetric",
            "exp": int(clock() + life),
            "patient": "sandbox-renal",
            "iss": own.iss,
            "fhirUser": f"{own.base}/Practitioner/sandbox-ada",
        }
        other = App(own, "basic").call("introspect", {"token": members[kind]})
        assert other.json == {"active": False}
    clock.now += 300
    told = smart.call("introspect", {"token": members["access_token"]}).json
    assert told == {"active": False}
