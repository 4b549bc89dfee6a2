"""The pages around a launch: a clinician can act on each, and a stranger learns nothing from it."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from launch import pages
from launch.errors import Kind
from tests.launch.made import Shown, flask_app

REFERENCE = "4f2a9c01d3e87b66"
KINDS: tuple[Kind, ...] = get_args(Kind)


def error(kind: Kind, again: str | None = None) -> Shown:
    with flask_app():
        return Shown(pages.error(kind, REFERENCE, again), pages.status(kind))


@pytest.mark.req("SL-132")
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_what_happened_what_to_do_and_where_to_ask(kind: Kind) -> None:
    page = error(kind)
    main = page.part("main", "narrow") or page.text
    assert f"Reference {REFERENCE}" in main
    assert "What you can do" in main
    assert 400 <= page.status < 600
    assert kind not in page.text.split("Reference")[0].replace("ended", "")
    assert "http" not in page.html
    assert len(re.findall("<h1", page.html)) == 1


@pytest.mark.req("SL-132")
def test_no_two_errors_read_the_same() -> None:
    titles = [error(kind).title for kind in KINDS]
    assert len(set(titles)) == len(KINDS)


@pytest.mark.req("SL-011", "T-01")
def test_a_launch_that_is_refused_tells_no_reason() -> None:
    text = error("bad-request").text
    for word in ("issuer", "iss", "unknown", "EHR-", "record", "configured"):
        assert word not in text.split()
    assert error("bad-request").status == 400


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("expired", 400),
        ("denied", 403),
        ("other-patient", 403),
        ("cross-site", 403),
        ("mismatch", 409),
        ("ended", 401),
        ("not-found", 404),
        ("too-many", 429),
        ("ehr-slow", 504),
    ],
)
def test_the_status_fits(kind: Kind, status: int) -> None:
    assert pages.status(kind) == status


def test_trying_again_is_offered_only_where_it_can_help() -> None:
    assert 'href="/app/h/"' in error("ehr-slow", "/app/h/").html
    assert "Try again" not in error("ehr-setup").html


@pytest.mark.parametrize("kind", ["ehr-unavailable", "ehr-slow", "too-many"])
def test_what_is_over_is_begun_again_from_the_chart(kind: Kind) -> None:
    assert "Wait a minute, then open Chartside from the chart again." in error(kind).text


def test_who_has_to_sign_in_is_told_so() -> None:
    text = error("denied").text
    assert "no longer signed in" in text
    assert "Sign in to your EHR" in text


@pytest.mark.req("T-10", "T-11")
def test_addresses_are_data() -> None:
    with flask_app():
        page = pages.new_window('/smart/launch?iss="><script>alert(1)</script>&launch=x')
    assert "<script" not in page
    assert "&#34;&gt;&lt;script&gt;" in page


@pytest.mark.req("SL-017")
def test_a_new_window_is_the_users_own_click() -> None:
    with flask_app():
        page = pages.new_window("/smart/launch?iss=a&launch=b")
    assert (
        'href="/smart/launch?iss=a&amp;launch=b" target="_blank" rel="noopener noreferrer"' in page
    )
    assert "<script" not in page


def test_who_keeps_no_cookies_in_any_window_is_told_what_to_do() -> None:
    with flask_app():
        page = pages.new_window("/smart/launch?iss=a&launch=b")
    assert "allow cookies for this site" in page


def test_the_list_names_the_ehrs_and_nothing_else() -> None:
    with flask_app():
        page = Shown(pages.connect([("General", "/smart/connect/g"), ("<b>", "/b")]), 200)
        empty = Shown(pages.connect([]), 200)
    assert '<a href="/smart/connect/g">General</a>' in page.html
    assert "&lt;b&gt;" in page.html
    assert "<input" not in page.html
    assert "No EHR to choose" in empty.text


@pytest.mark.req("SL-035")
def test_going_on_by_post_works_with_and_without_a_script() -> None:
    with flask_app():
        page = pages.forward("https://ehr.example/authorize", [("state", 'a"b'), ("nonce", "n")])
    assert '<form id="forward" method="post" action="https://ehr.example/authorize">' in page
    assert '<input type="hidden" name="state" value="a&#34;b">' in page
    assert '<button class="btn btn-main" type="submit">Continue to your EHR</button>' in page
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""]


def test_signing_out_says_what_is_over_and_what_is_not() -> None:
    with flask_app() as app:
        assert app
        page = Shown(pages.signed_out(), 200)
    assert "You are signed out of this chart" in page.text
    assert "Other charts that are open in Chartside stay open" in page.text
