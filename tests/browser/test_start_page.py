"""The start page in a real browser: what HTTP tests cannot see."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from app import create_app
from fhir.records import Observation, Patient
from hooks import Finding, service
from tests.demo.server import new_database
from web.settings import Settings

if TYPE_CHECKING:
    from tests.browser.conftest import Tab

DISCOVERY = "http://localhost:5000/x/y/cds-services"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
CODES = ",".join(f"http://loinc.org|{number}-4" for number in range(4000, 4060))
LABS = "Observation?patient={{context.patientId}}&code=" + CODES


@service(
    "order-select",
    "order-sign",
    id="a-service-with-an-id-of-many-words-that-goes-on-and-on-and-on",
    title="Unbroken" * 30,
    description="https://example.org/" + "path" * 60,
    prefetch={
        "patient": "Patient/{{context.patientId}}",
        "labs": LABS,
    },
)
def wide(patient: Patient, labs: list[Observation] | None) -> Iterator[Finding]:
    yield from ()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    settings = Settings(
        mode="development", public_url="http://localhost:5000/x/y", database=new_database()
    )
    server = make_server("127.0.0.1", 0, create_app(settings, services=[wide]), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x/y/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("width", [320, 400, 800, 1280])
def test_nothing_sticks_out_sideways(tab: Tab, address: str, width: int) -> None:
    tab.open(address, width)
    tab.value(OPEN_ALL)
    assert tab.value(OVERFLOW) == 0


def test_it_loads_its_own_files_only_and_breaks_no_policy(tab: Tab, address: str) -> None:
    tab.open(address, 400)
    assert tab.value("document.styleSheets.length") == 2
    assert tab.value("document.querySelector('.brand img').naturalWidth") > 0
    events = [(each["method"], each["params"]) for each in tab.seen]
    asked = [told["request"]["url"] for name, told in events if name == "Network.requestWillBeSent"]
    assert len(asked) >= 4
    assert [url for url in asked if not url.startswith(address)] == []
    assert [told["entry"]["text"] for name, told in events if name == "Log.entryAdded"] == []


def test_it_follows_the_colour_scheme(tab: Tab, address: str) -> None:
    grounds = []
    for dark in (False, True):
        tab.open(address, 400, dark)
        grounds.append(tab.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(241, 244, 245)", "rgb(15, 22, 27)"]


def test_one_click_selects_the_discovery_address(tab: Tab, address: str) -> None:
    tab.open(address, 400)
    tab.click(".copy")
    assert tab.value("getSelection().toString()") == DISCOVERY


def test_a_query_is_copied_as_it_is_sent(tab: Tab, address: str) -> None:
    tab.open(address, 400)
    tab.value(OPEN_ALL)
    tab.value("getSelection().selectAllChildren(document.querySelectorAll('.query')[1])")
    assert tab.value("getSelection().toString()") == LABS


def test_the_keyboard_reaches_everything_and_shows_where_it_is(tab: Tab, address: str) -> None:
    tab.open(address, 400)
    reached = []
    for _ in range(4):
        tab.press("Tab")
        reached.append(tab.value("document.activeElement.textContent.split(' ')[0]"))
        assert tab.value("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert reached == ["Go", "Open", "Show", "Prefetch"]
    assert not tab.value("document.querySelector('details').open")
    tab.press("Enter")
    assert tab.value("document.querySelector('details').open")
