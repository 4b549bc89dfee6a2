"""What a person meets at the development EHR: signing in, choosing, consent, charts, launcher."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.sandbox.apps import CALLBACK, CLIENTS, LAUNCH, App, Clock, Reply, registered, send

STANDALONE = "launch/patient openid fhirUser patient/Patient.r"


def answer(smart: App, page: Reply, cookie: str = "", **choices: Any) -> Reply:
    """Fills in a page's form."""
    found = re.search(r'name="id" value="([^"]+)"', page.text)
    assert page.status == 200
    assert found, page.text
    pairs = [("id", found[1])]
    for name, value in choices.items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return send(f"{smart.ehr.origin}/auth/interaction", pairs, {"Cookie": cookie})


def options(page: Reply, name: str) -> list[str]:
    return [unescape(v) for v in re.findall(rf'name="{name}" value="([^"]+)"', page.text)]


def heading(page: Reply) -> str:
    found = re.search("<h1>(.+)</h1>", page.text)
    return found[1] if found else ""


@pytest.fixture
def alone(ehr: DevelopmentEhr, clock: Clock) -> App:
    """An app that is opened without the EHR."""
    return App(ehr, scope=STANDALONE, clock=clock)


def test_a_standalone_launch_asks_for_everything(ehr: DevelopmentEhr, alone: App) -> None:
    page = alone.authorize(None)
    assert options(page, "user") == ["Practitioner/sandbox-ada", "Practitioner/sandbox-ben"]
    page = answer(alone, page, user="Practitioner/sandbox-ben")
    flags = page.headers["Set-Cookie"].split("; ")
    assert flags[0].startswith("__Host-development-ehr=")
    assert flags[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=None"]
    everybody = {patient["id"] for patient in ehr.fhir.store.all("Patient")}
    assert set(options(page, "patient")) == everybody
    page = answer(alone, page, patient="sandbox-healthy")
    assert options(page, "scope") == STANDALONE.split()
    back = answer(alone, page, scope=STANDALONE.split()).back
    assert back["state"] == alone.state
    members = alone.exchange(back["code"]).json
    assert (members["patient"], members["scope"]) == ("sandbox-healthy", STANDALONE)


def test_an_encounter_is_chosen_where_one_is_asked_for(alone: App) -> None:
    alone.scope = f"{STANDALONE} launch/encounter"
    page = answer(alone, alone.authorize(None), user="Practitioner/sandbox-ada")
    page = answer(alone, page, patient="sandbox-renal")
    assert options(page, "encounter") == ["sandbox-renal-visit"]
    page = answer(alone, page, encounter="sandbox-renal-visit")
    back = answer(alone, page, scope=alone.scope.split()).back
    assert alone.exchange(back["code"]).json["encounter"] == "sandbox-renal-visit"


def test_an_encounter_of_which_nothing_is_known_can_be_chosen(alone: App) -> None:
    store, own = alone.ehr.fhir.store, {"reference": "Patient/sandbox-well"}
    odd = {"resourceType": "Encounter", "id": "odd", "class": [], "period": 4, "subject": own}
    for encounter in ({**odd, "id": "bare", "period": {}}, odd):
        store.create(encounter)
    alone.scope = f"{STANDALONE} launch/encounter"
    page = answer(alone, alone.authorize(None), user="Practitioner/sandbox-ada")
    page = answer(alone, page, patient="sandbox-well")
    assert {"bare", "odd"} <= set(options(page, "encounter"))
    for each in ("bare", "odd"):
        store.delete("Encounter", each)


@pytest.mark.req("SL-211")
def test_the_user_may_allow_less(smart: App) -> None:
    launch = smart.ehr.launch("asymmetric", patient="sandbox-renal", skip_auth=False)
    page = smart.authorize(launch)
    back = answer(smart, page, scope=["launch", "patient/Patient.r", "user/*.cruds"]).back
    assert smart.exchange(back["code"]).json["scope"] == "launch patient/Patient.r"


def test_allowing_nothing_is_no_grant(smart: App) -> None:
    launch = smart.ehr.launch("asymmetric", patient="sandbox-renal", skip_auth=False)
    assert answer(smart, smart.authorize(launch)).back["error"] == "invalid_scope"


@pytest.mark.req("SL-203")
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_user_may_refuse_on_every_page(alone: App, steps: int) -> None:
    page = alone.authorize(None)
    for choice in [{"user": "Practitioner/sandbox-ada"}, {"patient": "sandbox-renal"}][:steps]:
        page = answer(alone, page, **choice)
    back = answer(alone, page, answer="deny").back
    assert (back["error"], back["state"]) == ("access_denied", alone.state)


@pytest.mark.parametrize(
    ("steps", "choice"),
    [
        (0, {"user": "Practitioner/nobody"}),
        (0, {"user": "Patient/sandbox-renal"}),
        (0, {}),
        (1, {"patient": "nobody"}),
        (1, {}),
    ],
)
def test_what_cannot_be_chosen_is_refused(alone: App, steps: int, choice: dict[str, str]) -> None:
    page = alone.authorize(None)
    if steps:
        page = answer(alone, page, user="Practitioner/sandbox-ada")
    assert answer(alone, page, **choice).status == 400


def test_a_page_is_good_once_and_for_ten_minutes(alone: App, clock: Clock) -> None:
    page = alone.authorize(None)
    assert answer(alone, page, user="Practitioner/sandbox-ada").status == 200
    assert answer(alone, page, user="Practitioner/sandbox-ada").status == 400
    page = alone.authorize(None)
    clock.now += 600
    assert answer(alone, page, user="Practitioner/sandbox-ada").status == 400


@pytest.mark.req("SL-205", "T-07")
def test_a_launch_is_bound_to_its_user(ehr: DevelopmentEhr, smart: App) -> None:
    launch: dict[str, Any] = {
        "patient": "sandbox-renal",
        "user": "Practitioner/sandbox-ben",
        "skip_login": False,
    }
    page = smart.authorize(ehr.launch("asymmetric", **launch))
    refused = answer(smart, page, user="Practitioner/sandbox-ada")
    assert refused.back["error"] == "access_denied"
    page = smart.authorize(ehr.launch("asymmetric", **launch))
    allowed = answer(smart, page, user="Practitioner/sandbox-ben")
    assert "code" in allowed.back
    cookie = {"Cookie": allowed.headers["Set-Cookie"].split(";")[0]}
    # Signed in as the user of the launch: no question. As another: the question again.
    assert "code" in smart.authorize(ehr.launch("asymmetric", **launch), cookie).back
    launch["user"] = "Practitioner/sandbox-ada"
    assert heading(smart.authorize(ehr.launch("asymmetric", **launch), cookie)).startswith(
        "Sign in"
    )
    ehr.sign_out("Practitioner/sandbox-ben")
    launch["user"] = "Practitioner/sandbox-ben"
    assert heading(smart.authorize(ehr.launch("asymmetric", **launch), cookie)).startswith(
        "Sign in"
    )


def test_of_several_patients_the_user_picks_one(smart: App) -> None:
    two = ["sandbox-healthy", "sandbox-renal"]
    page = smart.authorize(smart.ehr.launch("asymmetric", patient=two))
    assert options(page, "patient") == two
    back = answer(smart, page, patient="sandbox-renal").back
    assert smart.exchange(back["code"]).json["patient"] == "sandbox-renal"


@pytest.fixture
def settled(clock: Clock) -> Iterator[App]:
    with DevelopmentEhr(shipped_bundles(), CLIENTS, clock=clock) as ehr:
        yield App(ehr, scope=STANDALONE, clock=clock)


def test_standalone_launches_can_be_settled_beforehand(settled: App) -> None:
    settled.ehr.standalone(patient="sandbox-renal", user="Practitioner/sandbox-ben", tenant="n")
    for _ in range(2):
        members = settled.exchange(settled.authorize(None).back["code"]).json
        assert (members["patient"], members["tenant"]) == ("sandbox-renal", "n")
    settled.ehr.standalone(patient="sandbox-renal", faults=["access_denied"])
    assert settled.authorize(None).back["error"] == "access_denied"
    settled.ehr.standalone(patient="sandbox-renal", faults=["disco_404"])
    assert send(f"{settled.ehr.base}/.well-known/smart-configuration").status == 404


@pytest.mark.req("SL-214")
@pytest.mark.parametrize("path", ["/ehr", "/launcher", "/auth/authorize"])
def test_every_page_is_marked_and_guarded(ehr: DevelopmentEhr, path: str) -> None:
    page = send(ehr.origin + path)
    assert "Synthetic data only" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == (
        "no-store",
        "no-referrer",
    )
    assert not re.search(r"<script>|<style|style=|onclick|javascript:", page.text)
    for address in re.findall(r'(?:href|src)="(/pages/[^"]+)"', page.text):
        assert send(ehr.origin + address).status == 200


@pytest.mark.parametrize("name", ["base.html", "../ehr.py", "none.css", ""])
def test_templates_are_not_served(ehr: DevelopmentEhr, name: str) -> None:
    assert send(f"{ehr.origin}/pages/{name}").status == 404


def test_the_chart_has_two_patients_with_the_app_in_a_frame(
    ehr: DevelopmentEhr, smart: App
) -> None:
    page = send(f"{ehr.origin}/ehr?{urlencode({'app': LAUNCH})}")
    assert "frame-src 'self' http://localhost:5000" in page.headers["Content-Security-Policy"]
    frames = [unescape(src) for src in re.findall(r'<iframe src="([^"]+)"', page.text)]
    assert len(frames) == 2
    patients = set()
    for src in frames:
        assert src.startswith(f"{LAUNCH}?")
        query = parse_qs(urlsplit(src).query)
        assert query["iss"] == [ehr.iss]
        back = smart.authorize(query["launch"][0]).back
        patients.add(smart.exchange(back["code"]).json["patient"])
    assert len(patients) == 2


@pytest.mark.parametrize("query", ["app=https://evil.example/launch", "patients=nobody"])
def test_a_chart_of_what_there_is_not_is_refused(ehr: DevelopmentEhr, query: str) -> None:
    page = send(f"{ehr.origin}/ehr?{query}")
    assert page.status == 400
    assert "<iframe" not in page.text


@pytest.mark.req("SL-210")
def test_signing_out_of_the_ehr_ends_what_is_online(ehr: DevelopmentEhr, smart: App) -> None:
    smart.scope = "launch online_access patient/Patient.r"
    token = smart.opened().json["refresh_token"]
    reply = send(f"{ehr.origin}/ehr/sign-out", {"user": "Practitioner/sandbox-ada"})
    assert reply.status == 303
    assert smart.refresh(token).json["error"] == "invalid_grant"


def launched(smart: App, url: str) -> dict[str, Any]:
    """The token response of an app that is opened at this URL."""
    assert url.startswith(f"{LAUNCH}?iss="), url
    [value] = parse_qs(urlsplit(url).query)["launch"]
    members: dict[str, Any] = smart.exchange(smart.authorize(value).back["code"]).json
    return members


def test_the_launcher_opens_the_app_as_its_form_says(ehr: DevelopmentEhr, smart: App) -> None:
    form = {
        "app": LAUNCH,
        "patient": "sandbox-healthy",
        "user": "Practitioner/sandbox-ben",
        "encounter": "AUTO",
        "need_patient_banner": "false",
        "intent": "reconcile",
        "tenant": "",
        "app_context": "card",
        "fault": "token_no_expires",
    }
    reply = send(f"{ehr.origin}/launcher", form)
    members = launched(smart, reply.headers["Location"])
    assert members["patient"] == "sandbox-healthy"
    assert members["encounter"] == "sandbox-healthy-visit"
    assert members["need_patient_banner"] is False
    assert members["intent"] == "reconcile"
    assert members["appContext"] == "card"
    assert "tenant" not in members
    assert "expires_in" not in members


def test_the_launcher_understands_smart_launcher_v2(ehr: DevelopmentEhr, smart: App) -> None:
    query = {
        "launch_uri": LAUNCH,
        "fhir_ver": "4",
        "patient": "sandbox-diabetes",
        "provider": "sandbox-ben",
        "select_encounter": "0",
        "auth_error": "token_type_lower",
    }
    reply = send(f"{ehr.origin}/launcher?{urlencode(query)}")
    members = launched(smart, reply.headers["Location"])
    assert members["patient"] == "sandbox-diabetes"
    assert members["encounter"] == "sandbox-diabetes-visit"
    assert members["token_type"] == "bearer"
    frames = send(f"{ehr.origin}/launcher?{urlencode({**query, 'sim_ehr': '1'})}")
    assert frames.text.count("<iframe") == 1
    for wrong in ({"fhir_ver": "3"}, {"launch_uri": "https://evil.example"}, {"patient": "x"}):
        assert send(f"{ehr.origin}/launcher?{urlencode({**query, **wrong})}").status == 400


def test_a_program_may_ask_for_a_launch(ehr: DevelopmentEhr, smart: App) -> None:
    body = {"launch_url": LAUNCH, "patient": "sandbox-renal", "tenant": "north"}
    reply = send(f"{ehr.origin}/sim/launch", body=json.dumps(body).encode())
    assert launched(smart, reply.json["url"])["tenant"] == "north"


@pytest.mark.req("SL-213")
def test_the_cds_hooks_sandbox_gets_a_launch(ehr: DevelopmentEhr, smart: App) -> None:
    body = {
        "launchUrl": LAUNCH,
        "parameters": {
            "patient": "sandbox-renal",
            "smart_messaging_origin": "http://localhost:8080",
            "appContext": "874ed54f-74cb-4499-8da5-eaccb2e07a98",
        },
    }
    url = f"{ehr.base}/_services/smart/Launch"
    value = send(url, body=json.dumps(body).encode()).json["launch_id"]
    members = smart.exchange(smart.authorize(value).back["code"]).json
    assert members["appContext"] == "874ed54f-74cb-4499-8da5-eaccb2e07a98"


@pytest.mark.parametrize("path", ["/sim/launch", "/fhir/_services/smart/Launch"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"launchUrl": "https://evil.example", "launch_url": "https://evil.example"}',
        b'{"patient": "nobody", "parameters": {"patient": "nobody"}}',
        b'{"patient": "sandbox-renal", "surprise": 1, "parameters": []}',
    ],
)
def test_a_malformed_request_for_a_launch_is_refused(
    ehr: DevelopmentEhr, path: str, body: bytes
) -> None:
    reply = send(ehr.origin + path, body=body, method="POST")
    assert reply.status == 400
    assert reply.json


def test_pages_of_registered_origins_may_read_answers(clock: Clock) -> None:
    origin = "http://localhost:8080"
    client = registered("public", auth="none", origins=(origin,))
    with DevelopmentEhr(shipped_bundles(), [client], clock=clock) as ehr:
        for path in ("/auth/token", "/fhir/Patient/sandbox-renal", "/fhir/_services/smart/Launch"):
            for method in ("OPTIONS", "POST"):
                mine = send(ehr.origin + path, headers={"Origin": origin}, method=method)
                assert mine.headers["Access-Control-Allow-Origin"] == origin
                assert "Authorization" in mine.headers["Access-Control-Allow-Headers"]
                other = {"Origin": "https://evil.example"}
                foreign = send(ehr.origin + path, headers=other, method=method)
                assert "Access-Control-Allow-Origin" not in foreign.headers


def test_what_is_not_there_is_not_found(ehr: DevelopmentEhr) -> None:
    for path in ("/nothing", "/sim/x/fhir", CALLBACK.removeprefix("http://localhost:5000")):
        assert send(ehr.origin + path).status == 404


def test_pages_and_documents_have_an_icon(ehr: DevelopmentEhr) -> None:
    assert (
        'rel="icon" type="image/svg+xml" href="/pages/favicon.svg"'
        in send(f"{ehr.origin}/launcher").text
    )
    for path in ("/pages/favicon.svg", "/favicon.ico"):
        reply = send(ehr.origin + path)
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("image/svg+xml")
        assert reply.text.startswith("<svg ")


def test_a_page_at_the_other_name_of_this_machine_leads_to_the_known_one(
    ehr: DevelopmentEhr,
) -> None:
    port = ehr.origin.rpartition(":")[2]
    reply = send(f"{ehr.origin}/launcher?x=1", headers={"Host": f"localhost:{port}"})
    assert (reply.status, reply.headers["Location"]) == (303, f"{ehr.origin}/launcher?x=1")
    records = send(f"{ehr.base}/metadata", headers={"Host": f"localhost:{port}"})
    assert records.status == 200
