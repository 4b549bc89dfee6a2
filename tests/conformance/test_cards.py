"""CDS Hooks checklist F: the answer, its cards and their actions (CH-089 to CH-117)."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import pytest

from clinical.finding import Indicator, Result
from fhir.records import Patient
from hooks import AppLink, Finding, Gap, Link, Source, Suggestion, markdown, service
from hooks.contexts import OrderSign
from tests.demo.bodies import (
    DROP,
    PATIENT_ID,
    SERVICES,
    Json,
    another_patient,
    body,
    encoded,
    raw,
    resources,
)
from tests.demo.client import Client, Reply
from tests.demo.server import nameless, serving
from tests.demo.services import PATIENT, SOURCE, demo_order_sign, name_of
from web.trust import Profile

# What EHRs agree to (checklist, section 9).
EPIC = Profile(
    selection_behaviors=("any",),
    suggestion_actions=1,
    system_actions=True,
    link_hosts=frozenset({"guide.example"}),
)
FIRST = Profile(selection_behaviors=("at-most-one",), delete="resource", app_context=False)
MODERN = Profile(system_actions=True, autolaunch=True)

HBA1C = "prefetch.a1c.entry.0.resource.valueQuantity.value"


def for_profile(profile: Profile, *services: Callable[..., Any]) -> AbstractContextManager[Client]:
    """A server whose EHR has this profile."""
    found = services or (demo_order_sign,)
    return serving(found, nameless("profiled", profile=profile))


@pytest.fixture(scope="module", params=["default", "epic", "first", "modern"])
def signed(request: pytest.FixtureRequest) -> Iterator[Reply]:
    """The answer to an order-sign call for EHRs of all kinds."""
    profiles = {"default": Profile(), "epic": EPIC, "first": FIRST, "modern": MODERN}
    with for_profile(profiles[request.param]) as client:
        yield client.call("demo-order-sign", raw("order-sign"))


@pytest.fixture(scope="module", params=SERVICES)
def cards(request: pytest.FixtureRequest, demo: Client) -> list[Json]:
    """The cards of each demo service."""
    found = demo.call(SERVICES[request.param], raw(request.param)).cards
    assert found
    return found


def suggestions(found: list[Json]) -> list[Json]:
    return [each for card in found for each in card.get("suggestions", ())]


def actions(found: list[Json]) -> list[Json]:
    return [action for each in suggestions(found) for action in each.get("actions", ())]


def links(found: list[Json]) -> list[Json]:
    return [link for card in found for link in card.get("links", ())]


# --- the answer --------------------------------------------------------------------------------


@pytest.mark.req("CH-089", "CH-112")
@pytest.mark.parametrize("profile", [Profile(), EPIC, MODERN], ids=["default", "epic", "modern"])
def test_nothing_to_say_is_an_empty_array_and_no_more(demo: Client, profile: Profile) -> None:
    neutral = body("patient-view", edits={HBA1C: 7.9})
    assert demo.call("demo-patient-view", neutral).body == b'{"cards":[]}'
    healthy = body("order-sign", edits={"prefetch.medications": None})
    with for_profile(profile) as client:
        assert client.call("demo-order-sign", healthy).body == b'{"cards":[]}'


# --- what every card has -----------------------------------------------------------------------


@pytest.mark.req("CH-091", "CH-092", "CH-093", "CH-094", "CH-096")
def test_each_card_has_what_the_specification_asks_for(cards: list[Json]) -> None:
    for card in cards:
        assert 1 <= len(card["summary"]) <= 139
        assert card["indicator"] in ("info", "warning", "critical")
        assert str(uuid.UUID(card["uuid"])) == card["uuid"]
        source = card["source"]
        assert source["label"]
        for name in ("url", "icon"):
            assert name not in source or absolute(source[name])
        topic = source["topic"]
        assert re.fullmatch(r"[A-Za-z0-9]{1,100}", topic["code"])
        assert urlsplit(topic["system"]).scheme
        assert topic["display"]


def absolute(url: str) -> bool:
    """Whether a client can open it as it stands."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


@service(
    "patient-view",
    id="say",
    title="Say",
    description="Says the patient's name.",
    prefetch={"patient": PATIENT},
)
def say(patient: Patient) -> Iterator[Finding]:
    for indicator in ("info", "warning", "critical"):
        yield spoken(name_of(patient), indicator)


def spoken(text: str, indicator: Indicator) -> Finding:
    return Finding(
        rule=f"say.{indicator}",
        summary=text,
        indicator=indicator,
        source=SOURCE,
        detail=markdown("Name: {text}", text=text),
    )


@pytest.fixture(scope="module")
def speaker() -> Iterator[Client]:
    """A service that says whatever the name of the patient is."""
    with serving([say]) as client:
        yield client


def said(speaker: Client, text: str) -> list[Json]:
    return speaker.call("say", named(text)).cards


def named(text: str) -> Json:
    patient = {"resourceType": "Patient", "id": PATIENT_ID, "name": [{"text": text}]}
    return body("shared-patient-view", edits={"prefetch": {"patient": patient}})


@pytest.mark.req("CH-090")
@pytest.mark.parametrize("length", [1, 137, 138, 139, 140, 141, 556, 557, 1000, 10_000])
@pytest.mark.parametrize("letter", ["x", "Ž", "李", "\U0001f469"], ids=["x", "Z", "li", "emoji"])
def test_a_summary_has_at_most_139_characters(speaker: Client, length: int, letter: str) -> None:
    summary = said(speaker, letter * length)[0]["summary"]
    if length <= 139:
        assert summary == letter * length
    else:
        assert summary == letter * 138 + "…"


@pytest.mark.req("CH-090")
@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "two\r\nlines",
        "two\u2028lines",
        "two\u0085lines",
        "two\tlines",
        "two\0lines",
        "two\u202elines",
        "two\u200blines",
        "  two \n\n lines  ",
    ],
    ids=repr,
)
def test_a_summary_is_one_line_of_plain_text(speaker: Client, text: str) -> None:
    assert said(speaker, text)[0]["summary"] == "two lines"


@pytest.mark.req("CH-091")
def test_cards_come_gravest_first(speaker: Client) -> None:
    found = [card["indicator"] for card in said(speaker, "Zoe")]
    assert found == ["critical", "warning", "info"]


@pytest.mark.req("CH-094", "CH-096")
def test_a_second_call_has_the_same_topics_and_new_ids(demo: Client) -> None:
    first = demo.call("demo-order-sign", raw("order-sign"))
    instance = {"hookInstance": str(uuid.uuid4())}
    second = demo.call("demo-order-sign", body("order-sign", edits=instance))
    assert topics(second) == topics(first)
    assert not ids(second) & ids(first)
    found = suggestions(first.cards)
    assert len(ids(first)) == len(first.cards) + len(found) > 4


def topics(reply: Reply) -> list[Json]:
    return [card["source"]["topic"] for card in reply.cards]


def ids(reply: Reply) -> set[str]:
    """The ids of cards and suggestions."""
    return {each["uuid"] for each in [*reply.cards, *suggestions(reply.cards)]}


@pytest.mark.req("CH-096")
def test_the_cards_of_two_patients_never_share_an_id(demo: Client) -> None:
    # Not even for an EHR that sends the same hookInstance and names of drafts each time.
    first = body("order-sign")
    second = another_patient(first, "another-patient", "Novak")
    replies = [demo.call("demo-order-sign", call) for call in (first, second)]
    assert replies[0].cards
    assert not ids(replies[0]) & ids(replies[1])


@pytest.mark.req("CH-096")
@pytest.mark.parametrize(
    "other", [{"ehr": nameless("other-ehr")}, {"secret": "another secret of thirty-two characters"}]
)
def test_the_ids_of_one_ehr_cannot_be_guessed_from_those_of_another(
    demo: Client, other: dict[str, Any]
) -> None:
    with serving(**other) as client:
        theirs = client.call("demo-order-sign", raw("order-sign"))
    assert not ids(demo.call("demo-order-sign", raw("order-sign"))) & ids(theirs)


# --- foreign text ------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "[x](javascript:alert(1))",
    "[x]: javascript:alert(1)",
    "![x](https://evil.example/pixel.png)",
    "<https://evil.example>",
    "https://evil.example/?q=1",
    "www.evil.example",
    "mail@evil.example",
    "**bold** _it_ ~~no~~ `code` ``` block",
    "# Heading",
    "- item",
    "1. item",
    "> quote",
    "| a | b |",
    "---",
    "    code",
    "\\[x](javascript:alert(1))",
    "\\\\[x](javascript:alert(1))",
    "a\n\n<script>",
    "x\n===",
    "{name} {0} %s {{context.patientId}}",
    "\u202egnp.exe",
    "$\\mathrm{x}$",
    "[^1]",
    ":smile: @someone #1",
]


def inert(detail: str, template: str) -> None:
    """Nothing of what was put into a template of ours is markup (GFM, 2.4, 6)."""
    rest = detail.removeprefix(template)
    assert not set("<>\n\r\t") & set(rest)
    unescaped = re.sub(r"\\[!-/:-@\[-`{-~]|&(amp|lt|gt);", "", rest)
    assert not set("\\&*_~`[]#|{}$:@") & set(unescaped), unescaped
    # A renderer that looks for addresses after it has dropped the escapes must find none either.
    plain = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", rest)
    assert not re.search(r"://|www\.|[\w.]@[\w]", plain, re.IGNORECASE), plain


@pytest.mark.req("CH-095")
@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_record_is_never_markup(speaker: Client, text: str) -> None:
    card = said(speaker, text)[0]
    inert(card["detail"], "Name: ")
    assert not set("<>\n") & set(card["summary"])


@pytest.mark.req("CH-095")
@pytest.mark.parametrize("text", [*HOSTILE[:6], "x" * 10_000, "*" * 10_000])
@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ("order-select", "prefetch.patient.name"),
        ("order-select", "prefetch.allergies.entry.0.resource.code.text"),
        ("order-select", "prefetch.medications.entry.0.resource.medicationCodeableConcept.text"),
        (
            "order-select",
            "context.draftOrders.entry.0.resource.medicationCodeableConcept.text",
        ),
        ("patient-view", "prefetch.patient.name"),
        ("patient-view", "prefetch.conditions.entry.0.resource.code.text"),
        ("patient-view", "prefetch.a1c.entry.0.resource.id"),
    ],
)
def test_hostile_text_anywhere_in_a_call_is_inert_in_the_card(
    demo: Client, hook: str, path: str, text: str
) -> None:
    value: Any = f"amoxicillin Penicillin {text}"
    call = body(hook, edits={path: [{"text": value}] if path.endswith("name") else value})
    card = demo.call(SERVICES[hook], call).card
    assert not set("<>") & set(card["summary"] + card["detail"])
    assert len(card["detail"]) < 1500
    assert re.search(r"(?<!\\)\[|(?<!\\)\]\(|javascript:", card["detail"]) is None


@pytest.mark.req("CH-095", "CH-100", "CH-101")
@pytest.mark.parametrize("text", ["x" * 10_000, "two\nlines\u202e\0"], ids=["long", "controls"])
def test_labels_are_short_and_plain(text: str) -> None:
    @service("patient-view", id="label", title="t", description="d", prefetch={"patient": PATIENT})
    def label(patient: Patient) -> Iterator[Finding]:
        name = name_of(patient)
        offer = Suggestion(f"Tell {name}")
        yield Finding(rule="a", summary="s", indicator="info", source=SOURCE, suggestions=(offer,))

    with serving([label]) as client:
        (suggestion,) = client.call("label", named(text)).card["suggestions"]
    assert suggestion["label"].startswith("Tell ")
    assert suggestion["label"].isprintable()
    assert len(suggestion["label"]) <= 300


# --- suggestions and actions -------------------------------------------------------------------


@pytest.mark.req("CH-097", "CH-099", "CH-100", "CH-101", "CH-107")
def test_suggestions_and_actions_are_complete(signed: Reply) -> None:
    assert suggestions(signed.cards)
    for card in signed.cards:
        assert card["selectionBehavior"] in ("at-most-one", "any")
        recommended = [each for each in card["suggestions"] if each.get("isRecommended")]
        assert card["selectionBehavior"] == "any" or len(recommended) <= 1
        for suggestion in card["suggestions"]:
            assert suggestion["label"]
            assert str(uuid.UUID(suggestion["uuid"])) == suggestion["uuid"]
            assert suggestion.get("isRecommended", True) is True
            assert "actionSelectionBehavior" not in suggestion
    for action in actions(signed.cards) + signed.json.get("systemActions", []):
        assert action["type"] in ("create", "update", "delete")
        assert action["description"]


@pytest.mark.req("CH-097")
def test_a_card_without_suggestions_has_no_selection_behaviour(demo: Client) -> None:
    card = demo.call("demo-patient-view", raw("patient-view")).card
    assert not {"suggestions", "selectionBehavior"} & set(card)


@pytest.mark.req("CH-098")
@pytest.mark.parametrize(
    ("profile", "behaviour"),
    [(Profile(), "at-most-one"), (EPIC, "any"), (FIRST, "at-most-one")],
    ids=["default", "epic", "first"],
)
def test_the_selection_behaviour_is_one_that_the_ehr_knows(
    profile: Profile, behaviour: str
) -> None:
    with for_profile(profile) as client:
        card = client.call("demo-order-sign", raw("order-sign")).card
    assert card["selectionBehavior"] == behaviour


@service("patient-view", id="both", title="Both", description="Recommends two things.")
def both() -> Iterator[Finding]:
    offers = (Suggestion("One", recommended=True), Suggestion("Two", recommended=True))
    yield Finding(
        rule="both", summary="s", indicator="info", source=SOURCE, suggestions=offers, pick="any"
    )


@pytest.mark.req("CH-099")
@pytest.mark.parametrize(("profile", "most"), [(Profile(), 2), (EPIC, 2), (FIRST, 1)])
def test_one_suggestion_of_at_most_one_is_recommended(profile: Profile, most: int) -> None:
    with for_profile(profile, both) as client:
        card = client.call("both", raw("shared-patient-view")).card
    assert len(card["suggestions"]) == 2
    assert sum(each.get("isRecommended", False) for each in card["suggestions"]) == most


@pytest.mark.req("CH-102")
def test_a_create_carries_a_new_resource(signed: Reply) -> None:
    created = [action for action in actions(signed.cards) if action["type"] == "create"]
    assert created
    for action in created:
        resource = action["resource"]
        assert resource["resourceType"] == "ServiceRequest"
        assert "id" not in resource
        assert (resource["status"], resource["intent"]) == ("draft", "order")
        assert resource["subject"] == {"reference": f"Patient/{PATIENT_ID}"}
        assert resource["encounter"] == {"reference": "Encounter/visit-0412"}
        assert resource["code"]["coding"][0]["code"] == "6301-6"
        assert "resourceId" not in action


@pytest.mark.req("CH-103")
def test_an_update_carries_the_whole_order_unchanged_but_for_what_it_changes(
    signed: Reply,
) -> None:
    def exact(text: bytes) -> Any:
        return json.loads(text, parse_float=str)  # 1.10 is not 1.1

    sent = exact(raw("order-sign"))["context"]["draftOrders"]["entry"][0]["resource"]
    assert sent["extension"][0]["valueDecimal"] == "1.10"
    answer = exact(signed.body)
    found = actions(answer["cards"]) + answer.get("systemActions", [])
    updates = [action["resource"] for action in found if action["type"] == "update"]
    assert updates
    for resource in updates:
        changed = {"dosageInstruction": [{"text": "only when needed"}]}
        noted = {"note": [{"text": "warned"}]}
        assert resource in ({**sent, **changed}, {**sent, **noted})


@pytest.mark.req("CH-104")
@pytest.mark.parametrize("profile", [Profile(), EPIC, MODERN], ids=["default", "epic", "modern"])
def test_a_delete_names_the_order_and_carries_none(profile: Profile) -> None:
    with for_profile(profile) as client:
        found = actions(client.call("demo-order-sign", raw("order-sign")).cards)
    deletes = [action for action in found if action["type"] == "delete"]
    assert deletes
    assert {action["resourceId"] for action in deletes} == {"MedicationRequest/draft-ibu"}
    assert all("resource" not in action for action in deletes)


@pytest.mark.req("CH-104")
def test_a_delete_for_an_older_client_has_the_id_in_its_resource() -> None:
    with for_profile(FIRST) as client:
        found = actions(client.call("demo-order-sign", raw("order-sign")).cards)
    deletes = [action for action in found if action["type"] == "delete"]
    assert [action["resource"] for action in deletes] == ["MedicationRequest/draft-ibu"] * 2
    assert all("resourceId" not in action for action in deletes)


@pytest.mark.req("CH-105")
def test_only_orders_of_this_session_are_changed(signed: Reply) -> None:
    drafts = {
        f"{each['resourceType']}/{each['id']}"
        for each in resources(body("order-sign")["context"]["draftOrders"])
    }
    for action in actions(signed.cards) + signed.json.get("systemActions", []):
        if action["type"] == "update":
            assert f"{action['resource']['resourceType']}/{action['resource']['id']}" in drafts
        if action["type"] == "delete":
            assert (action.get("resourceId") or action["resource"]) in drafts


@pytest.mark.req("CH-106")
def test_a_suggestion_of_several_actions_is_told_where_only_one_can_be_applied() -> None:
    with for_profile(Profile()) as client:
        card = client.call("demo-order-sign", raw("order-sign")).card
    assert [len(each["actions"]) for each in card["suggestions"]] == [1, 1, 1, 2]
    assert "Remove and order" not in card["detail"]
    with for_profile(EPIC) as client:
        card = client.call("demo-order-sign", raw("order-sign")).card
    assert [len(each["actions"]) for each in card["suggestions"]] == [1, 1, 1]
    assert "Remove and order" in card["detail"]


# --- override reasons and links ----------------------------------------------------------------


@pytest.mark.req("CH-108")
def test_override_reasons_are_whole_codings(demo: Client, signed: Reply) -> None:
    assert signed.card["overrideReasons"]
    for card in [*demo.call("demo-patient-view", raw("patient-view")).cards, *signed.cards]:
        for reason in card.get("overrideReasons", ()):
            assert set(reason) == {"code", "system", "display"}
            assert all(isinstance(text, str) and text for text in reason.values())
            assert urlsplit(reason["system"]).scheme
        codes = [reason["code"] for reason in card.get("overrideReasons", ())]
        assert len(set(codes)) == len(codes)


@pytest.mark.req("CH-109", "CH-110")
def test_links_are_complete(demo: Client, signed: Reply) -> None:
    assert len(links(signed.cards)) == 2
    for link in links([*demo.call("demo-patient-view", raw("patient-view")).cards, *signed.cards]):
        assert link["label"]
        assert absolute(link["url"])
        assert link["type"] in ("absolute", "smart")
        assert "?" not in link["url"]
        if "appContext" in link:
            assert link["type"] == "smart"
            assert isinstance(link["appContext"], str)


@pytest.mark.req("CH-110")
@pytest.mark.parametrize(("profile", "told"), [(Profile(), True), (FIRST, False)])
def test_the_app_is_told_the_card_where_the_ehr_passes_it_on(profile: Profile, told: bool) -> None:
    with for_profile(profile) as client:
        card = client.call("demo-order-sign", raw("order-sign")).card
    (smart,) = (link for link in card["links"] if link["type"] == "smart")
    assert smart.get("appContext") == (card["uuid"] if told else None)
    assert PATIENT_ID not in json.dumps(smart)


@pytest.mark.req("CH-111")
@pytest.mark.parametrize(("profile", "asked"), [(Profile(), False), (MODERN, True), (EPIC, False)])
def test_an_app_starts_by_itself_only_where_that_was_agreed(profile: Profile, asked: bool) -> None:
    with for_profile(profile) as client:
        found = links(client.call("demo-order-sign", raw("order-sign")).cards)
    flags = [link["autolaunchable"] for link in found if "autolaunchable" in link]
    assert flags == ([True] if asked else [])
    assert all("autolaunchable" not in link for link in found if link["type"] == "absolute")


@service("patient-view", id="linked", title="Linked", description="Links.")
def linked() -> Iterator[Finding]:
    there = ("https://guide.example/a", "https://sub.guide.example/b", "https://evil.example/c")
    pages = tuple(Link(url[-1], url) for url in there)
    yield Finding(
        rule="l", summary="s", indicator="info", source=SOURCE, links=(*pages, AppLink("App"))
    )


@pytest.mark.req("CH-109")
@pytest.mark.parametrize(
    ("profile", "labels"), [(Profile(), ["a", "b", "c", "App"]), (EPIC, ["a", "App"])]
)
def test_links_lead_to_agreed_hosts_only(profile: Profile, labels: list[str]) -> None:
    with for_profile(profile, linked) as client:
        found = links(client.call("linked", raw("shared-patient-view")).cards)
    assert [link["label"] for link in found] == labels


@pytest.mark.req("CH-109")
@pytest.mark.parametrize("prefix", ["", "/x/y"])
def test_the_link_into_the_app_is_where_the_ehr_reaches_it(prefix: str) -> None:
    with serving([linked], prefix=prefix) as client:
        found = links(client.call("linked", raw("shared-patient-view")).cards)
    assert found[-1]["url"] == f"http://localhost:5000{prefix}/smart/launch"


# --- system actions ----------------------------------------------------------------------------


@pytest.mark.req("CH-112", "CH-113", "CH-114")
@pytest.mark.parametrize(("profile", "count"), [(Profile(), 0), (FIRST, 0), (EPIC, 1), (MODERN, 1)])
def test_system_actions_go_out_only_where_they_were_agreed(profile: Profile, count: int) -> None:
    with for_profile(profile) as client:
        answer = client.call("demo-order-sign", raw("order-sign")).json
    assert len(answer.get("systemActions", ())) == count
    assert ("systemActions" in answer) == bool(count)
    for action in answer.get("systemActions", ()):
        assert (action["type"], action["description"]) == ("update", "Note the warning")


# --- errors ------------------------------------------------------------------------------------

SECRET = "Lindqvist 1957-08-09 demo-access-token"


def broken(when: str) -> Callable[..., Any]:
    """A service that fails in one way or another."""

    @service("patient-view", id="broken", title="t", description="d", prefetch={"patient": PATIENT})
    def run(patient: Patient) -> Any:
        if when == "at once":
            raise KeyError(SECRET)
        if when == "none":
            return None
        if when == "number":
            return 7
        return later(when)

    def later(when: str) -> Iterator[Any]:
        yield spoken("fine", "info")
        if when == "after a card":
            raise ValueError(SECRET)
        if when == "recursion":
            yield from later("recursion")
        if when == "text":
            yield SECRET
        if when == "bad card":
            yield Finding(rule="x", summary="", indicator="info", source=SOURCE)
        if when == "bad group":
            raise ExceptionGroup(SECRET, [ValueError(SECRET)])

    return run


@pytest.mark.req("CH-116", "CH-115")
@pytest.mark.parametrize(
    "when",
    ["at once", "none", "number", "after a card", "recursion", "text", "bad card", "bad group"],
)
def test_a_service_that_fails_is_a_500_and_never_silence(
    when: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving([broken(when), say]) as client:
        reply = client.call("broken", named("Zoe"), fails=True)
        assert (reply.status, reply.issue["code"]) == (500, "exception")
        # Its neighbours answer, and so does the same process.
        assert len(client.call("say", named("Zoe")).cards) == 3
    assert b".py" not in reply.body
    log = capfd.readouterr().err
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line["event"] == "unhandled" and line["place"] for line in lines)
    for secret in (*SECRET.split(), "Zoe"):
        assert secret not in reply.body.decode() + log


@pytest.mark.req("CH-115")
@pytest.mark.parametrize(
    ("status", "service_id", "edits", "headers"),
    [
        (400, "demo-patient-view", {"context.userId": SECRET}, {}),
        (400, "demo-patient-view", {"hook": SECRET}, {}),
        (400, "demo-patient-view", {"hookInstance": SECRET}, {}),
        (400, "demo-patient-view", {"fhirServer": "ftp://" + SECRET}, {}),
        (404, "Lindqvist", {}, {}),
        (412, "demo-patient-view", {"prefetch.a1c": {"resourceType": SECRET}}, {}),
        (412, "demo-patient-view", {"prefetch.patient": {"resourceType": "Lindqvist"}}, {}),
        (412, "demo-patient-view", {"prefetch.a1c": DROP}, {}),
        (415, "demo-patient-view", {}, {"Content-Type": "text/Lindqvist"}),
    ],
)
def test_an_error_is_an_operation_outcome_that_quotes_nothing(
    demo: Client, status: int, service_id: str, edits: Json, headers: dict[str, str]
) -> None:
    alone = {"fhirAuthorization": DROP, **({} if "fhirServer" in edits else {"fhirServer": DROP})}
    sent = encoded(body("patient-view", edits={**alone, **edits}))
    reply = demo.call(service_id, sent, headers)
    assert reply.status == status
    assert set(reply.json) == {"resourceType", "id", "issue"}
    assert re.fullmatch("[0-9a-f]{16}", reply.json["id"])
    assert set(reply.issue) <= {"severity", "code", "diagnostics", "expression"}
    for secret in (*SECRET.split(), PATIENT_ID):
        assert secret.encode() not in reply.body


# --- the set of cards --------------------------------------------------------------------------


@pytest.mark.req("CH-117")
def test_an_id_on_two_hooks_answers_with_all_that_is_current(demo: Client) -> None:
    opened = demo.call("demo-shared", raw("shared-patient-view"))
    solved = demo.call("demo-shared", raw("shared-order-sign"))
    again = demo.call("demo-shared", raw("shared-patient-view"))
    assert [card["source"]["topic"]["code"] for card in opened.cards] == ["demonotordered"]
    assert [card["source"]["topic"]["code"] for card in solved.cards] == ["demoordered"]
    assert again.body == opened.body


def many(indicator: Indicator, count: int) -> Callable[..., Any]:
    """A service with very much to say."""

    @service("patient-view", "order-sign", id="many", title="t", description="d")
    def run() -> Iterator[Result]:
        for number in range(count):
            yield Finding(
                rule=f"many.r{number}", summary="s", indicator=indicator, source=Source("s")
            )
            yield Gap("many", markdown("no {number}", number=number % 2))

    return run


@pytest.mark.req("CH-117")
@pytest.mark.parametrize(
    ("hook", "indicator", "shown"),
    [
        ("patient-view", "info", 4),
        ("patient-view", "warning", 4),
        ("patient-view", "critical", 12),
        ("order-sign", "warning", 5),
        ("order-sign", "critical", 12),
    ],
)
def test_a_critical_card_is_never_left_out(hook: str, indicator: Indicator, shown: int) -> None:
    with serving([many(indicator, 12)]) as client:
        found = client.call("many", raw(f"shared-{hook}")).cards
    assert len(found) == shown
    # What could not be checked is told once, on the gravest card.
    told = "**Not checked:**\n\n- no 0\n- no 1"
    if shown < 12:
        told += f"\n- {12 - shown} more findings, not shown here"
    assert [card.get("detail") for card in found] == [told, *[None] * (shown - 1)]


@service("order-select", id="quiet", title="t", description="d")
def quiet() -> Iterator[Finding]:
    for indicator in ("info", "warning", "critical"):
        yield spoken("x", indicator)


def test_an_ordering_clinician_is_not_disturbed_by_infos() -> None:
    with serving([quiet]) as client:
        found = client.call("quiet", raw("order-select")).cards
    assert [card["indicator"] for card in found] == ["critical", "warning"]


def test_a_draft_without_content_is_still_an_order_to_name() -> None:
    @service("order-sign", id="names", title="t", description="d")
    def names(context: OrderSign) -> Iterator[Finding]:
        for draft in context.draft_orders:
            yield Finding(
                rule="n",
                summary=draft.reference,
                indicator="info",
                source=SOURCE,
                about=(draft.reference,),
            )

    with serving([names]) as client:
        found = client.call("names", raw("order-sign")).cards
    assert [card["summary"] for card in found] == [
        f"{each['resourceType']}/{each['id']}"
        for each in resources(body("order-sign")["context"]["draftOrders"])
    ]


NO_ID = {"context.draftOrders.entry.0.resource.id": DROP}


@pytest.mark.req("CH-103", "CH-104", "CH-105")
def test_an_order_without_an_id_is_not_changed_but_told(demo: Client) -> None:
    card = demo.call("demo-order-sign", body("order-sign", edits=NO_ID)).card
    assert {action["type"] for action in actions([card])} <= {"create"}
    assert "Remove ibuprofen" in card["detail"]


@pytest.mark.parametrize("edits", [NO_ID, {}], ids=["no id", "one id"])
def test_orders_that_their_id_does_not_tell_apart_have_a_card_each(
    demo: Client, edits: Json
) -> None:
    call = body("order-sign", edits=edits)
    entries = call["context"]["draftOrders"]["entry"]
    entries.append(json.loads(json.dumps(entries[0]).replace("ibuprofen 400", "ibuprofen 600")))
    found = demo.call("demo-order-sign", call).cards
    assert len(found) == 2
    assert len({card["uuid"] for card in found}) == 2
