"""Posts to a chart: from its own pages only."""

from __future__ import annotations

import pytest

from tests.launch.browser import Browser
from tests.launch.kinds import shows
from tests.launch.stage import OTHER, Stage

# Headers, whether they show that the post is from our own page.
HEADERS: list[tuple[dict[str, str], bool]] = [
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": ""}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "{own}"}, True),
    ({"Sec-Fetch-Site": "", "Origin": "{own}"}, True),
    ({"Sec-Fetch-Site": "", "Origin": "null"}, False),
    ({"Sec-Fetch-Site": "", "Origin": ""}, False),
    ({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, False),
    ({"Sec-Fetch-Site": "", "Origin": "{own}.evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, False),
    ({"Sec-Fetch-Site": "same-site", "Origin": "null"}, False),
    ({"Sec-Fetch-Site": "none", "Origin": ""}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "{ehr}"}, False),
]


@pytest.mark.req("T-20")
@pytest.mark.parametrize(("headers", "ours"), HEADERS)
def test_the_browser_has_to_say_that_it_is_from_us(
    site: Stage, browser: Browser, headers: dict[str, str], ours: bool
) -> None:
    chart = site.open(browser)
    filled = {n: v.format(own=site.origin, ehr=site.ehr.origin) for n, v in headers.items()}
    page = browser.post(f"{chart.url}sign-out", chart.fields(), **filled)
    if ours:
        assert page.status == 200
    else:
        assert shows(page, "cross-site")
        assert browser.get(chart.url).status == 200


@pytest.mark.req("T-20", "SL-084")
@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"form_token": None}, "cross-site"),
        ({"form_token": ""}, "cross-site"),
        ({"form_token": "0" * 64}, "cross-site"),
        ({"form_token": "\u00e9"}, "cross-site"),
        ({"patient": None}, "mismatch"),
        ({"patient": ""}, "mismatch"),
        ({"patient": OTHER}, "mismatch"),
    ],
)
def test_the_form_has_to_be_of_this_chart(
    site: Stage, browser: Browser, changed: dict[str, str | None], kind: str
) -> None:
    chart = site.open(browser)
    form = {
        name: value for name, value in {**chart.fields(), **changed}.items() if value is not None
    }
    assert shows(browser.post(f"{chart.url}sign-out", form), kind)  # type: ignore[arg-type]
    assert browser.get(chart.url).status == 200


@pytest.mark.req("T-20")
def test_the_token_of_one_launch_does_not_do_for_another(site: Stage, browser: Browser) -> None:
    first, second = site.open(browser), site.open(browser)
    assert first.fields()["patient"] == second.fields()["patient"]
    assert shows(browser.post(f"{second.url}sign-out", first.fields()), "cross-site")
    assert browser.get(second.url).status == 200


@pytest.mark.req("T-20")
def test_without_the_cookie_a_right_form_does_nothing(site: Stage, browser: Browser) -> None:
    chart = site.open(browser)
    assert shows(Browser().post(f"{chart.url}sign-out", chart.fields()), "ended")
    assert browser.get(chart.url).status == 200


@pytest.mark.req("T-20")
def test_signing_out_takes_a_post(site: Stage, browser: Browser) -> None:
    chart = site.open(browser)
    assert browser.get(f"{chart.url}sign-out").status in (404, 405)
    assert browser.get(chart.url).status == 200


@pytest.mark.req("T-20")
def test_no_page_of_another_origin_may_read_a_chart(site: Stage, browser: Browser) -> None:
    chart = site.open(browser)
    for origin in (site.ehr.origin, "https://evil.example", "null"):
        page = browser.get(chart.url, Origin=origin)
        assert page.headers["Access-Control-Allow-Credentials"] is None
