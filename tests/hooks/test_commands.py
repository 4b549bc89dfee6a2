"""`flask --app app ehrs check`, as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.demo.server import ROOT, new_database
from web.trust import SANDBOX

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
    ):
        assert line in told


def test_a_wrong_record_is_told_with_line_and_key_and_no_traceback(tmp_path: Path) -> None:
    status, told = check(tmp_path, RECORD.replace("issuer", "isuer"))
    assert status != 0
    assert "trust.toml, line 7: ehr.hospital.cds.isuer: is not known here" in told
    assert "Traceback" not in told


def test_a_service_that_there_is_not_is_told(tmp_path: Path) -> None:
    status, told = check(tmp_path, RECORD.replace("care-gaps", "care-gap"))
    assert status != 0
    assert "'care-gap' is no service here. There are: care-gaps, medication-safety" in told
