"""What the log tells of launches, and what nobody can find in logs, pages, cookies and tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.demo.server import new_database
from tests.launch.browser import Browser
from tests.launch.hospital import NAME, Hospital, browser_for, hospital
from tests.launch.kinds import shows
from tests.launch.stage import CLIENT_SECRET, OTHER, PATIENT, Stage, stage

# Longer than any word, so that what is found is what was looked for.
SHORTEST = 12


def secrets_of(browser: Browser, ehr: Any, ours: str) -> set[str]:
    """All that must not be found: what browser, EHR and app have told each other."""
    found: set[str] = {PATIENT, OTHER, CLIENT_SECRET, *ehr.active_tokens(), *ehr.revoked_tokens()}
    for page in browser.pages:
        query = dict(parse_qsl(urlsplit(page.url).query))
        found |= {
            query[name] for name in ("code", "state", "launch", "code_challenge") if name in query
        }
        found |= {str(each["value"]) for each in page.cookies.values()}
        found |= {value for name, value in page.fields().items() if name == "form_token"}
        path = urlsplit(page.url).path.split("/")
        if ours in page.url and "app" in path:
            found.add(path[path.index("app") + 1])
        if ours in page.url and "go" in path:
            found |= set(path[-2:])
    for request in ehr.seen:
        form = dict(request.form)
        for name in ("code", "code_verifier", "client_assertion", "refresh_token", "token"):
            found.add(form.get(name, ""))
        found.add(request.headers.get("authorization", "").removeprefix("Bearer "))
    return {each for each in found if len(each) >= SHORTEST}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """An EHR whose tokens are due as soon as they are issued."""
    with hospital(tmp_path_factory.mktemp("audit"), new_database(), access=70) as running:
        yield running


@pytest.mark.req("SL-130", "SL-131", "SL-133", "T-22")
def test_the_log_tells_what_became_of_launches_and_no_secret(place: Hospital) -> None:
    with place.servers() as servers:
        browser = browser_for(servers)
        first = place.open(browser)
        assert browser.post(f"{first.url}sign-out", first.fields()).status == 200
        place.open(browser, faults=["fhir_wrong_id:Patient"])
        place.open(browser, patient=OTHER)
        ben = place.open(browser, user="Practitioner/sandbox-ben")
        browser.get(ben.url)
        browser.get("https://app.test/smart/launch?iss=https://evil.example&launch=canary-launch")
        back = place.callback(browser)
        browser.get(back + "&error=canary-error&error_description=canary-description")
        place.open(browser, faults=["token_clock_off"])
        # What is done behind an answer is told before the server ends.
        known = secrets_of(browser, place.ehr, NAME)
    log = place.logged()
    found = lines(log)
    events = [line["event"] for line in found]
    for event in (
        "launch accepted",
        "launch refused",
        "launch ended",
        "token issued",
        "token renewed",
        "token revoked",
        "wrong patient",
        "clock differs",
    ):
        assert event in events, event
    for line in found:
        # Tokens of what a newer launch ended are revoked when that one has been answered.
        behind = {"request_id"} if line["event"] == "token revoked" else set()
        assert {"request_id", "timestamp", "level"} - behind <= set(line), line
    of_launches = [line for line in found if line["event"].startswith(("launch a", "token"))]
    for line in of_launches:
        assert line["ehr"] == "north"
    accepted = [line for line in found if line["event"] == "launch accepted"]
    assert all(len(line["launch"]) == 12 and len(line["user"]) == 32 for line in accepted)
    assert len({line["launch"] for line in accepted}) == len(accepted)
    assert len({line["user"] for line in accepted}) == 2
    reasons = {line.get("reason") for line in found if line["event"] == "launch ended"}
    assert {"signed out", "wrong patient", "another user"} <= reasons
    assert len(known) > 20
    for secret in known | {"canary", "Renal", "sandbox-ada", "evil.example"}:
        assert secret not in log, secret
        assert quote(secret, safe="") not in log


@pytest.mark.req("SL-132")
def test_the_reference_on_a_page_is_that_of_its_line(place: Hospital) -> None:
    with place.servers() as servers:
        browser = browser_for(servers)
        page = browser.get("https://app.test/smart/launch")
        assert shows(page, "bad-request")
        log = place.logs[-1].read_text()
    (line,) = [each for each in lines(log) if each["event"] == "launch refused"]
    assert line["request_id"] in page.text
    assert line["reason"] not in page.text


@pytest.mark.req("T-22", "SL-130", "SL-078")
def test_even_at_debug_no_library_tells_a_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for auth in ("private_key_jwt", "client_secret_basic"):
        secret = CLIENT_SECRET if auth == "client_secret_basic" else None
        with stage("north", smart={"auth": auth, "secret": secret}) as site:
            browser = Browser()
            chart = site.open(browser)
            site.clock.forward(seconds=280)
            browser.get(chart.url)
            browser.get(site.callback(browser) + "&error=canary")
            browser.post(f"{chart.url}sign-out", chart.fields())
            site.open(browser, faults=["token_not_json"])
            known = secrets_of(browser, site.ehr, site.origin)
        told = caplog.text + "".join(capfd.readouterr())
        assert len(known) > 10
        for each in known:
            assert each not in told, each


@pytest.mark.req("T-21", "SL-078", "SL-100")
def test_no_token_reaches_the_browser_or_the_database_in_the_clear(browser: Browser) -> None:
    with stage("north") as site:
        chart = site.open(browser)
        site.clock.forward(seconds=280)
        browser.get(chart.url)
        site.open(browser, patient=OTHER)
        site.open(browser, faults=["fhir_500"])
        waiting = site.callback(browser)
        browser.get(f"{chart.url}patient/{OTHER}")
        tokens = set(site.ehr.active_tokens())
        codes = {form["code"] for form in site.token_requests() if "code" in form}
        verifiers = {form["code_verifier"] for form in site.token_requests() if "code" in form}
        file = Path(urlsplit(site.database).path.removeprefix("/"))
        database = b"".join(each.read_bytes() for each in file.parent.glob(file.name + "*"))
    ours = [page for page in browser.pages if page.url.startswith(site.origin)]
    for secret in tokens | verifiers:
        assert all(secret.encode() not in page.body for page in ours)
        assert all(secret not in str(page.headers) for page in ours)
        assert secret.encode() not in database
    state = dict(parse_qsl(urlsplit(waiting).query))["state"]
    cookies = set(browser.jar[site.netloc].values())
    handles = {urlsplit(page.url).path.split("/")[2] for page in ours if "/app/" in page.url}
    assert len(tokens) >= 4
    assert len(handles) == 3
    for secret in {state, PATIENT, OTHER} | codes | cookies | handles:
        assert secret.encode() not in database


@pytest.mark.req("T-22", "SL-093")
def test_no_referrer_leaves_and_no_page_loads_anything_of_others(
    site: Stage, browser: Browser
) -> None:
    site.open(browser)
    browser.get(f"{site.origin}/smart/connect")
    for page in browser.pages:
        if page.url.startswith(site.origin):
            assert page.headers["Referrer-Policy"] == "no-referrer"
            for attribute in ('src="http', 'src="//', 'href="//', "@import", "url("):
                assert attribute not in page.text


@pytest.mark.req("SL-100")
def test_a_sealed_launch_opens_nowhere_else(browser: Browser) -> None:
    """Whoever can write to the database cannot hand a launch to another browser."""
    from sqlalchemy import create_engine, select, update

    from store.tables import launches

    with stage("north") as site:
        mine, other = site.open(browser), Browser()
        theirs = site.open(other, patient=OTHER)
        (name,) = [name for name in browser.jar[site.netloc] if name != "__Host-sl-jar"]
        (stolen,) = [name for name in other.jar[site.netloc] if name != "__Host-sl-jar"]
        thief = Browser({site.netloc: {stolen: browser.jar[site.netloc][name]}})
        engine = create_engine(site.database)
        with engine.begin() as connection:
            first, second = connection.execute(select(launches).order_by(launches.c.at)).all()
            connection.execute(
                update(launches)
                .where(launches.c.handle == first.handle)
                .values(sealed=second.sealed)
            )
            # Their launch under my cookie.
            connection.execute(
                update(launches)
                .where(launches.c.handle == second.handle)
                .values(cookie=first.cookie)
            )
        engine.dispose()
        assert shows(browser.get(mine.url), "ended")
        assert shows(thief.get(theirs.url), "ended")
