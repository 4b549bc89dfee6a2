"""Where a clinician picks their EHR: standalone launches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store import tables
from tests.launch.browser import Browser
from tests.launch.kinds import kind_of, shows
from tests.launch.stage import OTHER, PATIENT, Stage, stage
from tests.launch.tables import rows


@pytest.mark.req("SL-009", "SL-016")
def test_the_list_has_the_ehrs_that_are_configured_and_no_field(
    site: Stage, browser: Browser
) -> None:
    page = browser.get(f"{site.origin}/smart/connect")
    assert page.status == 200
    for name in ("north", "south"):
        assert f"The EHR {name}" in page.text
        assert f'href="/smart/connect/{name}"' in page.text
    assert "<input" not in page.text
    assert page.cookies == {}


@pytest.mark.req("SL-016")
def test_it_asks_for_a_patient_and_sends_no_launch(site: Stage, browser: Browser) -> None:
    site.ehr.standalone(patient=PATIENT)
    browser.until(f"{site.origin}/smart/connect/north", "/auth/authorize")
    sent = browser.pages[-1].sent_to
    assert "launch" not in sent
    assert sent["aud"] == site.ehr.iss
    scopes = sent["scope"].split()
    assert "launch/patient" in scopes
    assert "launch" not in scopes
    assert {"openid", "fhirUser"} <= set(scopes)


@pytest.mark.req("SL-016", "SL-032")
def test_it_leads_to_the_chart_of_the_patient_who_was_picked(site: Stage, browser: Browser) -> None:
    site.ehr.standalone(patient=OTHER)
    chart = browser.follow(f"{site.origin}/smart/connect/north")
    assert chart.fields()["patient"] == OTHER


@pytest.mark.req("SL-058")
def test_no_patient_is_no_chart_and_never_the_last_one(site: Stage, browser: Browser) -> None:
    site.url(site.open(browser))
    kept = len(rows(site, tables.launches))
    before = set(site.ehr.active_tokens())
    site.ehr.standalone(patient=PATIENT, faults=["token_no_patient"])
    page = browser.follow(f"{site.origin}/smart/connect/north")
    assert shows(page, "no-patient")
    assert len(rows(site, tables.launches)) == kept
    assert set(site.ehr.active_tokens()) <= before


@pytest.mark.req("SL-009", "T-01")
@pytest.mark.parametrize("ehr", ["west", "NORTH", "..", "north%00", "https:%2f%2fevil.example"])
def test_what_is_not_configured_is_not_connected(site: Stage, browser: Browser, ehr: str) -> None:
    page = browser.get(f"{site.origin}/smart/connect/{ehr}?iss=https://evil.example/fhir")
    assert page.status in (400, 404)
    assert "Location" not in page.headers
    assert page.cookies == {}


@pytest.mark.req("SL-017")
def test_without_cookies_it_offers_a_window(site: Stage) -> None:
    page = Browser(keeps_cookies=False).follow(f"{site.origin}/smart/connect/north")
    assert 'target="_blank"' in page.text
    assert "/smart/connect/north" in page.text
    assert site.ehr.seen == []


@pytest.fixture(scope="module")
def closed() -> Iterator[Stage]:
    """An EHR that opens the app itself, and in no other way."""
    with stage("east", smart={"standalone": False}) as running:
        yield running


@pytest.mark.req("SL-009")
def test_an_ehr_may_be_left_out(closed: Stage, browser: Browser) -> None:
    assert "The EHR east" not in browser.get(f"{closed.origin}/smart/connect").text
    assert shows(browser.get(f"{closed.origin}/smart/connect/east"), "bad-request")
    assert kind_of(closed.open(browser)) == "chart"


@pytest.mark.req("SL-004")
def test_a_path_prefix_holds_for_everything(browser: Browser) -> None:
    with stage("north", prefix="/cds/app") as running:
        chart = running.open(browser)
        assert chart.url.startswith(f"{running.origin}/app/north.")
        assert browser.get(f"{running.origin}/smart/connect").status == 200
        assert 'href="/cds/app/smart/connect/north"' in browser.pages[-1].text
        assert browser.post(f"{chart.url}sign-out", chart.fields()).status == 200
        assert all(
            cookie["path"] == "/" for page in browser.pages for cookie in page.cookies.values()
        )


@pytest.mark.req("SL-005", "SL-007", "SL-051")
@pytest.mark.parametrize("auth", ["client_secret_basic", "client_secret_post", "none"])
def test_every_way_to_say_who_we_are(browser: Browser, auth: str) -> None:
    from tests.launch.stage import CLIENT_SECRET

    smart = {"auth": auth, "secret": None if auth == "none" else CLIENT_SECRET}
    with stage("north", smart=smart) as running:
        chart = running.open(browser)
        assert kind_of(chart) == "chart"
        (form,) = running.token_requests()
        assert ("client_id" in form) == (auth != "client_secret_basic")
        assert ("client_secret" in form) == (auth == "client_secret_post")
        assert "client_assertion" not in form
        running.clock.forward(seconds=280)
        assert browser.get(chart.url).status == 200
        assert browser.post(f"{chart.url}sign-out", chart.fields()).status == 200
        assert running.ehr.active_tokens() == []


@pytest.mark.req("SL-035")
def test_a_long_address_goes_as_a_form(site: Stage, browser: Browser) -> None:
    value = "x" * 3000
    page = browser.get(site.ehr.launch_url(f"{site.origin}/smart/launch", value))
    page = browser.get(page.location)
    assert page.status == 200
    fields = page.fields()
    assert fields["launch"] == value
    assert fields["response_type"] == "code"
    assert page.policy["form-action"].split() == ["'self'", site.ehr.origin]
    assert page.policy["script-src"] == "'self'"
    assert "forward.js" in page.text
    assert "<button" in page.text
    script = browser.get(f"{site.origin}/static/forward.js")
    assert script.status == 200
    assert b"submit()" in script.body


@pytest.mark.req("SL-035")
def test_where_forms_are_not_taken_it_goes_as_it_is(site: Stage, browser: Browser) -> None:
    site.clock.forward(hours=3)
    site.ehr.launch("chartside", patient=PATIENT, faults=["disco_v1_only"])
    page = browser.get(site.ehr.launch_url(f"{site.origin}/smart/launch", "x" * 3000))
    page = browser.get(page.location)
    site.ehr.launch("chartside", patient=PATIENT)
    site.clock.forward(hours=3)
    assert page.sent_to["launch"] == "x" * 3000
