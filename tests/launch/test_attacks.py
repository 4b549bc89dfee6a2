"""Ways in that were tried and found open once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from launch.places import OF_ONE_EHR
from sandbox.http.faults import Slow
from tests.launch.browser import Browser
from tests.launch.kinds import shows
from tests.launch.stage import PATIENT, Stage, stage
from web.errors import StartError
from web.settings import from_environment


@pytest.mark.req("T-10", "SL-004")
@pytest.mark.parametrize("path", ["/app/north.x", "/smart/connect/", "/app", "/smart/launch/"])
def test_no_address_redirects_to_the_host_it_was_asked_by(path: str, site: Stage) -> None:
    answer = site.app.test_client().get(path, headers={"Host": "evil.example"})
    assert "Location" not in answer.headers
    assert answer.status_code >= 400


@pytest.mark.req("SL-006")
@pytest.mark.parametrize("secret", ["this secret is for development only", "a" * 40, "ab" * 20])
def test_a_secret_that_can_be_guessed_stops_the_start(secret: str, tmp_path: object) -> None:
    config = f"{tmp_path}/trust.toml"
    with open(config, "w") as file:
        file.write('[ehr.x]\ntime_zone = "UTC"\n')
    with pytest.raises(StartError, match="CHARTSIDE_SECRET can be guessed"):
        from_environment(
            {
                "CHARTSIDE_CONFIG": config,
                "CHARTSIDE_SECRET": secret,
                "CHARTSIDE_PUBLIC_URL": "https://app.example",
            }
        )


@pytest.mark.req("SL-027", "T-27")
def test_however_an_issuer_is_written_its_document_is_asked_for_once(browser: Browser) -> None:
    with stage("north", mode="production") as site:
        plain = site.ehr.iss
        spellings = [
            plain,
            plain + "/",
            plain.replace("http:", "HTTP:"),
            plain.replace("http", "hTtP"),
        ]
        for iss in spellings:
            browser.get(f"{site.origin}/smart/connect")
            begun = browser.get(f"{site.origin}/smart/launch?iss={iss}&launch=x")
            asked = browser.get(begun.location)
            assert asked.sent_to["aud"] == iss
        discoveries = [each for each in site.ehr.seen if each.path.endswith("smart-configuration")]
        assert len(discoveries) == 1


@pytest.mark.req("T-16", "SL-077")
def test_two_users_whom_nobody_knows_need_not_be_one(browser: Browser) -> None:
    scopes = ("patient/Patient.r", "patient/Condition.rs")
    with stage("north", smart={"needs_user": False, "scopes": scopes}) as site:
        first = site.url(site.open(browser))
        second = site.url(site.open(browser))
        assert browser.get(second).status == 200
        assert shows(browser.get(first), "ended")


@pytest.mark.req("T-27")
def test_an_ehr_whose_charts_wait_leaves_threads_to_the_others(browser: Browser) -> None:
    with stage("north", "south") as site:
        url = site.url(site.open(browser, "north"))
        neighbour = Browser()
        other = site.url(site.open(neighbour, "south"))
        site.ehrs["north"].fhir.plant("*", Slow(2.0))
        here = threading.Barrier(OF_ONE_EHR + 2)

        def get(_: int) -> int:
            copy = Browser()
            copy.jar = {host: dict(jar) for host, jar in browser.jar.items()}
            here.wait(10)
            return copy.get(url).status

        with ThreadPoolExecutor(OF_ONE_EHR + 2) as threads:
            answers = list(threads.map(get, range(OF_ONE_EHR + 2)))
        assert 503 in answers
        assert neighbour.get(other).fields()["patient"] == PATIENT
