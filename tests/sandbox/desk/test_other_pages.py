"""What pages of other sites can do to the EHR of a person who has both open: nothing."""

import json
from urllib.parse import quote

import pytest

from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import LAUNCH, Reply, registered, send

FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
TYPED = {"Sec-Fetch-Site": "none"}
WANTED = {"launch_url": LAUNCH, "patient": "sandbox-renal", "faults": ["disco_404"]}
FOR_HOOKS = {"launchUrl": LAUNCH, "parameters": {"patient": "sandbox-renal"}}
SMART = "/fhir/.well-known/smart-configuration"


def asked(ehr: DevelopmentEhr, path: str, headers: dict[str, str], body: object = None) -> Reply:
    """A request without a preflight, as any page may send it."""
    sent = None if body is None else json.dumps(body).encode()
    return send(ehr.origin + path, headers={"Content-Type": "text/plain", **headers}, body=sent)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sim/launch", WANTED),
        ("/fhir/_services/smart/Launch", FOR_HOOKS),
        (f"/launcher?launch_uri={quote(LAUNCH)}&auth_error=disco_404", None),
        ("/ehr", None),
        ("/patients/sandbox-renal", None),
        ("/lint?url=http://127.0.0.1:1", None),
    ],
)
@pytest.mark.parametrize("headers", [FOREIGN, {"Origin": "https://evil.example"}])
def test_a_page_of_another_site_does_nothing(
    ehr: DevelopmentEhr, path: str, body: object, headers: dict[str, str]
) -> None:
    assert asked(ehr, path, headers, body).status == 403
    assert send(ehr.origin + SMART).status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/patients/sandbox-renal", 303), ("/ehr", 200), (f"/launcher?launch_uri={LAUNCH}", 303)],
)
def test_an_address_may_be_typed(ehr: DevelopmentEhr, path: str, status: int) -> None:
    assert send(ehr.origin + path, headers=TYPED).status == status


def test_pages_that_do_nothing_may_be_led_to(ehr: DevelopmentEhr) -> None:
    for path in ("/", "/launcher", "/lint", "/settings"):
        assert send(ehr.origin + path, headers=FOREIGN).status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://sandbox.cds-hooks.org", 200),
        ("http://localhost:8080", 200),
        ("https://sandbox.cds-hooks.org.evil.example", 403),
        ("null", 403),
    ],
)
def test_tools_for_cds_hooks_get_launches(ehr: DevelopmentEhr, origin: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": origin}
    assert asked(ehr, "/fhir/_services/smart/Launch", headers, FOR_HOOKS).status == status


def test_an_app_reads_records_and_no_charts() -> None:
    own = "http://localhost:8080"
    with DevelopmentEhr([], [registered("public", auth="none", origins=(own,))]) as ehr:
        for path in ("/", "/patients/x", "/visits/x", "/settings", "/sim/launch"):
            answer = send(ehr.origin + path, headers={"Origin": own})
            assert "Access-Control-Allow-Origin" not in answer.headers
        for path in ("/fhir/metadata", "/auth/token", "/jwks.json"):
            assert send(ehr.origin + path, headers={"Origin": own}).headers[
                "Access-Control-Allow-Origin"
            ] in (own, "*")


def test_the_launcher_says_whom_its_faults_hit(ehr: DevelopmentEhr) -> None:
    assert "show to every app" in send(f"{ehr.origin}/launcher").text
