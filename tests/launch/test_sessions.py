"""Live launches in browsers: many side by side, each of one patient, each with an end."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest

from launch import sweeping
from store import tables
from tests.launch.browser import Browser, Page
from tests.launch.kinds import kind_of, shows
from tests.launch.stage import OTHER, PATIENT, Stage, stage
from tests.launch.tables import rows

BEN = "Practitioner/sandbox-ben"


def handle_of(url: str) -> str:
    return urlsplit(url).path.split("/")[-2]


def sign_out(browser: Browser, chart: Page, **changed: str) -> Page:
    return browser.post(f"{chart.url}sign-out", {**chart.fields(), **changed})


@pytest.mark.req("T-13", "SL-083")
def test_two_charts_side_by_side_stay_what_they_are(site: Stage, browser: Browser) -> None:
    first = site.url(site.open(browser, patient=PATIENT))
    second = site.url(site.open(browser, patient=OTHER))
    for _ in range(3):
        assert browser.get(first).fields()["patient"] == PATIENT
        assert browser.get(second).fields()["patient"] == OTHER


@pytest.mark.req("T-13", "T-15", "SL-083", "SL-087")
def test_fifty_launches_one_after_another_never_show_another_patient(
    site: Stage, browser: Browser
) -> None:
    patients = (PATIENT, OTHER, "sandbox-healthy")
    urls: list[tuple[str, str]] = []
    for number in range(50):
        patient = patients[number % 3]
        chart = site.open(browser, patient=patient)
        assert chart.fields()["patient"] == patient
        urls.append((site.url(chart), patient))
        old = number - 8
        if old >= 0:
            assert shows(browser.get(urls[old][0]), "ended")
        for url, whose in urls[max(0, number - 7) : number : 3]:
            assert browser.get(url).fields()["patient"] == whose
    assert len([name for name in browser.jar[site.netloc] if name.startswith("__Host-sl-")]) == 9


@pytest.mark.req("SL-087")
def test_the_ninth_launch_ends_the_oldest_and_takes_its_cookie(
    site: Stage, browser: Browser
) -> None:
    urls = [site.url(site.open(browser)) for _ in range(8)]
    before = set(browser.jar[site.netloc])
    assert all(browser.get(url).status == 200 for url in urls)
    site.open(browser)
    assert len(set(browser.jar[site.netloc]) - before) == 1
    assert len(before - set(browser.jar[site.netloc])) == 1
    assert shows(browser.get(urls[0]), "ended")
    assert all(browser.get(url).status == 200 for url in urls[1:])
    # Those of another browser do not count.
    site.open(Browser())
    assert browser.get(urls[1]).status == 200


@pytest.mark.req("SL-080")
def test_a_handle_is_no_use_in_another_browser_and_looks_like_none(
    site: Stage, browser: Browser
) -> None:
    url = site.url(site.open(browser))
    stranger = Browser()
    site.open(stranger)
    unknown = url.replace(handle_of(url), "north." + "A" * 32)
    pages = [stranger.get(each) for each in (url, unknown)]
    pages += [Browser().get(url), browser.get(unknown)]
    assert all(shows(page, "ended") for page in pages)
    bodies = {page.text.rpartition("Reference")[0] for page in pages}
    assert len(bodies) == 1
    assert len({str(sorted(set(page.headers.keys()) - {"Date"})) for page in pages}) == 1


@pytest.mark.req("SL-080")
def test_a_handle_has_more_than_128_random_bits_and_is_stored_as_a_digest(
    site: Stage, browser: Browser
) -> None:
    handles = {handle_of(site.url(site.open(browser))) for _ in range(5)}
    assert len(handles) == 5
    assert all(len(handle.partition(".")[2]) == 32 for handle in handles)
    for row in rows(site, tables.launches):
        assert row.handle not in handles
        assert not any(handle.encode() in row.sealed for handle in handles)


@pytest.mark.req("SL-080")
@pytest.mark.parametrize(
    "handle",
    [
        "x",
        "north.",
        "north.x",
        "west." + "A" * 32,
        "north." + "A" * 33,
        "..",
        "%00",
        "north.%2e%2e",
    ],
)
def test_what_is_no_handle_gets_the_same_page(site: Stage, browser: Browser, handle: str) -> None:
    page = browser.get(f"{site.origin}/app/{handle}/")
    assert kind_of(page) in ("ended", "bad-request") or page.status == 404


@pytest.mark.req("T-12")
def test_a_cookie_that_was_chosen_before_is_not_adopted(site: Stage, browser: Browser) -> None:
    chosen = "C" * 43
    browser.jar[site.netloc] = {
        f"__Host-sl-{name}": chosen for name in ("x", "A" * 22, "a" * 16, "jar")
    }
    url = site.url(site.open(browser))
    values = [
        value
        for name, value in browser.jar[site.netloc].items()
        if name not in ("__Host-sl-jar",) and value != chosen
    ]
    assert len(values) == 1
    planted = Browser()
    planted.jar[site.netloc] = {
        name: chosen if value in values else value
        for name, value in browser.jar[site.netloc].items()
    }
    assert shows(planted.get(url), "ended")


@pytest.mark.req("T-12", "SL-081")
def test_each_launch_has_a_new_handle_and_a_new_cookie(site: Stage, browser: Browser) -> None:
    seen: set[str] = set()
    for number in range(1, 5):
        site.open(browser)
        given = [
            str(cookie["value"])
            for page in browser.pages
            for name, cookie in page.cookies.items()
            if name != "__Host-sl-jar" and cookie.get("max-age") != "0"
        ]
        seen = set(given)
        assert len(given) == len(seen) == 2 * number


@pytest.mark.req("T-16", "SL-077")
def test_another_user_in_the_same_browser_ends_the_charts_of_the_first(
    site: Stage, browser: Browser
) -> None:
    ada = [site.url(site.open(browser)) for _ in range(2)]
    elsewhere = Browser()
    ada_elsewhere = site.url(site.open(elsewhere))
    ben = site.url(site.open(browser, user=BEN))
    assert all(shows(browser.get(url), "ended") for url in ada)
    assert browser.get(ben).status == 200
    assert elsewhere.get(ada_elsewhere).status == 200


@pytest.mark.req("T-17", "SL-086")
def test_a_chart_that_is_left_alone_ends_and_its_tokens_with_it(browser: Browser) -> None:
    with stage("north") as site:
        url = site.url(site.open(browser))
        site.clock.forward(minutes=14)
        assert browser.get(url).status == 200
        site.clock.forward(minutes=14)
        assert browser.get(url).status == 200
        site.clock.forward(minutes=16)
        page = browser.get(url)
        assert shows(page, "ended")
        assert [cookie["max-age"] for cookie in page.cookies.values()] == ["0"]
        sessions = site.app.extensions["chartside.sessions"]
        sessions.sweep()
        assert rows(site, tables.launches) == []
        assert site.ehr.active_tokens() == []


@pytest.mark.req("SL-101", "SL-114")
def test_the_sweeper_ends_what_nobody_asks_for_any_more(site: Stage, browser: Browser) -> None:
    assert sweeping.EVERY <= 300
    site.url(site.open(browser))
    site.clock.forward(minutes=16)
    stop = sweeping.start(site.app.extensions["chartside.sessions"], 0.01)
    try:
        end = time.monotonic() + 20
        while rows(site, tables.launches) or site.ehr.active_tokens():
            assert time.monotonic() < end
            stop.wait(0.01)
    finally:
        stop.set()
        for thread in threading.enumerate():
            if thread.name == "sweeper":
                thread.join(20)


@pytest.mark.req("SL-086", "SL-114", "SL-101")
def test_signing_out_ends_this_chart_and_revokes_its_tokens(site: Stage, browser: Browser) -> None:
    first = site.open(browser)
    before = set(site.ehr.active_tokens())
    second = site.open(browser, patient=OTHER)
    assert set(site.ehr.active_tokens()) > before
    kept = len(rows(site, tables.launches))
    page = sign_out(browser, second)
    assert page.status == 200
    assert [cookie["max-age"] for cookie in page.cookies.values()] == ["0"]
    assert set(site.ehr.active_tokens()) == before
    assert len(rows(site, tables.launches)) == kept - 1
    assert shows(browser.get(second.url), "ended")
    assert browser.get(first.url).status == 200
    revoked = [dict(each.form) for each in site.ehr.seen if each.path == "/auth/revoke"]
    assert [form["token_type_hint"] for form in revoked] == ["refresh_token", "access_token"]


@pytest.mark.req("SL-114")
@pytest.mark.parametrize("fault", ["revoke_503", "revoke_slow"])
def test_an_ehr_that_does_not_revoke_stops_nobody_from_signing_out(
    site: Stage, browser: Browser, fault: str
) -> None:
    chart = site.open(browser, faults=[fault])
    kept = len(rows(site, tables.launches))
    assert sign_out(browser, chart).status == 200
    assert len(rows(site, tables.launches)) == kept - 1
    assert shows(browser.get(chart.url), "ended")


@pytest.mark.req("T-13", "SL-084")
def test_a_form_of_one_chart_does_nothing_in_another(site: Stage, browser: Browser) -> None:
    first, second = site.open(browser), site.open(browser, patient=OTHER)
    page = browser.post(f"{second.url}sign-out", first.fields())
    assert shows(page, "mismatch")
    assert browser.get(first.url).status == 200
    assert browser.get(second.url).status == 200


@pytest.mark.req("SL-090")
def test_no_address_leads_to_another_patient(site: Stage, browser: Browser) -> None:
    url = site.url(site.open(browser))
    page = browser.get(f"{url}patient/{OTHER}")
    assert shows(page, "other-patient")
    assert OTHER not in page.text
    assert browser.get(f"{url}patient/{PATIENT}").location == url
    assert shows(browser.get(f"{url}nothing/here"), "not-found")
    # Without its cookie none of them says anything.
    for path in (f"patient/{OTHER}", f"patient/{PATIENT}", "nothing/here"):
        assert shows(Browser().get(url + path), "ended")


@pytest.mark.req("SL-082")
def test_what_was_verified_cannot_be_changed(site: Stage, browser: Browser) -> None:
    url = site.url(site.open(browser))
    sessions = site.app.extensions["chartside.sessions"]
    from launch.cookies import digested
    from launch.session import cookie_name

    handle = handle_of(url)
    name = f"__Host-sl-{cookie_name(digested(handle))}"
    live = sessions.find(handle, digested(browser.jar[site.netloc][name]))
    for member in live.launch.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(live.launch, member, None)
    assert "access" not in repr(live.content.held)
    assert live.content.held.access not in repr(live.content)


@pytest.mark.req("SL-089", "SL-043")
def test_no_cache_keeps_a_page_of_a_launch(site: Stage, browser: Browser) -> None:
    chart = site.open(browser)
    sign_out(browser, chart)
    browser.get(chart.url)
    ours = [page for page in browser.pages if page.url.startswith(site.origin)]
    assert len(ours) >= 5
    assert {page.headers["Cache-Control"] for page in ours} == {"no-store"}


@pytest.mark.req("T-18", "SL-091", "SL-092")
def test_who_may_frame_a_page_is_of_its_ehr(site: Stage, browser: Browser) -> None:
    for name, ehr in site.ehrs.items():
        chart = site.open(browser, name)
        assert chart.policy["frame-ancestors"] == ehr.origin
        ended = Browser().get(chart.url)
        assert ended.policy["frame-ancestors"] == ehr.origin
    assert browser.get(f"{site.origin}/smart/connect").policy["frame-ancestors"] == "'none'"
    assert browser.get(f"{site.origin}/smart/launch").policy["frame-ancestors"] == "'none'"
    pages = [page for page in browser.pages if page.url.startswith(site.origin)]
    for page in pages:
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "X-Frame-Options" not in page.headers
        if page.body:
            policy = page.policy
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == "'self'"
            assert policy["form-action"] == "'self'"
            assert policy["base-uri"] == "'none'"
            assert "<style" not in page.text
            assert " style=" not in page.text
            assert " onclick=" not in page.text


@pytest.mark.req("T-15", "SL-111")
def test_a_record_of_another_patient_ends_the_launch(site: Stage, browser: Browser) -> None:
    before = set(site.ehr.active_tokens())
    page = site.open(browser, faults=["fhir_wrong_id:Patient"])
    assert shows(page, "wrong-patient")
    assert shows(browser.get(page.url), "ended")
    assert set(site.ehr.active_tokens()) <= before


@pytest.mark.req("SL-064")
def test_a_card_that_cannot_be_opened_is_told_and_the_chart_is_there(
    site: Stage, browser: Browser
) -> None:
    chart = site.open(browser, app_context="d78ada40-f815-47c4-80f5-e992dcb82d0a")
    assert chart.fields()["patient"] == PATIENT
    assert "card" in chart.text
    assert "d78ada40" not in chart.text


@pytest.mark.req("SL-060")
def test_the_banner_is_left_out_only_if_the_ehr_says_false(site: Stage, browser: Browser) -> None:
    shown = site.open(browser).text
    hidden = site.open(browser, need_patient_banner=False).text
    assert shown != hidden
