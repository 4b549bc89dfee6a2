"""The inspector, the settings and the lint page."""

import json
import re
import shlex
from html import unescape

import pytest

from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import Reply, send
from tests.sandbox.cds.scripted import Raw, Scripted, card, cards
from tests.sandbox.desk.conftest import opened, words

PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "stays": "Encounter?patient={{context.patientId}}&status=planned",
    "odd": "Patient/{{context.nothing}}",
}


def shown(page: str) -> str:
    found = re.search(r'<pre id="shown"[^>]*>(.*?)</pre>', page, re.S)
    assert found
    return unescape(found[1])


def test_each_request_is_told_key_by_key(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(card()), prefetch=PREFETCH)
    ehr.cds.rediscover()
    chart = opened(ehr)
    page = words(chart.page.text)
    assert "1 request" in page
    assert "patient-view → view" in page
    assert "3 keys: 1 given, 1 empty, 1 not filled" in page
    assert "Patient/sandbox-renal" in page


def test_a_rule_that_an_answer_breaks_is_named(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(card("x" * 300, "fatal")))
    ehr.cds.rediscover()
    page = opened(ehr).page.text
    assert re.search(r"Error CH-\d+", page)
    assert "cards[0].indicator" in page


def test_a_request_can_be_copied_signed_anew_without_its_tokens(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(card("It's so")), prefetch=PREFETCH)
    ehr.cds.rediscover()
    chart = opened(ehr)
    command = shlex.split(shown(chart.open("?show=curl")))
    assert command[:3] == ["curl", "-i", f"{scripted.url}/cds-services/view"]
    assert any(each.startswith("Authorization: Bearer ey") for each in command)
    body = json.loads(command[command.index("--data-raw") + 1])
    assert body["hook"] == "patient-view"
    assert "fhirAuthorization" not in body
    sent = json.loads(shown(chart.open("?show=request")))
    assert sent["context"]["patientId"] == "sandbox-renal"
    assert json.loads(shown(chart.open("?show=answer")))["cards"][0]["summary"] == "It's so"
    (call,) = scripted.calls("view")
    token = call.body["fhirAuthorization"]["access_token"]
    jwt = call.headers["authorization"].removeprefix("Bearer ")
    found = re.search(r'href="([^"]+/exchanges/[^"]+)"', chart.page.text)
    assert found
    alone = send(ehr.origin + found[1])
    assert alone.status == 200
    for page in (alone.text, chart.open("?show=request"), chart.open("?show=curl")):
        assert token not in page
        assert jwt not in page


def test_a_request_can_be_sent_again(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(card()))
    ehr.cds.rediscover()
    chart = opened(ehr)
    (exchange,) = chart.ids("/exchanges/", "/again")
    chart.act(f"/exchanges/{exchange}/again")
    assert len(scripted.calls("view")) == 2
    assert "view answered 200" in words(chart.page.text)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Raw(500), "500"),
        (Raw(body=b"<html>"), "JSON"),
        (Raw(body=b'{"cards": [{"summary": "<script>"}]}'), "summary"),
    ],
)
def test_a_failing_service_is_told_and_the_chart_opens(
    ehr: DevelopmentEhr, scripted: Scripted, answer: Raw, says: str
) -> None:
    scripted.offer("view", "patient-view", answer)
    ehr.cds.rediscover()
    chart = opened(ehr)
    assert says in words(chart.page.text)
    assert "<script>" not in chart.open("?show=answer")


def test_a_service_that_does_not_answer_is_no_all_clear(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", Raw(500))
    ehr.cds.rediscover()
    chart = opened(ehr)
    page = words(chart.page.text)
    assert "Not checked by view. patient-view: It answered 500" in page
    assert "No cards" not in page
    scripted.says["view"] = cards()
    (exchange,) = chart.ids("/exchanges/", "/again")
    chart.act(f"/exchanges/{exchange}/again")
    page = words(chart.open())
    assert "Not checked" not in page
    assert "had something to say" in page


def test_a_server_that_is_down_is_no_all_clear(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(card("At last")))
    scripted.discovery = Raw(503)
    ehr.cds.rediscover()
    chart = opened(ehr)
    page = words(chart.page.text)
    server = scripted.url.removeprefix("http://")
    assert f"Not checked by {server}. discovery: It answered 503" in page
    assert "1 request" in page
    assert f"curl -i {scripted.url}/cds-services" in shown(chart.open("?show=curl"))
    scripted.discovery = None
    chart.open()
    (exchange,) = chart.ids("/exchanges/", "/again")
    assert "answered 200" in words(chart.act(f"/exchanges/{exchange}/again"))
    page = words(chart.open())
    assert "Not checked" not in page
    assert "At last" in page


def test_the_rules_that_an_answer_keeps_are_counted(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(card()))
    ehr.cds.rediscover()
    assert re.search(r"\d\d rules kept", words(opened(ehr).page.text))


def settings(ehr: DevelopmentEhr, **form: str) -> Reply:
    given = {"servers": "\n".join(ehr.cds.settings.servers), "version": "3.0", **form}
    return send(f"{ehr.origin}/settings", given)


def test_the_settings_hold_from_the_next_request_on(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(card()), prefetch=PREFETCH)
    reply = settings(ehr, prefetch="none", servers=f"{scripted.url}/cds-services\nhttp://x.invalid")
    assert reply.status == 303
    assert ehr.cds.settings.servers == (scripted.url, "http://x.invalid")
    assert not ehr.cds.settings.sign
    page = send(f"{ehr.origin}/settings?saved=1").text
    assert "Saved." in page
    assert "No answer" in page
    assert "<td>Says" not in page
    opened(ehr)
    (call,) = scripted.calls("view")
    assert "prefetch" not in call.body
    assert "fhirAuthorization" not in call.body
    assert "authorization" not in call.headers
    settings(ehr, servers=scripted.url, sign="on", authorization="on", left_out="patient, odd")
    assert ehr.cds.settings.left_out == {"patient", "odd"}
    opened(ehr)
    call = scripted.calls("view")[1]
    assert set(call.body["prefetch"]) == {"stays"}
    assert call.headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize("url", ["ftp://x", "javascript:alert(1)", "http://a?b", "x"])
def test_a_wrong_address_is_shown_with_what_is_wrong(
    ehr: DevelopmentEhr, scripted: Scripted, url: str
) -> None:
    before = ehr.cds.settings
    reply = settings(ehr, servers=url)
    assert reply.status == 400
    assert 'aria-invalid="true"' in reply.text
    assert ehr.cds.settings is before
    lint = send(f"{ehr.origin}/lint?url={url.replace('?', '%3F')}")
    assert lint.status == 400
    assert 'role="alert"' in lint.text


def test_a_discovery_document_is_judged_by_its_address(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(), prefetch=PREFETCH)
    page = words(send(f"{ehr.origin}/lint?url={scripted.url}/cds-services").text)
    assert "Answers not judged. No service was called." in page
    assert "rules kept" in page
    assert "1 service" in page
    scripted.services[0]["description"] = ""
    page = send(f"{ehr.origin}/lint?url={scripted.url}").text
    assert re.search(r"Error CH-\d+", page)
    assert "Not usable" in send(f"{ehr.origin}/lint?url=http://127.0.0.1:1").text


@pytest.mark.req("SL-214")
@pytest.mark.parametrize("path", ["/", "/settings", "/lint", "/launcher", "/patients/nobody"])
def test_every_page_is_marked_and_guarded(
    ehr: DevelopmentEhr, scripted: Scripted, path: str
) -> None:
    guarded(ehr, send(ehr.origin + path))


@pytest.mark.req("SL-214")
def test_every_page_of_a_chart_is_marked_and_guarded(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(card()))
    ehr.cds.rediscover()
    chart = opened(ehr)
    chart.act("/app")
    for path in ("", "/problems", "/results", "/orders", "/orders?panel=full", "?show=curl"):
        chart.open(path)
        guarded(ehr, chart.page)


def guarded(ehr: DevelopmentEhr, page: Reply) -> None:
    assert "Synthetic data only" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=|javascript:", page.text)
    for address in re.findall(r'(?:href|src)="(/pages/[^"]+)"', page.text):
        assert send(ehr.origin + address).status == 200
