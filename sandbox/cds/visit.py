"""One opened chart: its cards, its order session and what was said to CDS services about it.

CDS Hooks 2.0; hook library: patient-view, order-select, order-sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.cds.cards import Card
from sandbox.cds.discovery import Service
from sandbox.cds.exchange import Exchange, Log

Resource = dict[str, Any]


class Refused(Exception):
    """Why something is not done, in words for the person at the EHR."""


@dataclass(frozen=True, kw_only=True)
class ShownCard:
    """A card as it lies in front of the clinician. `id` is ours, good in an address of a page.

    `state` "dismissed" is no outcome: nothing is reported. `told` says in words what was done.
    `accepted` are the ids of accepted suggestions. `current` cards are those of the newest firing
    of their hook; others stay only because they were answered. `feedback` is what the service said
    to it: "none" if none was sent, with the reason in `feedback_reason`, as for "failed".
    """

    id: str
    card: Card
    service: Service
    hook: str
    exchange_id: str
    state: Literal["open", "accepted", "overridden", "dismissed"] = "open"
    told: str = ""
    accepted: tuple[str, ...] = ()
    current: bool = True
    feedback: Literal["none", "stored", "failed"] = "none"
    feedback_reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether orders cannot be signed because of it."""
        return self.current and self.card.indicator == "critical" and self.state == "open"

    def may_accept(self, suggestion_id: str) -> bool:
        """Whether this suggestion can be accepted now: of `at-most-one` only the first is."""
        raise NotImplementedError


@dataclass(frozen=True)
class Signing:
    """What came of pressing "sign": the records that orders became, else what is in the way.

    `held_by` are critical cards without an answer. `to_read` are the cards that order-sign has just
    brought: the clinician sees them, and signs by pressing again.
    """

    signed: tuple[Resource, ...] = ()
    held_by: tuple[ShownCard, ...] = ()
    to_read: tuple[ShownCard, ...] = ()


class Visit:
    """One opened chart. Safe to share between threads; nothing of it reaches another visit.

    `user` is `Practitioner/id`. `drafts` is the order session, resources by their id, in the order
    of adding; `cards` are sorted critical first, answered ones last.
    """

    id: str
    patient_id: str
    user: str
    encounter_id: str | None
    exchanges: Log

    @property
    def drafts(self) -> Mapping[str, Resource]:
        """The unsigned orders by their id."""
        raise NotImplementedError

    @property
    def cards(self) -> tuple[ShownCard, ...]:
        """What is to be seen, the gravest first."""
        raise NotImplementedError

    def open(self) -> None:
        """Fires patient-view."""

    def add(self, order: Resource) -> Resource:
        """The draft that this MedicationRequest or ServiceRequest becomes; fires order-select.

        It gets an id, this patient, status draft and, unless it has one, the intent "order".
        """
        raise NotImplementedError

    def change(self, draft_id: str, order: Resource) -> Resource:
        """The draft with this content instead; fires order-select."""
        raise NotImplementedError

    def remove(self, draft_id: str) -> None:
        """Takes a draft out of the session; fires order-select for those that are left."""

    def sign(self) -> Signing:
        """Makes the drafts active records, unless order-sign brings something to consider."""
        raise NotImplementedError

    def accept(self, card_id: str, suggestion_id: str) -> ShownCard:
        """Applies a suggestion, all of it or (Refused) nothing, and reports it to the service."""
        raise NotImplementedError

    def override(
        self, card_id: str, reason: Mapping[str, str] | None = None, comment: str = ""
    ) -> ShownCard:
        """Answers a card with a no and reports it. `reason`: `code`, `system`, `display`.

        A critical card needs a reason or a comment.
        """
        raise NotImplementedError

    def dismiss(self, card_id: str) -> ShownCard:
        """Puts a card away, which is not reported. Refused for a critical card."""
        raise NotImplementedError

    def report(self, card_id: str) -> ShownCard:
        """Sends the feedback about a card again, after that has failed."""
        raise NotImplementedError

    def again(self, exchange_id: str) -> Exchange:
        """Sends a request once more, as a new call with what the chart says now."""
        raise NotImplementedError


class Visits:
    """The charts that are open, by ids that nobody guesses."""

    def start(self, patient_id: str, user: str, encounter_id: str | None = None) -> Visit:
        """A new visit. Nothing is fired yet. LookupError for a patient that there is not."""
        raise NotImplementedError

    def find(self, visit_id: str) -> Visit | None:
        """The visit of this id, while it is open."""
        raise NotImplementedError
