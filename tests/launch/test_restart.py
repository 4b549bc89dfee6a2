"""A server that is restarted in the middle of a launch, or of a session, goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.server import new_database
from tests.launch.hospital import Hospital, browser_for, hospital
from tests.launch.kinds import shows
from tests.launch.stage import PATIENT


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """An EHR, and a database in a file."""
    with hospital(tmp_path_factory.mktemp("restart"), new_database()) as running:
        yield running


@pytest.mark.req("SL-029", "SL-039")
def test_a_launch_ends_well_whenever_the_server_is_restarted(place: Hospital) -> None:
    with place.servers() as first:
        browser = browser_for(first)
        probe = browser.get(place.link()).location
    with place.servers() as second:
        browser_for(second, browser)
        asked = browser.get(probe).location
        back = browser.until(asked, "/smart/callback/")
    with place.servers() as third:
        browser_for(third, browser)
        chart = browser.follow(back)
        assert chart.fields()["patient"] == PATIENT
        assert browser.get(back).status == 400
    with place.servers() as fourth:
        browser_for(fourth, browser)
        again = browser.get(chart.url)
        assert again.fields() == chart.fields()
        assert browser.post(f"{chart.url}sign-out", chart.fields()).status == 200
        assert shows(browser.get(chart.url), "ended")
    assert len(place.token_requests()) == 1
    assert place.ehr.active_tokens() == []


@pytest.mark.req("SL-100")
def test_with_another_secret_a_launch_is_over_and_says_so(place: Hospital) -> None:
    with place.servers() as first:
        browser = browser_for(first)
        chart = place.open(browser)
        back = place.callback(browser)
    other = {**place.variables, "CHARTSIDE_SECRET": "another secret of these tests, as long"}
    changed = Hospital(place.ehr, other, place.folder, place.logs)
    with changed.servers() as second:
        browser_for(second, browser)
        assert shows(browser.get(chart.url), "ended")
        assert browser.get(back).status == 400
        assert changed.open(browser).fields()["patient"] == PATIENT


@pytest.mark.req("SL-006")
def test_without_a_key_production_does_not_start_and_names_the_command(
    place: Hospital, tmp_path: Path
) -> None:
    from tests.demo.server import free_port, process

    variables = {**place.variables, "CHARTSIDE_KEYS_FOLDER": str(tmp_path / "none")}
    log = tmp_path / "log"
    with process("--port", str(free_port()), log=log, **variables) as refusing:
        assert refusing.wait(20) != 0
    told = log.read_text()
    assert told.startswith("Error: ")
    assert "flask --app app keys rotate" in told
    assert told.count("\n") == 1
