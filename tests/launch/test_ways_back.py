"""The way back from the EHR: one address for each, to the endpoints that the launch began with."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.launch.browser import Browser
from tests.launch.kinds import kind_of, shows
from tests.launch.stage import PATIENT, Stage
from web.errors import StartError
from web.trust_file import load


@pytest.mark.req("SL-003")
def test_each_ehr_sends_the_browser_back_to_one_plain_address(
    site: Stage, browser: Browser
) -> None:
    for name in site.ehrs:
        asked = browser.get(browser.get(site.link(name)).location).sent_to["redirect_uri"]
        assert asked == f"{site.origin}/smart/callback/{name}"
        assert urlsplit(asked).query == urlsplit(asked).fragment == ""
        site.url(site.open(browser, name))
        assert site.token_requests(name)[-1]["redirect_uri"] == asked
    for other in ("/smart/callback/", "/smart/callback/north/x", "/smart/callback/NORTH"):
        assert browser.get(f"{site.origin}{other}?code=x&state=y").status in (400, 404)


@pytest.mark.req("SL-003")
@pytest.mark.parametrize("id", ["*", "a*", "a/b", "a?b", "a#b", "A", "a.b"])
def test_no_id_makes_it_anything_else(tmp_path: Path, id: str) -> None:
    record = f'[ehr."{id}"]\ntime_zone = "Europe/Oslo"\nfhir_bases = ["https://ehr.example/r4"]\n'
    (tmp_path / "trust.toml").write_text(record + f'[ehr."{id}".smart]\nclient_id = "c"\n')
    with pytest.raises(StartError, match="an id is lower-case letters"):
        load(tmp_path / "trust.toml")


@pytest.mark.req("SL-029")
def test_whatever_its_document_says_by_then(site: Stage, browser: Browser) -> None:
    back = site.callback(browser)
    # A refused client has the document read again, and the token endpoint is a stranger's now.
    site.open(browser, faults=["auth_invalid_client_secret"])
    assert shows(site.open(browser, faults=["disco_evil_token_endpoint"]), "ehr-setup")
    try:
        assert kind_of(browser.follow(back)) == "chart"
    finally:
        site.ehr.launch("chartside", patient=PATIENT)
        site.clock.forward(seconds=31)  # a failure is remembered for half a minute


@pytest.mark.req("SL-044")
def test_an_ehr_that_sends_nobody_back_is_in_nobodys_way(site: Stage, browser: Browser) -> None:
    left = site.open(browser, faults=["no_redirect_401"])
    assert left.url.startswith(site.ehr.origin)
    assert left.status == 401
    assert kind_of(site.open(browser)) == "chart"
