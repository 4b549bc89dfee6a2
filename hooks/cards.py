"""From findings to cards for one EHR's profile (CDS Hooks, CDS Service Response).

Empty members are left out everywhere but in `cards`. Ids are keyed hashes of what they name, so a
repeated call gets the same cards and nobody can guess the card of another chart. A suggestion that
this EHR cannot apply is told in words instead, so that the clinician still knows of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from clinical.finding import (
    OVERRIDE_REASONS,
    Action,
    AppLink,
    Create,
    Delete,
    Finding,
    Gap,
    LabOrder,
    Link,
    Suggestion,
    Update,
)
from clinical.text import Markdown, bullets, join, markdown
from fhir import drafts
from hooks.request import HookRequest
from web.trust import Profile

# Code systems of our own; codes of findings are their rule ids without punctuation, since Epic
# keys lasting overrides on letters and digits.
FINDINGS = "urn:chartside:findings"
OVERRIDES = "urn:chartside:override-reasons"


class Coding(msgspec.Struct, frozen=True):
    code: str
    system: str
    display: str


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    label: str
    topic: Coding
    url: str | None = None


class CardAction(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    type: str
    description: str
    resource: Any = None
    resource_id: str | None = None


class CardSuggestion(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    label: str
    uuid: str
    is_recommended: bool = False
    actions: list[CardAction] = []


class CardLink(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    label: str
    url: str
    type: str
    app_context: str | None = None
    autolaunchable: bool = False


class Card(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    uuid: str
    summary: str
    indicator: str
    source: Source
    detail: str | None = None
    suggestions: list[CardSuggestion] = []
    selection_behavior: str | None = None
    override_reasons: list[Coding] = []
    links: list[CardLink] = []


class _Response(msgspec.Struct, omit_defaults=True, rename="camel"):
    cards: list[Card]
    system_actions: list[CardAction] = []


class CardMaker:
    """Makes cards for one EHR. `launch_url` is where its launches of our app begin, if it does."""

    def __init__(self, profile: Profile, secret: str, launch_url: str | None) -> None:
        self._profile = profile
        self._key = hashlib.sha256(secret.encode()).digest()
        self._launch_url = launch_url

    def cards(
        self,
        realm: str,
        service_id: str,
        request: HookRequest,
        findings: Sequence[Finding],
        gaps: Sequence[Gap],
    ) -> list[Card]:
        """A card for each finding, in their order. `realm`: within which ids mean one thing."""
        told = _gaps(gaps)
        return [
            # Gaps are told once, on the gravest card: repeated they would drown the findings.
            self._card(
                self._seed(realm, service_id, request, finding),
                request,
                finding,
                Markdown() if number else told,
            )
            for number, finding in enumerate(findings)
        ]

    def response(
        self,
        request: HookRequest,
        cards: Sequence[Card],
        system_actions: Iterable[Action],
        app_links: bool = True,
    ) -> bytes:
        """The body of the answer. `app_links`: whether the app will find these cards."""
        if not app_links:
            cards = [_without_app_links(card) for card in cards]
        actions = system_actions if self._profile.system_actions else ()
        return msgspec.json.encode(
            _Response(list(cards), [self._action(action, request) for action in actions])
        )

    def card_id(self, realm: str, service_id: str, request: HookRequest, finding: Finding) -> str:
        """The uuid of this finding's card."""
        return self._uuid(self._seed(realm, service_id, request, finding))

    def _seed(self, realm: str, service_id: str, request: HookRequest, finding: Finding) -> str:
        # With patient and user: some clients send one hookInstance for every chart.
        user = getattr(request.context, "user_id", None) or ""
        chart = (request.fhir_server or "", request.context.patient_id, user)
        call = (service_id, request.hook, request.hook_instance.lower())
        return "\n".join((realm, *call, *chart, finding.key))

    def _card(self, seed: str, request: HookRequest, finding: Finding, gaps: Markdown) -> Card:
        card_id = self._uuid(seed)
        fitting = [each for each in finding.suggestions if self._fits(each)]
        told = [each.label for each in finding.suggestions if not self._fits(each)]
        detail = join(finding.detail or Markdown(), _told(told), gaps)
        selection = self._selection(finding.pick) if fitting else None
        recommended = [each for each in fitting if each.recommended]
        if selection == "at-most-one":
            del recommended[1:]
        source = finding.source
        return Card(
            uuid=card_id,
            summary=finding.summary,
            indicator=finding.indicator,
            source=Source(source.label, _topic(finding.rule), source.url),
            detail=str(detail) or None,
            suggestions=[
                CardSuggestion(
                    each.label,
                    self._uuid(f"{seed}\nsuggestion {number}"),
                    each in recommended,
                    [self._action(action, request) for action in each.actions],
                )
                for number, each in enumerate(fitting)
            ],
            selection_behavior=selection,
            override_reasons=[
                Coding(code, OVERRIDES, OVERRIDE_REASONS[code]) for code in finding.overrides
            ],
            links=[
                made for link in finding.links if (made := self._link(link, card_id)) is not None
            ],
        )

    def _fits(self, suggestion: Suggestion) -> bool:
        most = self._profile.suggestion_actions
        return (most is None or len(suggestion.actions) <= most) and all(
            isinstance(action, Create) or action.draft.addressable for action in suggestion.actions
        )

    def _selection(self, pick: str) -> str:
        allowed = self._profile.selection_behaviors
        return pick if pick in allowed else allowed[0]

    def _action(self, action: Action, request: HookRequest) -> CardAction:
        match action:
            case Create(description, order):
                encounter = getattr(request.context, "encounter_id", None)
                make = drafts.lab_order if isinstance(order, LabOrder) else drafts.medicine_order
                resource = make(order.code, request.context.patient_id, encounter)
                return CardAction("create", description, resource)
            case Update(description, draft, changes):
                return CardAction("update", description, drafts.changed(draft, changes))
            case Delete(description, draft):
                if self._profile.delete == "resource":
                    return CardAction("delete", description, draft.reference)
                return CardAction("delete", description, resource_id=draft.reference)

    def _link(self, link: Link | AppLink, card_id: str) -> CardLink | None:
        if isinstance(link, Link):
            hosts = self._profile.link_hosts
            if hosts is not None and urlsplit(link.url).hostname not in hosts:
                return None
            return CardLink(link.label, link.url, "absolute")
        if self._launch_url is None:
            return None
        return CardLink(
            link.label,
            self._launch_url,
            "smart",
            # The card's own id: it names nothing but the card, and nobody else can make one.
            card_id if self._profile.app_context else None,
            link.autolaunch and self._profile.autolaunch,
        )

    def _uuid(self, name: str) -> str:
        # BLAKE2 is a MAC by itself when it has a key (RFC 7693), and quicker than HMAC.
        digest = bytearray(hashlib.blake2b(name.encode(), key=self._key, digest_size=16).digest())
        digest[6] = digest[6] & 0x0F | 0x40  # version 4 and its variant (RFC 9562)
        digest[8] = digest[8] & 0x3F | 0x80
        text = digest.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@cache
def _topic(rule: str) -> Coding:
    return Coding(re.sub(r"[^A-Za-z0-9]", "", rule)[:100], FINDINGS, rule)


def _without_app_links(card: Card) -> Card:
    links = [link for link in card.links if link.type != "smart"]
    return msgspec.structs.replace(card, links=links)


def _told(labels: Sequence[str]) -> Markdown:
    """Suggestions in words, for an EHR that cannot apply them."""
    if not labels:
        return Markdown()
    return join(
        markdown("**Consider in order entry:**"),
        bullets([markdown("{label}", label=label) for label in labels]),
    )


def _gaps(gaps: Sequence[Gap]) -> Markdown:
    if not gaps:
        return Markdown()
    return join(markdown("**Not checked:**"), bullets([gap.text for gap in gaps]))
