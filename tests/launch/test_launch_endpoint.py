"""Where an EHR opens the app: `/smart/launch` and the cookie probe behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from sandbox.fhir.server import FhirServer
from store import pending, tables
from tests.launch.browser import Browser
from tests.launch.kinds import shows
from tests.launch.stage import OTHER, PATIENT, Stage, stage
from tests.launch.tables import rows

HEADER = "Clientaddress"


@pytest.fixture(scope="module")
def proxied() -> Iterator[Stage]:
    """Behind a proxy that tells the addresses of clients."""
    with stage("north", "south", address_header=HEADER) as running:
        yield running


def go(site: Stage, browser: Browser, **launch: Any) -> str:
    """Where the probe sends the browser: the EHR's authorization endpoint."""
    return browser.until(site.link(**launch), "/auth/authorize")


@pytest.mark.req("SL-010")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss={iss}",
        "launch=x",
        "iss=&launch=x",
        "iss={iss}&launch=",
        "iss={iss}&iss={iss}&launch=x",
        "iss={iss}&launch=x&launch=y",
        "iss={iss}&launch=x&launch=",
        "iss={iss}&launch=" + "x" * 8193,
    ],
)
def test_it_needs_one_iss_and_one_launch(site: Stage, browser: Browser, query: str) -> None:
    query = query.format(iss=quote(site.ehr.iss, safe=""))
    page = browser.get(f"{site.origin}/smart/launch?{query}")
    assert shows(page, "bad-request")
    assert "Location" not in page.headers
    assert page.cookies == {}
    assert site.ehr.seen == []


LOOKALIKES: list[tuple[str, Callable[[str], str]]] = [
    ("somebody else's", lambda iss: "https://evil.example/fhir"),
    ("after an at sign", lambda iss: iss + "@evil.example"),
    ("with a longer host", lambda iss: iss.replace("/fhir", ".evil.example/fhir")),
    ("a step up", lambda iss: iss + "/../x"),
    ("an encoded step", lambda iss: iss + "%2f.."),
    ("an encoded dot", lambda iss: iss + "/%2e%2e/x"),
    ("a query", lambda iss: iss + "?x"),
    ("a fragment", lambda iss: iss + "#x"),
    ("a user", lambda iss: iss.replace("//", "//user@")),
    ("another port", lambda iss: iss.replace("/fhir", "0/fhir")),
    ("another scheme", lambda iss: iss.replace("http:", "https:")),
    ("another path", lambda iss: iss + "/more"),
    ("two slashes", lambda iss: iss + "//"),
    ("a back slash", lambda iss: iss.replace("/fhir", "\\fhir")),
    ("another alphabet", lambda iss: iss.replace("fhir", "fh\u0456r")),
    ("a space", lambda iss: iss + " "),
    ("a file", lambda iss: "file:///etc/passwd"),
    ("a script", lambda iss: "javascript:alert(1)"),
    ("no URL", lambda iss: "north"),
]


@pytest.mark.req("SL-011", "T-01", "T-02")
@pytest.mark.parametrize("change", [c for _, c in LOOKALIKES], ids=[n for n, _ in LOOKALIKES])
def test_an_issuer_that_is_not_listed_is_asked_for_nothing(
    site: Stage, browser: Browser, change: Callable[[str], str]
) -> None:
    before = rows(site, tables.pending)
    iss = quote(change(site.ehr.iss), safe="")
    page = browser.get(f"{site.origin}/smart/launch?iss={iss}&launch=x")
    assert shows(page, "bad-request")
    assert site.ehr.seen == []
    assert rows(site, tables.pending) == before
    assert page.policy["frame-ancestors"] == "'none'"
    # For all reasons the same page, but for its reference.
    another = browser.get(f"{site.origin}/smart/launch")
    assert _without_reference(page.text) == _without_reference(another.text)


@pytest.mark.req("T-01")
def test_no_server_is_asked_because_a_request_names_it(
    site: Stage, browser: Browser, attacker: FhirServer
) -> None:
    page = browser.get(f"{site.origin}/smart/launch?iss={quote(attacker.base)}&launch=x")
    assert shows(page, "bad-request")


def _without_reference(text: str) -> str:
    import re

    return re.sub(r"[0-9a-f]{16}", "", text)


@pytest.mark.req("SL-012", "SL-032")
@pytest.mark.parametrize("launch", ["x" * 8192, "a b+c/d=e%", "\u00e9\u4e2d", '{"a":"&<>"}', "%00"])
def test_the_launch_value_goes_on_unchanged(site: Stage, browser: Browser, launch: str) -> None:
    query = f"iss={quote(site.ehr.iss, safe='')}&launch={quote(launch, safe='')}"
    first = browser.get(f"{site.origin}/smart/launch?{query}")
    assert launch not in first.location
    second = browser.get(first.location)
    sent = second.sent_to if second.status == 303 else second.fields()
    assert sent["launch"] == launch


@pytest.mark.req("SL-012", "T-11")
@pytest.mark.parametrize("name", ["iss", "launch", "other"])
@pytest.mark.parametrize("control", ["%0d%0aSet-Cookie:%20a=b", "%00", "%7f", "%1b"])
def test_a_control_character_is_refused(
    site: Stage, browser: Browser, name: str, control: str
) -> None:
    given = {"iss": quote(site.ehr.iss, safe=""), "launch": "x", "other": "y"}
    given[name] += control
    query = "&".join(f"{key}={value}" for key, value in given.items())
    page = browser.get(f"{site.origin}/smart/launch?{query}")
    assert shows(page, "bad-request")
    assert page.cookies == {}


@pytest.mark.req("SL-013")
def test_other_parameters_do_no_harm_and_an_unencoded_iss_works(
    site: Stage, browser: Browser
) -> None:
    value = site.ehr.launch("chartside", patient=PATIENT)
    page = browser.follow(f"{site.origin}/smart/launch?from=card&launch={value}&iss={site.ehr.iss}")
    assert "/app/north." in site.url(page)


@pytest.mark.req("T-10")
def test_nothing_in_a_request_says_where_to_go_next(site: Stage, browser: Browser) -> None:
    extra = "&next=https://evil.example&redirect=//evil.example&return_to=/x&target=evil.example"
    page = browser.follow(site.link() + extra)
    site.url(page)
    allowed = {urlsplit(site.origin).netloc, urlsplit(site.ehr.origin).netloc}
    for each in browser.pages:
        assert urlsplit(each.url).netloc in allowed
        assert "evil" not in each.headers.get("Location", "")


@pytest.mark.req("SL-014")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch"}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"Purpose": "prefetch"}),
    ],
)
@pytest.mark.parametrize("path", ["launch", "connect"])
def test_whoever_does_not_open_it_begins_nothing(
    site: Stage, browser: Browser, method: str, headers: dict[str, str], path: str
) -> None:
    before = rows(site, tables.pending)
    url = site.link() if path == "launch" else f"{site.origin}/smart/connect/north"
    page = browser.send(method, url, headers=headers)
    assert page.cookies == {}
    assert "Location" not in page.headers
    assert rows(site, tables.pending) == before


@pytest.mark.req("SL-014", "SL-018", "T-27")
def test_nothing_is_kept_before_its_cookie_has_come_back(site: Stage, browser: Browser) -> None:
    before = len(rows(site, tables.pending))
    page = browser.get(site.link())
    Browser().get(page.location)
    assert len(rows(site, tables.pending)) == before
    for _ in range(2):  # a page that is loaded again is the same launch
        browser.get(page.location)
        assert len(rows(site, tables.pending)) == before + 1


@pytest.mark.req("SL-017", "SL-038")
@pytest.mark.parametrize(
    "change",
    [
        lambda id, ticket: ("A" * 22, ticket),
        lambda id, ticket: (id, ticket[:-5]),
        lambda id, ticket: (id, "B" + ticket[1:] if ticket[0] == "A" else "A" + ticket[1:]),
        lambda id, ticket: (id, "x"),
        lambda id, ticket: (id, "é"),
        lambda id, ticket: (id, "A" * 41),
    ],
    ids=["another launch's", "cut", "changed", "short", "no ticket", "of no length"],
)
def test_an_address_that_is_not_ours_begins_nothing(
    site: Stage, browser: Browser, change: Callable[[str, str], tuple[str, str]]
) -> None:
    url = browser.get(site.link()).location
    start, id, ticket = url.rsplit("/", 2)
    before = rows(site, tables.pending)
    other, changed = change(id, ticket)
    browser.jar[site.netloc][f"__Host-sl-{other}"] = browser.jar[site.netloc][f"__Host-sl-{id}"]
    assert shows(browser.get(f"{start}/{other}/{quote(changed)}"), "expired")
    assert rows(site, tables.pending) == before
    assert site.ehr.seen == []
    assert browser.get(url).status == 303


@pytest.mark.req("SL-015")
def test_each_launch_begins_anew(site: Stage, browser: Browser) -> None:
    first = site.url(site.open(browser, patient=PATIENT))
    second = site.url(site.open(browser, patient=OTHER))
    assert first != second
    assert len(site.token_requests()) == 2
    assert browser.get(second).fields()["patient"] == OTHER
    assert browser.get(first).fields()["patient"] == PATIENT


@pytest.mark.req("SL-017")
def test_without_its_cookie_it_offers_a_window_and_asks_the_ehr_nothing(site: Stage) -> None:
    blocked = Browser(keeps_cookies=False)
    link = site.link()
    page = blocked.follow(link)
    assert page.status == 200
    assert 'target="_blank"' in page.text
    assert quote(link.partition("launch=")[2], safe="") in page.text.replace("&amp;", "&")
    assert site.ehr.seen == []
    assert page.policy["frame-ancestors"] == site.ehr.origin
    # The same launch, in a browser that keeps cookies.
    site.url(Browser().follow(link))


@pytest.mark.req("SL-017", "SL-038")
def test_the_cookie_of_another_launch_does_not_do(site: Stage, browser: Browser) -> None:
    mine = browser.get(site.link()).location
    other = Browser()
    other.get(site.link())
    page = other.get(mine)
    assert 'target="_blank"' in page.text


@pytest.mark.req("SL-019")
@pytest.mark.parametrize("change", [lambda iss: iss, lambda iss: iss.replace("http:", "HTTP:")])
def test_the_issuer_is_the_audience_as_it_came(
    site: Stage, browser: Browser, change: Callable[[str], str]
) -> None:
    iss = change(site.ehr.iss)
    page = browser.get(f"{site.origin}/smart/launch?iss={quote(iss, safe='')}&launch=x")
    assert browser.get(page.location).sent_to["aud"] == iss


@pytest.mark.req("SL-019")
@pytest.mark.parametrize("end", ["", "/"])
def test_a_slash_at_its_end_makes_no_other_issuer(site: Stage, browser: Browser, end: str) -> None:
    iss = site.ehr.iss + end
    page = browser.get(f"{site.origin}/smart/launch?iss={quote(iss, safe='')}&launch=x")
    assert browser.get(page.location).sent_to["aud"] == iss


@pytest.mark.req("SL-030", "SL-031", "SL-032", "SL-033", "SL-005")
def test_what_the_ehr_is_asked(site: Stage, browser: Browser) -> None:
    asked = go(site, browser)
    query = urlsplit(asked).query.split("&")
    assert len({pair.partition("=")[0] for pair in query}) == len(query)
    sent = browser.pages[-1].sent_to
    assert sent["response_type"] == "code"
    assert sent["client_id"] == "chartside"
    assert sent["redirect_uri"] == f"{site.origin}/smart/callback/north"
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert len(sent["state"]) == 66
    assert len(sent["nonce"]) >= 22
    scopes = sent["scope"].split()
    assert {"launch", "openid", "fhirUser"} < set(scopes)
    assert "launch/patient" not in scopes
    assert not any("*" in scope for scope in scopes)


@pytest.mark.req("SL-031")
def test_nothing_random_comes_twice(site: Stage, browser: Browser) -> None:
    seen: dict[str, set[str]] = {"state": set(), "nonce": set(), "code_challenge": set()}
    for _ in range(20):
        go(site, browser)
        for name, values in seen.items():
            values.add(browser.pages[-1].sent_to[name])
    # Asking again for one launch too.
    again = browser.pages[-1].url
    for _ in range(5):
        sent = browser.get(again).sent_to
        for name, values in seen.items():
            values.add(sent[name])
    assert {name: len(values) for name, values in seen.items()} == dict.fromkeys(seen, 25)


@pytest.mark.req("T-14")
def test_launches_that_begin_together_all_end_well(site: Stage, browser: Browser) -> None:
    links = [site.link(patient=patient) for patient in (PATIENT, OTHER) * 3]
    with ThreadPoolExecutor(6) as threads:
        first = list(threads.map(browser.get, links))
    asked = [browser.get(page.location) for page in first]
    back = [browser.get(page.location) for page in asked]
    charts = [browser.follow(page.location) for page in back]
    assert [chart.fields()["patient"] for chart in charts] == [PATIENT, OTHER] * 3
    for number, chart in enumerate(charts):
        reloaded = browser.get(site.url(chart))
        assert reloaded.fields()["patient"] == (PATIENT, OTHER)[number % 2]


@pytest.mark.req("SL-018")
def test_the_eleventh_that_waits_in_a_jar_ends_the_first(site: Stage, browser: Browser) -> None:
    waiting = [site.callback(browser) for _ in range(11)]
    assert shows(browser.get(waiting[0]), "expired")
    site.url(browser.follow(waiting[1]))


@pytest.mark.req("SL-018", "T-27")
def test_whoever_begins_without_end_shuts_nobody_out(
    site: Stage, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST", 3)
    clinician, elsewhere = Browser(), Browser()
    back = site.callback(clinician)
    for _ in range(20):
        assert Browser().get(site.link()).status == 303
    site.url(clinician.follow(back))
    # Not with cookies either, at another EHR; nor can it keep anybody from beginning.
    back = site.callback(clinician, "south")
    for _ in range(6):
        site.callback(Browser())
    site.url(clinician.follow(back))
    site.url(site.open(elsewhere))
    assert len(rows(site, tables.pending)) <= 3


@pytest.mark.req("SL-018", "T-27")
def test_an_address_may_begin_so_many_at_one_ehr_in_a_minute(
    proxied: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launch import routes

    monkeypatch.setattr(routes, "LAUNCHES_A_MINUTE", 2)

    def begun(address: str, name: str | None = None) -> bool:
        page = Browser().get(proxied.link(name), **({HEADER: address} if address else {}))
        assert page.status == 303 or int(page.headers["Retry-After"]) > 0
        return not shows(page, "too-many")

    for address in ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.9", "[2001:db8::1]:99"):
        assert [begun(address) for _ in range(3)][::2] == [True, False]
    assert begun("192.0.2.1", "south")
    assert begun("192.0.2.2")
    assert begun("::ffff:192.0.2.8")
    # One network, whichever of its addresses is used.
    assert not begun("2001:db8::7:8:9")
    assert begun("2001:db8:0:1::1")
    # What has no address shares no count.
    assert all(begun("") for _ in range(5))


@pytest.mark.req("SL-018", "T-27")
def test_where_no_address_is_told_nobody_can_use_up_the_launches_of_all(
    site: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launch import routes

    monkeypatch.setattr(routes, "LAUNCHES_A_MINUTE", 1)
    assert {Browser().get(site.link()).status for _ in range(4)} == {303}


@pytest.mark.req("SL-018")
def test_a_launch_waits_for_ten_minutes(site: Stage, browser: Browser) -> None:
    url = browser.get(site.link()).location
    site.clock.forward(minutes=9, seconds=50)
    assert browser.get(url).status == 303
    site.clock.forward(seconds=15)
    assert shows(browser.get(url), "expired")


@pytest.mark.req("SL-004")
@pytest.mark.parametrize("host", ["evil.example", "localhost", "localhost:1", "127.0.0.1:{port}"])
@pytest.mark.parametrize("path", ["/smart/launch?{query}", "/smart/connect", "/app/north.x/"])
def test_another_host_name_is_refused(site: Stage, browser: Browser, host: str, path: str) -> None:
    host = host.format(port=urlsplit(site.origin).port)
    url = site.origin + path.format(query=site.link().partition("?")[2])
    page = browser.get(url, Host=host)
    assert page.status in (400, 403)
    assert page.cookies == {}
    assert "Location" not in page.headers
    assert host not in page.text


@pytest.mark.req("SL-004")
@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"])
def test_no_header_moves_the_redirect_uri(site: Stage, browser: Browser, header: str) -> None:
    page = browser.get(site.link(), **{header: "evil.example"})
    assert page.status in (303, 403)  # development refuses what came through a proxy
    assert "evil" not in page.headers.get("Location", "")
