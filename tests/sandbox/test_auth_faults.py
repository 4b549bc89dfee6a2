"""Each fault does what its name says, and nothing is wrong without one."""

import http.client
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from sandbox.auth.discovery import CAPABILITIES
from sandbox.auth.faults import FAULTS
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.sandbox.apps import CALLBACK, CLIENTS, SCOPE, App, Clock, Reply, send

ELSEWHERE = "http://elsewhere.invalid"
Json = dict[str, Any]


@pytest.fixture
def own(clock: Clock) -> Iterator[DevelopmentEhr]:
    """An EHR of this test's own, whose tokens can be counted."""
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, slow=0.3) as running:
        yield running


def slowly(act: Callable[[], Any]) -> Any:
    start = time.monotonic()
    found = act()
    assert time.monotonic() - start >= 0.3
    return found


# ---- discovery


def discovery(ehr: DevelopmentEhr, *faults: str) -> Reply:
    ehr.launch("asymmetric", patient="sandbox-renal", faults=faults)
    return send(f"{ehr.base}/.well-known/smart-configuration")


def test_a_sound_document_has_all_that_it_should(ehr: DevelopmentEhr) -> None:
    reply = discovery(ehr)
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    document = reply.json
    assert document["issuer"] == ehr.iss
    for name, path in {
        "authorization_endpoint": "/auth/authorize",
        "token_endpoint": "/auth/token",
        "revocation_endpoint": "/auth/revoke",
        "introspection_endpoint": "/auth/introspect",
        "jwks_uri": "/jwks.json",
    }.items():
        assert document[name] == ehr.origin + path
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["capabilities"] == CAPABILITIES
    openid = send(f"{ehr.base}/.well-known/openid-configuration").json
    assert (openid["issuer"], openid["jwks_uri"]) == (document["issuer"], document["jwks_uri"])


DISCOVERY: dict[str, Callable[[Reply], bool]] = {
    "disco_404": lambda r: r.status == 404,
    "disco_html": lambda r: r.headers["Content-Type"] == "text/html" and b"<!doctype" in r.body,
    "disco_redirect": lambda r: ELSEWHERE in r.headers.get("Location", "") and r.status == 303,
    "disco_huge": lambda r: len(r.body) == 1 << 20,
    "disco_array": lambda r: isinstance(r.json, list),
    "disco_no_s256": lambda r: r.json["code_challenge_methods_supported"] == ["plain"],
    "disco_relative": lambda r: r.json["token_endpoint"] == "../auth/token",
    "disco_evil_token_endpoint": lambda r: r.json["token_endpoint"] == f"{ELSEWHERE}/auth/token",
    "disco_evil_authorize": lambda r: r.json["authorization_endpoint"].startswith(ELSEWHERE),
    "disco_script_authorize": lambda r: r.json["authorization_endpoint"] == "javascript:alert(1)",
    "disco_metadata_address": lambda r: "//169.254.169.254/" in r.json["token_endpoint"],
    "disco_session_keys": lambda r: r.json.get("verify") is False and "proxies" in r.json,
    "disco_no_issuer": lambda r: "issuer" not in r.json,
    "disco_no_authorize": lambda r: "authorization_endpoint" not in r.json,
    "disco_no_token": lambda r: "token_endpoint" not in r.json,
    "disco_no_capabilities": lambda r: "capabilities" not in r.json,
    "disco_no_algorithms": lambda r: not [n for n in r.json if n.endswith("_alg_values_supported")],
    "disco_no_revocation": lambda r: "revocation_endpoint" not in r.json,
    "disco_v1_only": lambda r: "permission-v2" not in r.json["capabilities"],
    "disco_no_launch": lambda r: "launch-ehr" not in r.json["capabilities"],
}


@pytest.mark.parametrize("fault", DISCOVERY)
def test_a_fault_of_discovery_shows_until_the_next_launch(ehr: DevelopmentEhr, fault: str) -> None:
    assert DISCOVERY[fault](discovery(ehr, fault))
    sound = discovery(ehr)
    assert sound.status == 200
    assert not DISCOVERY[fault](sound)


def test_slow_discovery_takes_its_time(ehr: DevelopmentEhr) -> None:
    assert slowly(lambda: discovery(ehr, "disco_slow")).status == 200
    discovery(ehr)


def test_a_dripping_answer_comes_whole_in_the_end(clock: Clock) -> None:
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, slow=0.002) as ehr:
        assert discovery(ehr, "disco_drip").json["issuer"] == ehr.iss
        assert App(ehr, clock=clock).opened(faults=["token_drip"]).json["access_token"]


KEYS: dict[str, Callable[[Reply], bool]] = {
    "jwks_404": lambda r: r.status == 404,
    "jwks_empty": lambda r: r.json == {"keys": []},
    "jwks_redirect": lambda r: r.headers.get("Location") == f"{ELSEWHERE}/jwks.json",
    "jwks_huge": lambda r: len(r.body) == 1 << 20,
    "jwks_slow": lambda r: r.status == 200,
}


@pytest.mark.parametrize("fault", KEYS)
def test_a_fault_of_the_keys_shows_until_the_next_launch(ehr: DevelopmentEhr, fault: str) -> None:
    discovery(ehr, fault)
    if fault == "jwks_slow":
        reply = slowly(lambda: send(f"{ehr.origin}/jwks.json"))
    else:
        reply = send(f"{ehr.origin}/jwks.json")
    assert KEYS[fault](reply)
    discovery(ehr)
    assert len(send(f"{ehr.origin}/jwks.json").json["keys"]) == 1


def test_keys_are_rotated_under_the_eyes_of_the_app(ehr: DevelopmentEhr, smart: App) -> None:
    before = send(f"{ehr.origin}/jwks.json").json["keys"]
    token = smart.opened(faults=["jwks_rotated"]).json["id_token"]
    after = send(f"{ehr.origin}/jwks.json").json["keys"]
    assert [key["kid"] for key in before] != [key["kid"] for key in after]
    assert jwt.decode(token, KeySet.import_key_set({"keys": after}), algorithms=["RS256"])


# ---- authorization


def answered(smart: App, fault: str) -> Reply:
    launch = smart.ehr.launch("asymmetric", patient="sandbox-renal", faults=[fault])
    return smart.authorize(launch)


STAYING = {
    "auth_invalid_client_id": 400,
    "auth_invalid_redirect_uri": 400,
    "no_redirect_401": 401,
    "callback_post": 200,
}


@pytest.mark.parametrize("fault", STAYING)
def test_a_fault_of_authorization_keeps_the_browser_at_the_ehr(smart: App, fault: str) -> None:
    reply = answered(smart, fault)
    assert (reply.status, reply.headers.get("Location")) == (STAYING[fault], None)
    if fault == "callback_post":
        assert f'action="{CALLBACK}"' in reply.text
        assert 'name="code"' in reply.text
        assert (
            "form-action 'self' http://localhost:5000;" in reply.headers["Content-Security-Policy"]
        )


SENT_BACK: dict[str, Callable[[App, Json], bool]] = {
    "auth_invalid_scope": lambda _, b: b["error"] == "invalid_scope",
    "access_denied": lambda _, b: b["error"] == "access_denied",
    "login_required": lambda _, b: b["error"] == "login_required",
    "server_error": lambda _, b: b["error"] == "server_error",
    "temporarily_unavailable": lambda _, b: b["error"] == "temporarily_unavailable",
    "error_markup": lambda _, b: "<script>" in b["error_description"],
    "state_missing": lambda _, b: "state" not in b and "code" in b,
    "state_changed": lambda app, b: b["state"] != app.state and "code" in b,
    "iss_missing": lambda _, b: "iss" not in b and "code" in b,
    "iss_wrong": lambda _, b: b["iss"] == f"{ELSEWHERE}/fhir" and "code" in b,
    "code_missing": lambda _, b: "code" not in b and "error" not in b,
    "code_and_error": lambda _, b: "code" in b and "error" in b,
    "code_wrong": lambda _, b: b["code"] == "never-issued",
}


@pytest.mark.parametrize("fault", SENT_BACK)
def test_a_fault_of_authorization_shows_at_the_app(smart: App, fault: str) -> None:
    back = answered(smart, fault).back
    assert SENT_BACK[fault](smart, back)
    if not fault.startswith("state_"):
        assert back["state"] == smart.state


def test_a_code_can_come_twice(smart: App) -> None:
    query = urlsplit(answered(smart, "code_twice").headers["Location"]).query
    assert [name for name, _ in parse_qsl(query)].count("code") == 2


# ---- token

REFUSED: dict[str, tuple[int, str | None]] = {
    "auth_invalid_client_secret": (401, "invalid_client"),
    "token_expired_registration_token": (401, "invalid_client"),
    "token_invalid_jti": (401, "invalid_client"),
    "token_invalid_token": (400, "invalid_grant"),
    "token_invalid_scope": (400, "invalid_scope"),
    "token_html_500": (500, None),
    "token_503": (503, None),
    "token_429": (429, "slow_down"),
    "token_307": (307, None),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_refusal_leaves_no_token_and_no_code(
    own: DevelopmentEhr, clock: Clock, fault: str
) -> None:
    smart = App(own, clock=clock)
    code = answered(smart, fault).back["code"]
    reply = smart.exchange(code)
    status, error = REFUSED[fault]
    assert reply.status == status
    if error:
        assert reply.json["error"] == error
    if status == 307:
        assert reply.headers["Location"] == f"{ELSEWHERE}/auth/token"
    if status == 429:
        assert reply.headers["Retry-After"] == "1"
    assert own.active_tokens() == []
    assert smart.exchange(code).json["error"] == "invalid_grant"


WIRED: dict[str, Callable[[Reply], bool]] = {
    "token_not_json": lambda r: r.body == b"access_token=a&token_type=bearer",
    "token_array": lambda r: isinstance(r.json, list),
    "token_duplicate": lambda r: r.text.count('"patient"') == 2,
    "token_huge": lambda r: len(r.body) == 1 << 20,
    "token_slow": lambda r: r.status == 200,
}


@pytest.mark.parametrize("fault", WIRED)
def test_an_answer_is_spoilt_after_the_token_was_issued(
    own: DevelopmentEhr, clock: Clock, fault: str
) -> None:
    smart = App(own, clock=clock)
    if fault == "token_slow":
        reply = slowly(lambda: smart.opened(faults=[fault]))
    else:
        reply = smart.opened(faults=[fault])
    assert reply.status == 200
    assert WIRED[fault](reply)
    assert len(own.active_tokens()) == 1


def test_an_answer_is_dropped_after_the_token_was_issued(own: DevelopmentEhr, clock: Clock) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        App(own, clock=clock).opened(faults=["token_dropped"])
    assert len(own.active_tokens()) == 1


def test_the_clocks_can_be_apart(smart: App, clock: Clock) -> None:
    for faults, ahead in [([], 0), (["token_clock_off"], 120)]:
        date = parsedate_to_datetime(smart.opened(faults=faults).headers["Date"])
        assert int(date.timestamp()) == int(clock()) + ahead


@pytest.mark.parametrize(("fault", "left"), [("revoke_503", 1), ("revoke_slow", 0)])
def test_a_fault_of_the_revocation(
    own: DevelopmentEhr, clock: Clock, fault: str, left: int
) -> None:
    smart = App(own, clock=clock)
    form = {"token": smart.opened(faults=[fault]).json["access_token"]}
    if fault == "revoke_slow":
        assert slowly(lambda: smart.call("revoke", form)).status == 200
    else:
        assert smart.call("revoke", form).status == 503
    assert len(own.active_tokens()) == left


def scopes(members: Json) -> list[str]:
    found: list[str] = members["scope"].split(" ")
    return found


MEMBERS: dict[str, Callable[[Json], bool]] = {
    "token_no_access": lambda m: "access_token" not in m,
    "token_bad_access": lambda m: "\n" in m["access_token"],
    "token_no_type": lambda m: "token_type" not in m,
    "token_type_mac": lambda m: m["token_type"] == "mac",
    "token_type_lower": lambda m: m["token_type"] == "bearer",
    "token_no_expires": lambda m: "expires_in" not in m,
    "token_expires_string": lambda m: m["expires_in"] == "300",
    "token_expires_zero": lambda m: m["expires_in"] == 0,
    "token_expires_negative": lambda m: m["expires_in"] == -1,
    "token_expires_huge": lambda m: m["expires_in"] == 10**12,
    "token_no_scope": lambda m: "scope" not in m,
    "token_empty_scope": lambda m: m["scope"] == "",
    "token_less_scope": lambda m: scopes(m)[2:] == ["fhirUser", "patient/Patient.r"],
    "token_v1_scope": lambda m: scopes(m)[-1] == "patient/Observation.read",
    "token_more_scope": lambda m: scopes(m)[-1] == "user/*.cruds",
    "token_no_patient": lambda m: "patient" not in m,
    "token_null_patient": lambda m: m["patient"] is None,
    "token_bad_patient": lambda m: m["patient"] == "../Practitioner",
    "token_number_patient": lambda m: m["patient"] == 123,
    "token_long_patient": lambda m: len(m["patient"]) == 65,
    "token_empty_patient": lambda m: m["patient"] == "",
    "token_unknown_patient": lambda m: m["patient"] == "nobody",
    "token_bad_encounter": lambda m: m["encounter"] == "../Patient",
    "token_banner_string": lambda m: m["need_patient_banner"] == "false",
    "token_unknown_intent": lambda m: m["intent"] == "make-coffee",
    "token_context_strings": lambda m: m["fhirContext"] == ["ImagingStudy/1"],
    "token_odd_context": lambda m: len(m["fhirContext"]) == 2,
    "token_evil_style": lambda m: m["smart_style_url"] == f"{ELSEWHERE}/style.json",
    "token_extra_members": lambda m: m["verify"] is False,
    "idt_missing": lambda m: "id_token" not in m,
    "idt_null": lambda m: m["id_token"] is None,
    "idt_garbage": lambda m: m["id_token"] == "not.a.token",
}  # fmt: skip


@pytest.mark.parametrize("fault", MEMBERS)
def test_a_member_of_the_answer_is_spoilt(smart: App, fault: str) -> None:
    assert MEMBERS[fault](smart.opened(faults=[fault]).json)


@pytest.mark.parametrize("scope", ["token_less_scope", "token_more_scope"])
def test_what_is_said_of_the_scope_is_not_what_the_token_is_good_for(
    smart: App, scope: str
) -> None:
    token = smart.opened(faults=[scope]).json["access_token"]
    assert smart.fhir(token, "Observation?patient=sandbox-renal").status == 200
    assert smart.fhir(token, "Condition?patient=sandbox-renal").status == 403


# ---- refresh

REFRESHED: dict[str, tuple[int, Callable[[Json], bool], bool]] = {
    "token_expired_refresh_token": (400, lambda m: m["error"] == "invalid_grant", False),
    "refresh_invalid_client": (401, lambda m: m["error"] == "invalid_client", True),
    "refresh_other_patient": (200, lambda m: m["patient"] == "another-patient", False),
    "refresh_other_encounter": (200, lambda m: m["encounter"] == "another-encounter", False),
    "refresh_more_scope": (200, lambda m: scopes(m)[-1] == "user/*.cruds", False),
    "refresh_null": (200, lambda m: m["refresh_token"] is None, True),
    "refresh_not_rotated": (200, lambda m: "refresh_token" not in m, True),
    "refresh_slow": (200, lambda m: "access_token" in m, False),
}


@pytest.mark.parametrize("fault", REFRESHED)
def test_a_fault_of_the_refresh(own: DevelopmentEhr, clock: Clock, fault: str) -> None:
    smart = App(own, scope=f"{SCOPE} offline_access", clock=clock)
    token = smart.opened(faults=[fault]).json["refresh_token"]
    status, check, kept = REFRESHED[fault]
    reply = smart.refresh(token)
    assert reply.status == status
    assert check(reply.json)
    assert (token in own.active_tokens()) == kept


def test_a_slow_refresh_takes_its_time(smart: App) -> None:
    smart.scope = f"{SCOPE} offline_access"
    token = smart.opened(faults=["refresh_slow"]).json["refresh_token"]
    assert slowly(lambda: smart.refresh(token)).status == 200


def test_a_refresh_can_fail_once_or_always(smart: App) -> None:
    smart.scope = f"{SCOPE} offline_access"
    for fault, expected in [("refresh_503_once", [503, 200]), ("refresh_503", [503, 503])]:
        token = smart.opened(faults=[fault]).json["refresh_token"]
        assert [smart.refresh(token).status for _ in range(2)] == expected


# ---- id_token


def parts(token: str) -> tuple[Json, Json]:
    head, body, _ = token.split(".")
    found = (json.loads(urlsafe_b64decode(part + "==")) for part in (head, body))
    return next(found), next(found)


ID_TOKENS: dict[str, Callable[[App, Json, Json], bool]] = {
    "idt_alg_none": lambda _, h, c: h["alg"] == "none",
    "idt_hs256": lambda _, h, c: h["alg"] == "HS256",
    "idt_no_kid": lambda _, h, c: "kid" not in h,
    "idt_jku": lambda _, h, c: h.get("jku") == f"{ELSEWHERE}/jwks.json",
    "idt_big_header": lambda _, h, c: len(json.dumps(h)) > 2000,
    "idt_wrong_iss": lambda _, h, c: c["iss"] == f"{ELSEWHERE}/fhir",
    "idt_wrong_aud": lambda _, h, c: c["aud"] == "another-app" and "azp" not in c,
    "idt_azp_trick": lambda _, h, c: (c["aud"], c.get("azp")) == ("another-app", "asymmetric"),
    "idt_aud_list": lambda _, h, c: len(c["aud"]) == 2 and c["azp"] == "asymmetric",
    "idt_aud_no_azp": lambda _, h, c: len(c["aud"]) == 2 and "azp" not in c,
    "idt_expired": lambda app, h, c: c["exp"] < app.clock() - 3000,
    "idt_future": lambda app, h, c: c["iat"] > app.clock() + 3000,
    "idt_no_exp": lambda _, h, c: "exp" not in c,
    "idt_no_sub": lambda _, h, c: "sub" not in c,
    "idt_blank_sub": lambda _, h, c: c["sub"] == " ",
    "idt_long_sub": lambda _, h, c: len(c["sub"]) == 256,
    "idt_no_nonce": lambda _, h, c: "nonce" not in c,
    "idt_wrong_nonce": lambda app, h, c: c["nonce"] not in ("", app.nonce),
    "idt_bad_at_hash": lambda _, h, c: c["at_hash"] == "A" * 22,
    "idt_foreign_fhiruser": lambda _, h, c: c["fhirUser"].startswith(ELSEWHERE),
    "idt_relative_fhiruser": lambda _, h, c: c["fhirUser"] == "Practitioner/sandbox-ada",
    "idt_fhiruser_organization": lambda _, h, c: c["fhirUser"].endswith("/Organization/1"),
    "idt_no_fhiruser": lambda _, h, c: "fhirUser" not in c,
    "idt_profile_claim": lambda _, h, c: "fhirUser" not in c and "profile" in c,
}
UNSIGNED = ("idt_alg_none", "idt_hs256")


def verified(ehr: DevelopmentEhr, token: str) -> None:
    registry = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    registry.max_header_length = 8192
    keys = KeySet.import_key_set(send(f"{ehr.origin}/jwks.json").json)
    jwt.decode(token, keys, registry=registry)


@pytest.mark.parametrize("fault", ID_TOKENS)
def test_an_id_token_is_wrong_in_one_thing_only(
    ehr: DevelopmentEhr, smart: App, fault: str
) -> None:
    token = smart.opened(faults=[fault]).json["id_token"]
    assert ID_TOKENS[fault](smart, *parts(token))
    sound = smart.opened().json["id_token"]
    assert not ID_TOKENS[fault](smart, *parts(sound))
    if fault not in UNSIGNED:
        verified(ehr, token)


@pytest.mark.parametrize("fault", ["idt_bad_sig", "idt_unknown_kid"])
def test_an_id_token_is_signed_by_another_key(ehr: DevelopmentEhr, smart: App, fault: str) -> None:
    token = smart.opened(faults=[fault]).json["id_token"]
    [key] = send(f"{ehr.origin}/jwks.json").json["keys"]
    assert (parts(token)[0]["kid"] == key["kid"]) == (fault == "idt_bad_sig")
    with pytest.raises((JoseError, ValueError)):
        verified(ehr, token)


# ---- FHIR

SEARCH = "Observation?patient=sandbox-renal"


def entries(reply: Reply) -> list[Json]:
    return [entry["resource"] for entry in reply.json["entry"]]


RECORDS: dict[str, tuple[str, Callable[[Reply], bool]]] = {
    "request_invalid_token": (SEARCH, lambda r: r.status == 401),
    "request_expired_token": (SEARCH, lambda r: r.status == 401),
    "fhir_403": (SEARCH, lambda r: r.status == 403),
    "fhir_404": (SEARCH, lambda r: r.status == 404),
    "fhir_410": (SEARCH, lambda r: r.status == 410),
    "fhir_429": (SEARCH, lambda r: r.status == 429 and r.headers["Retry-After"] == "1"),
    "fhir_500": (SEARCH, lambda r: r.status == 500),
    "fhir_503": (SEARCH, lambda r: r.status == 503),
    "fhir_html": (SEARCH, lambda r: r.body.startswith(b"<!doctype")),
    "fhir_outcome": (SEARCH, lambda r: r.json["resourceType"] == "OperationOutcome"),
    "fhir_wrong_patient": (
        SEARCH,
        lambda r: entries(r)[0]["subject"]["reference"] == "Patient/another-patient",
    ),
    "fhir_wrong_id": ("Patient/sandbox-renal", lambda r: r.json["id"] == "another-id"),
    "fhir_wrong_type": (SEARCH, lambda r: r.json["resourceType"] == "Basic"),
    "fhir_unreadable": (SEARCH, lambda r: isinstance(entries(r)[0]["code"], str)),
    "fhir_foreign_next": (SEARCH, lambda r: r.json["link"][-1]["url"].startswith(ELSEWHERE)),
    "fhir_endless": (SEARCH, lambda r: r.json["link"][-1]["relation"] == "next"),
    "fhir_scheme_relative_ref": (
        SEARCH,
        lambda r: (
            entries(r)[0]["subject"]["reference"] == "//elsewhere.invalid/Patient/sandbox-renal"
        ),
    ),
    "fhir_partial_bundle": (
        SEARCH,
        lambda r: (
            entries(r)[-1]["resourceType"] == "OperationOutcome"
            and len(entries(r)) <= r.json["total"]
        ),
    ),
    "fhir_redirect": (SEARCH, lambda r: ELSEWHERE in r.headers.get("Location", "")),
    "fhir_slow": (SEARCH, lambda r: r.status == 200),
    "fhir_empty_compartment": (
        "Observation?patient=sandbox-healthy",
        lambda r: r.json["total"] == 0,
    ),
}


@pytest.mark.parametrize("fault", RECORDS)
def test_a_fault_of_fhir_goes_with_the_tokens_of_its_launch(smart: App, fault: str) -> None:
    address, check = RECORDS[fault]
    sound = smart.opened().json["access_token"]
    token = smart.opened(faults=[fault]).json["access_token"]
    if fault == "fhir_slow":
        assert check(slowly(lambda: smart.fhir(token, address)))
    else:
        assert check(smart.fhir(token, address))
        before = smart.fhir(sound, address)
        assert before.status == (403 if fault == "fhir_empty_compartment" else 200)
        assert before.status == 403 or not check(before)


def test_a_truncated_answer_ends_early(smart: App) -> None:
    token = smart.opened(faults=["fhir_truncated"]).json["access_token"]
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        smart.fhir(token, SEARCH)


def test_a_fault_of_fhir_can_be_for_one_type(smart: App) -> None:
    token = smart.opened(faults=["fhir_403:Observation"]).json["access_token"]
    assert smart.fhir(token, SEARCH).status == 403
    assert smart.fhir(token, "Patient/sandbox-renal").status == 200


@pytest.mark.parametrize(
    ("fault", "status"), [("request_expired_token", 200), ("request_invalid_token", 401)]
)
def test_a_refresh_mends_an_expired_token_only(smart: App, fault: str, status: int) -> None:
    smart.scope = f"{SCOPE} offline_access"
    members = smart.opened(faults=[fault]).json
    assert smart.fhir(members["access_token"], SEARCH).status == 401
    again = smart.refresh(members["refresh_token"]).json["access_token"]
    assert smart.fhir(again, SEARCH).status == status


# ---- all of them

ELSEWHERE_TESTED = {
    "disco_slow",
    "disco_drip",
    "token_drip",
    "token_clock_off",
    "revoke_503",
    "revoke_slow",
    "jwks_rotated",
    "code_twice",
    "token_dropped",
    "refresh_503",
    "refresh_503_once",
    "idt_bad_sig",
    "idt_unknown_kid",
    "fhir_truncated",
}
TABLES: tuple[dict[str, Any], ...] = (
    DISCOVERY, KEYS, STAYING, SENT_BACK, REFUSED, WIRED, MEMBERS, REFRESHED, ID_TOKENS, RECORDS,
)  # fmt: skip


def test_every_fault_is_tested_and_described() -> None:
    tested = ELSEWHERE_TESTED.union(*TABLES)
    assert tested == set(FAULTS)
    assert len(FAULTS) >= 60
    assert all(meaning.endswith(".") for meaning in FAULTS.values())


def test_several_faults_go_together(smart: App) -> None:
    members = smart.opened(faults=["token_no_expires", "idt_null", "token_type_lower"]).json
    assert "expires_in" not in members
    assert members["id_token"] is None
    assert members["token_type"] == "bearer"
