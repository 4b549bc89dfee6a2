"""Services that answer wrongly: told in words, and no harm to the other services of the hook."""

import json
from typing import Any

import pytest

from sandbox.cds.exchange import Exchange
from sandbox.cds.settings import CdsSettings
from sandbox.cds.visit import Visit
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.cds.conftest import METFORMIN, Both
from tests.sandbox.cds.scripted import Raw, Scripted, card, cards, suggesting, suggestion

HTML = Raw(200, b"<!doctype html><title>Hello</title>", "text/html")


def _opened(visit: Visit, scripted: Scripted, says: Any) -> Exchange:
    """What came of a service that says this, beside one that is in order."""
    scripted.offer("bad", "patient-view", says)
    scripted.offer("good", "patient-view", cards(card("In order")))
    visit.open()
    bad, good = visit.exchanges
    assert (good.service_id, good.error) == ("good", None)
    assert "In order" in [each.card.summary for each in visit.cards]
    return bad


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Raw(500), "It answered 500 (Internal Server Error)."),
        (Raw(500, HTML.body, "text/html"), "It answered 500 (Internal Server Error)."),
        (
            Raw(
                412, b'{"resourceType": "OperationOutcome", "issue": [{"diagnostics": "No labs"}]}'
            ),
            "It answered 412 (Precondition Failed): No labs",
        ),
        (Raw(400, b'{"issue": [7]}'), "It answered 400 (Bad Request)."),
        (Raw(400, b'{"error": {"a": 1}}'), "It answered 400 (Bad Request)."),
        (Raw(204), "It answered 204 (No Content). A service that has nothing to say"),
        (Raw(307, location="/cds-services/good"), "A redirect is not followed"),
        (Raw(799), "It answered 799 (not a status of HTTP)."),
        (HTML, "It is not JSON"),
        (Raw(200), "array of cards"),
        (Raw(200, b"\xff\xfe{\x00}\x00"), "It is not JSON"),
        (Raw(200, b'{"cards": [NaN]}'), "It is not JSON"),
        (Raw(200, b"[" * 100_000), "It is nested too deep"),
        (Raw(200, b'{"cards": ' + b"[" * 150 + b"]" * 150 + b"}"), "It is nested too deep"),
        (Raw(200, b'{"cards": [' + b" " * 50_000_000 + b"]}"), "It sent more than 2 MB."),
        ([], "no object with an array of cards"),
        ("cards", "no object with an array of cards"),
        ({}, "no object with an array of cards"),
        ({"cards": {}}, "no object with an array of cards"),
        ({"cards": None}, "no object with an array of cards"),
    ],
)
def test_a_wrong_answer_is_told_in_words(
    visit: Visit, scripted: Scripted, says: Any, words: str
) -> None:
    exchange = _opened(visit, scripted, says)
    assert words in (exchange.error or "")
    assert exchange.cards == ()
    assert len(exchange.answer_text) < 100_100


def test_a_service_that_hangs_is_left_alone_in_time(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    ehr.cds.settings = CdsSettings(servers=(scripted.url,), seconds=0.3)
    # Each byte comes in time; all of them do not.
    drip = Raw(200, b" " * 1000, pause=0.05, piece=1)
    exchange = _opened(visit, scripted, drip)
    assert exchange.error == "It did not answer within 0.3 seconds."
    assert exchange.status is None
    assert 250 < exchange.ms < 3000


def test_a_service_that_is_gone_is_told(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    with Scripted() as other:
        other.offer("gone", "patient-view", cards(card()))
        ehr.cds.settings = CdsSettings(servers=(other.url,))
        ehr.cds.discovered()
    visit.open()
    (exchange,) = visit.exchanges
    assert "Is the service running?" in (exchange.error or "")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (7, "cards[0] is left out"),
        (None, "cards[0] is left out"),
        (card(summary=None), "cards[0] is left out: Object missing required field `summary`"),
        (card(summary=7), "cards[0] is left out: summary: Expected `str`, got `int`"),
        (card(indicator="hard-stop"), "cards[0] is left out: indicator: Invalid enum value"),
        (card(source=None), "missing required field `source`"),
        (card(source={}), "missing required field `label`"),
        (card(detail=["a"]), "detail: Expected `str | null`"),
        (card(links="none"), "links: Expected `array`"),
        (card(links=[{"label": "a", "url": "https://a.test", "type": "app"}]), "links[0].type"),
        (card(suggestions=[{}]), "suggestions[0]: Object missing required field `label`"),
        (suggesting(suggestion({"type": "patch"})), "suggestions[0].actions[0].type"),
        (suggesting(suggestion(), behaviour="all"), "selectionBehavior: Invalid enum value"),
        (card(overrideReasons=[{"display": "No"}]), "overrideReasons[0]"),
    ],
)
def test_a_card_that_cannot_be_shown_is_left_out_alone(
    visit: Visit, scripted: Scripted, bad: Any, words: str
) -> None:
    exchange = _opened(visit, scripted, {"cards": [bad, card("The other")]})
    assert words in (exchange.error or "")
    assert [each.summary for each in exchange.cards] == ["The other"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/relative", "data:text/html,x", "http://"])
def test_an_address_that_is_not_of_the_web_is_no_link(
    visit: Visit, scripted: Scripted, url: str
) -> None:
    bad = card(
        links=[{"label": "Bad", "url": url, "type": "absolute"}],
        source={"label": "A test", "url": url, "icon": url},
    )
    exchange = _opened(visit, scripted, cards(bad))
    (read,) = exchange.cards
    assert (read.links, read.source.url, read.source.icon) == ((), None, None)
    assert "The link 'Bad' is left out" in (exchange.error or "")


def test_a_card_without_uuids_can_be_used_but_not_reported(
    visit: Visit, scripted: Scripted
) -> None:
    plain = suggestion(label="One")
    del plain["uuid"]
    scripted.offer("view", "patient-view", cards(suggesting(plain, uuid=None)))
    visit.open()
    (shown,) = visit.cards
    (offered,) = shown.card.suggestions
    taken = visit.accept(shown.id, offered.id)
    assert (taken.state, taken.feedback) == ("accepted", "none")
    assert "has no uuid" in taken.feedback_reason
    assert scripted.reports() == []


def test_two_services_may_use_one_uuid(visit: Visit, scripted: Scripted) -> None:
    same = "11111111-1111-4111-8111-111111111111"
    for name in ("a", "b"):
        scripted.offer(name, "patient-view", cards(card(f"From {name}", uuid=same)))
    visit.open()
    of_b = next(each for each in visit.cards if each.card.summary == "From b")
    visit.override(of_b.id)
    assert {each.card.summary: each.state for each in visit.cards} == {
        "From a": "open",
        "From b": "overridden",
    }


def test_unknown_members_do_no_harm(visit: Visit, scripted: Scripted) -> None:
    odd = card(extension={"a": 1}, newer=True, **{"-": "x"})
    exchange = _opened(visit, scripted, {"cards": [odd], "extension": {}, "more": []})
    assert exchange.error is None
    assert len(exchange.cards) == 1


def test_a_flood_of_cards_is_cut(visit: Visit, scripted: Scripted) -> None:
    exchange = _opened(visit, scripted, json.loads(json.dumps({"cards": [card()] * 5000})))
    assert len(exchange.cards) == 100
    assert "Only the first 100 cards are used." in (exchange.error or "")


def test_a_card_with_a_flood_of_members_is_cut(visit: Visit, scripted: Scripted) -> None:
    flood = card(
        links=[
            {"label": "a", "url": f"https://a.test/{n}", "type": "absolute"} for n in range(12_000)
        ],
        suggestions=[{"label": "a"}] * 5000,
        overrideReasons=[{"code": "a"}] * 5000,
    )
    exchange = _opened(visit, scripted, cards(flood))
    (read,) = exchange.cards
    parts = (read.links, read.suggestions, read.override_reasons)
    assert [len(each) for each in parts] == [100, 100, 100]
    assert "Only the first 100 overrideReasons of a card are used." in (exchange.error or "")


@pytest.mark.req("CH-090")
def test_each_answer_is_linted(visit: Visit, scripted: Scripted) -> None:
    exchange = _opened(visit, scripted, cards(card("x" * 140)))
    assert ("CH-090", "cards[0].summary") in [(each.rule, each.path) for each in exchange.lint]
    # It is shown all the same: a lint is for developers, a card for clinicians.
    assert len(exchange.cards) == 1


def test_the_answers_of_the_application_pass_the_lint(both: Both) -> None:
    for patient in ("sandbox-renal", "sandbox-diabetes", "sandbox-healthy"):
        opened = both.visit(patient)
        opened.add(METFORMIN)
        for each in opened.cards:
            if each.holds:
                opened.override(each.id, comment="Discussed")
        opened.sign()
        calls = [each for each in opened.exchanges if each.kind == "call"]
        assert {each.service_id for each in calls} >= {"medication-safety", "lab-orders"}
        assert [each.lint for each in calls] == [()] * 6
