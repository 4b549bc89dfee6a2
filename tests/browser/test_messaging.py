"""SMART Web Messaging in a real browser: an app in the frame of a chart, and the page around it.

The app is a page of this test at localhost, which is another site than the EHR's 127.0.0.1.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http.answer import Answer, redirect
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request
from tests.sandbox.apps import App, registered

playwright = pytest.importorskip("playwright.sync_api")

Json = dict[str, Any]

PATIENT = "sandbox-renal"
PATIENCE = 20_000
SCOPES = "launch messaging/scratchpad messaging/ui patient/Patient.r"
METFORMIN: Json = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {"text": "metformin 500 MG as the app would have it"},
}
SCRIPT = b"""
const { handle, origin } = document.documentElement.dataset;
window.message = (messageType, payload, changed) => ({
  messagingHandle: handle, messageId: crypto.randomUUID(), messageType, payload, ...changed,
});
window.say = (messageType, payload, changed) => new Promise(resolve => {
  const sent = window.message(messageType, payload, changed);
  addEventListener("message", event => {
    if (event.origin === origin && event.data.responseToMessageId === sent.messageId)
      resolve(event.data.payload);
  });
  parent.postMessage(sent, origin);
});
"""


class TestApp:
    """The app: it takes up a launch, and its page can say what a test wants."""

    __test__ = False

    def __init__(self) -> None:
        self._listener = Listener(0, self._respond)
        self.origin = f"http://localhost:{self._listener.server_address[1]}"
        self.scope = SCOPES
        self.ehr: DevelopmentEhr
        self._flow: App

    def __enter__(self) -> TestApp:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _respond(self, request: Request) -> Iterator[Piece]:
        yield from Fault().pieces(self._answer(request.path, dict(request.query)))

    def _answer(self, path: str, query: dict[str, str]) -> Answer:
        callback = f"{self.origin}/callback"
        if path == "/launch":
            self._flow = App(self.ehr, "public", self.scope)
            asked = self._flow.parameters(query["launch"], redirect_uri=callback)
            return redirect(f"{self.ehr.origin}/auth/authorize?{urlencode(asked)}")
        if path == "/callback":
            token = self._flow.exchange(query["code"], redirect_uri=callback).json
            return self._page(token["smart_web_messaging_handle"])
        if path == "/page":
            return self._page(query["handle"])
        if path == "/app.js":
            return Answer(200, SCRIPT, {"Content-Type": "text/javascript"})
        return Answer(404, b"", {"Content-Type": "text/plain"})

    def _page(self, handle: str) -> Answer:
        page = (
            f'<!doctype html><html data-handle="{handle}" data-origin="{self.ehr.origin}">'
            '<title>App</title><script src="/app.js"></script><h1>The app</h1>'
        )
        return Answer(200, page.encode(), {"Content-Type": "text/html"})


@dataclass
class Chart:
    """An opened chart with the app in its frame."""

    page: playwright.Page
    frame: playwright.Frame
    passed_on: list[str]

    def say(self, kind: str, payload: Json, **changed: str) -> Json:
        """The payload of the response."""
        answer: Json = self.frame.evaluate(
            "([kind, payload, changed]) => say(kind, payload, changed)", [kind, payload, changed]
        )
        return answer

    def drafts(self) -> playwright.Locator:
        return self.page.locator("#chart").get_by_text("as the app would have it")


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[DevelopmentEhr, TestApp, TestApp]]:
    """The EHR, its app, and another app of it, which its pages may have in frames too."""
    with ExitStack() as stack:
        app, other = stack.enter_context(TestApp()), stack.enter_context(TestApp())
        clients = [
            registered(
                client_id,
                auth="none",
                redirect_uris=(f"{each.origin}/callback",),
                launch_urls=(f"{each.origin}/launch",),
            )
            for client_id, each in (("public", app), ("other", other))
        ]
        ehr = stack.enter_context(DevelopmentEhr(shipped_bundles(), clients))
        app.ehr = other.ehr = ehr
        yield ehr, app, other


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not on PATH")
    with playwright.sync_playwright() as running:
        given = {"executable_path": path, "args": ["--no-sandbox"], "env": dict(os.environ)}
        browser = running.chromium.launch(**given)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: playwright.Browser) -> Iterator[playwright.Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def opened(
    page: playwright.Page,
    site: tuple[DevelopmentEhr, TestApp, TestApp],
    scope: str = SCOPES,
) -> Chart:
    """The chart at its order entry, with the app in the frame."""
    ehr, app, _ = site
    app.scope = scope
    passed_on: list[str] = []
    page.on("request", lambda r: passed_on.append(r.url) if r.url.endswith("/messaging") else None)
    visit = ehr.visits.start(PATIENT, "Practitioner/sandbox-ada")
    page.goto(f"{ehr.origin}/visits/{visit.id}/orders")
    page.get_by_role("button", name="Open Chartside").click()
    page.frame_locator("#app-frame").get_by_role("heading", name="The app").wait_for()
    frame = page.frame(name="app")
    assert frame is not None
    return Chart(page, frame, passed_on)


def test_an_app_changes_the_orders_on_the_page_and_says_that_it_is_done(
    page: playwright.Page, site: tuple[DevelopmentEhr, TestApp, TestApp]
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    chart = opened(page, site)
    assert chart.say("status.handshake", {}) == {}
    created = chart.say("scratchpad.create", {"resource": METFORMIN})
    assert created["status"] == "201 Created"
    chart.drafts().first.wait_for()
    draft = chart.say("scratchpad.read", {"location": created["location"]})["resource"]
    draft["medicationCodeableConcept"] = {"text": "metformin 250 MG, less of it"}
    assert chart.say("scratchpad.update", {"resource": draft}) == {"status": "200 OK"}
    page.locator("#chart").get_by_text("less of it").first.wait_for()
    assert chart.drafts().count() == 0
    gone = chart.say("scratchpad.delete", {"location": created["location"]})
    assert gone == {"status": "200 OK"}
    page.locator("#chart").get_by_text("less of it").first.wait_for(state="detached")
    # The frame is still the one that was opened.
    assert chart.frame.evaluate("document.title") == "App"
    chart.frame.evaluate("void say('ui.done', {})")
    page.locator("#app-frame").wait_for(state="detached")
    assert errors == []


def test_a_message_with_a_wrong_handle_or_for_another_patient_changes_nothing(
    page: playwright.Page, site: tuple[DevelopmentEhr, TestApp, TestApp]
) -> None:
    chart = opened(page, site)
    wrong = chart.say("scratchpad.create", {"resource": METFORMIN}, messagingHandle="guessed")
    assert wrong["status"] == "401 Unauthorized"
    other = {**METFORMIN, "subject": {"reference": "Patient/sandbox-diabetes"}}
    foreign = chart.say("scratchpad.create", {"resource": other})
    assert foreign["status"] == "403 Forbidden"
    assert PATIENT in foreign["outcome"]["issue"][0]["diagnostics"]
    assert chart.say("scratchpad.read", {})["scratchpad"] == []
    activity = chart.say("ui.launchActivity", {"activityType": "order-review"})
    assert activity["status"] == "failure"
    assert page.locator("#app-frame").count() == 1


def test_without_its_scope_a_message_changes_nothing(
    page: playwright.Page, site: tuple[DevelopmentEhr, TestApp, TestApp]
) -> None:
    chart = opened(page, site, "launch messaging/ui")
    assert chart.say("scratchpad.create", {"resource": METFORMIN})["status"] == "403 Forbidden"
    assert chart.drafts().count() == 0
    chart = opened(page, site, "launch messaging/scratchpad")
    assert chart.say("ui.done", {})["status"] == "failure"
    assert page.locator("#app-frame").count() == 1


HEARD = """() => {
  window.heard = [];
  addEventListener("message", event => window.heard.push(event.origin));
}"""


def test_nobody_but_the_app_at_its_own_origin_is_listened_to(
    page: playwright.Page, site: tuple[DevelopmentEhr, TestApp, TestApp]
) -> None:
    """The page's own listener runs before that of this test, which says when it has."""
    _, app, other = site
    chart = opened(page, site)
    handle = chart.frame.evaluate("document.documentElement.dataset.handle")
    page.evaluate(HEARD)
    order = {"resource": METFORMIN}
    # A frame within the app, at the app's origin: not the window that the EHR has opened.
    chart.frame.evaluate(
        "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))",
        f"/page?handle={handle}",
    )
    inner = chart.frame.child_frames[0]
    inner.wait_for_function("window.message")
    post = "([order]) => top.postMessage(message('scratchpad.create', order), '*')"
    inner.evaluate(post, [order])
    page.wait_for_function("heard.length === 1")
    # The frame itself, when it has gone elsewhere and taken the handle along.
    with page.expect_event("framenavigated", lambda f: f.url.startswith(other.origin)):
        chart.frame.evaluate(
            "url => { location.href = url }", f"{other.origin}/page?handle={handle}"
        )
    chart.frame.wait_for_function("window.message")
    chart.frame.evaluate(post, [order])
    page.wait_for_function("heard.length === 2")
    assert page.evaluate("heard") == [app.origin, other.origin]
    assert chart.passed_on == []
    assert chart.drafts().count() == 0
