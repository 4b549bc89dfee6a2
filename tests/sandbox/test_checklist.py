"""What the development EHR has to have: its addresses, its documents, its records' interactions.

The tables are those of the checklist for the development EHR, sections 5.1 to 5.4. What its
authorization server has to refuse (5.3) is in the tests of `sandbox.auth`.
"""

from typing import Any, get_type_hints

import pytest

from sandbox.auth.faults import FAULTS
from sandbox.auth.launches import Context, Launch
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import LAUNCH, App, Clock, send

# --- 5.1 endpoints -------------------------------------------------------------------------------

DOCUMENTS = (
    "/fhir/.well-known/smart-configuration",
    "/fhir/.well-known/openid-configuration",
    "/jwks.json",
)


@pytest.mark.req("SL-5.1")
@pytest.mark.parametrize("accept", [None, "text/html", "application/fhir+json", "image/png"])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_are_json_for_everybody(
    ehr: DevelopmentEhr, path: str, accept: str | None
) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    headers = {**origin, "Accept": accept} if accept else origin
    reply = send(ehr.origin + path, headers=headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    for name, value in reply.json.items():
        if name.endswith(("_endpoint", "_uri", "issuer")):
            assert value.startswith(f"{ehr.origin}/"), name


@pytest.mark.req("SL-5.1")
def test_tokens_are_never_stored(smart: App) -> None:
    issued = smart.opened()
    refused = smart.exchange("none")
    revoked = smart.call("revoke", {"token": issued.json["access_token"]})
    for reply, status in ((issued, 200), (refused, 400), (revoked, 200)):
        assert reply.status == status
        assert (reply.headers["Cache-Control"], reply.headers["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.req("SL-5.1")
def test_a_token_is_explained_to_its_client_only(ehr: DevelopmentEhr, clock: Clock) -> None:
    smart, other = App(ehr, clock=clock), App(ehr, "public", clock=clock)
    token = smart.opened().json["access_token"]
    told = smart.call("introspect", {"token": token}).json
    assert told["active"] is True
    assert told["client_id"] == smart.client_id
    assert told["patient"] == "sandbox-renal"
    assert told["fhirUser"] == f"{ehr.base}/Practitioner/sandbox-ada"
    assert {"scope", "exp", "iss", "sub"} <= set(told)
    assert other.call("introspect", {"token": token}).json == {"active": False}
    assert send(f"{ehr.origin}/auth/introspect", {"token": token}).status in (400, 401)
    assert smart.call("revoke", {"token": "never issued"}).status == 200
    assert smart.call("revoke", {"token": token}).status == 200
    assert smart.call("introspect", {"token": token}).json == {"active": False}


@pytest.mark.req("SL-5.1")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/ehr?app={LAUNCH}", 200),
        ("GET", "/launcher", 200),
        ("POST", "/sim/launch", 400),
        ("POST", "/fhir/_services/smart/Launch", 400),
        ("POST", "/auth/authorize", 400),
        ("GET", "/auth/token", 405),
        ("GET", "/fhir/metadata", 200),
        ("GET", "/fhir/Patient/sandbox-renal", 401),
        ("POST", "/fhir/Patient/_search", 401),
    ],
)
def test_every_address_is_there(ehr: DevelopmentEhr, method: str, path: str, status: int) -> None:
    assert send(
        ehr.origin + path, method=method, body=b"" if method == "POST" else None
    ).status == (status)


# --- 5.2 the SMART document ----------------------------------------------------------------------

CAPABILITIES = """
launch-ehr launch-standalone authorize-post client-public client-confidential-symmetric
client-confidential-asymmetric sso-openid-connect context-banner context-style context-ehr-patient
context-ehr-encounter context-standalone-patient context-standalone-encounter permission-offline
permission-online permission-patient permission-user permission-v1 permission-v2
"""


@pytest.mark.req("SL-5.2")
def test_the_smart_document_says_what_the_server_does(ehr: DevelopmentEhr) -> None:
    document = send(f"{ehr.base}/.well-known/smart-configuration").json
    assert set(CAPABILITIES.split()) == set(document["capabilities"])
    assert document["grant_types_supported"] == ["authorization_code"]
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert {"private_key_jwt", "client_secret_basic"} <= set(
        document["token_endpoint_auth_methods_supported"]
    )
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert {"launch", "openid", "fhirUser", "messaging/scratchpad"} <= set(
        document["scopes_supported"]
    )
    openid = send(f"{ehr.base}/.well-known/openid-configuration").json
    assert openid["subject_types_supported"] == ["public"]
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]
    for name in ("issuer", "jwks_uri", "token_endpoint", "authorization_endpoint"):
        assert openid[name] == document[name]


# --- 5.3 launch records and faults ---------------------------------------------------------------


@pytest.mark.req("SL-5.3")
def test_a_launch_record_has_what_a_launch_may_be_told() -> None:
    told = {
        *("client_id", "user", "encounter", "intent", "tenant", "need_patient_banner", "style"),
        *("fhir_context", "app_context", "skip_login", "skip_auth", "scope", "faults"),
    }
    assert told | {"patients", "visit"} == set(Launch.__dataclass_fields__)
    assert told - {"client_id"} | {"visit"} == set(get_type_hints(Context))


@pytest.mark.req("SL-5.3")
def test_every_fault_of_the_checklist_can_be_asked_for() -> None:
    assert set(NAMED.split()) <= set(FAULTS)


NAMED = """
auth_invalid_client_id auth_invalid_redirect_uri auth_invalid_scope auth_invalid_client_secret
token_invalid_token token_expired_refresh_token token_expired_registration_token
token_invalid_scope token_invalid_jti request_invalid_token request_expired_token
disco_404 disco_html disco_redirect disco_slow disco_no_s256 disco_relative
disco_evil_token_endpoint disco_session_keys disco_no_issuer jwks_rotated
access_denied server_error temporarily_unavailable no_redirect_401 state_missing state_changed
iss_missing iss_wrong code_and_error
token_html_500 token_429 token_307 token_slow token_not_json token_huge token_no_expires
token_expires_string token_no_scope token_less_scope token_v1_scope token_type_mac
token_no_patient token_bad_patient refresh_other_patient refresh_null refresh_not_rotated
idt_missing idt_alg_none idt_hs256 idt_bad_sig idt_wrong_iss idt_wrong_aud idt_azp_trick
idt_expired idt_future idt_no_nonce idt_wrong_nonce idt_unknown_kid idt_no_kid
idt_foreign_fhiruser
fhir_403 fhir_404 fhir_410 fhir_429 fhir_500 fhir_slow fhir_html fhir_wrong_patient fhir_wrong_id
fhir_foreign_next fhir_scheme_relative_ref fhir_partial_bundle fhir_redirect
"""

# --- 5.4 interactions and search parameters ------------------------------------------------------

SEARCHED = {
    "Patient": "identifier name family given birthdate gender",
    "Practitioner": "identifier name",
    "PractitionerRole": "practitioner organization",
    "Organization": "identifier name",
    "Location": "identifier name",
    "Encounter": "patient status class date",
    "Condition": "patient encounter category clinical-status verification-status code onset-date "
    "recorded-date",
    "Observation": "patient encounter category code date status",
    "MedicationRequest": "patient status intent encounter authoredon code",
    "MedicationStatement": "patient status effective",
    "AllergyIntolerance": "patient clinical-status code",
    "Procedure": "patient date status code",
    "Immunization": "patient date status vaccine-code",
    "DiagnosticReport": "patient date status code category",
    "ServiceRequest": "patient status intent category code authored",
    "Appointment": "patient status date",
    "CarePlan": "patient status date category",
    "Goal": "patient status date category",
    "Coverage": "patient status date beneficiary",
    "DocumentReference": "patient type category date status",
    "Questionnaire": "url",
    "QuestionnaireResponse": "patient questionnaire status authored",
    "Task": "patient status code owner",
}
READ_ONLY = ("Medication", "Binary")
CREATED = "Observation AllergyIntolerance DocumentReference"
UPDATED = "Condition MedicationRequest ServiceRequest QuestionnaireResponse Task"
WRITTEN = {
    **{each: {"create"} for each in CREATED.split()},
    **{each: {"create", "update"} for each in UPDATED.split()},
}


@pytest.fixture(scope="module")
def stated(ehr: DevelopmentEhr) -> dict[str, Any]:
    """What the CapabilityStatement says of each type."""
    statement = send(f"{ehr.base}/metadata").json
    return {each["type"]: each for each in statement["rest"][0]["resource"]}


@pytest.fixture(scope="module")
def reader(ehr: DevelopmentEhr, clock: Clock) -> str:
    """A token to read everything."""
    token: str = App(ehr, scope="launch user/*.rs", clock=clock).opened().json["access_token"]
    return token


@pytest.mark.req("SL-5.4")
@pytest.mark.parametrize("resource_type", [*SEARCHED, *READ_ONLY])
def test_a_type_is_read_searched_and_written_as_stated(
    stated: dict[str, Any], resource_type: str
) -> None:
    said = stated[resource_type]
    interactions = {each["code"] for each in said["interaction"]}
    assert {"read", "vread", "search-type"} <= interactions
    assert interactions & {"create", "update"} == WRITTEN.get(resource_type, set())
    wanted = {"_id", "_lastUpdated", *SEARCHED.get(resource_type, "").split()}
    assert wanted <= {each["name"] for each in said["searchParam"]}


VALUES = {
    "patient": "Patient/sandbox-renal",
    "beneficiary": "Patient/sandbox-renal",
    "url": "http://nowhere.invalid/x",
    "questionnaire": "http://nowhere.invalid/x",
}
DATES = {"birthdate", "date", "onset-date", "recorded-date", "authoredon", "effective", "authored"}


@pytest.mark.req("SL-5.4")
@pytest.mark.parametrize(
    ("resource_type", "name"),
    [(each, name) for each, names in SEARCHED.items() for name in names.split()],
)
def test_a_parameter_is_understood_and_narrows(
    ehr: DevelopmentEhr, reader: str, resource_type: str, name: str
) -> None:
    """Not one of them is ignored, which would find everything."""
    bearer = {"Authorization": f"Bearer {reader}", "Prefer": "handling=strict"}
    value = "lt1800" if name in DATES else VALUES.get(name, "of-nobody")
    reply = send(f"{ehr.base}/{resource_type}?{name}={value}", headers=bearer)
    assert reply.status == 200, reply.text
    everything = send(f"{ehr.base}/{resource_type}?_summary=count", headers=bearer).json["total"]
    found = reply.json["total"]
    assert found == 0 if name not in VALUES else found < everything or everything == 0
    (own,) = (link["url"] for link in reply.json["link"] if link["relation"] == "self")
    assert f"{name}=" in own


@pytest.mark.req("SL-5.4")
def test_an_unknown_parameter_is_left_out_or_refused(ehr: DevelopmentEhr, reader: str) -> None:
    bearer = {"Authorization": f"Bearer {reader}"}
    address = f"{ehr.base}/Patient?gender=female&no-such=1"
    lenient = send(address, headers=bearer)
    assert lenient.status == 200
    assert "no-such" not in str(lenient.json["link"])
    strict = send(address, headers={**bearer, "Prefer": "handling=strict"})
    assert strict.status == 400
    assert strict.json["resourceType"] == "OperationOutcome"


@pytest.mark.req("SL-5.4")
def test_a_token_that_is_missing_unknown_or_too_narrow_is_told_apart(
    ehr: DevelopmentEhr, clock: Clock
) -> None:
    smart = App(ehr, scope="launch patient/Patient.r", clock=clock)
    token = smart.opened().json["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    missing = send(f"{ehr.base}/Patient/sandbox-renal")
    assert (missing.status, missing.headers["WWW-Authenticate"]) == (401, "Bearer")
    unknown = send(f"{ehr.base}/Patient/sandbox-renal", headers={"Authorization": "Bearer x"})
    assert unknown.status == 401
    assert "invalid_token" in unknown.headers["WWW-Authenticate"]
    assert send(f"{ehr.base}/Patient/sandbox-renal", headers=bearer).status == 200
    for narrow in ("Patient/sandbox-diabetes", "Patient?_id=sandbox-renal", "Condition"):
        reply = send(f"{ehr.base}/{narrow}", headers=bearer)
        assert reply.status == 403
        assert reply.json["resourceType"] == "OperationOutcome"
