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


@pytest.mark.req("T-14")
def test_no_cookie_grows_with_the_number_of_launches(site: Stage, browser: Browser) -> None:
    for _ in range(12):
        site.open(browser)
    assert all(len(value) == 43 for value in browser.jar[site.netloc].values())
    assert len(browser.jar[site.netloc]) == 9
