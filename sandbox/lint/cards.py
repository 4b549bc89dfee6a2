"""Rules about cards, their sources and override reasons. CDS Hooks 2.0, "Card Attributes"."""

import re
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from sandbox.lint.hooks import WITHOUT_RECORDS
from sandbox.lint.nodes import Node
from sandbox.lint.rule import Broken, joined, quoted, rule
from sandbox.lint.shape import member_rules
from sandbox.lint.urls import is_safe, web_address


@rule("CH-096", "error", "A uuid names one card or one suggestion of the answer, and no other.")
def uuids_once(answer: Node) -> Broken:
    places: dict[str, str] = {}
    for number, card in enumerate(_list(answer.value.get("cards"))):
        for path, uuid in _uuids(card, f"cards[{number}]"):
            first = places.setdefault(uuid.lower(), path)
            if first != path:
                yield joined(path, "uuid"), f"It is that of {first} too."


@rule("CH-112", "error", "Without system actions, an answer has no systemActions.")
def system_actions_or_nothing(answer: Node) -> Broken:
    if answer.value.get("systemActions") == []:
        yield "systemActions", "It is empty."


@rule("CH-113", "warning", "System actions are about what is being saved when the hook fires.")
def system_actions_have_records(answer: Node) -> Broken:
    hook = answer.request.get("hook")
    if answer.objects("systemActions") and hook in WITHOUT_RECORDS:
        yield "systemActions", f"Nothing is being saved at {hook}."


@rule("CH-096", "error", "A uuid is a UUID in its usual form, without urn:uuid:.")
def uuid_is_one(owner: Node) -> Broken:
    uuid = owner.text("uuid")
    if uuid and not is_uuid(uuid):
        yield "uuid", f"It is {quoted(uuid)}."


@rule("CH-090", "error", "A summary has fewer than 140 characters.")
def summary_is_short(card: Node) -> Broken:
    summary = card.text("summary") or ""
    if len(summary) >= 140:
        yield "summary", f"It has {len(summary)}."


@rule("CH-090", "warning", "A summary is a sentence in plain text: clients do not format it.")
def summary_is_plain(card: Node) -> Broken:
    summary = card.text("summary") or ""
    if "\n" in summary or _MARKUP.search(summary):
        yield "summary", "It has line breaks, Markdown or HTML."


@rule("CH-091", "error", "An indicator is info, warning or critical.")
def indicator_is_known(card: Node) -> Broken:
    indicator = card.text("indicator")
    if indicator and indicator not in ("info", "warning", "critical"):
        yield "indicator", f"It is {quoted(indicator)}."


@rule("CH-095", "error", "A detail has nothing that a page would run, whoever wrote it.")
def detail_runs_nothing(card: Node) -> Broken:
    if found := _ACTIVE.search(_prose(card)):
        yield "detail", f"It has {quoted(found[0])}."


@rule("CH-095", "warning", "A detail is GitHub Markdown; many clients show no HTML in it.")
def detail_has_no_html(card: Node) -> Broken:
    prose = _prose(card)
    if not _ACTIVE.search(prose) and (found := _TAG.search(prose)):
        yield "detail", f"It has {quoted(found[0])}."


@rule("CH-097", "error", "A card with suggestions says in selectionBehavior how many may be taken.")
def selection_is_told(card: Node) -> Broken:
    if card.objects("suggestions") and card.text("selectionBehavior") is None:
        yield "", "There is no selectionBehavior."


@rule(
    "CH-098", "error", "A selectionBehavior is at-most-one or any; of others clients drop the card."
)
def selection_is_known(card: Node) -> Broken:
    selection = card.text("selectionBehavior")
    if selection and selection not in ("at-most-one", "any"):
        yield "selectionBehavior", f"It is {quoted(selection)}."


@rule("CH-099", "error", "Of suggestions of which one may be taken, one at most is recommended.")
def one_is_recommended(card: Node) -> Broken:
    recommended = [s for s in card.objects("suggestions") if s.get("isRecommended") is True]
    if card.text("selectionBehavior") == "at-most-one" and len(recommended) > 1:
        yield "suggestions", f"{len(recommended)} are."


@rule("CH-108", "warning", "The reasons of a card differ in system and code.")
def reasons_differ(card: Node) -> Broken:
    reasons = [
        (each.get("system"), each["code"])
        for each in card.objects("overrideReasons")
        if isinstance(each.get("code"), str) and isinstance(each.get("system"), str | None)
    ]
    for (_, code), count in Counter(reasons).items():
        if count > 1:
            yield "overrideReasons", f"{quoted(code)} stands {count} times."


@rule(
    "CH-111", "warning", "A card whose link starts by itself may stay unseen, so it offers no more."
)
def autolaunched_alone(card: Node) -> Broken:
    links = card.objects("links")
    if any(link.get("autolaunchable") is True for link in links) and (
        len(links) > 1 or card.objects("suggestions")
    ):
        yield "links", "One starts by itself, and there are others or suggestions."


@rule("CH-093", "error", "The url and the icon of a source are absolute.")
def source_is_absolute(source: Node) -> Broken:
    for name in ("url", "icon"):
        url = source.text(name)
        if url and web_address(url) is None:
            yield name, f"{quoted(url)} is no http(s) address."


@rule("CH-093", "warning", "The url and the icon of a source are https.")
def source_is_https(source: Node) -> Broken:
    for name in ("url", "icon"):
        parts = web_address(source.text(name) or "")
        if parts and not is_safe(parts):
            yield name, "It is http."


@rule(
    "CH-094", "warning", "A topic's code is letters and digits, 100 at most, so that EHRs keep it."
)
def topic_can_be_kept(topic: Node) -> Broken:
    code = topic.text("code")
    if code and not re.fullmatch("[A-Za-z0-9]{1,100}", code):
        yield "code", f"It is {quoted(code)}."


ANSWER = {
    "answer": (
        *member_rules("answer"),
        uuids_once,
        system_actions_or_nothing,
        system_actions_have_records,
    ),
    "card": (
        *member_rules("card"),
        uuid_is_one,
        summary_is_short,
        summary_is_plain,
        indicator_is_known,
        detail_runs_nothing,
        detail_has_no_html,
        selection_is_told,
        selection_is_known,
        one_is_recommended,
        reasons_differ,
        autolaunched_alone,
    ),
    "source": (*member_rules("source"), source_is_absolute, source_is_https),
    "topic": (*member_rules("topic"), topic_can_be_kept),
    "override reason": member_rules("override reason"),
}

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|(?<!\\)\]\(|`")
# A backslash makes the sign after it plain text.
_TAG = re.compile(r"(?<!\\)</?[A-Za-z](?![A-Za-z+.-]*[:@])[^<>]*>")
# What is tried is tried once: a search takes time in proportion to the text, whatever it is.
_ACTIVE = re.compile(
    r"(?<!\\)<(script|iframe|object|embed|form|style|link|meta|base|svg|math)\b[^<>]*>?"
    r"|(?<!\\)<[A-Za-z](?=[^<>]*\son[a-z]+\s*=)[^<>]*+>"
    r"|(?<!\\)<[A-Za-z](?=[^<>]*=\s*(?:[\"']\s*)?(javascript|vbscript|data):)[^<>]*+>"
    r"|(?<!\\)\]\(\s*(?:<\s*)?(javascript|vbscript|data):[^)\s]*"
    r"|(?<!\\)<(javascript|vbscript|data):[^<>]*>"
    r"|^ {0,3}\[[^\]\n]+\]:\s*<?(javascript|vbscript|data):\S*",
    re.IGNORECASE | re.MULTILINE,
)
_CODE = re.compile(r"(?<![\\`])(`++)[^`]++\1(?!`)")


def is_uuid(text: str) -> bool:
    """Whether it is written as UUIDs are: 8-4-4-4-12, in any letter case."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _prose(card: Node) -> str:
    """The detail without what is set as code, which is shown as it stands."""
    return _CODE.sub("", card.text("detail") or "")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _uuids(card: object, path: str) -> Iterator[tuple[str, str]]:
    """The places of a card that have a uuid, with it."""
    if not isinstance(card, dict):
        return
    owners = [(path, card)]
    for number, each in enumerate(_list(card.get("suggestions"))):
        if isinstance(each, dict):
            owners.append((f"{path}.suggestions[{number}]", each))
    for where, owner in owners:
        if isinstance(owner.get("uuid"), str) and owner["uuid"]:
            yield where, owner["uuid"]
