"""Which services a CDS server has, and what is said of one that has none."""

import json
from typing import Any

import pytest

from sandbox.cds.discovery import discover
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from tests.demo.server import free_port
from tests.sandbox.cds.conftest import Both
from tests.sandbox.cds.scripted import Raw, Scripted

GOOD = {"hook": "patient-view", "id": "good", "description": "Good."}


@pytest.mark.req("CH-012")
def test_the_application_is_discovered(both: Both) -> None:
    for address in (both.origin, f"{both.origin}/", f" {both.origin}/cds-services "):
        found = discover(address)
        assert found.error is None
        assert found.url == both.origin
        assert found.status == 200
        assert ("patient-view", "care-gaps") in [(s.hook, s.id) for s in found.services]
        assert found.services[0].url == f"{both.origin}/cds-services/care-gaps"
        assert found.document["services"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Raw(404, b"<h1>Not here</h1>", "text/html"), "It answered 404 (Not Found)."),
        (Raw(302, location="/elsewhere"), "A redirect is not followed"),
        (Raw(200, b"<!doctype html>", "text/html"), "It is not JSON"),
        (Raw(200, b"[" * 50_000), "It is nested too deep"),
        (Raw(200, b'{"services": ' + b"[" * 200 + b"]" * 200 + b"}"), "It is nested too deep"),
        (Raw(200, b"[]"), "no object with an array of services"),
        (Raw(200, b'{"services": {}}'), "no object with an array of services"),
        (Raw(200, b" " * 2_000_001), "more than 2 MB"),
        (Raw(500, b'{"issue": [{"diagnostics": "The disk is full"}]}'), "500 (Internal Server"),
        (Raw(204), "204 (No Content)"),
        (Raw(200, b"{}   ", pause=0.1, piece=1), "did not answer within 0.2 seconds"),
    ],
)
def test_a_server_that_is_none_is_told_in_words(
    scripted: Scripted, answer: Raw, words: str
) -> None:
    scripted.discovery = answer
    found = discover(scripted.url, seconds=0.2)
    assert found.services == ()
    assert words in (found.error or "")


def test_nothing_that_listens_is_told_in_words() -> None:
    assert "Is the service running?" in (discover(f"http://127.0.0.1:{free_port()}").error or "")


@pytest.mark.parametrize(
    "bad",
    [
        {"hook": "patient-view"},
        {**GOOD, "id": 7},
        {**GOOD, "id": ""},
        {**GOOD, "id": ".."},
        {**GOOD, "hook": None},
        {**GOOD, "prefetch": ["Patient"]},
        {**GOOD, "prefetch": {"a": 1}},
        "good",
        None,
    ],
)
def test_one_bad_entry_does_not_hide_the_others(scripted: Scripted, bad: Any) -> None:
    document = {"services": [bad, GOOD]}
    scripted.discovery = Raw(body=json.dumps(document).encode())
    found = discover(scripted.url)
    assert [service.id for service in found.services] == ["good"]
    assert "services[0] cannot be used" in (found.error or "")
    assert found.document == document


def test_an_id_is_one_segment_of_the_address(scripted: Scripted) -> None:
    scripted.discovery = Raw(body=json.dumps({"services": [{**GOOD, "id": "../x?y"}]}).encode())
    (service,) = discover(scripted.url).services
    assert service.url == f"{scripted.url}/cds-services/..%2Fx%3Fy"


def test_one_server_that_is_down_does_not_hide_another(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("good", "patient-view", {"cards": []})
    down = f"http://127.0.0.1:{free_port()}"
    ehr.cds.settings = CdsSettings(servers=(down, scripted.url))
    first, second = ehr.cds.rediscover()
    assert (first.url, second.url) == (down, scripted.url)
    assert first.error
    assert [service.id for service in ehr.cds.services("patient-view")] == ["good"]


def test_a_server_is_asked_again_when_told_so(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    assert ehr.cds.discovered()[0].services == ()
    scripted.offer("new", "patient-view", {"cards": []})
    assert ehr.cds.discovered()[0].services == ()
    assert len(ehr.cds.rediscover()[0].services) == 1


@pytest.mark.parametrize(
    "address",
    ["", "localhost:5000", "ftp://localhost", "http://", "http://a b", "http://u:p@h", "http://h?x",
     "http://h:99999", "http://ü", "javascript:alert(1)"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"CDS server|host and a path"):
        CdsSettings(servers=(address,))


def test_settings_may_be_saved_while_servers_are_asked(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    class Saving(Scripted):
        def answer(self, path: str, body: Any) -> Raw:
            ehr.cds.settings = CdsSettings(servers=())
            ehr.cds.rediscover()
            return super().answer(path, body)

    ehr.cds.discovered()
    with Saving() as other:
        servers = (scripted.url, other.url)
        ehr.cds.settings = CdsSettings(servers=servers)
        assert tuple(each.url for each in ehr.cds.discovered()) == servers


def test_of_two_services_with_one_id_the_first_is_called(scripted: Scripted) -> None:
    scripted.offer("same", "patient-view", {}, title="First")
    scripted.offer("same", "patient-view", {}, title="Second")
    scripted.offer("same", "order-sign", {})
    found = discover(scripted.url)
    assert [(each.hook, each.title) for each in found.services] == [
        ("patient-view", "First"),
        ("order-sign", ""),
    ]
    assert found.error == "services[1] is left out: the id 'same' is there before."
