"""Server processes in production mode: their environment, their trust records, their database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.demo.bodies import PLACEHOLDER
from tests.demo.client import Client
from tests.demo.server import ROOT, Granian, free_port, process, wait_until_ready
from tests.demo.signing import Signer
from tests.demo.tokens import PUBLIC_BASE

# Where `python -m web.server` finds the real application with the demo services.
WATCHED = ROOT / "tests" / "demo" / "watched"
SECRET = "not a secret but a key of these tests"


def environment(
    folder: Path, url: str, *ehrs: Signer, base: str = PLACEHOLDER, more: Mapping[str, str] = {}
) -> dict[str, str]:
    """The variables of a production server for these EHRs; their files are written to the folder.

    `base`: their FHIR server. `more`: lines of TOML for the records of some, by id.
    """
    records = [_record(ehr, folder, base, more.get(ehr.id, "")) for ehr in ehrs]
    config = folder / "ehrs.toml"
    config.write_text("\n".join(records))
    secret = folder / "secret"
    secret.write_text(SECRET + "\n")
    return {
        "CHARTSIDE_CONFIG": str(config),
        "CHARTSIDE_SECRET_FILE": str(secret),
        "CHARTSIDE_PUBLIC_URL": PUBLIC_BASE,
        "CHARTSIDE_DATABASE": url,
    }


def _record(ehr: Signer, folder: Path, base: str, more: str) -> str:
    keys = folder / f"{ehr.id}.json"
    keys.write_text(json.dumps({"keys": [ehr.pair.jwk()]}))
    services = ["demo-patient-view", "demo-order-sign", "demo-order-select", "demo-shared"]
    return f"""
[ehr.{ehr.id}]
time_zone = "Europe/Oslo"
fhir_bases = ["{base}"]

[ehr.{ehr.id}.cds]
issuer = "{ehr.issuer}"
keys = "{keys.name}"
audiences = ["{PUBLIC_BASE}"]
services = {json.dumps([*services, "demo-crash"])}
origins = ["{ehr.origin}"]
{more}
"""


def command(
    *arguments: str, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`flask --app app` with these arguments and this environment, run to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "flask", "--app", "app", *arguments],
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def running(folder: Path, name: str, *options: str, **variables: str) -> Iterator[Granian]:
    """A server process with one worker; what it says goes to a file of this name."""
    log, port = folder / name, free_port()
    with process(
        "--port", str(port), "--workers", "1", *options, cwd=WATCHED, log=log, **variables
    ) as started:
        wait_until_ready(started, port, log)
        yield Granian(Client(f"http://127.0.0.1:{port}"), log, folder, started.pid)
