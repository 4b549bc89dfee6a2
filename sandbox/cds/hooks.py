"""The hooks of one visit, fired: what services answer takes its place at the chart.

Services take their time, and meanwhile the chart goes on: an answer counts only if it is to what
was fired last, about the drafts as they are.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

from sandbox.cds.actions import apply
from sandbox.cds.chart import Chart
from sandbox.cds.client import CdsClient
from sandbox.cds.deck import ORDER_HOOKS, Deck, ShownCard, shown
from sandbox.cds.discovery import Service
from sandbox.cds.exchange import Exchange, Json, Log
from sandbox.cds.orders import Session
from sandbox.cds.refused import Refused
from sandbox.fhir.store import Store


class Hooks:
    """Fires them. `lock` is held while session and deck change, never while a service is awaited.

    `checked` is the revision of the session about which order-sign was answered last. `failed` are
    the requests of what holds now that brought no answer, or one that cannot be shown in full.
    """

    def __init__(
        self,
        client: CdsClient,
        store: Store,
        chart: Chart,
        session: Session,
        deck: Deck,
        log: Log,
        lock: threading.RLock,
    ) -> None:
        self.checked = -1
        self.failed: list[Exchange] = []
        self._client = client
        self._store = store
        self._chart = chart
        self._session = session
        self._deck = deck
        self._log = log
        self._lock = lock
        self._newest: dict[str, int] = {}

    def fire(self, hook: str, members: Json) -> list[ShownCard]:
        """The cards that a hook brings, laid down; none if another firing came in between.

        `members` are those of its context that are not of every hook.
        """
        context = {**self._chart.context, **members}
        with self._lock:
            firing = self._newest.get(_group(hook), 0) + 1
            self._newest[_group(hook)] = firing
            if hook == "order-select":
                # Drafts have changed: what was said of them does not hold any more.
                self._deck.withdraw(
                    lambda card: self._replaces(hook, context, card.hook, card.draft_ids)
                )
        services = self._client.services(hook)
        unreached = self._client.unreached(hook)
        exchanges = [
            replace(exchange, firing=firing)
            for exchange in self._client.fire(self._chart, hook, context, services)
        ]
        with self._lock:
            for exchange in unreached:
                self._log.add(exchange)
            if not self._counts(hook, firing, context):
                for exchange in exchanges:
                    self._log.add(exchange)
                return []
            self.failed = [
                each
                for each in self.failed
                if not self._replaces(
                    hook, context, each.hook, _selected(each.request.get("context", {}))
                )
            ]
            self.failed += [*unreached, *(each for each in exchanges if each.error)]
            cards = self._take(hook, list(zip(services, exchanges, strict=True)), context)
            if hook == "order-sign":
                # With what services have changed themselves, or this would never end.
                self.checked = self._session.revision
            return cards

    def again(self, old: Exchange) -> Exchange:
        """The same call anew; Refused if there is no such service any more."""
        services = (s for s in self._client.services(old.hook) if s.url == old.url)
        service = next(services, None)
        if service is None:
            raise Refused("The server does not offer this service any more.")
        context = old.request["context"]
        [exchange] = self._client.fire(self._chart, old.hook, context, [service])
        new = replace(exchange, firing=old.firing)
        with self._lock:
            if self._counts(old.hook, old.firing, context):
                self.failed = [each for each in self.failed if each.id != old.id]
                self.failed += [new] if new.error else []
                self._take(old.hook, [(service, new)], context)
            else:
                self._log.add(new)
        return self._log.find(new.id) or new

    def forget_orders(self) -> None:
        """Takes away what was said about orders: there are none any more."""
        self._deck.withdraw(lambda card: card.hook in ORDER_HOOKS)
        self.failed = [each for each in self.failed if each.hook not in ORDER_HOOKS]

    def _take(
        self, hook: str, answers: Sequence[tuple[Service, Exchange]], context: Json
    ) -> list[ShownCard]:
        """Lays down what services have said; those of it that are new."""
        answered = [service for service, exchange in answers if exchange.status == 200]
        servers = {service.server for service in answered}
        urls = {service.url for service in answered}
        said: list[ShownCard] = []
        for service, exchange in answers:
            self._log.add(replace(exchange, applied=self._applied(exchange)))
            drafts = self._session.drafts
            selected = _selected(context) or drafts
            said += shown(exchange.cards, service, hook, exchange.id, drafts, selected)

        def replaced(card: ShownCard) -> bool:
            if (hook, card.hook) == ("order-sign", "order-select"):
                # It is about all drafts, and so stands for what its server has said of each.
                return card.service.server in servers
            return card.service.url in urls and self._replaces(
                hook, context, card.hook, card.draft_ids
            )

        return self._deck.lay(said, replaced)

    def _replaces(self, hook: str, context: Json, other: str, draft_ids: Collection[str]) -> bool:
        """Whether a call at this hook is about what was said at another time, of these drafts.

        At order-select services speak of the selected drafts only: what they have said of others
        still holds, as long as those are there.
        """
        if hook != "order-select":
            return other == hook or (hook == "order-sign" and other == "order-select")
        about, there = set(draft_ids), self._session.drafts.keys()
        of_others = bool(about) and about <= there and about.isdisjoint(_selected(context))
        return other in ORDER_HOOKS and not of_others

    def _counts(self, hook: str, firing: int, context: Json) -> bool:
        drafts = self._session.bundle
        about = context.get("draftOrders", drafts)
        return self._newest.get(_group(hook)) == firing and bool(about == drafts)

    def _applied(self, exchange: Exchange) -> tuple[str, ...]:
        told = []
        for action in exchange.system_actions:
            what = action.description or action.type
            try:
                if exchange.hook not in ORDER_HOOKS:
                    raise Refused("Nobody is ordering.")
                apply(
                    [action],
                    self._session,
                    self._store,
                    self._chart.patient_id,
                    drafts_only=True,
                )
                told.append(f"Done: {what}.")
            except Refused as why:
                told.append(f"Not done: {what}. {why}")
        return tuple(told)


def _selected(context: Json) -> list[str]:
    return [each.partition("/")[2] for each in context.get("selections", ())]


def _group(hook: str) -> str:
    return "orders" if hook in ORDER_HOOKS else hook
