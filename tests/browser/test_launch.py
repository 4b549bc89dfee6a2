"""Launches in a real browser: the app at localhost, the EHRs at 127.0.0.1, which is another site.

The browser keeps pages for the back button as browsers of people do, which Playwright's own does
not. Nothing waits for a time: a chart is there when its patient's name is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from launch.pages import _WORDS
from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request
from tests.launch.stage import OTHER, PATIENT, Stage, stage

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

NAMES = {PATIENT: "Sandbox, Rena", OTHER: "Sandbox, Diego", "sandbox-healthy": "Sandbox, Hale"}
TWO = (PATIENT, OTHER)
FRAMES = f"ehr?patients={PATIENT},{OTHER}"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LAUNCH_COOKIE = re.compile(r"__Host-sl-[0-9a-f]{16}")
PATIENCE = 20_000
LEFT = "() => { window.old = true; }"
NEW = "() => !window.old && document.readyState === 'complete'"
# With these an authorization request is longer than what goes as an address.
MANY = tuple(
    f"patient/{type}.{permission}"
    for type in (
        *("AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "Device"),
        *("DiagnosticReport", "DocumentReference", "Encounter", "FamilyMemberHistory", "Goal"),
        *("Immunization", "Medication", "MedicationAdministration", "MedicationDispense"),
        *("MedicationRequest", "MedicationStatement", "NutritionOrder", "Observation", "Patient"),
        *("Procedure", "QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen"),
    )
    for permission in ("r", "s", "rs")
)
# How many things of each kind the browser keeps for a page and shows to its scripts.
KEPT = """() => Promise.all([
    () => localStorage.length, () => sessionStorage.length, () => document.cookie.length,
    async () => (await indexedDB.databases()).length, async () => (await caches.keys()).length,
    async () => (await navigator.serviceWorker.getRegistrations()).length,
].map(async count => { try { return await count(); } catch (error) { return error.name; } }))"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    """What `site` is made of; a test takes `site`."""
    with stage("north", "south") as running:
        yield running


@pytest.fixture
def site(shared: Stage) -> Stage:
    """The application and its EHRs, which have seen nothing yet. Its time goes forward only."""
    for ehr in shared.ehrs.values():
        ehr.seen.clear()
    return shared


@pytest.fixture(scope="module")
def by_form() -> Iterator[Stage]:
    """An EHR that is asked for so much that the request does not go into an address."""
    with stage("long", smart={"scopes": ("openid", "fhirUser", *MANY)}) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """An origin that no trust record lists; its page has in a frame whatever address it is given.

    It is on the site of the EHRs, so the app's cookies are there as they are in the EHR's page.
    """

    def respond(request: Request) -> Iterator[Piece]:
        source = dict(request.query).get("src", "about:blank").replace("&", "&amp;")
        page = f'<!doctype html><title>Elsewhere</title><iframe src="{source}"></iframe>'
        yield from Fault().pieces(Answer(200, page.encode(), {"Content-Type": "text/html"}))

    listener = Listener(0, respond)
    listener.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}/"
    listener.close()


@pytest.fixture(scope="module")
def runs() -> Iterator[playwright.Playwright]:
    with playwright.sync_playwright() as running:
        yield running


def _started(tool: playwright.Playwright, profile: Path | None = None, **options):  # type: ignore[no-untyped-def]
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not on PATH")
    given = {
        "executable_path": path,
        "args": ["--no-sandbox"],
        "env": dict(os.environ),
        "ignore_default_args": ["--disable-back-forward-cache"],
        **options,
    }
    if profile is None:
        return tool.chromium.launch(**given)
    return tool.chromium.launch_persistent_context(profile, **given)


@pytest.fixture(scope="module")
def chromium(runs: playwright.Playwright) -> Iterator[playwright.Browser]:
    browser = _started(runs)
    yield browser
    browser.close()


@pytest.fixture
def person(chromium: playwright.Browser) -> Iterator[Person]:
    """Somebody with a browser of their own, without cookies yet."""
    someone = Person(chromium.new_context(viewport={"width": 1280, "height": 1000}))
    yield someone
    someone.context.close()


class Person:
    """A context of the browser, with all that its pages ask for and say."""

    def __init__(self, context: playwright.BrowserContext) -> None:
        self.context = context
        self.asked: list[str] = []
        self.said: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("console", lambda message: self.said.append(message.text))
        context.on("weberror", lambda error: self.said.append(str(error.error)))

    def page(self, url: str) -> playwright.Page:
        page = self.context.new_page()
        page.goto(url)
        return page

    def charts(self, site: Stage) -> playwright.Page:
        """The EHR's page, with the app in two frames and a chart in each."""
        page = self.page(f"{site.ehr.origin}/{FRAMES}")
        for patient in TWO:
            shows(frame(page, patient), patient)
        return page

    def violations(self) -> list[str]:
        """What the browser has said about policies and scripts."""
        return [text for text in self.said if "Failed to load resource" not in text]


def frame(page: playwright.Page, patient: str) -> playwright.Frame:
    """The app's frame in the chart of this patient."""
    # Playwright knows the name of a frame of another site a moment later.
    found = page.locator(f"iframe[name=app-{patient}]").element_handle().content_frame()
    assert found
    return found


def shows(where: playwright.Frame | playwright.Page, patient: str) -> None:
    """There is the chart of this patient, and no word of the other's."""
    name = where.locator(".patient .name", has_text=NAMES[patient])
    name.wait_for(state="attached", timeout=PATIENCE)
    assert "/app/north." in address(where)
    html = where.content()
    assert patient in html
    for other in NAMES.keys() - {patient}:
        assert other not in html
        assert NAMES[other] not in html


def tells(where: playwright.Frame | playwright.Page, kind: str) -> None:
    """There is the page for what went wrong, and no patient."""
    title = _WORDS[kind].title  # type: ignore[index]
    where.locator("h1", has_text=title).wait_for(state="attached", timeout=PATIENCE)
    html = where.content()
    for patient, name in NAMES.items():
        assert name not in html
        assert patient not in html


def address(where: playwright.Frame | playwright.Page) -> str:
    """Where it is. Playwright does not follow to pages that were kept for the back button."""
    found: str = where.evaluate("location.href")
    return found


def go(page: playwright.Page, steps: int) -> None:
    """Back or forward, until there is a document that was not there before."""
    page.evaluate("steps => { window.old = true; setTimeout(() => history.go(steps)); }", steps)
    page.wait_for_function(NEW, polling=50)


def again(where: playwright.Frame | playwright.Page) -> None:
    """Reload, and be back when the new document is there."""
    where.evaluate("() => { window.old = true; setTimeout(() => location.reload()); }")
    # By a timer: Chromium draws no frame of another site that is out of view.
    where.wait_for_function(NEW, polling=50)


def launches_of(person: Person) -> list[dict[str, object]]:
    """The cookies of live launches."""
    return [c for c in person.context.cookies() if LAUNCH_COOKIE.fullmatch(c["name"])]


# --- in a frame ---


@pytest.mark.req("T-19", "SL-081", "SL-017")
def test_from_a_click_in_the_chart_to_the_page_in_a_cross_site_frame(
    site: Stage, person: Person
) -> None:
    page = person.page(f"{site.ehr.origin}/launcher")
    page.locator("a", has_text="Two charts").click()
    page.frame_locator("iframe").first.locator(".patient .name").wait_for()
    assert urlsplit(page.url).hostname == "127.0.0.1"
    names = set()
    for app in page.frames[1:]:
        names.add(app.locator(".patient .name").inner_text())
        assert urlsplit(app.url).hostname == "localhost"
    assert len(names) == 2
    cookies = [c for c in person.context.cookies() if c["domain"] == "localhost"]
    assert len(cookies) == 3  # of two launches, and of the jar
    for cookie in cookies:
        assert cookie["partitionKey"] == "http://127.0.0.1"
        assert cookie["sameSite"] == "None"
        assert cookie["secure"]
        assert cookie["httpOnly"]
        assert cookie["path"] == "/"
    assert person.violations() == []


@pytest.mark.req("T-13", "T-14", "SL-083")
def test_side_by_side_each_frame_keeps_its_patient(site: Stage, person: Person) -> None:
    page = person.charts(site)
    addresses = {patient: frame(page, patient).url for patient in TWO}
    assert len(set(addresses.values())) == 2
    for patient in (PATIENT, OTHER, PATIENT):
        again(frame(page, patient))
        for each in TWO:
            shows(frame(page, each), each)
            assert frame(page, each).url == addresses[each]


@pytest.mark.req("T-13")
def test_going_back_in_a_frame_goes_back_to_its_own_patient(site: Stage, person: Person) -> None:
    page = person.charts(site)
    app = frame(page, PATIENT)
    first = app.url
    app.locator("a", has_text="Problems").click()
    app.wait_for_url(f"{first}#problems")
    app.goto(site.link(patient=OTHER))
    shows(app, OTHER)
    assert app.url.partition("#")[0] != first
    page.evaluate("history.back()")
    shows(app, PATIENT)
    assert app.url == f"{first}#problems"
    page.evaluate("history.back()")
    app.wait_for_url(first)
    shows(app, PATIENT)
    page.evaluate("history.go(2)")
    shows(app, OTHER)
    assert app.url != first
    shows(frame(page, OTHER), OTHER)


@pytest.mark.req("SL-086", "SL-087", "T-13")
def test_signing_out_of_one_frame_leaves_the_other(site: Stage, person: Person) -> None:
    page = person.charts(site)
    assert len(launches_of(person)) == 2
    app = frame(page, PATIENT)
    chart = app.url
    app.locator("button", has_text="Sign out").click()
    app.locator("h1", has_text="You are signed out").wait_for()
    again(frame(page, OTHER))
    shows(frame(page, OTHER), OTHER)
    app.goto(chart)
    tells(app, "ended")
    assert len(launches_of(person)) == 1
    assert person.violations() == []


@pytest.mark.req("T-16", "SL-077")
def test_another_user_at_the_same_browser_ends_the_charts_of_the_first(
    site: Stage, person: Person
) -> None:
    page = person.charts(site)
    theirs = person.page(f"{site.ehr.origin}/{FRAMES}&user=Practitioner/sandbox-ben")
    for patient in TWO:
        shows(frame(theirs, patient), patient)
        assert "Ben Sandbox" in frame(theirs, patient).content()
    for patient in TWO:
        frame(page, patient).evaluate("location.reload()")
        tells(frame(page, patient), "ended")
        shows(frame(theirs, patient), patient)


@pytest.mark.req("T-17", "SL-086")
def test_a_frame_that_is_left_alone_shows_nothing_when_one_comes_back(
    site: Stage, person: Person
) -> None:
    page = person.charts(site)
    site.clock.forward(minutes=16)
    frame(page, PATIENT).evaluate("location.reload()")
    tells(frame(page, PATIENT), "ended")


@pytest.mark.req("SL-085", "SL-093", "SL-091", "SL-088")
def test_a_launch_leaves_nothing_with_the_browser_and_asks_nobody_else(
    site: Stage, person: Person
) -> None:
    page = person.charts(site)
    for patient in TWO:
        # In frames of another site the browser may refuse to keep anything to begin with.
        kept = frame(page, patient).evaluate(KEPT)
        assert [each for each in kept if each and not str(each).endswith("Error")] == []
        assert frame(page, patient).title().startswith(("RS ", "DS "))
    window = person.page(site.link())
    shows(window, PATIENT)
    assert window.evaluate(KEPT) == [0, 0, 0, 0, 0, 0]
    origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in person.asked}
    assert origins == {site.origin, site.ehr.origin}
    assert person.violations() == []


@pytest.mark.req("T-18", "SL-091")
def test_in_a_frame_of_an_origin_that_is_not_listed_there_is_nothing(
    site: Stage, person: Person, elsewhere: str
) -> None:
    chart = frame(person.charts(site), PATIENT).url
    page = person.context.new_page()
    for source in (
        site.link(),
        chart,
        f"{site.origin}/smart/connect",
        f"{site.origin}/app/north.{'x' * 32}/",
        f"{site.origin}/",
    ):
        with person.context.expect_console_message(_refused) as told:
            page.goto(f"{elsewhere}?src={quote(source, safe='')}")
        assert elsewhere.rstrip("/") not in told.value.text
        _is_empty(page)


@pytest.mark.req("T-18")
def test_a_chart_does_not_show_in_the_frame_of_another_ehr(site: Stage, person: Person) -> None:
    chart = frame(person.charts(site), OTHER).url
    page = person.page(f"{site.ehrs['south'].origin}/ehr?patients={PATIENT}")
    app = frame(page, PATIENT)
    app.locator(".patient .name", has_text=NAMES[PATIENT]).wait_for()
    assert "/app/south." in app.url
    with person.context.expect_console_message(_refused):
        app.evaluate("url => { setTimeout(() => { location.href = url; }); }", chart)
    _is_empty(page)


def _refused(message: playwright.ConsoleMessage) -> bool:
    return "frame-ancestors" in message.text


def _is_empty(page: playwright.Page) -> None:
    """The frame has what Chromium puts in place of a page that may not be there."""
    app = page.locator("iframe").element_handle().content_frame()
    assert app
    app.wait_for_function("() => location.href === 'chrome-error://chromewebdata/'")
    html = app.content()
    assert "Chartside" not in html
    assert "Sandbox, " not in html
    assert app.locator("form, .patient").count() == 0


# --- windows ---


@pytest.mark.req("T-19", "T-13")
def test_a_new_window_from_the_chart_is_a_launch_of_its_own(site: Stage, person: Person) -> None:
    page = person.charts(site)
    with person.context.expect_page() as opened:
        page.locator("a:visible", has_text="new window").click()
    shows(opened.value, PATIENT)
    assert opened.value.evaluate("window.opener") is None
    assert opened.value.url != frame(page, PATIENT).url
    keys = [c.get("partitionKey") for c in launches_of(person)]
    assert sorted(keys) == ["http://127.0.0.1", "http://127.0.0.1", "http://localhost"]
    # The address of a frame's chart is of no use in a window, where its cookie is not.
    window = person.page(frame(page, PATIENT).url)
    tells(window, "ended")
    opened.value.locator("button", has_text="Sign out").click()
    opened.value.locator("h1", has_text="You are signed out").wait_for()
    again(frame(page, PATIENT))
    shows(frame(page, PATIENT), PATIENT)


@pytest.mark.req("T-19")
def test_a_pop_up_that_a_script_opens(site: Stage, person: Person) -> None:
    page = person.page(f"{site.ehr.origin}/launcher")
    with page.expect_popup() as opened:
        page.evaluate(
            "url => { window.open(url, 'app', 'popup,width=420,height=800'); }", site.link()
        )
    shows(opened.value, PATIENT)
    again(opened.value)
    shows(opened.value, PATIENT)


@pytest.mark.req("T-19", "SL-016")
@pytest.mark.parametrize("way", ["launcher", "connect"])
def test_a_launch_in_the_whole_window(site: Stage, person: Person, way: str) -> None:
    if way == "launcher":
        page = person.page(f"{site.ehr.origin}/launcher")
        for other in page.locator("input[name=patient]:checked").all():
            other.uncheck()
        page.get_by_label(re.compile("Diego")).check()
        page.locator("button", has_text="Open the app").click()
    else:
        site.ehr.standalone(patient=OTHER)
        page = person.page(f"{site.origin}/smart/connect")
        page.locator("a", has_text="The EHR north").click()
    shows(page, OTHER)
    assert person.violations() == []


@pytest.mark.req("T-13", "SL-015")
def test_back_and_forward_between_two_charts_in_one_window(site: Stage, person: Person) -> None:
    page = person.page(site.link(patient=PATIENT))
    shows(page, PATIENT)
    page.evaluate(LEFT)
    page.goto(site.link(patient=OTHER))
    shows(page, OTHER)
    for steps, patient in ((-1, PATIENT), (1, OTHER), (-1, PATIENT)):
        go(page, steps)
        shows(page, patient)
        again(page)
        shows(page, patient)


@pytest.mark.req("SL-089", "T-22")
@pytest.mark.parametrize("where", ["here", "in another window"])
def test_going_back_after_signing_out_reveals_nothing(
    site: Stage, person: Person, where: str
) -> None:
    page = person.page(site.link())
    shows(page, PATIENT)
    chart = page.url
    page.evaluate(LEFT)
    if where == "here":
        page.locator("button", has_text="Sign out").click()
        page.locator("h1", has_text="You are signed out").wait_for()
        assert NAMES[PATIENT] not in page.content()
    else:
        page.goto(f"{site.ehr.origin}/launcher")
        other = person.page(chart)
        other.locator("button", has_text="Sign out").click()
        other.locator("h1", has_text="You are signed out").wait_for()
    go(page, -1)
    tells(page, "ended")
    assert address(page) == chart


@pytest.mark.req("SL-089")
def test_a_chart_shows_nothing_until_it_is_read_anew(site: Stage, person: Person) -> None:
    page = person.page(site.link())
    shows(page, PATIENT)
    reads = [each for each in site.ehr.seen if each.path == f"/fhir/Patient/{PATIENT}"]
    seen = "() => document.documentElement.checkVisibility()"
    assert page.evaluate(seen)
    # The state in which the browser keeps it, without the rest of leaving it.
    page.evaluate("() => { dispatchEvent(new Event('pagehide')); }")
    assert not page.evaluate(seen)
    page.evaluate(LEFT)
    page.goto(f"{site.ehr.origin}/launcher")
    go(page, -1)
    shows(page, PATIENT)
    assert page.evaluate(seen)
    anew = [each for each in site.ehr.seen if each.path == f"/fhir/Patient/{PATIENT}"]
    assert len(anew) == len(reads) + 1


# --- cookies that do not come back ---


@pytest.fixture
def blocking(site: Stage, runs: playwright.Playwright, tmp_path: Path) -> Iterator[Person]:
    """Somebody whose browser keeps no cookie of the app in pages of the EHR, partitioned or not."""
    profile = tmp_path / "Default"
    profile.mkdir()
    block = {"setting": 2, "last_modified": str(int((time.time() + 11_644_473_600) * 1e6))}
    cookies = {f"[*.]localhost,{site.ehr.origin}": block}
    preferences = {"profile": {"content_settings": {"exceptions": {"cookies": cookies}}}}
    (profile / "Preferences").write_text(json.dumps(preferences))
    context = _started(runs, tmp_path, viewport={"width": 1280, "height": 1000})
    yield Person(context)
    context.close()


@pytest.mark.req("SL-017", "T-19")
def test_without_cookies_in_the_frame_a_window_has_the_same_launch(
    site: Stage, blocking: Person
) -> None:
    page = blocking.page(f"{site.ehr.origin}/{FRAMES}")
    for patient in TWO:
        link = frame(page, patient).locator("a", has_text="Open in a new window")
        link.wait_for(state="attached")
    # Before the launch value is spent, and before anything else is asked of the EHR.
    asked = {each.path for each in site.ehr.seen if not each.path.startswith("/pages/")}
    assert asked <= {"/ehr", "/favicon.ico"}
    framed = page.locator(f"iframe[name=app-{PATIENT}]").get_attribute("src")
    with blocking.context.expect_page() as opened:
        frame(page, PATIENT).locator("a", has_text="Open in a new window").click()
    shows(opened.value, PATIENT)
    again(opened.value)
    shows(opened.value, PATIENT)
    assert framed
    launch = parse_qs(urlsplit(framed).query)["launch"]
    sent = [dict(each.query) for each in site.ehr.seen if each.path == "/auth/authorize"]
    assert [each["launch"] for each in sent] == launch
    assert blocking.violations() == []


# --- posts from elsewhere ---


@pytest.mark.req("T-20", "SL-084")
@pytest.mark.parametrize("target", ["frame", "window"])
def test_a_sign_out_form_of_another_origin_is_refused(
    site: Stage, chromium: playwright.Browser, target: str
) -> None:
    # Without the policies, so that a page of the EHR can do what a hostile one would.
    person = Person(chromium.new_context(bypass_csp=True))
    if target == "frame":
        page = person.charts(site)
        app = frame(page, PATIENT)
        name = f"app-{PATIENT}"
    else:
        app = person.page(site.link())
        shows(app, PATIENT)
        page = person.page(f"{site.ehr.origin}/launcher")
        name = ""
    chart = app.url
    # It even knows the token, which it has no way to read.
    fields = {
        each: app.locator(f"input[name={each}]").get_attribute("value")
        for each in ("form_token", "patient")
    }
    page.evaluate(
        """([action, target, fields]) => {
            const form = document.createElement("form");
            Object.assign(form, {method: "post", action, target});
            for (const [name, value] of Object.entries(fields)) {
                const field = document.createElement("input");
                Object.assign(field, {name, value, type: "hidden"});
                form.append(field);
            }
            document.body.append(form);
            form.submit();
        }""",
        [f"{chart}sign-out", name, fields],
    )
    # That the launch is known shows that its cookie was sent: it is the origin that is refused.
    tells(app if name else page, "cross-site")
    app.goto(chart)
    shows(app, PATIENT)
    person.context.close()


@pytest.mark.req("T-20", "SL-084", "T-13")
@pytest.mark.parametrize(("field", "kind"), [("patient", "mismatch"), ("form_token", "cross-site")])
def test_a_form_of_the_chart_beside_is_refused(
    site: Stage, person: Person, field: str, kind: str
) -> None:
    page = person.charts(site)
    mine, other = frame(page, PATIENT), frame(page, OTHER)
    value = other.locator(f"input[name={field}]").get_attribute("value")
    mine.locator(f"input[name={field}]").evaluate(
        "(field, value) => { field.value = value; }", value
    )
    chart = mine.url
    mine.locator("button", has_text="Sign out").click()
    tells(mine, kind)
    mine.goto(chart)
    shows(mine, PATIENT)
    again(other)
    shows(other, OTHER)


# --- requests that are posted ---


@pytest.mark.req("SL-035")
@pytest.mark.parametrize("script", [True, False], ids=["by its script", "by its button"])
def test_a_long_request_goes_on_as_a_form(
    by_form: Stage, chromium: playwright.Browser, script: bool
) -> None:
    by_form.ehr.seen.clear()
    person = Person(chromium.new_context(java_script_enabled=script))
    app = frame(person.page(f"{by_form.ehr.origin}/ehr?patients={PATIENT}"), PATIENT)
    if not script:
        app.locator("button", has_text="Continue to your EHR").click()
    app.locator(".patient .name", has_text=NAMES[PATIENT]).wait_for()
    assert "/app/long." in app.url
    (asked,) = [each for each in by_form.ehr.seen if each.path == "/auth/authorize"]
    assert asked.method == "POST"
    assert asked.query == []
    assert len(dict(asked.form)["scope"]) > 1500
    assert person.violations() == []
    person.context.close()


@pytest.mark.req("SL-035")
def test_without_scripts_a_launch_works_to_its_end(
    site: Stage, chromium: playwright.Browser
) -> None:
    person = Person(chromium.new_context(java_script_enabled=False))
    page = person.page(site.link(skip_login=False, skip_auth=False))
    page.locator("button.main", has_text="Sign in").click()
    page.locator("button.main", has_text="Allow access").click()
    page.locator(".patient .name", has_text=NAMES[PATIENT]).wait_for()
    page.locator("button", has_text="Sign out").click()
    page.locator("h1", has_text="You are signed out").wait_for()
    person.context.close()


# --- everyone can use them ---


def test_axe_finds_nothing_in_the_charts_and_in_the_frame(site: Stage, person: Person) -> None:
    page = person.charts(site)
    app = frame(page, PATIENT)
    app.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert app.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [400, 400]
    faultless(page, app)
    fits(page)


@pytest.mark.parametrize("name", ["launcher", "ehr?patients=nobody"])
def test_axe_finds_nothing_on_other_pages_of_the_ehr(
    site: Stage, person: Person, name: str
) -> None:
    page = person.page(f"{site.ehr.origin}/{name}")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    faultless(page, page)
    fits(page)


def test_axe_finds_nothing_on_the_way_through_the_sign_in(site: Stage, person: Person) -> None:
    left = {"skip_login": False, "skip_auth": False, "encounter": "MANUAL"}
    page = person.page(site.link(patient=[PATIENT, OTHER], **left))
    for choice in ("user", "patient", "encounter", "scope"):
        option = page.locator(f"input[name={choice}]").first
        option.wait_for()
        faultless(page, page)
        fits(page)
        option.check()
        page.locator("button.main").click()
    shows(page, PATIENT)


def faultless(page: playwright.Page, where: playwright.Page | playwright.Frame) -> None:
    """Axe finds nothing, and in the dark nothing that is hard to read."""
    assert page.locator(".synthetic").inner_text() == "Synthetic data only"
    found = []
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        for each in dict.fromkeys((page, where)):
            answer = axe.Axe().run(each, options={"runOnly": rules}).response
            found += [(v["id"], [n["target"] for n in v["nodes"]]) for v in answer["violations"]]
    assert found == []


def fits(page: playwright.Page) -> None:
    """Nothing sticks out at the width of a side panel."""
    page.set_viewport_size({"width": 400, "height": 900})
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(over) == 0
    page.set_viewport_size({"width": 1280, "height": 1000})


def tab_to(page: playwright.Page, where: playwright.Page | playwright.Frame, wanted: str) -> None:
    """Press the tab key until the focus is there; it is in sight wherever it is on the way."""
    at = """wanted => {
        const here = document.activeElement;
        if (here === document.body || here.tagName === "IFRAME") return null;
        const drawn = here.matches("[type=radio]") && here.labels[0] || here;
        const outline = e => {
            const style = getComputedStyle(e);
            return style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
        };
        return [Math.max(outline(here), outline(drawn)), here.matches(wanted)];
    }"""
    for _ in range(40):
        page.keyboard.press("Tab")
        found = where.evaluate(at, wanted)
        if found is not None:
            assert found[0] >= 2, "the focus cannot be seen"
            if found[1]:
                return
    raise AssertionError(f"the tab key does not lead to {wanted}")


def test_a_launch_by_keyboard_alone(site: Stage, person: Person) -> None:
    left = {"skip_login": False, "skip_auth": False, "encounter": "MANUAL"}
    page = person.page(site.link(patient=[PATIENT, OTHER], **left))
    for choice in ("user", "patient", "encounter", "scope"):
        page.locator(f"input[name={choice}]").first.wait_for()
        tab_to(page, page, f"input[name={choice}]")
        if choice in ("patient", "encounter"):
            page.keyboard.press("Space")
        tab_to(page, page, "button.main")
        page.keyboard.press("Enter")
        if choice != "scope":
            page.locator(f"input[name={choice}]").first.wait_for(state="detached")
    shows(page, PATIENT)
    tab_to(page, page, "summary")
    page.keyboard.press("Enter")
    assert page.locator(".granted").is_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("h1", has_text="You are signed out").wait_for()


def test_the_keyboard_goes_from_the_chart_into_the_frame_and_on(
    site: Stage, person: Person
) -> None:
    page = person.charts(site)
    tab_to(page, page, "#tab-1")
    page.keyboard.press("ArrowRight")
    app = frame(page, OTHER)
    assert page.locator(f"iframe[name=app-{OTHER}]").is_visible()
    tab_to(page, app, "a.skip")
    page.keyboard.press("Enter")
    app.wait_for_url(re.compile("#main$"))
    tab_to(page, app, ".session button")
    page.keyboard.press("Enter")
    app.locator("h1", has_text="You are signed out").wait_for()
    shows(frame(page, PATIENT), PATIENT)
