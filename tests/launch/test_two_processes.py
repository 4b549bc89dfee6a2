"""Two server processes on PostgreSQL that a browser's requests reach in turn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.demo.server import Granian
from tests.launch.browser import Browser
from tests.launch.hospital import Hospital, browser_for, hospital
from tests.launch.kinds import shows
from tests.launch.stage import OTHER, PATIENT
from tests.store import postgres


@dataclass
class Pair:
    """Both processes, and the EHR that launches them."""

    place: Hospital
    servers: list[Granian]

    def browser(self) -> Browser:
        return browser_for(self.servers)

    def copies(self, browser: Browser, number: int) -> list[Browser]:
        """Copies of a browser, every second of which begins with the other process."""
        made = []
        for each in range(number):
            jar = {name: dict(cookies) for name, cookies in browser.jar.items()}
            made.append(browser_for(self.servers[:: -1 if each % 2 else 1], Browser(jar)))
        return made


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Tokens live for 70 seconds, so each is due as soon as it is issued."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: no initdb was found, or no user to run it")
    folder = tmp_path_factory.mktemp("two")
    with (
        postgres.cluster(programs) as cluster,
        hospital(folder, cluster.database(), access=70) as place,
        place.servers(2) as servers,
    ):
        yield Pair(place, servers)


@pytest.mark.req("SL-039", "SL-100")
def test_a_launch_goes_through_both(pair: Pair) -> None:
    browser = pair.browser()
    chart = pair.place.open(browser)
    assert chart.fields()["patient"] == PATIENT
    for _ in range(4):
        assert browser.get(chart.url).fields() == chart.fields()
    assert browser.post(f"{chart.url}sign-out", chart.fields()).status == 200
    for _ in range(2):
        assert shows(browser.get(chart.url), "ended")


@pytest.mark.req("T-09", "SL-039")
def test_an_answer_that_both_get_at_once_is_used_by_one(pair: Pair) -> None:
    for _ in range(3):
        browser = pair.browser()
        back = pair.place.callback(browser)
        pair.place.ehr.seen.clear()
        with ThreadPoolExecutor(8) as threads:
            pages = list(threads.map(lambda b, url=back: b.get(url), pair.copies(browser, 8)))
        assert sorted(page.status for page in pages) == [303] + [400] * 7
        assert len(pair.place.token_requests()) == 1


@pytest.mark.req("T-26", "SL-102", "SL-105")
def test_one_of_both_renews(pair: Pair) -> None:
    browser = pair.browser()
    chart = pair.place.open(browser)
    # Its own first page has renewed the token; a new launch is renewed by whoever is first.
    back = pair.place.callback(browser)
    pair.place.ehr.seen.clear()
    url = browser.get(back).location
    with ThreadPoolExecutor(10) as threads:
        pages = list(threads.map(lambda b: b.get(url), pair.copies(browser, 10)))
    assert {page.status for page in pages} == {200}
    grants = [form["grant_type"] for form in pair.place.token_requests()]
    assert grants.count("refresh_token") == 1
    assert browser.get(chart.url).status == 200


@pytest.mark.req("SL-087")
def test_launches_at_once_in_both_leave_eight(pair: Pair) -> None:
    browser = pair.browser()
    pair.place.open(browser)  # the jar is known
    backs = [pair.place.callback(browser, patient=(PATIENT, OTHER)[n % 2]) for n in range(10)]
    copies = pair.copies(browser, 10)
    with ThreadPoolExecutor(10) as threads:
        urls = list(threads.map(lambda b, back: b.get(back).location, copies, backs))
    charts = [copy.get(url) for copy, url in zip(copies, urls, strict=True)]
    assert sorted(chart.status for chart in charts) == [200] * 8 + [401] * 2
    for number, chart in enumerate(charts):
        if chart.status == 200:
            assert chart.fields()["patient"] == (PATIENT, OTHER)[number % 2]


@pytest.mark.req("SL-092")
def test_production_asks_for_tls_from_now_on(pair: Pair) -> None:
    page = pair.place.open(pair.browser())
    assert page.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    assert page.policy["frame-ancestors"] == pair.place.ehr.origin


@pytest.mark.req("SL-004")
def test_a_foreign_host_is_refused_and_moves_nothing(pair: Pair) -> None:
    browser = pair.browser()
    link = pair.place.link()
    page = browser.get(link, Host="evil.example")
    assert page.status == 400
    assert page.cookies == {}
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    page = browser.get(browser.get(link, **forwarded).location, **forwarded)
    assert page.sent_to["redirect_uri"] == "https://app.test/smart/callback/north"
