"""The authorization endpoint refuses what is not sound, and says so where it may."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from sandbox.auth.clients import Client
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.fhir.scopes import granted, resource_scope
from tests.sandbox.apps import CALLBACK, CLIENTS, App, Clock, registered, send


@pytest.mark.req("SL-202")
@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": f"{CALLBACK}-evil"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": CALLBACK.replace("localhost", "LOCALHOST")},
        {"redirect_uri": "https://evil.example/smart/callback/development"},
    ],
)
def test_who_is_not_known_gets_a_page_and_is_sent_nowhere(
    ehr: DevelopmentEhr, smart: App, changed: dict[str, str | None]
) -> None:
    reply = smart.authorize(ehr.launch("asymmetric", patient="sandbox-renal"), **changed)
    assert (reply.status, reply.headers.get("Location")) == (400, None)
    assert "Synthetic data only" in reply.text


REFUSED: list[tuple[str, dict[str, str | None], str]] = [
    ("SL-204", {"response_type": "token"}, "unsupported_response_type"),
    ("SL-204", {"response_type": None}, "invalid_request"),
    ("SL-204", {"state": None}, "invalid_request"),
    ("SL-204", {"state": "12345"}, "invalid_request"),
    ("SL-204", {"aud": None}, "invalid_request"),
    ("SL-204", {"aud": "https://evil.example/fhir"}, "invalid_request"),
    ("SL-204", {"code_challenge": None}, "invalid_request"),
    ("SL-204", {"code_challenge": "short"}, "invalid_request"),
    ("SL-204", {"code_challenge_method": "plain"}, "invalid_request"),
    ("SL-204", {"code_challenge_method": None}, "invalid_request"),
    ("SL-204", {"nonce": None}, "invalid_request"),
    ("SL-205", {"launch": None}, "invalid_request"),
    ("SL-205", {"launch": ""}, "invalid_request"),
    ("SL-205", {"launch": "guessed"}, "invalid_request"),
    ("SL-205", {"scope": "patient/Patient.r"}, "invalid_request"),
    ("SL-211", {"scope": None}, "invalid_scope"),
    ("SL-211", {"scope": "everything patient/Patient.dus"}, "invalid_scope"),
]


@pytest.mark.parametrize(
    ("changed", "error"),
    [pytest.param(c, e, marks=pytest.mark.req("SL-203", number)) for number, c, e in REFUSED],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_sound_goes_back_to_the_app(
    ehr: DevelopmentEhr, smart: App, changed: dict[str, str | None], error: str, method: str
) -> None:
    launch = ehr.launch("asymmetric", patient="sandbox-renal")
    given: dict[str, Any] = {"launch": launch, **changed}
    if method == "GET":
        back = smart.authorize(**given).back
    else:
        back = send(f"{ehr.origin}/auth/authorize", smart.parameters(**given)).back
    wanted = None if changed.get("state", smart.state) is None else given.get("state", smart.state)
    assert (back["error"], back.get("state"), back["iss"]) == (error, wanted, ehr.iss)
    assert back["error_description"]
    assert "code" not in back


@pytest.mark.req("SL-204")
@pytest.mark.parametrize("name", ["state", "aud", "scope", "code_challenge", "launch", "nonce"])
def test_a_parameter_that_comes_twice_is_refused(
    ehr: DevelopmentEhr, smart: App, name: str
) -> None:
    given = smart.parameters(ehr.launch("asymmetric", patient="sandbox-renal"))
    pairs = [*given.items(), (name, given[name])]
    assert send(f"{ehr.origin}/auth/authorize", pairs).back["error"] == "invalid_request"


@pytest.mark.req("SL-202", "SL-204")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_client_that_is_named_twice_gets_a_page(
    ehr: DevelopmentEhr, smart: App, name: str
) -> None:
    given = smart.parameters(ehr.launch("asymmetric", patient="sandbox-renal"))
    pairs = [*given.items(), (name, given[name])]
    assert send(f"{ehr.origin}/auth/authorize", pairs).status == 400


@pytest.mark.req("SL-204")
def test_every_kind_of_client_needs_pkce(ehr: DevelopmentEhr) -> None:
    for client in CLIENTS:
        launch = ehr.launch(client.id, patient="sandbox-renal")
        back = App(ehr, client.id).authorize(launch, code_challenge=None).back
        assert back["error"] == "invalid_request"


@pytest.mark.req("SL-205")
def test_a_launch_works_once(ehr: DevelopmentEhr, smart: App) -> None:
    launch = ehr.launch("asymmetric", patient="sandbox-renal")
    assert "code" in smart.authorize(launch).back
    assert smart.authorize(launch).back["error"] == "invalid_request"


@pytest.mark.req("SL-205")
def test_of_two_that_come_with_one_launch_at_a_time_one_gets_a_code(
    ehr: DevelopmentEhr, smart: App
) -> None:
    launch = ehr.launch("asymmetric", patient="sandbox-renal")
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append("code" in smart.authorize(launch).back))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 1


@pytest.mark.req("SL-205")
def test_a_launch_ends_after_five_minutes(ehr: DevelopmentEhr, smart: App, clock: Clock) -> None:
    launch = ehr.launch("asymmetric", patient="sandbox-renal")
    clock.now += 300
    assert smart.authorize(launch).back["error"] == "invalid_request"


@pytest.mark.req("SL-205")
def test_a_launch_is_for_one_client_and_stays_good_for_it(ehr: DevelopmentEhr, smart: App) -> None:
    launch = ehr.launch("asymmetric", patient="sandbox-renal")
    assert App(ehr, "public").authorize(launch).back["error"] == "invalid_request"
    assert "code" in smart.authorize(launch).back


@pytest.mark.req("SL-205")
def test_launch_values_cannot_be_guessed(ehr: DevelopmentEhr) -> None:
    values = {ehr.launch("public", patient="sandbox-renal") for _ in range(100)}
    assert len(values) == 100
    assert all(len(value) >= 43 for value in values)


@pytest.mark.req("SL-205")
def test_scopes_of_a_patient_need_one(ehr: DevelopmentEhr, smart: App) -> None:
    assert smart.authorize(ehr.launch("asymmetric", patient=None)).back["error"] == "invalid_scope"


@pytest.mark.req("SL-205")
def test_scopes_of_a_user_need_no_patient(ehr: DevelopmentEhr, smart: App) -> None:
    smart.scope = "launch openid user/Patient.rs"
    assert "patient" not in smart.opened(patient=None).json


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("client_id", "nobody"),
        ("patient", "nobody"),
        ("user", "Practitioner/nobody"),
        ("faults", ["no_such_fault"]),
        ("faults", ["token_429:Patient"]),
        ("faults", ["fhir_403:"]),
    ],
)
def test_a_launch_of_what_there_is_not_is_told(
    ehr: DevelopmentEhr, member: str, value: Any
) -> None:
    given = {"client_id": "public", "patient": "sandbox-renal", member: value}
    with pytest.raises(ValueError, match="no"):
        ehr.launch(**given)


def test_the_reasons_of_refusals_are_kept(ehr: DevelopmentEhr, smart: App) -> None:
    ehr.refusals.clear()
    smart.authorize(None, aud="https://evil.example/fhir")
    smart.authorize(None, client_id="nobody")
    assert list(ehr.refusals) == [
        f"invalid_request: aud is not {ehr.iss}.",
        "No client has this id.",
    ]


def test_an_iss_with_a_slash_is_the_only_audience_then(clock: Clock) -> None:
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock, iss_slash=True) as ehr:
        smart = App(ehr, clock=clock)
        assert ehr.iss == f"{ehr.base}/"
        reply = smart.authorize(ehr.launch("asymmetric", patient="sandbox-renal"), aud=ehr.base)
        assert reply.back["error"] == "invalid_request"
        assert smart.opened().status == 200


GRANTS = [
    ("patient/Observation.rs", "patient/*.cruds", "patient/Observation.rs"),
    ("patient/Observation.cruds", "patient/*.rs", "patient/Observation.rs"),
    ("patient/*.rs", "patient/Goal.rs patient/Patient.r", "patient/Goal.rs patient/Patient.r"),
    ("patient/Observation.read", "patient/*.cruds", "patient/Observation.read"),
    ("patient/*.*", "patient/*.cruds", "patient/*.*"),
    ("patient/*.write", "patient/*.cruds", "patient/*.write"),
    ("patient/Observation.read", "patient/*.r", ""),
    ("user/Observation.rs", "patient/*.cruds", ""),
    ("patient/Goal.rs?category=a", "patient/*.rs", "patient/Goal.rs?category=a"),
    ("patient/Goal.rs", "patient/Goal.rs?category=a", "patient/Goal.rs?category=a"),
    ("launch openid launch openid", "launch openid", "launch openid"),
    ("openid offline_access", "openid", "openid"),
]  # fmt: skip


@pytest.mark.req("SL-211")
@pytest.mark.parametrize(("requested", "allowed", "expected"), GRANTS)
def test_what_is_both_requested_and_allowed_is_granted(
    requested: str, allowed: str, expected: str
) -> None:
    assert " ".join(granted(requested.split(), allowed.split())) == expected


@pytest.mark.req("SL-211")
@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.dus",
        "patient/Observation.",
        "patient/Observation.rx",
        "patient/Observation.sr",
        "patient/observation.rs",
        "patient/Observation",
        "patient/Observation.rs?",
        "practitioner/Observation.rs",
        "patient/Observation.read?category=laboratory",
    ],
)
def test_a_malformed_scope_is_none(text: str) -> None:
    assert resource_scope(text) is None
    assert granted([text], ["patient/*.cruds", "user/*.cruds"]) == ()


@pytest.mark.req("SL-211")
def test_version_1_comes_out_as_it_went_in_and_nonsense_is_dropped(smart: App) -> None:
    smart.scope = "launch patient/Patient.read nonsense/1 patient/Observation.rx"
    assert smart.opened().json["scope"] == "launch patient/Patient.read"


@pytest.mark.req("SL-211")
def test_a_client_gets_no_more_than_is_agreed_and_a_launch_may_limit_it_further(
    clock: Clock,
) -> None:
    client = registered("public", auth="none", scopes=("launch", "patient/*.r", "user/*.r"))
    with DevelopmentEhr(shipped_bundles(), [client], clock=clock) as ehr:
        smart = App(ehr, "public", "launch openid patient/Patient.rs user/Patient.rs")
        assert smart.opened().json["scope"] == "launch patient/Patient.r user/Patient.r"
        limited = smart.opened(scope="launch user/*.r").json["scope"]
        assert limited == "launch user/Patient.r"


@pytest.mark.req("SL-201")
@pytest.mark.parametrize(
    "changed",
    [
        {"secret_hash": "x"},
        {"jwks_url": "https://app.example/jwks.json"},
        {"jwks": None},
        {"auth": "none"},
        {"redirect_uris": ()},
        {"redirect_uris": ("http://app.example/callback",)},
        {"redirect_uris": ("https://app.example/callback#x",)},
        {"redirect_uris": ("https://*.app.example/callback",)},
        {"launch_urls": ("ftp://app.example/launch",)},
    ],
)
def test_a_client_that_cannot_be_is_not_registered(changed: dict[str, Any]) -> None:
    sound: Client = CLIENTS[0]
    with pytest.raises(ValueError, match="asymmetric"):
        replace(sound, **changed)


@pytest.mark.req("SL-201")
def test_two_clients_cannot_have_the_same_id() -> None:
    with pytest.raises(ValueError, match="same id"):
        DevelopmentEhr([], [CLIENTS[0], CLIENTS[0]])


@pytest.mark.req("SL-214")
def test_it_is_for_this_machine_only() -> None:
    with pytest.raises(ValueError, match="this machine"):
        DevelopmentEhr([], CLIENTS, host="0.0.0.0")
