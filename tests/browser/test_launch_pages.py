"""The app's pages in a real browser: nothing sticks out, everyone can use them, paper is named."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.serving import make_server

from launch import overview, pages
from launch.context import NotOpened
from sandbox.fhir.server import FhirServer
from sandbox.http import faults
from tests.demo.server import ROOT, _Quiet, whole
from tests.launch import charts
from tests.launch.made import ALL, NOW, TOKEN, reader_of
from web import logs

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LONG = "Unbroken" * 12
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGES = (
    "chart",
    "faulty",
    "partial",
    "long",
    "unread",
    "error",
    "connect",
    "window",
    "forward",
    "out",
)


def _pages(server: FhirServer, long: FhirServer) -> Flask:
    """Each page under its name, with the policy that the app sends."""
    app = Flask("pages", root_path=str(ROOT))
    logs.init_app(app)
    form = overview.Form("/chart/", "form-token", charts.ID)

    @app.after_request
    def policy(answer):  # type: ignore[no-untyped-def]
        if answer.status_code == 304:
            answer.close()  # as web/headers.py does
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    def drawn(name: str) -> tuple[str, int]:
        server.clear()
        opened = None
        if name == "faulty":
            for type, fault in (
                ("Condition", faults.Status(500)),
                ("AllergyIntolerance", faults.OtherPatient()),
                ("MedicationRequest", faults.Status(403)),
                ("Observation", faults.Throttled(20)),
            ):
                server.plant(type, fault)
        if name == "partial":
            server.plant("Condition", faults.Partial())
            server.plant("MedicationRequest", faults.ForeignNext("http://127.0.0.1:9/"))
            server.plant("Observation", faults.Unreadable())
            opened = NotOpened("too-old")
        if name == "unread":
            server.plant("Patient", faults.Status(503))
        reader = reader_of(long if name == "long" else server, ALL)
        return overview.page(reader.launch, reader, opened, form, NOW)

    @app.get("/<name>/")
    def show(name: str) -> tuple[str, int] | str:
        match name:
            case "error":
                return pages.error("ehr-slow", "4f2a9c01d3e87b66", "/chart/")
            case "connect":
                return pages.connect([("General Hospital", "/a"), (LONG, "/b")])
            case "window":
                return pages.new_window("/smart/launch?iss=a&launch=b")
            case "forward":
                # Its script would post it at once.
                return pages.forward("/a", [("a", "b")]).replace("forward.js", "none.js")
            case "out":
                return pages.signed_out()
        return drawn(name)

    return app


def _long() -> charts.Json:
    name = [{"family": LONG, "given": [LONG, "Ruth"]}]
    return charts.bundle(
        charts.patient(name=name, identifier=[{"value": LONG}]),
        charts.problem("x1", LONG),
        charts.allergy("x2", LONG, criticality="high", onsetDateTime="2009-05-14"),
        charts.order("x3", LONG, "on-hold", dosageInstruction=[{"text": LONG}]),
        *(
            charts.result(f"r{n}", f"{LONG}{n}", f"{n}", 123456.789, LONG, "2026-01-02")
            for n in range(14)
        ),
        charts.result("r99", LONG, "99", None, "", "2026-01-02", valueString=LONG),
        charts.USER,
    )


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with (
        FhirServer([charts.chart()], token=TOKEN) as server,
        FhirServer([_long()], token=TOKEN) as long,
    ):
        app = _pages(server, long)
        running = make_server("127.0.0.1", 0, whole(app), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.port}"
        running.shutdown()
        thread.join()
        running.server_close()


@dataclass
class Chromium:
    """A browser, and the address of the pages."""

    browser: playwright.Browser
    address: str

    def open(self, name: str, width: int = 400, dark: bool = False) -> playwright.Page:
        """One page in a window of its own, with all that its console said in `said`."""
        scheme = "dark" if dark else "light"
        page = self.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.said = []
        page.asked = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{self.address}/{name}/")
        return page


@pytest.fixture(scope="module")
def chromium(address: str) -> Iterator[Chromium]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not on PATH")
    with playwright.sync_playwright() as runs:
        browser = runs.chromium.launch(
            executable_path=path, args=["--no-sandbox"], env=dict(os.environ)
        )
        yield Chromium(browser, address)
        browser.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(chromium: Chromium, name: str, width: int, dark: bool) -> None:
    page = chromium.open(name, width, dark)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = axe.Axe().run(page, options={"runOnly": RULES}).response["violations"]
    told = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]
    page.close()
    assert told == []


@pytest.mark.parametrize("width", [320, 400, 800, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_sideways(chromium: Chromium, name: str, width: int) -> None:
    page = chromium.open(name, width)
    over = page.evaluate(OVERFLOW)
    page.close()
    assert over == 0


@pytest.mark.req("SL-093", "SL-091")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_its_own_files_and_breaks_no_policy(chromium: Chromium, name: str) -> None:
    page = chromium.open(name)
    asked = [url for url in page.asked if not url.startswith(chromium.address)]
    said = [text for text in page.said if "Content Security Policy" in text]
    page.close()
    assert asked == []
    assert said == []


@pytest.mark.req("SL-085")
def test_the_browser_keeps_nothing(chromium: Chromium) -> None:
    page = chromium.open("chart")
    kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    page.close()
    assert kept == [0, 0, ""]


@pytest.mark.req("SL-088")
def test_the_name_stays_in_sight(chromium: Chromium) -> None:
    page = chromium.open("chart")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    top = page.evaluate("document.querySelector('.patient').getBoundingClientRect().top")
    page.close()
    assert top == 0


@pytest.mark.req("SL-088")
def test_paper_says_whose_it_is_and_has_no_buttons(chromium: Chromium) -> None:
    page = chromium.open("chart", 800)
    page.emulate_media(media="print")
    footer = page.locator(".printed").inner_text()
    display = page.evaluate("getComputedStyle(document.querySelector('.patient')).display")
    buttons = page.locator(".btn:visible").count()
    page.close()
    assert footer.startswith("Sample, Ruth Adelheid · born 03 Mar 1956 · MRN TEST-0042")
    assert display == "table-header-group"
    assert buttons == 0


def test_the_keyboard_goes_where_the_eye_goes(chromium: Chromium) -> None:
    page = chromium.open("chart")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().split(' ')[0]"))
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px"
    page.close()
    assert reached == [
        "Go",
        "Allergies",
        "Medications",
        "Results",
        "Problems",
        "Vital",
        "Sign",
        "What",
    ]


def test_targets_are_large_enough(chromium: Chromium) -> None:
    page = chromium.open("faulty")
    small = page.evaluate(
        "[...document.querySelectorAll('a, button, summary')]"
        ".filter(each => !each.matches('.skip') && each.getBoundingClientRect().height < 24)"
        ".map(each => each.textContent)"
    )
    page.close()
    assert small == []


def test_grants_open_without_a_script(chromium: Chromium) -> None:
    context = chromium.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{chromium.address}/chart/")
    page.locator("summary").first.click()
    visible = page.locator(".granted").is_visible()
    context.close()
    assert visible
