"""The loop that the development EHR is for, walked in a browser against the real application.

Chart, card, app in the frame; order, critical card, override with a reason; a suggestion accepted;
two charts at once. What is stored is read from Chartside's own database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.browser.whole import PATIENCE, Whole, chromium, whole

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def site() -> Iterator[Whole]:
    with whole() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def page(browser: playwright.Browser, scripts: bool) -> Iterator[playwright.Page]:
    """A window with scripts, and one without."""
    size = {"width": 1440, "height": 1000}
    context = browser.new_context(viewport=size, java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def stored(site: Whole) -> list[dict[str, object]]:
    """The outcomes that Chartside has stored."""
    engine = sqlalchemy.create_engine(site.database)
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT * FROM feedback ORDER BY at")).mappings()
        found = [dict(row) for row in rows]
    engine.dispose()
    return found


def opened(page: playwright.Page, site: Whole, patient: str) -> str:
    """Opens a chart from the list; its address."""
    page.goto(f"{site.ehr.origin}/")
    page.locator(f'a[href="/patients/{patient}"]').click()
    page.locator(".patient h1").wait_for()
    return page.url


def entry(page: playwright.Page) -> None:
    page.locator("#tab-orders").click()
    page.locator("#session-h").wait_for()


def test_from_the_chart_by_a_card_to_the_app_and_back_to_the_service(
    site: Whole, page: playwright.Page, scripts: bool
) -> None:
    # A card that was overridden is not shown again: each walk has a patient of its own.
    patient, name = (
        ("renal", "Sandbox, Rena") if scripts else ("uncontrolled", "Adeyokun, Babatunde")
    )
    before = len(stored(site))
    opened(page, site, f"sandbox-{patient}")
    card = page.locator(".card", has_text="HbA1c is above 9 %")
    card.locator("button", has_text="Chartside").click()
    app = page.frame_locator("#app-frame")
    app.locator(".patient .name", has_text=name).wait_for()
    app.locator("text=Opened from a card").wait_for()
    assert page.locator("#app-frame").bounding_box()["width"] >= 400
    card = page.locator(".card", has_text="HbA1c is above 9 %")
    card.locator("summary").click()
    card.locator("input[type=radio]").first.check()
    card.get_by_role("button", name="Override with this reason").click()
    page.locator(".card .outcome", has_text="Feedback stored.").wait_for()
    assert len(stored(site)) == before + 1
    # The frame is as it was, or has been opened anew on the same chart.
    app.locator(".patient .name", has_text=name).wait_for()


def test_a_critical_card_is_overridden_with_a_reason_and_the_order_is_signed(
    site: Whole, page: playwright.Page
) -> None:
    before = len(stored(site))
    opened(page, site, "sandbox-renal")
    entry(page)
    page.locator("#add-861007").click()
    card = page.locator(".card.sev-critical", has_text="Metformin is contraindicated")
    card.wait_for()
    # What is ordered besides does not take the card away.
    page.locator("#add-197806").click()
    page.locator(".drafts tbody tr", has_text="ibuprofen").wait_for()
    row = page.locator(".drafts tbody tr", has_text="metformin")
    assert "Critical" in row.inner_text()
    assert page.locator(".sign button").get_attribute("aria-disabled") == "true"
    page.get_by_role("button", name="Remove ibuprofen").click()
    page.locator(".drafts tbody tr", has_text="ibuprofen").wait_for(state="detached")
    card.wait_for()
    card.locator("summary").click()
    card.get_by_role("button", name="Override with this reason").click()
    page.locator(".wrong").wait_for()
    card.get_by_label("Benefit outweighs the risk").check()
    card.get_by_label("Comment").fill("discussed with her")
    card.get_by_role("button", name="Override with this reason").click()
    page.locator(".outcome", has_text="Feedback stored.").wait_for()
    (outcome,) = stored(site)[before:]
    assert "benefit-outweighs-risk" in json.dumps(outcome, default=str)
    page.locator("#sign").click()
    # Signing asks once more; what was answered is not to be answered again.
    page.locator("#said", has_text="active in the chart now").wait_for()


def test_a_suggestion_is_accepted_and_the_draft_is_gone(site: Whole, page: playwright.Page) -> None:
    before = len(stored(site))
    opened(page, site, "sandbox-renal")
    entry(page)
    page.locator("#add-861007").click()
    page.locator(".drafts tbody tr", has_text="metformin").wait_for()
    page.locator(".card").get_by_role("button", name=re.compile("Remove this order")).first.click()
    page.locator(".state", has_text="No drafts.").wait_for()
    assert len(stored(site)) == before + 1


def test_two_charts_at_once_know_nothing_of_each_other(site: Whole, page: playwright.Page) -> None:
    other = page.context.new_page()
    first = opened(page, site, "sandbox-renal")
    second = opened(other, site, "sandbox-diabetes")
    assert first != second
    for each, name in ((page, "Sandbox, Rena"), (other, "Sandbox, Diego")):
        each.locator("button", has_text="Open Chartside").click()
        app = each.frame_locator("#app-frame")
        app.locator(".patient .name", has_text=name).wait_for()
    entry(page)
    page.locator("#add-861007").click()
    page.locator(".card.sev-critical").wait_for()
    entry(other)
    other.locator(".state", has_text="No drafts.").wait_for()
    assert other.locator(".card.sev-critical").count() == 0
    assert page.locator(".patient h1").inner_text() == "SANDBOX, Rena"
    assert other.locator(".patient h1").inner_text() == "SANDBOX, Diego"
