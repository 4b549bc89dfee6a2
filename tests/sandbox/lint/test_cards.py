"""Cards, sources, links: what breaks a rule, and what comes close and does not."""

from typing import Any

import pytest

from tests.sandbox.lint.documents import (
    ANSWER,
    DRAFT,
    GONE,
    case,
    check_broken,
    of_answer,
)

CARD = "cards.0"
S0, L0, L1 = f"{CARD}.suggestions.0", f"{CARD}.links.0", f"{CARD}.links.1"
SAME = ANSWER["cards"][0]["uuid"].upper()
OTHER_LINK = {"label": "B", "url": "https://example.org/b", "type": "absolute"}

CASES = [
    case("cards.uuids_once", {f"{S0}.uuid": SAME}, "cards[0].suggestions[0].uuid"),
    case("cards.system_actions_or_nothing", {"systemActions": []}, "systemActions"),
    case("cards.uuid_is_one", {f"{CARD}.uuid": "card-1"}, "cards[0].uuid"),
    case("cards.uuid_is_one", {f"{CARD}.uuid": f"urn:uuid:{SAME}"}, "cards[0].uuid"),
    case(
        "cards.uuid_is_one", {f"{S0}.uuid": SAME.replace("-", "")}, "cards[0].suggestions[0].uuid"
    ),
    case("cards.summary_is_short", {f"{CARD}.summary": "x" * 140}, "cards[0].summary"),
    case("cards.summary_is_plain", {f"{CARD}.summary": "Think **again**"}, "cards[0].summary"),
    case("cards.summary_is_plain", {f"{CARD}.summary": "Think\nagain"}, "cards[0].summary"),
    case("cards.summary_is_plain", {f"{CARD}.summary": "Think <b>again</b>"}, "cards[0].summary"),
    case("cards.summary_is_plain", {f"{CARD}.summary": "[Read](https://a.b)"}, "cards[0].summary"),
    case("cards.indicator_is_known", {f"{CARD}.indicator": "hard-stop"}, "cards[0].indicator"),
    case("cards.indicator_is_known", {f"{CARD}.indicator": "Warning"}, "cards[0].indicator"),
    case("cards.selection_is_told", {f"{CARD}.selectionBehavior": GONE}, "cards[0]"),
    case(
        "cards.selection_is_known",
        {f"{CARD}.selectionBehavior": "all"},
        "cards[0].selectionBehavior",
    ),
    case(
        "cards.one_is_recommended",
        {f"{CARD}.suggestions.1.isRecommended": True},
        "cards[0].suggestions",
    ),
    case(
        "cards.reasons_differ",
        {f"{CARD}.overrideReasons.1.code": "benefit"},
        "cards[0].overrideReasons",
    ),
    case("cards.autolaunched_alone", {f"{L1}.autolaunchable": True}, "cards[0].links"),
    case("cards.source_is_absolute", {f"{CARD}.source.url": "guideline"}, "cards[0].source.url"),
    case("cards.source_is_absolute", {f"{CARD}.source.icon": "//e.org/i"}, "cards[0].source.icon"),
    case(
        "cards.source_is_https",
        {f"{CARD}.source.url": "http://example.org/"},
        "cards[0].source.url",
    ),
    case(
        "cards.topic_can_be_kept",
        {f"{CARD}.source.topic.code": "rule.1"},
        "cards[0].source.topic.code",
    ),
    case(
        "cards.topic_can_be_kept",
        {f"{CARD}.source.topic.code": "x" * 101},
        "cards[0].source.topic.code",
    ),
    case("links.type_is_known", {f"{L0}.type": "relative"}, "cards[0].links[0].type"),
    case("links.url_is_absolute", {f"{L0}.url": "/read"}, "cards[0].links[0].url"),
    case("links.url_is_absolute", {f"{L0}.url": "javascript:alert(1)"}, "cards[0].links[0].url"),
    case("links.url_is_absolute", {f"{L0}.url": "https://e.org/a b"}, "cards[0].links[0].url"),
    case("links.url_is_absolute", {f"{L0}.url": "https://[::1"}, "cards[0].links[0].url"),
    case("links.url_is_https", {f"{L0}.url": "http://example.org/"}, "cards[0].links[0].url"),
    case(
        "links.launch_is_left_to_the_client",
        {f"{L1}.url": "https://example.org/launch?launch=1"},
        "cards[0].links[1].url",
    ),
    case("links.app_context_is_smart", {f"{L1}.type": "absolute"}, "cards[0].links[1].appContext"),
]

DETAILS = [
    *(
        case("cards.detail_runs_nothing", text)
        for text in (
            "<script>alert(1)</script>",
            "a <IFRAME src='https://e.org'>",
            "<p onclick = 'x()'>",
            '<a href=" javascript:x()">a</a>',
            "[a](javascript:x())",
            "[a]( < data:text/html,x>)",
            "<javascript:x()>",
            "[a]: javascript:x()",
            "unclosed `<script>",
        )
    ),
    *(case("cards.detail_has_no_html", text) for text in ("<b>a</b>", "a<br/>b", "</p>")),
]

KEPT = [
    ("CH-090", {f"{CARD}.summary": "x" * 139}),
    ("CH-095", {f"{CARD}.detail": GONE}),
    ("CH-095", {f"{CARD}.detail": "``<script>`` and \\<script>, \\[a\\](javascript:x)"}),
    ("CH-095", {f"{CARD}.detail": "if 1 < b and a > 2, 1<2, <mailto:a@example.org>"}),
    ("CH-097", {f"{CARD}.suggestions": GONE, f"{CARD}.selectionBehavior": GONE}),
    ("CH-098", {f"{CARD}.selectionBehavior": "any", f"{CARD}.suggestions.1.isRecommended": True}),
    ("CH-093", {f"{CARD}.source": {"label": "L", "topic": {"code": "a", "system": "urn:a"}}}),
    ("CH-089", {"cards": [], "systemActions": GONE}),
    ("CH-110", {f"{L1}.appContext": GONE, f"{L1}.type": "absolute"}),
    (
        "CH-111",
        {
            f"{CARD}.suggestions": GONE,
            f"{CARD}.links": [{**ANSWER["cards"][0]["links"][1], "autolaunchable": True}],
        },
    ),
    (
        "CH-108",
        {f"{CARD}.overrideReasons.1.code": "benefit", f"{CARD}.overrideReasons.1.system": "urn:b"},
    ),
    ("CH-109", {f"{L0}.url": "http://127.0.0.1:1/read"}),
]


@pytest.mark.parametrize(("rule", "changes", "place"), CASES)
def test_a_rule_is_broken(rule: str, changes: Any, place: str) -> None:
    check_broken(of_answer(changes), rule, place)


@pytest.mark.parametrize(("rule", "detail"), DETAILS)
def test_a_detail_breaks_a_rule(rule: str, detail: str) -> None:
    check_broken(of_answer({f"{CARD}.detail": detail}), rule, "cards[0].detail")


@pytest.mark.parametrize(
    "changes", [pytest.param(changes, marks=pytest.mark.req(number)) for number, changes in KEPT]
)
def test_rules_are_kept(changes: Any) -> None:
    assert of_answer(changes).findings == ()


def test_the_sound_answer_keeps_every_rule() -> None:
    report = of_answer({})
    assert report.findings == ()
    assert report.kept > 90


HOOKS = [
    case("cards.system_actions_have_records", "patient-view"),
    case("cards.system_actions_have_records", "encounter-start"),
]


@pytest.mark.parametrize(("rule", "hook"), HOOKS)
def test_system_actions_are_about_what_is_saved(rule: str, hook: str) -> None:
    check_broken(of_answer({}, {"hook": hook}), rule, "systemActions")


@pytest.mark.req("CH-096")
def test_two_cards_have_two_uuids() -> None:
    card = ANSWER["cards"][0]
    bare = {name: card[name] for name in ("uuid", "summary", "indicator", "source")}
    check_broken(of_answer({"cards": [bare, bare]}), "cards.uuids_once", "cards[1].uuid")


WHOLE = [
    case("whole.nothing_empty", {f"{CARD}.detail": ""}, "cards[0].detail"),
    case("whole.nothing_empty", {f"{CARD}.detail": None}, "cards[0].detail"),
    case("whole.nothing_empty", {f"{CARD}.links": []}, "cards[0].links"),
    case("whole.nothing_empty", {f"{CARD}.extension": {}}, "cards[0].extension"),
    case(
        "whole.nothing_empty",
        {"systemActions.0.resource.note": []},
        "systemActions[0].resource.note",
    ),
    case("whole.text_is_sound", {f"{CARD}.detail": "a\x00b"}, "cards[0].detail"),
]


@pytest.mark.parametrize(("rule", "changes", "place"), WHOLE)
def test_a_rule_about_all_values_is_broken(rule: str, changes: Any, place: str) -> None:
    check_broken(of_answer(changes), rule, place)


@pytest.mark.req("CH-005")
def test_fhir_has_null_in_the_place_of_a_missing_primitive() -> None:
    resource = {**DRAFT, "_extra": [None, {"extension": [{"url": "urn:a"}]}]}
    assert of_answer({"systemActions.0.resource": resource}).findings == ()
