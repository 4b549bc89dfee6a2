"""The whole of it for browser tests: Chartside with all its services, and the development EHR."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from app import create_app
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.demo.server import free_port, keys_folder, new_database
from tests.launch.stage import SECRET, record, registered, serving
from web.settings import Settings
from web.trust import Cds, Trust

PATIENCE = 20_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Whole:
    """Both at work, at two sites: the EHR at 127.0.0.1, Chartside at localhost."""

    ehr: DevelopmentEhr
    origin: str
    database: str


@contextmanager
def whole() -> Iterator[Whole]:
    """Both running, each knowing the other."""
    port = free_port()
    origin = f"http://localhost:{port}"
    client = registered(origin, "north", "private_key_jwt")
    cds = CdsSettings(servers=(origin,))
    with DevelopmentEhr(shipped_bundles(), [client], refetch_keys=True, cds=cds) as ehr:
        known = Cds(issuer=ehr.origin, jku=ehr.cds.signer.jku, audiences=(origin,))
        settings = Settings(
            mode="development",
            public_url=origin,
            secret=SECRET,
            database=new_database(),
            keys_folder=keys_folder(),
            trust=Trust((replace(record("north", ehr), cds=known),)),
        )
        with serving(create_app(settings, None, datetime.now), port):
            yield Whole(ehr, origin, settings.database)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser, or the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not on PATH")
    with playwright.sync_playwright() as runs:
        browser = runs.chromium.launch(
            executable_path=path, args=["--no-sandbox"], env=dict(os.environ)
        )
        yield browser
        browser.close()
