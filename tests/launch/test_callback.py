"""The EHR's answer: `state` first, once, of this browser and of this EHR."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from launch.tokens import tokens_in
from store import tables
from tests.launch.browser import Browser
from tests.launch.kinds import kind_of, shows
from tests.launch.stage import CLIENT_SECRET, PATIENT, Stage, stage
from tests.launch.tables import rows

Change = Callable[[dict[str, str]], list[tuple[str, str]]]


def changed(url: str, change: Change) -> str:
    address = urlsplit(url)
    return address._replace(query=urlencode(change(dict(parse_qsl(address.query))))).geturl()


def without(*names: str) -> Change:
    return lambda given: [(key, value) for key, value in given.items() if key not in names]


def with_(**more: str) -> Change:
    return lambda given: list({**given, **more}.items())


def twice(name: str, value: str | None = None) -> Change:
    return lambda given: [*given.items(), (name, given[name] if value is None else value)]


@pytest.mark.req("SL-043", "SL-051", "SL-005")
def test_a_sound_answer_leads_to_the_chart(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    page = browser.get(back)
    assert page.status == 303
    assert urlsplit(page.location).path.startswith("/app/north.")
    assert urlsplit(page.location).query == ""
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.body == b""
    chart = browser.get(page.location)
    assert chart.fields()["patient"] == PATIENT
    (form,) = site.token_requests()
    assert set(form) == {
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "client_assertion_type",
        "client_assertion",
    }


@pytest.mark.req("SL-036")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_comes_by_get_only(site: Stage, browser: Browser, method: str) -> None:
    back = site.callback(browser)
    refused = browser.send(method, back)
    assert refused.status == 405
    assert "GET" in refused.headers["Allow"]
    if method == "POST":  # by a form, so a person is looking
        assert refused.headers["Content-Type"].startswith("text/html")
        assert refused.policy["frame-ancestors"] == site.ehr.origin
    assert browser.send("HEAD", back).status == 204
    assert browser.get(back, **{"Sec-Purpose": "prefetch"}).status == 503
    # None of that has used it up.
    site.url(browser.follow(back))


BAD_STATES: list[tuple[str, Change]] = [
    ("missing", without("state")),
    ("empty", with_(state="")),
    ("twice", twice("state")),
    ("two", twice("state", "x")),
    ("unknown", with_(state="A" * 22 + "." + "B" * 43)),
    ("no state of ours", with_(state="x")),
    ("too long", with_(state="A" * 513)),
    ("much too long", with_(state="A" * 10_000)),
    (
        "with a line break",
        lambda given: [*without("state")(given), ("state", given["state"] + "\n")],
    ),
    ("another end", lambda given: [*without("state")(given), ("state", given["state"][:-1] + "!")]),
    (
        "another random part",
        lambda g: [*without("state")(g), ("state", g["state"][:23] + "C" * 43)],
    ),
]


@pytest.mark.req("SL-037", "SL-038")
@pytest.mark.parametrize("error", [False, True], ids=["code", "error"])
@pytest.mark.parametrize("change", [c for _, c in BAD_STATES], ids=[n for n, _ in BAD_STATES])
def test_a_state_that_is_not_right_is_refused_before_anything_else(
    site: Stage, browser: Browser, change: Change, error: bool
) -> None:
    back = site.callback(browser)
    wrong = changed(back, change)
    if error:
        wrong = wrong.replace("code=", "error=access_denied&was=")
    page = browser.get(wrong)
    assert page.status == 400
    assert kind_of(page) in ("expired", "bad-request")
    assert site.token_requests() == []
    site.url(browser.follow(back))


@pytest.mark.req("SL-038", "T-06", "T-07")
def test_an_answer_in_another_browser_is_refused_and_still_good_in_its_own(
    site: Stage, browser: Browser
) -> None:
    back = site.callback(browser)
    stranger = Browser()
    site.url(site.open(stranger))
    page = stranger.get(back)
    assert shows(page, "expired")
    assert "began in another browser or window" in page.text
    assert not any("/app/" in str(value) for value in page.headers.values())
    assert len(site.token_requests()) == 1
    site.url(browser.follow(back))


@pytest.mark.req("T-07")
def test_a_planted_cookie_of_the_right_name_does_not_do(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    id = dict(parse_qsl(urlsplit(back).query))["state"].partition(".")[0]
    stranger = Browser()
    stranger.jar[site.netloc] = {f"__Host-sl-{id}": "x" * 43}
    assert shows(stranger.get(back), "expired")
    site.url(browser.follow(back))


@pytest.mark.req("SL-037", "T-06")
@pytest.mark.parametrize("late", [False, True])
def test_an_answer_after_ten_minutes_is_refused(site: Stage, browser: Browser, late: bool) -> None:
    back = site.callback(browser)
    site.clock.forward(minutes=10 if late else 0.5)
    page = browser.get(back)
    assert shows(page, "expired") if late else page.status == 303


@pytest.mark.req("SL-037", "SL-132")
def test_after_ten_minutes_and_the_second_time_the_page_says_what_is_true(
    site: Stage, browser: Browser
) -> None:
    back = site.callback(browser)
    id = dict(parse_qsl(urlsplit(back).query))["state"].partition(".")[0]
    site.clock.forward(minutes=10)
    del browser.jar[site.netloc][f"__Host-sl-{id}"]  # its Max-Age is over too
    late = browser.get(back)
    back = site.callback(browser)
    site.url(browser.follow(back))
    repeated = browser.get(back)
    for page in (late, repeated):
        assert page.status == 400
        assert "This sign-in is over" in page.text
        assert "finished already, took too long" in page.text
        assert "Nothing was read" not in page.text


@pytest.mark.req("T-05", "SL-038", "SL-040")
def test_an_answer_at_the_address_of_another_ehr_is_refused(site: Stage, browser: Browser) -> None:
    back = site.callback(browser, "north")
    mixed = back.replace("/callback/north", "/callback/south")
    assert shows(browser.get(mixed), "expired")
    assert shows(browser.get(back.replace("north", "west")), "bad-request")
    assert site.token_requests("north") == site.token_requests("south") == []
    site.url(browser.follow(back))


@pytest.mark.req("T-05", "SL-040")
@pytest.mark.parametrize(
    "change",
    [
        lambda site: with_(iss=site.ehrs["south"].origin),
        lambda site: with_(iss=site.ehr.origin + "/x"),
        lambda site: with_(iss=""),
        lambda site: without("iss"),
        lambda site: twice("iss"),
    ],
    ids=["another's", "longer", "empty", "missing though announced", "twice"],
)
def test_the_issuer_in_the_answer_has_to_be_the_one_that_was_asked(
    site: Stage, browser: Browser, change: Callable[[Stage], Change]
) -> None:
    page = browser.get(changed(site.callback(browser), change(site)))
    assert shows(page, "not-verified")
    assert site.token_requests() == []


@pytest.mark.req("SL-042")
@pytest.mark.parametrize(
    "change",
    [
        without("code"),
        with_(error="access_denied"),
        twice("code"),
        twice("code", "another"),
        with_(code=""),
        with_(code="x" * 4097),
        lambda g: [*without("code")(g), ("error", "a"), ("error", "b")],
    ],
    ids=["neither", "both", "twice", "two codes", "empty", "too long", "two errors"],
)
def test_it_has_one_code_or_one_error(site: Stage, browser: Browser, change: Change) -> None:
    back = site.callback(browser)
    assert shows(browser.get(changed(back, change)), "not-verified")
    assert site.token_requests() == []
    # It was the answer to this state, so there is no second one.
    assert shows(browser.get(back), "expired")


@pytest.mark.req("SL-041", "SL-132", "T-11")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", "denied"),
        ("login_required", "denied"),
        ("invalid_scope", "ehr-setup"),
        ("temporarily_unavailable", "ehr-unavailable"),
        ("server_error", "ehr-unavailable"),
        ("unauthorized_client", "ehr-setup"),
        ("<script>alert(1)</script>", "ehr-setup"),
        ("", "ehr-setup"),
    ],
)
def test_an_error_has_a_page_of_ours(site: Stage, browser: Browser, error: str, kind: str) -> None:
    back = site.callback(browser)
    told = {
        "error": error,
        "error_description": "<script>alert(1)</script> canary",
        "error_uri": "javascript:alert(1)",
    }
    page = browser.get(changed(back, lambda g: [*without("code")(g), *told.items()]))
    assert kind_of(page) == kind
    for word in ("<script>alert", "javascript:", "canary"):
        assert word not in page.text
    assert site.token_requests() == []
    assert kind_of(browser.get(back)) == "expired"


@pytest.mark.req("T-11")
@pytest.mark.parametrize("name", ["code", "state", "iss", "error_description", "other"])
@pytest.mark.parametrize("control", ["\r\n", "\0"])
def test_a_control_character_is_refused(
    site: Stage, browser: Browser, name: str, control: str
) -> None:
    back = site.callback(browser)
    page = browser.get(changed(back, lambda g: [*without(name)(g), (name, f"x{control}y")]))
    assert page.status == 400
    assert site.token_requests() == []


@pytest.mark.req("T-09", "SL-039", "SL-052")
def test_an_answer_is_used_once(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    site.url(browser.follow(back))
    assert browser.get(back).status == 400
    assert len(site.token_requests()) == 1


@pytest.mark.req("T-09", "SL-039")
def test_of_many_copies_at_once_one_is_used(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    jar = {name: dict(cookies) for name, cookies in browser.jar.items()}
    copies = [Browser({name: dict(each) for name, each in jar.items()}) for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        pages = list(threads.map(lambda copy: copy.get(back), copies))
    assert sorted(page.status for page in pages) == [303] + [400] * 19
    assert len(site.token_requests()) == 1


@pytest.mark.req("T-08")
def test_a_code_of_one_launch_is_no_use_in_another(site: Stage, browser: Browser) -> None:
    before = set(site.ehr.active_tokens())
    first, second = site.callback(browser), site.callback(browser)
    code = dict(parse_qsl(urlsplit(first).query))["code"]
    page = browser.get(changed(second, with_(code=code)))
    assert shows(page, "expired")
    assert set(site.ehr.active_tokens()) <= before
    site.url(site.open(browser))
    verifiers = [form["code_verifier"] for form in site.token_requests()]
    assert len(set(verifiers)) == len(verifiers) == 2


@pytest.mark.req("T-10")
def test_nothing_in_the_answer_says_where_to_go(site: Stage, browser: Browser) -> None:
    back = site.callback(browser) + "&redirect=//evil.example&next=https://evil.example"
    page = browser.get(back)
    assert page.location.startswith(f"{site.origin}/app/")


@pytest.mark.req("SL-029")
def test_the_endpoints_are_those_that_were_asked(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    # From now on its document names another token endpoint.
    site.ehr.launch("chartside", patient=PATIENT, faults=["disco_evil_token_endpoint"])
    site.clock.forward(minutes=5)
    found = [each for each in site.ehr.seen if "smart-configuration" in each.path]
    page = browser.get(back)
    site.ehr.launch("chartside", patient=PATIENT)
    # The code is good for a minute only; what counts is where it was taken.
    assert kind_of(page) != "chart"
    assert len(site.token_requests()) == 1
    assert [each for each in site.ehr.seen if "smart-configuration" in each.path] == found


@pytest.mark.req("SL-041")
def test_what_waited_is_gone_whatever_came(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    id = dict(parse_qsl(urlsplit(back).query))["state"].partition(".")[0]
    before = len(rows(site, tables.pending))
    page = browser.get(changed(back, lambda g: [*without("code")(g), ("error", "access_denied")]))
    assert len(rows(site, tables.pending)) == before - 1
    assert page.cookies[f"__Host-sl-{id}"]["max-age"] == "0"
    assert browser.cookie(site.netloc, f"__Host-sl-{id}") is None


@pytest.mark.req("T-22", "SL-043")
def test_a_page_that_fails_does_not_leave_its_address_anywhere(
    site: Stage, browser: Browser
) -> None:
    page = browser.get(f"{site.origin}/smart/callback/north?state=x&code={quote('canary')}")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "canary" not in page.text


@pytest.mark.req("SL-027")
def test_after_a_refused_client_the_document_is_read_again(browser: Browser) -> None:
    agreed = {"auth": "client_secret_basic", "secret": CLIENT_SECRET}
    with stage(mode="production", smart=agreed) as site:

        def read() -> int:
            return len([each for each in site.ehr.seen if "smart-configuration" in each.path])

        site.open(browser)
        site.ehr.seen.clear()
        site.open(browser)
        assert read() == 0
        assert kind_of(site.open(browser, faults=["auth_invalid_client_secret"])) == "ehr-setup"
        assert read() == 0
        site.open(browser)
        assert read() == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("disco_404", "ehr-setup"), ("jwks_404", "ehr-unavailable")]
)
def test_in_development_a_fault_of_discovery_is_that_of_one_launch(
    site: Stage, browser: Browser, fault: str, kind: str
) -> None:
    assert browser.get(site.url(site.open(browser))).status == 200
    assert kind_of(site.open(browser, faults=[fault])) == kind
    assert browser.get(site.url(site.open(browser))).status == 200


@pytest.mark.req("SL-066")
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"access_token": "aa", "refresh_token": 5}', {"access_token": "aa"}),
        (b'{"access_token": ["x"], "refresh_token": "bb=="}', {"refresh_token": "bb=="}),
        (b'[{"access_token":"aa"}]', {"access_token": "aa"}),
        (b"access_token=aa&refresh_token=bb", {"access_token": "aa", "refresh_token": "bb"}),
        (b'{"access_token": "a\nb"}', {}),
        (b'{"x_access_token": "aa"}', {}),
        (b"", {}),
        (b"\xff\xfe", {}),
    ],
)
def test_what_can_be_made_out_of_an_answer_is_revoked(body: bytes, found: dict[str, str]) -> None:
    assert tokens_in(body) == found
