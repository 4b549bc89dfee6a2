"""One opened chart: its cards, its order session and what was said to CDS services about it.

CDS Hooks 2.0; hook library: patient-view, order-select, order-sign.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sandbox.cds import feedback
from sandbox.cds.actions import apply
from sandbox.cds.chart import Chart
from sandbox.cds.client import CdsClient
from sandbox.cds.deck import Deck, ShownCard
from sandbox.cds.discovery import Service
from sandbox.cds.exchange import Exchange, Log
from sandbox.cds.hooks import Hooks
from sandbox.cds.orders import Session
from sandbox.cds.refused import Refused as Refused
from sandbox.fhir.store import Store
from sandbox.http.answer import Resource

_LONGEST_COMMENT = 1000


@dataclass(frozen=True)
class Signing:
    """What came of pressing "sign": the records that orders became, else what is in the way.

    `held_by` are critical cards without an answer. `to_read` are the cards that order-sign has just
    brought, and `unchecked` the requests of it that failed: the clinician sees them, and signs by
    pressing again. True if anything was signed.
    """

    signed: tuple[Resource, ...] = ()
    held_by: tuple[ShownCard, ...] = ()
    to_read: tuple[ShownCard, ...] = ()
    unchecked: tuple[Exchange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.signed)


class Visit:
    """One opened chart. Safe to share between threads; nothing of it reaches another visit."""

    def __init__(
        self, client: CdsClient, store: Store, chart: Chart, clock: Callable[[], float]
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.patient_id = chart.patient_id
        self.user = chart.user
        self.encounter_id = chart.encounter_id
        self.exchanges = Log()
        self._client = client
        self._store = store
        self._chart = chart
        self._clock = clock
        # Held while something is read and changed, never while a service is waited for.
        self._lock = threading.RLock()
        self._session = Session(chart, clock)
        self._deck = Deck()
        self._hooks = Hooks(
            client, store, chart, self._session, self._deck, self.exchanges, self._lock
        )
        self.opened = self._now()

    @property
    def drafts(self) -> dict[str, Resource]:
        """The unsigned orders by their id, in the order of adding."""
        with self._lock:
            return self._session.drafts

    @property
    def cards(self) -> list[ShownCard]:
        """What is to be seen, the gravest first, and last what was answered before."""
        with self._lock:
            return self._deck.all()

    @property
    def held(self) -> int:
        """How many critical cards stand in the way of signing."""
        return len(self._holding())

    @property
    def unchecked(self) -> list[Exchange]:
        """The requests that failed, where nobody has checked what holds now."""
        with self._lock:
            return list(self._hooks.failed)

    def open(self) -> None:
        """Fires patient-view."""
        self._hooks.fire("patient-view", {})

    def add(self, order: Resource) -> Resource:
        """The draft that this MedicationRequest or ServiceRequest becomes; fires order-select.

        It gets an id, this patient, status draft and, unless it has one, the intent "order".
        """
        with self._lock:
            draft_id = self._session.add(self._session.made(order))
            draft = self._session.find(draft_id)
        self._select([draft_id])
        return draft

    def change(self, draft_id: str, order: Resource) -> Resource:
        """The draft with this content instead; fires order-select."""
        with self._lock:
            self._session.change(self._session.made(order, draft_id))
            draft = self._session.find(draft_id)
        self._select([draft_id])
        return draft

    def remove(self, draft_id: str) -> None:
        """Takes a draft out of the session; fires order-select for those that are left."""
        with self._lock:
            self._session.remove(draft_id)
            left = list(self._session.drafts)
        # What was said may have been about the one that is gone.
        self._select(left)

    def sign(self) -> Signing:
        """Makes the drafts active records, unless order-sign brings something to consider."""
        fresh: list[ShownCard] = []
        with self._lock:
            if not self._session.drafts:
                raise Refused("There is no order to sign.")
            if held := self._holding():
                # order-sign would take away what nobody has answered.
                return Signing(held_by=tuple(held))
            asked = self._hooks.checked != self._session.revision
            context = {"draftOrders": self._session.bundle}
        if asked:
            fresh = self._hooks.fire("order-sign", context)
        with self._lock:
            if held := self._holding():
                return Signing(held_by=tuple(held))
            failed = tuple(each for each in self._hooks.failed if each.hook == "order-sign")
            weighty = tuple(c for c in fresh if c.card.indicator != "info" or c.card.suggestions)
            if weighty or (asked and failed):
                return Signing(to_read=weighty, unchecked=failed)
            if self._hooks.checked != self._session.revision:
                raise Refused("The orders have changed while they were checked. Sign again.")
            signed = self._session.sign(self._store)
            self._hooks.forget_orders()
            for card in fresh:
                self._deck.put(card)
        return Signing(signed=signed)

    def accept(self, card_id: str, suggestion_id: str) -> ShownCard:
        """Applies a suggestion, all of it or (Refused) nothing, and reports it to the service."""
        with self._lock:
            card = self._deck.get(card_id)
            suggestion = card.suggested(suggestion_id)
            before = self._session.revision
            touched = apply(suggestion.actions, self._session, self._store, self.patient_id)
            changed = self._session.revision != before
            accepted = (*card.accepted, suggestion_id)
            labels = [each.label for each in card.card.suggestions if each.id in accepted]
            card = replace(
                card,
                state="accepted",
                told=f"Accepted: {'; '.join(labels)}",
                at=self._now(),
                accepted=accepted,
            )
            card = self._deck.put(feedback.accepted(card, suggestion.uuid, self._now()))
        card = self._sent(card)
        # Signing asks anyway, and until then shows what else order-sign has brought.
        if changed and card.hook != "order-sign":
            self._select(touched or list(self.drafts))
        return card

    def override(
        self, card_id: str, reason: Mapping[str, str] | None = None, comment: str = ""
    ) -> ShownCard:
        """Answers a card with a no and reports it. `reason`: `code`, `system`, `display`.

        A critical card needs a reason or a comment.
        """
        reason, comment = reason or {}, comment.strip()
        if len(comment) > _LONGEST_COMMENT:
            raise Refused(f"Shorten the comment to {_LONGEST_COMMENT} characters.")
        with self._lock:
            card = self._answerable(card_id)
            if card.card.indicator == "critical" and not reason and not comment:
                raise Refused("A critical warning is overridden with a reason or a comment.")
            named = reason.get("display") or reason.get("code", "")
            why = "; ".join(filter(None, (named, comment))) or "no reason given"
            card = replace(
                card,
                state="overridden",
                told=f"Overridden: {why}",
                at=self._now(),
                reason=named,
                comment=comment,
            )
            card = self._deck.put(feedback.overridden(card, reason, comment, self._now()))
        return self._sent(card)

    def dismiss(self, card_id: str) -> ShownCard:
        """Puts a card away, which is not reported. Refused for one that holds up signing."""
        with self._lock:
            card = self._answerable(card_id)
            if card.holds:
                raise Refused("A critical warning is answered: accept or override it.")
            return self._deck.put(
                replace(card, state="dismissed", told="Dismissed", at=self._now())
            )

    def report(self, card_id: str) -> ShownCard:
        """Sends the report about a card again."""
        with self._lock:
            card = self._deck.get(card_id)
            if not card.report:
                raise Refused(card.feedback_reason or "There is nothing to report of this card.")
        return self._sent(card)

    def again(self, exchange_id: str) -> Exchange:
        """Sends a request once more: the same context, all else anew.

        If nothing was fired since, its cards stand for those that the service had sent.
        """
        old = self.exchanges.find(exchange_id)
        if old is None:
            raise Refused("This request is no longer kept.")
        if (old.kind, old.hook) == ("call", "order-select") and old.id in [
            each.id for each in self.unchecked
        ]:
            # Of drafts as they are now, whatever was selected since.
            self._select([each.partition("/")[2] for each in old.request["context"]["selections"]])
            return next(each for each in reversed(list(self.exchanges)) if each.url == old.url)
        if old.kind == "call":
            return self._hooks.again(old)
        if old.kind == "discovery":
            return self._discovered(old)
        named = Service(server=old.server, hook=old.hook, id=old.service_id, description="")
        new = self._client.feedback(named, old.hook, old.request["feedback"])
        self.exchanges.add(new)
        with self._lock:
            for card in self._deck.all():
                if card.service.url == named.url and card.report in old.request["feedback"]:
                    self._deck.put(feedback.answered(card, new))
        return new

    def _discovered(self, old: Exchange) -> Exchange:
        """Asks the servers anew what they have, and fires the hook that could not be fired."""
        self._client.rediscover()
        if old.hook == "patient-view":
            self.open()
        else:
            self._hooks.checked = -1
            self._select(list(self.drafts))
        failed = (each for each in self.unchecked if each.url == old.url)
        return next(failed, replace(old, status=200, error=None))

    def _select(self, draft_ids: Sequence[str]) -> None:
        with self._lock:
            selections = self._session.references(draft_ids)
            context = {"selections": selections, "draftOrders": self._session.bundle}
            if not selections:
                self._hooks.forget_orders()
                return
        self._hooks.fire("order-select", context)

    def _holding(self) -> list[ShownCard]:
        return [card for card in self.cards if card.holds]

    def _answerable(self, card_id: str) -> ShownCard:
        card = self._deck.get(card_id)
        if not card.is_open:
            raise Refused("This card has been answered already.")
        return card

    def _sent(self, card: ShownCard) -> ShownCard:
        if not card.report:
            return card
        exchange = self._client.feedback(card.service, card.hook, [card.report])
        self.exchanges.add(exchange)
        with self._lock:
            return self._deck.put(feedback.answered(self._deck.get(card.id), exchange))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
