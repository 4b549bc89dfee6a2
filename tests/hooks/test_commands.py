"""`flask --app app ehrs check`, as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from launch.keys import KeyFolder
from tests.demo.server import ROOT, new_database
from web.trust import SANDBOX, SCOPES, SCOPES_V1

RECORD = """
[ehr.hospital]
time_zone = "America/Chicago"
fhir_bases = ["https://fhir.hospital.example/r4"]

[ehr.hospital.cds]
issuer = "https://fhir.hospital.example/r4"
keys = "keys.json"
services = ["care-gaps"]
tenants = ["north"]
"""

SMART = """
[ehr.clinic]
time_zone = "America/Chicago"
fhir_bases = ["https://fhir.clinic.example/r4"]

[ehr.clinic.smart]
client_id = "chartside-at-the-clinic"
endpoint_hosts = ["login.clinic.example"]
frame_ancestors = ["https://ehr.clinic.example"]
tenant = "north"
"""
LAX = """
auth = "client_secret_basic"
secret_variable = "CLINIC_SECRET"
refresh = "online"
oidc_issuer = "https://login.clinic.example/oauth2"
nonce = "if_present"
needs_user = false
s256_unlisted = true
legacy_metadata = true
private_network = true
standalone = false
"""


def check(folder: Path, record: str, **variables: str) -> tuple[int, str]:
    assert SANDBOX.cds is not None
    (folder / "trust.toml").write_text(record)
    (folder / "keys.json").write_text(json.dumps({"keys": SANDBOX.cds.keys}))
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "ehrs", "check"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CHARTSIDE_CONFIG": str(folder / "trust.toml"),
            "CHARTSIDE_PUBLIC_URL": "https://cds.hospital.example/x",
            "CHARTSIDE_SECRET": "a secret of at least thirty-two characters",
            "CHARTSIDE_DATABASE": new_database(),
            "CHARTSIDE_KEYS_FOLDER": str(folder / "client-keys"),
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_says_what_a_record_allows_and_refuses(tmp_path: Path) -> None:
    status, told = check(tmp_path, RECORD)
    assert status == 0
    for line in (
        "hospital: America/Chicago",
        "may be asked for data: https://fhir.hospital.example/r4",
        "keys: none that can be used, so every call is refused",
        "refused: key 1: its private half is published",
        "tokens are for https://cds.hospital.example/x/cds-services/<id>",
        "services: care-gaps; all others are refused",
        "tenants: north",
        "may not launch the app",
    ):
        assert line in told


def test_it_says_how_the_app_is_launched_and_what_is_to_be_registered(tmp_path: Path) -> None:
    status, told = check(tmp_path, SMART)
    assert status == 0
    lines = [line.strip() for line in told.splitlines()]
    for line in (
        "may not call CDS Hooks services",
        "launches the app for https://fhir.clinic.example/r4; another iss is refused",
        "knows the app as chartside-at-the-clinic, by a signature (private_key_jwt)",
        "registered there: launch URL https://cds.hospital.example/x/smart/launch",
        "registered there: redirect URI https://cds.hospital.example/x/smart/callback/clinic",
        "registered there: JWKS URL https://cds.hospital.example/x/.well-known/jwks.json",
        "is asked for: launch (launch/patient without the EHR's link), and",
        f"is asked for: {' '.join(SCOPES)}",
        f"is asked for, if it knows no scopes of SMART 2: {' '.join(SCOPES_V1)}",
        "refresh token: not asked for; a chart ends with its access token",
        "endpoints: on fhir.clinic.example, login.clinic.example; a document that names another "
        "is refused",
        "users: as the issuer of its discovery document signs with RS256",
        "users: a launch without an identified one is refused",
        "tenant: north; a launch of another is refused",
        "may frame the app: https://ehr.clinic.example",
        "without the EHR's link: https://cds.hospital.example/x/smart/connect/clinic",
    ):
        assert line in lines
    assert "let pass" not in told


def test_it_says_that_a_key_is_missing_and_then_which_one_signs(tmp_path: Path) -> None:
    _, told = check(tmp_path, SMART)
    assert "refused: every start in production." in told
    assert "there is no key for ES384. Run: flask --app app keys rotate" in told
    keys = KeyFolder(tmp_path / "client-keys")
    keys.ensure()
    _, told = check(tmp_path, SMART)
    assert f"signs with ES384, key {keys.signing('ES384').kid}" in told
    assert "refused: every start" not in told


def test_it_says_what_is_let_pass_and_never_a_secret(tmp_path: Path) -> None:
    secret = "Vq7-eR2.tY9_uK4~pL6wZ3-mB8.xC1_sD5"
    status, told = check(tmp_path, SMART + LAX, CLINIC_SECRET=secret)
    assert status == 0
    assert "by a secret (client_secret_basic)" in told
    assert "refresh token: while the user is signed in at the EHR" in told
    assert "users: as https://login.clinic.example/oauth2 signs with RS256" in told
    assert "without the EHR's link: refused" in told
    assert told.count("let pass: ") == 4
    for absent in (secret, "jwks.json", "signs with ES384", "a launch without an identified"):
        assert absent not in told


def test_it_says_that_anybody_can_act_as_a_client_that_proves_nothing(tmp_path: Path) -> None:
    status, told = check(tmp_path, SMART + 'auth = "none"\n')
    assert status == 0
    assert "(public client): anybody can act as this client\n" in told
    assert "JWKS URL" not in told


def test_a_wrong_record_is_told_with_line_and_key_and_no_traceback(tmp_path: Path) -> None:
    status, told = check(tmp_path, RECORD.replace("issuer", "isuer"))
    assert status != 0
    assert "trust.toml, line 7: ehr.hospital.cds.isuer: is not known here" in told
    assert "Traceback" not in told


def test_findings_that_are_graded_or_misspelt_are_told(tmp_path: Path) -> None:
    grades = '\n[ehr.hospital.cds.grades]\n"appt.noshow" = "off"\n"appt.no-show" = "info"\n'
    status, told = check(tmp_path, RECORD + grades)
    assert status == 0
    assert "finding appt.noshow: off\n" in told
    assert "no finding of this project is called appt.no-show\n" in told


def test_a_service_that_there_is_not_is_told(tmp_path: Path) -> None:
    status, told = check(tmp_path, RECORD.replace("care-gaps", "care-gap"))
    assert status != 0
    assert "'care-gap' is no service here. There are: care-gaps, lab-orders" in told
