"""The cookies of launches: one each, with flags for a frame or for a window."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.launch.browser import Browser
from tests.launch.stage import Stage, stage


@pytest.fixture(scope="module")
def window() -> Iterator[Stage]:
    """An EHR that opens the app in windows only."""
    with stage("west", smart={"frame_ancestors": ()}) as running:
        yield running


def flags_of(browser: Browser) -> dict[str, set[tuple[str, ...]]]:
    """The flags of all cookies that were set, by kind of cookie."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for page in browser.pages:
        for name, cookie in page.cookies.items():
            kind = "jar" if name == "__Host-sl-jar" else str(len(name) - len("__Host-sl-"))
            flags = sorted(
                f"{key}={value}" if value is not True else key
                for key, value in cookie.items()
                if key not in ("value", "expires", "max-age")
            )
            found.setdefault(kind, set()).add(tuple(flags))
    return found


FRAMED = ("httponly", "partitioned", "path=/", "samesite=None", "secure")
UNFRAMED = ("httponly", "path=/", "samesite=Lax", "secure")


@pytest.mark.req("SL-081", "T-19")
def test_those_of_a_frame_are_partitioned(site: Stage, browser: Browser) -> None:
    site.url(site.open(browser))
    assert flags_of(browser) == {"22": {FRAMED}, "16": {FRAMED}, "jar": {FRAMED}}


@pytest.mark.req("SL-081", "T-19")
def test_those_of_a_window_stay_with_our_site(window: Stage, browser: Browser) -> None:
    chart = window.open(browser)
    window.url(chart)
    assert flags_of(browser) == {"22": {UNFRAMED}, "16": {UNFRAMED}, "jar": {FRAMED}}
    assert chart.policy["frame-ancestors"] == "'none'"


@pytest.mark.req("SL-081", "T-21")
def test_a_cookie_holds_random_bits_and_nothing_else(site: Stage, browser: Browser) -> None:
    for _ in range(3):
        site.open(browser)
    values = [
        str(cookie["value"])
        for page in browser.pages
        for cookie in page.cookies.values()
        if cookie.get("max-age") != "0"
    ]
    assert len(set(values)) == len(values) == 7  # two a launch, and the jar
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values)


@pytest.mark.req("SL-081", "SL-086")
def test_that_of_a_launch_goes_with_the_browser_and_that_of_waiting_before(
    site: Stage, browser: Browser
) -> None:
    site.open(browser)
    ages = {
        len(name): cookie.get("max-age")
        for page in browser.pages
        for name, cookie in page.cookies.items()
        if cookie["value"]
    }
    assert ages == {len("__Host-sl-") + 22: "600", len("__Host-sl-") + 16: None, 13: None}


@pytest.mark.req("T-14", "SL-081")
def test_those_of_launches_that_were_swept_are_taken_away(browser: Browser) -> None:
    with stage("north") as site:
        for _ in range(6):
            site.url(site.open(browser))
            site.clock.forward(minutes=16)
            site.app.extensions["chartside.sessions"].sweep()
        live = [site.url(site.open(browser)) for _ in range(2)]
        assert len(browser.jar[site.netloc]) == 3  # and the jar
        assert all(browser.get(url).status == 200 for url in live)


@pytest.mark.req("T-14", "T-12")
def test_dead_ones_go_a_few_at_a_time_and_in_both_their_kinds(browser: Browser) -> None:
    with stage("north") as site:
        first = site.url(site.open(browser))
        jar = browser.jar[site.netloc]
        jar.update({f"__Host-sl-{number:016x}": "x" * 43 for number in range(20)})
        jar["__Host-sl-other"] = "kept"
        back = site.callback(browser)
        page = browser.get(back)
        lines = page.headers.get_all("Set-Cookie", [])
        for kind in (True, False):
            gone = [x for x in lines if "Max-Age=0" in x and ("Partitioned" in x) is kind]
            assert len([x for x in gone if "__Host-sl-0000" in x]) == 8
        # A proxy's buffer for what an application answers is often no longer.
        assert sum(len(f"{name}: {value}\r\n") for name, value in page.headers.items()) < 4096
        for _ in range(2):
            site.open(browser)
        assert sorted(len(name) for name in jar) == [13, 15, 26, 26, 26, 26]
        assert browser.get(first).status == 200


@pytest.mark.req("T-14")
def test_no_cookie_grows_with_the_number_of_launches(site: Stage, browser: Browser) -> None:
    for _ in range(12):
        site.open(browser)
    assert all(len(value) == 43 for value in browser.jar[site.netloc].values())
    assert len(browser.jar[site.netloc]) == 9
