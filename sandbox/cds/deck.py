"""The cards of a visit, as they lie in front of the clinician.

What a service says when it is asked again stands for what it said before of the same drafts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from sandbox.cds.cards import Action, Card, Suggestion
from sandbox.cds.discovery import Service
from sandbox.cds.refused import Refused

Json = dict[str, Any]

ORDER_HOOKS = ("order-select", "order-sign")
_GRAVEST_FIRST = ("critical", "warning", "info")


@dataclass(frozen=True, kw_only=True)
class ShownCard:
    """A card as it lies in front of the clinician. `id` is ours, good in an address of a page.

    `state` "dismissed" is no outcome: nothing is reported. `told` says in words what was done, at
    the time `at`. `accepted` are the ids of accepted suggestions, `reason` and `comment` belong to
    an override. `current` cards are what was said last; others stay because they were answered.
    `feedback` is what the service said to it: "none" if none was sent, with the reason in
    `feedback_reason`, as for "failed". `draft_ids` are the drafts that it is about, if known.
    """

    id: str
    card: Card
    service: Service
    hook: str
    exchange_id: str
    state: Literal["open", "accepted", "overridden", "dismissed"] = "open"
    told: str = ""
    at: datetime | None = None
    accepted: tuple[str, ...] = ()
    reason: str = ""
    comment: str = ""
    current: bool = True
    feedback: Literal["none", "stored", "failed"] = "none"
    feedback_reason: str = ""
    draft_ids: tuple[str, ...] = ()
    report: Json = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether orders cannot be signed because of it."""
        is_grave = self.card.indicator == "critical" and self.hook in ORDER_HOOKS
        return is_grave and self.current and self.state == "open"

    @property
    def is_open(self) -> bool:
        """Whether it can still be answered."""
        return self.current and self.state in ("open", "dismissed")

    def may_accept(self, suggestion_id: str) -> bool:
        """Whether this suggestion can be accepted now: of `at-most-one` only the first is."""
        several = self.state == "accepted" and self.card.selection_behavior == "any"
        free = self.is_open or (self.current and several)
        return free and suggestion_id not in self.accepted

    def suggested(self, suggestion_id: str) -> Suggestion:
        """A suggestion that can be accepted now; Refused if it is none."""
        for suggestion in self.card.suggestions:
            if suggestion.id == suggestion_id:
                if not self.may_accept(suggestion_id):
                    raise Refused("This suggestion can no longer be accepted.")
                return suggestion
        raise Refused("The card has no such suggestion.")


def shown(
    cards: Iterable[Card],
    service: Service,
    hook: str,
    exchange_id: str,
    drafts: Collection[str],
    selected: Collection[str],
) -> list[ShownCard]:
    """The cards of one answer. `selected` are the drafts that the call was about."""
    return [
        ShownCard(
            id=str(uuid4()),
            card=card,
            service=service,
            hook=hook,
            exchange_id=exchange_id,
            draft_ids=_about(card, drafts, selected),
        )
        for card in cards
    ]


class Deck:
    """All cards of a visit. Not safe between threads."""

    def __init__(self) -> None:
        self._cards: dict[str, ShownCard] = {}

    def all(self) -> list[ShownCard]:
        """What is said now, the gravest first; then what was answered before."""
        return sorted(
            self._cards.values(),
            key=lambda each: (not each.current, _GRAVEST_FIRST.index(each.card.indicator)),
        )

    def get(self, card_id: str) -> ShownCard:
        """The card of this id; Refused if there is none."""
        if card_id not in self._cards:
            raise Refused("There is no such card any more: its service was asked again.")
        return self._cards[card_id]

    def put(self, card: ShownCard) -> ShownCard:
        """Lays a card down, or what has become of one."""
        self._cards[card.id] = card
        return card

    def lay(
        self, said: Iterable[ShownCard], replaced: Callable[[ShownCard], bool]
    ) -> list[ShownCard]:
        """Lays cards down in the place of those that are replaced; those of them that are new.

        What order-sign says again is not new: the card that has said it stays, as it was answered.
        """
        old = [card for card in self._cards.values() if card.current and replaced(card)]
        new = []
        for card in said:
            known = next((each for each in old if _says_again(card, each)), None)
            if known:
                old.remove(known)
            else:
                new.append(card)
        gone = {card.id for card in old}
        self.withdraw(lambda card: card.id in gone)
        return [self.put(card) for card in new]

    def withdraw(self, gone: Callable[[ShownCard], bool]) -> None:
        """Takes cards away, but for what was answered, which stays to be seen."""
        for card in [each for each in self._cards.values() if gone(each)]:
            if card.state in ("accepted", "overridden"):
                self._cards[card.id] = replace(card, current=False)
            else:
                del self._cards[card.id]


def _says_again(card: ShownCard, known: ShownCard) -> bool:
    """Whether a card of order-sign is one that was there, of drafts that have not changed since.

    Of those that have changed, none is there any more.
    """
    about, before = set(card.draft_ids), set(known.draft_ids)
    return (
        card.hook == "order-sign"
        and card.service.server == known.service.server
        and (not about or not before or bool(about & before))
        and _words(card.card) == _words(known.card)
    )


def _words(card: Card) -> tuple[Any, ...]:
    """What a card says and offers; its ids, and those in its links, are new each time."""
    offers = tuple(each.label for each in card.suggestions)
    links = tuple(each.label for each in card.links)
    said = (card.summary, card.detail, card.indicator, card.source)
    return (*said, offers, card.override_reasons, links)


def _about(card: Card, drafts: Collection[str], selected: Collection[str]) -> tuple[str, ...]:
    actions = (action for suggestion in card.suggestions for action in suggestion.actions)
    ids = [each for action in actions for each in _ids(action)]
    only = selected if len(selected) == 1 else ()
    return tuple(dict.fromkeys(each for each in (*only, *ids) if each in drafts))


def _ids(action: Action) -> Iterator[str]:
    if action.resource_id:
        yield action.resource_id.partition("/")[2]
    if isinstance(action.resource, str):
        yield action.resource.partition("/")[2]
    elif action.resource and action.type == "update":
        yield str(action.resource.get("id"))
