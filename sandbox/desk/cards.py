"""Cards as the EHR shows them. CDS Hooks 2.0, "Card Attributes".

The gravest come first. What a service wrote is text: the detail is drawn by `markdown`, addresses
are links only if they are http(s).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from sandbox.cds.cards import Card, Link, Suggestion
from sandbox.cds.deck import ShownCard
from sandbox.cds.exchange import Exchange
from sandbox.desk.markdown import drawn

Gravity = Literal["critical", "warning", "info", ""]

_GRAVEST_FIRST: tuple[Gravity, ...] = ("critical", "warning", "info")
WORDS = {"critical": "Critical", "warning": "Warning", "info": "Information"}


@dataclass(frozen=True)
class Offer:
    """A suggestion with what became of it: `state` is "open", "accepted" or "closed"."""

    suggestion: Suggestion
    state: str


@dataclass(frozen=True)
class View:
    """A card with its parts made ready for the page."""

    shown: ShownCard
    detail: Markup | None
    source_url: str | None
    offers: tuple[Offer, ...]
    links: tuple[tuple[int, Link], ...]

    @property
    def card(self) -> Card:
        """The card itself."""
        return self.shown.card

    @property
    def is_done(self) -> bool:
        """Whether it needs nothing any more: then it is one line with what was answered."""
        may_go_on = any(offer.state == "open" for offer in self.offers)
        accepting = self.shown.state == "accepted" and may_go_on
        return self.shown.state != "open" and self.shown.feedback != "failed" and not accepting

    @property
    def word(self) -> str:
        """Its severity in a word."""
        return WORDS[self.card.indicator]


def view(shown: ShownCard) -> View:
    """The card, ready for the page."""
    card = shown.card
    links = [
        (number, link)
        for number, link in enumerate(card.links)
        if link.type == "smart" or web_address(link.url)
    ]
    return View(
        shown,
        drawn(card.detail) if card.detail else None,
        web_address(card.source.url),
        tuple(_offer(shown, each) for each in card.suggestions),
        tuple(links),
    )


def web_address(url: str | None) -> str | None:
    """The address, if a browser may go there."""
    return url if url and url.startswith(("http://", "https://")) else None


def of_hooks(cards: Iterable[ShownCard], orders: bool) -> list[View]:
    """The cards of the order hooks, or those of the chart's opening; put away ones are left out."""
    return [
        view(each)
        for each in cards
        if each.hook.startswith("order-") == orders and each.state != "dismissed"
    ]


def unchecked(failed: Iterable[Exchange], orders: bool) -> list[Exchange]:
    """The requests that failed at the order hooks, or at the chart's opening."""
    return [each for each in failed if each.hook.startswith("order-") == orders]


def gravest(cards: Iterable[ShownCard]) -> Gravity:
    """The gravest severity among open cards, or ''."""
    return _gravest(each for each in cards if each.state == "open")


def of_draft(draft_id: str, cards: Iterable[ShownCard]) -> tuple[Gravity, str]:
    """The gravest severity among the open cards about a draft, and what to say of all of them."""
    about = [each for each in cards if each.current and draft_id in each.draft_ids]
    if severity := gravest(about):
        return severity, WORDS[severity]
    answered = _gravest(about)
    states = " and ".join(dict.fromkeys(each.state for each in about))
    return "", f"{WORDS[answered]}, {states}" if answered else "no card"


def _gravest(cards: Iterable[ShownCard]) -> Gravity:
    severities = {each.card.indicator for each in cards}
    return next((each for each in _GRAVEST_FIRST if each in severities), "")


def _offer(shown: ShownCard, suggestion: Suggestion) -> Offer:
    if suggestion.id in shown.accepted:
        return Offer(suggestion, "accepted")
    return Offer(suggestion, "open" if shown.may_accept(suggestion.id) else "closed")
