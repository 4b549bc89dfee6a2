"""What a launch leaves alone: other machines, the EHR's records, and what it has no use for."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiohttp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from fhir.loop import loop
from launch.cookies import digested
from launch.session import Launch, cookie_name
from tests.demo.server import ROOT, application
from tests.launch.browser import Browser, Page
from tests.launch.stage import Stage
from tests.offline import NoNetwork


def text_of(page: Page) -> str:
    """The page without what is of its own launch and minute."""
    text = re.sub(r'value="[^"]*"|/app/[^/]*/|\d\d:\d\d', "", page.text)
    assert "<h1" in text
    return text


def kept(site: Stage, browser: Browser, page: Page) -> Launch:
    """What the server knows of the launch of this page."""
    handle = urlsplit(page.url).path.split("/")[2]
    cookie = browser.jar[site.netloc][f"__Host-sl-{cookie_name(digested(handle))}"]
    live = site.app.extensions["chartside.sessions"].find(handle, digested(cookie))
    assert live
    launch: Launch = live.launch
    return launch


@pytest.mark.req("SL-059")
def test_the_encounter_is_neither_read_nor_shown(site: Stage, browser: Browser) -> None:
    page = site.open(browser, encounter="AUTO")
    assert page.status == 200
    encounters = [str(each["id"]) for each in site.ehr.fhir.store.all("Encounter")]
    assert kept(site, browser, page).encounter in encounters
    assert not any(id in page.text for id in encounters)
    assert not any("Encounter" in each.target for each in site.ehr.seen)
    assert text_of(page) == text_of(site.open(browser))


@pytest.mark.req("SL-061")
@pytest.mark.parametrize("intent", ["reconcile-medications", "<script>", "../overview", ""])
def test_no_intent_has_a_view_of_its_own(site: Stage, browser: Browser, intent: str) -> None:
    page = site.open(browser, intent=intent)
    assert page.status == 200
    assert kept(site, browser, page).intent == (intent or None)
    assert text_of(page) == text_of(site.open(browser))


@pytest.mark.req("SL-112")
def test_the_records_are_read_and_never_written(site: Stage, browser: Browser) -> None:
    page = site.open(browser)
    browser.get(page.url)
    browser.post(f"{page.url}sign-out", page.fields())
    asked = [each for each in site.ehr.seen if each.path.startswith("/fhir/")]
    assert len(asked) > 10
    for each in asked:
        assert each.method == "GET" or each.path.endswith("/_search"), (each.method, each.path)


@pytest.mark.req("SL-135")
@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443), ("10.0.0.1", 80)])
def test_no_test_leaves_this_machine(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as out, pytest.raises(NoNetwork):
        out.connect(address)
    with pytest.raises(NoNetwork):
        socket.getaddrinfo("fhir.hospital.example", 443)


@pytest.mark.req("SL-135")
def test_nor_does_what_it_tests() -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session, session.get("http://192.0.2.1/"):
            pass

    with pytest.raises(aiohttp.ClientConnectorError) as error:
        loop().submit(ask()).result(10)
    assert isinstance(error.value.os_error, NoNetwork)


@pytest.fixture(params=["development", "production"])
def app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application, for pytest-flask's `client`: no server is needed to see what is not there.

    In production too, where nothing but its own address is answered.
    """
    with application(mode=request.param) as made:
        yield made


@pytest.mark.req("T-30")
@pytest.mark.parametrize(
    "path",
    [
        "/ehr",
        "/launcher",
        "/auth/authorize",
        "/auth/token",
        "/sim/launch",
        "/fhir/metadata",
        "/fhir/Patient/sandbox-renal",
        "/fhir/.well-known/smart-configuration",
        "/fhir/_services/smart/Launch",
        "/jwks.json",
    ],
)
def test_nothing_of_the_development_ehr_is_served(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = client.open(path, method=method, base_url="http://localhost:5000")
        assert answer.status_code == 404


@pytest.mark.req("T-30")
def test_nothing_of_it_is_even_loaded() -> None:
    code = "import sys, app; sys.exit(any(name.startswith('sandbox') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
