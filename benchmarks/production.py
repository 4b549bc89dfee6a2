"""What an operator sets up before Chartside may serve: trust record, pinned keys, database."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bodies, tokens
from store import database

Variables = dict[str, str]


def environment(folder: Path, services: Sequence[str], url: str) -> Variables:
    """The variables of a server in production mode that one EHR may call, its database migrated.

    The EHR's allowance and the number of calls at once are out of the way of the load.
    """
    engine = database.connect(url, patience=60)
    database.migrate(engine)
    engine.dispose()
    (folder / "keys.json").write_text(json.dumps(tokens.key_set()))
    config = folder / f"trust-{'-'.join(services)}.toml"
    config.write_text(
        f"""
[ehr.benchmark]
time_zone = "Europe/Oslo"
fhir_bases = ["{bodies.FHIR_SERVER}"]

[ehr.benchmark.cds]
issuer = "{tokens.ISSUER}"
keys = "keys.json"
services = {json.dumps(list(services))}
calls_a_minute = 1_000_000_000
"""
    )
    return {
        "CHARTSIDE_MODE": "production",
        "CHARTSIDE_CONFIG": str(config),
        "CHARTSIDE_SECRET": secrets.token_urlsafe(32),
        "CHARTSIDE_PUBLIC_URL": tokens.AUDIENCE,
        "CHARTSIDE_DATABASE": url,
        "CHARTSIDE_CALLS_AT_ONCE": "100",
    }


def sqlite(folder: Path, name: str) -> str:
    """The URL of a file that is not there yet."""
    return f"sqlite:///{folder / name}.db"
