"""Access tokens are renewed early, by one at a time, for the same chart only."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.auth.vault import Lifetimes
from store import tables
from tests.launch.browser import Browser
from tests.launch.kinds import kind_of, shows
from tests.launch.stage import Stage, stage
from tests.launch.tables import rows

LIFE = 300


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    """Tokens live for five minutes."""
    with stage("north", lifetimes=Lifetimes(access=LIFE)) as running:
        yield running


@pytest.fixture
def ours(shared: Stage) -> Stage:
    """The application and its EHR, which has seen nothing yet."""
    shared.ehr.seen.clear()
    shared.ehr.fhir.clear()
    return shared


def renewals(site: Stage) -> list[dict[str, str]]:
    """The forms of all requests for a new token."""
    return [form for form in site.token_requests() if form["grant_type"] == "refresh_token"]


def bearers(site: Stage) -> set[str]:
    """The tokens that the FHIR server got."""
    found = {
        each.headers.get("authorization", "") for each in site.ehr.seen if "/fhir/" in each.path
    }
    return found - {""}


@pytest.mark.req("SL-102")
def test_a_token_is_renewed_a_good_minute_before_its_end(ours: Stage, browser: Browser) -> None:
    url = ours.url(ours.open(browser))
    ours.clock.forward(seconds=LIFE - 95)
    assert browser.get(url).status == 200
    assert renewals(ours) == []
    ours.clock.forward(seconds=33)
    assert browser.get(url).status == 200
    assert len(renewals(ours)) == 1
    assert len(bearers(ours)) == 2
    # The new one is good for as long again.
    ours.clock.forward(seconds=LIFE - 95)
    browser.get(url)
    assert len(renewals(ours)) == 1


@pytest.mark.req("SL-103", "SL-051", "SL-005", "SL-122")
def test_what_is_sent_for_it(ours: Stage, browser: Browser) -> None:
    url = ours.url(ours.open(browser))
    for _ in range(2):
        ours.clock.forward(seconds=LIFE - 60)
        browser.get(url)
    first, second = renewals(ours)
    assert set(first) == {
        "grant_type",
        "refresh_token",
        "client_assertion_type",
        "client_assertion",
    }
    assert first["client_assertion"] != second["client_assertion"]
    # The EHR rotates them, and the newest one is used.
    assert first["refresh_token"] != second["refresh_token"]


@pytest.mark.req("T-26", "SL-102")
def test_ten_requests_at_once_renew_an_expired_token_once(ours: Stage, browser: Browser) -> None:
    url = ours.url(ours.open(browser))
    ours.clock.forward(seconds=LIFE + 5)
    jar = browser.jar
    with ThreadPoolExecutor(10) as threads:
        copies = [Browser({name: dict(each) for name, each in jar.items()}) for _ in range(10)]
        pages = list(threads.map(lambda copy: copy.get(url), copies))
    assert {page.status for page in pages} == {200}
    assert len(renewals(ours)) == 1
    assert ours.ehr.revoked_tokens() == []


@pytest.mark.req("SL-104")
@pytest.mark.parametrize("fault", ["refresh_null", "refresh_not_rotated"])
def test_without_a_new_refresh_token_the_old_one_is_kept(
    ours: Stage, browser: Browser, fault: str
) -> None:
    url = ours.url(ours.open(browser, faults=[fault]))
    for _ in range(3):
        ours.clock.forward(seconds=LIFE - 60)
        assert browser.get(url).status == 200
    tokens = {form["refresh_token"] for form in renewals(ours)}
    assert len(renewals(ours)) == 3
    assert len(tokens) == 1


@pytest.mark.req("SL-082", "SL-102")
@pytest.mark.parametrize("fault", ["refresh_other_patient", "refresh_other_encounter"])
def test_a_token_for_another_chart_ends_the_launch(
    ours: Stage, browser: Browser, fault: str
) -> None:
    url = ours.url(ours.open(browser, faults=[fault], encounter="AUTO"))
    before = set(ours.ehr.active_tokens())
    ours.clock.forward(seconds=LIFE - 60)
    page = browser.get(url)
    assert shows(page, "ended")
    assert shows(browser.get(url), "ended")
    # Neither the new tokens nor the old ones are left.
    assert set(ours.ehr.active_tokens()) < before


@pytest.mark.req("SL-103")
def test_a_wider_scope_is_not_used(ours: Stage, browser: Browser) -> None:
    url = ours.url(ours.open(browser, faults=["refresh_more_scope"]))
    asked = {each.path for each in ours.ehr.seen if each.path.startswith("/fhir/")}
    ours.clock.forward(seconds=LIFE - 60)
    ours.ehr.seen.clear()
    assert browser.get(url).status == 200
    assert len(renewals(ours)) == 1
    assert {each.path for each in ours.ehr.seen if each.path.startswith("/fhir/")} <= asked


@pytest.mark.req("SL-102")
def test_a_refresh_token_that_is_over_ends_the_launch(ours: Stage, browser: Browser) -> None:
    url = ours.url(ours.open(browser, faults=["token_expired_refresh_token"]))
    ours.clock.forward(seconds=LIFE + 5)
    kept = len(rows(ours, tables.launches))
    assert shows(browser.get(url), "ended")
    assert len(rows(ours, tables.launches)) == kept - 1


@pytest.mark.req("SL-102")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refresh_invalid_client", "ehr-setup"),
        ("refresh_503", "ehr-unavailable"),
    ],
)
def test_where_the_ehr_fails_the_launch_is_kept(
    ours: Stage, browser: Browser, fault: str, kind: str
) -> None:
    url = ours.url(ours.open(browser, faults=[fault]))
    kept = len(rows(ours, tables.launches))
    # While the old token is good, nobody notices.
    ours.clock.forward(seconds=LIFE - 30)
    assert browser.get(url).status == 200
    ours.clock.forward(seconds=60)
    page = browser.get(url)
    assert kind_of(page) == kind
    assert len(rows(ours, tables.launches)) == kept


@pytest.mark.req("SL-102", "T-27")
def test_an_answer_that_was_lost_ends_the_launch_where_tokens_are_used_once(
    ours: Stage, browser: Browser
) -> None:
    before = set(ours.ehr.active_tokens())
    url = ours.url(ours.open(browser, faults=["refresh_slow"]))
    ours.clock.forward(seconds=LIFE + 5)
    # To the EHR the second attempt looks as if the token were stolen, and it ends the chain.
    assert shows(browser.get(url), "ended")
    assert len(renewals(ours)) == 2
    assert set(ours.ehr.active_tokens()) <= before


@pytest.mark.req("SL-102", "SL-122")
def test_a_failure_that_passes_is_tried_once_more_with_a_new_proof(
    ours: Stage, browser: Browser
) -> None:
    url = ours.url(ours.open(browser, faults=["refresh_503_once"]))
    ours.clock.forward(seconds=LIFE + 5)
    assert browser.get(url).status == 200
    first, second = renewals(ours)
    assert first["refresh_token"] == second["refresh_token"]
    assert first["client_assertion"] != second["client_assertion"]


@pytest.mark.req("SL-108", "SL-102")
def test_a_token_that_the_records_refuse_is_renewed_once(ours: Stage, browser: Browser) -> None:
    chart = ours.open(browser, faults=["request_expired_token"])
    ours.url(chart)
    assert len(renewals(ours)) == 1
    assert len(bearers(ours)) == 2


@pytest.mark.req("SL-108", "SL-105")
def test_a_token_that_is_refused_again_ends_the_launch(ours: Stage, browser: Browser) -> None:
    page = ours.open(browser, faults=["request_invalid_token"])
    assert shows(page, "ended")
    assert len(renewals(ours)) == 1
    assert shows(browser.get(page.url), "ended")


@pytest.mark.req("SL-105")
def test_not_more_than_one_renewal_a_minute() -> None:
    # Such tokens are due as soon as they are issued.
    with stage("north", lifetimes=Lifetimes(access=70)) as short:
        browser = Browser()
        url = short.url(short.open(browser))
        for _ in range(5):
            assert browser.get(url).status == 200
        assert len(renewals(short)) == 1
        short.clock.forward(seconds=59)
        assert browser.get(url).status == 200
        assert len(renewals(short)) == 1
        short.clock.forward(seconds=2)
        assert browser.get(url).status == 200
        assert len(renewals(short)) == 2


@pytest.mark.req("SL-086")
def test_without_a_refresh_token_the_launch_ends_with_its_token() -> None:
    with stage("north", lifetimes=Lifetimes(access=LIFE), smart={"refresh": "none"}) as none:
        browser = Browser()
        url = none.url(none.open(browser))
        none.clock.forward(seconds=LIFE - 10)
        assert browser.get(url).status == 200
        none.clock.forward(seconds=20)
        assert shows(browser.get(url), "ended")
        assert rows(none, tables.launches) == []
        assert renewals(none) == []
