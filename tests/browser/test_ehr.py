"""The pages of the development EHR in a real browser: everyone can use them, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.browser.whole import OVERFLOW, PATIENCE, RULES, Whole, chromium, whole

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

PAGES = {
    "patients": "/?inactive=1",
    "nobody": "/?q=zzz",
    "settings": "/settings?saved=1",
    "lint": "/lint?url={app}",
    "lint-wrong": "/lint?url=x",
    "launcher": "/launcher",
    "missing": "/patients/nobody",
    "summary": "{visit}",
    "problems": "{visit}/problems",
    "medications": "{visit}/medications",
    "allergies": "{visit}/allergies",
    "results": "{visit}/results",
    "appointments": "{visit}/appointments",
    "orders": "{ordering}/orders",
    "edit": "{ordering}/orders?edit={draft}",
    "curl": "{ordering}/orders?show=curl",
    "answer": "{ordering}/orders?show=answer",
    "app": "{with_app}",
    "full": "{with_app}?panel=full",
    "exchange": "{ordering}/exchanges/{exchange}",
}


@dataclass
class Desk:
    """A browser, and addresses of pages in each of their states."""

    browser: playwright.Browser
    origin: str
    places: dict[str, str]
    said: list[str] = field(default_factory=list)

    def open(self, name: str, width: int = 1440) -> playwright.Page:
        """One page in a window of its own, every part of it unfolded."""
        page = self.browser.new_page(viewport={"width": width, "height": 1000})
        page.set_default_timeout(PATIENCE)
        self.said.clear()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(self.origin + PAGES[name].format(**self.places))
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        return page


@pytest.fixture(scope="module")
def site() -> Iterator[Whole]:
    with whole() as running:
        yield running


@pytest.fixture(scope="module")
def desk(site: Whole) -> Iterator[Desk]:
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        visits = []
        for patient in ("sandbox-awkward", "sandbox-renal", "sandbox-warfarin"):
            page.goto(f"{site.ehr.origin}/patients/{patient}")
            visits.append(page.url.removeprefix(site.ehr.origin))
        page.locator("button", has_text="Open Chartside").click()
        page.frame_locator("#app-frame").locator(".patient .name").wait_for()
        page.goto(f"{site.ehr.origin}{visits[1]}/orders")
        page.locator("#add-861007").click()
        page.locator(".card.sev-critical").wait_for()
        visit = site.ehr.visits.find(visits[1].rpartition("/")[2])
        assert visit
        places = {
            "app": site.origin,
            "visit": visits[0],
            "ordering": visits[1],
            "with_app": visits[2],
            "draft": next(iter(visit.drafts)),
            "exchange": next(iter(visit.exchanges)).id,
        }
        page.close()
        yield Desk(browser, site.ehr.origin, places)


@pytest.mark.parametrize("width", [400, 1440])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_no_policy_is_broken(desk: Desk, name: str, width: int) -> None:
    page = desk.open(name, width)
    told = []
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        # The app in the frame has tests of its own.
        found = axe.Axe().run(page, options={"runOnly": rules, "iframes": False}).response
        told += [(each["id"], [n["target"] for n in each["nodes"]]) for each in found["violations"]]
    banner = page.locator(".synthetic").inner_text()
    page.close()
    assert told == []
    assert banner == "Synthetic data only"
    # Of a page that tells an error, the browser tells the status too.
    assert [text for text in desk.said if "status of 40" not in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_sideways(desk: Desk, name: str) -> None:
    page = desk.open(name)
    over = {}
    for width in (320, 400, 800, 1152, 1344, 1440):
        page.set_viewport_size({"width": width, "height": 1000})
        over[width] = page.evaluate(OVERFLOW)
    page.close()
    assert not any(over.values()), over


def test_the_app_is_400_pixels_wide_between_chart_and_inspector(desk: Desk) -> None:
    page = desk.open("app")
    boxes = [page.locator(each).bounding_box() for each in ("#main", "#app-frame", "#inspector")]
    page.set_viewport_size({"width": 1100, "height": 1000})
    stacked = [page.locator(each).bounding_box() for each in ("#main", "#app-frame", "#inspector")]
    page.close()
    assert 400 <= boxes[1]["width"] <= 402
    assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
    assert boxes[2]["width"] <= 480
    assert stacked[0]["y"] < stacked[1]["y"] < stacked[2]["y"]


def test_on_a_narrow_screen_the_app_that_opens_comes_into_view(site: Whole, desk: Desk) -> None:
    page = desk.browser.new_page(viewport={"width": 400, "height": 850})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{site.ehr.origin}/patients/sandbox-renal")
    page.locator("button", has_text="Open Chartside").click()
    page.frame_locator("#app-frame").locator(".patient .name").wait_for()
    top = page.evaluate("document.getElementById('frame').getBoundingClientRect().top")
    page.close()
    assert 0 <= top <= 80  # what the sticky bar of the patient may cover is left free


def tab_to(page: playwright.Page, wanted: str, most: int = 60) -> None:
    """Press the tab key until the focus is there; it is in sight wherever it is on the way."""
    at = """wanted => {
        const here = document.activeElement;
        if (here === document.body || here.tagName === "IFRAME") return null;
        const outline = getComputedStyle(here);
        const width = outline.outlineStyle === "none" ? 0 : parseFloat(outline.outlineWidth);
        const box = here.getBoundingClientRect();
        const seen = box.bottom > 0 && box.top < innerHeight;
        return [width, seen, here.matches(wanted)];
    }"""
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(at, wanted)
        if found is not None:
            assert found[0] >= 2, "the focus cannot be seen"
            assert found[1], "the focus is out of sight"
            if found[2]:
                return
    raise AssertionError(f"the tab key does not lead to {wanted}")


def test_an_order_by_keyboard_alone(desk: Desk, site: Whole) -> None:
    page = desk.browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{site.ehr.origin}/")
    tab_to(page, "#q")
    page.keyboard.type("rena")
    page.keyboard.press("Enter")
    page.locator("#found", has_text=" of ").wait_for()
    tab_to(page, 'a[href="/patients/sandbox-renal"]')
    page.keyboard.press("Enter")
    page.locator(".patient h1").wait_for()
    tab_to(page, "#tab-orders")
    page.keyboard.press("Enter")
    page.locator("#session-h").wait_for()
    # The focus stays where it was, so that the tabs can be gone through.
    assert page.evaluate("document.activeElement.id") == "tab-orders"
    tab_to(page, "#add-861007")
    page.keyboard.press("Enter")
    page.locator(".card.sev-critical").wait_for()
    tab_to(page, ".card.sev-critical summary")
    page.keyboard.press("Enter")
    tab_to(page, ".card.sev-critical input[type=radio]")
    page.keyboard.press("Space")
    tab_to(page, ".card.sev-critical details button")
    page.keyboard.press("Enter")
    page.locator(".outcome", has_text="Feedback stored.").wait_for()
    page.close()


def test_the_frame_is_not_loaded_again_while_the_chart_is_worked_on(
    desk: Desk, site: Whole
) -> None:
    page = desk.browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{site.ehr.origin}/patients/sandbox-renal")
    page.locator("button", has_text="Open Chartside").click()
    page.frame_locator("#app-frame").locator(".patient .name").wait_for()
    before = len([each for each in site.ehr.seen if each.path == "/auth/authorize"])
    page.locator("#tab-orders").click()
    page.locator("#add-861007").click()
    page.locator(".card.sev-critical").wait_for()
    page.locator("#frame-width").click()
    page.locator("#frame-width", has_text="Back to the panel").wait_for()
    page.go_back()
    page.locator(".card.sev-critical").wait_for()
    after = len([each for each in site.ehr.seen if each.path == "/auth/authorize"])
    page.locator("#close-app").click()
    page.locator("#app-frame").wait_for(state="detached")
    page.close()
    assert after == before
