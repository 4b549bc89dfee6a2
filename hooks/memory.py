"""What the hooks remember: calls, cards, drafts of linked cards, feedback, past overrides.

The store is asked and told here and nowhere else in `hooks`. A call that cannot be recorded still
gets its cards, without links into the app, since the app would not find them; feedback that cannot
be stored is refused, since its sender takes 200 for kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Engine

from clinical.finding import AppLink, Finding
from clinical.gap_card import lists
from fhir.records import Draft
from hooks.caller import Caller
from hooks.cards import Card
from hooks.feedback import Item
from hooks.registry import Service
from hooks.request import HookRequest
from store import StoreError, drafts
from store.feedback import FeedbackItem, add_feedback, past
from store.hashes import Hashes
from store.overrides import HIDDEN_FOR, Past, Subject, hides
from store.persons import person
from store.sealing import Seal
from store.story import Call, CardRecord, record_call
from web.errors import Problem
from web.logs import log


class Memory:
    """The memory of one server. `secret` keys its hashes and its encryption."""

    def __init__(self, engine: Engine, secret: str) -> None:
        self._engine = engine
        self._hashes = Hashes(secret)
        self._seal = Seal(secret)

    def recall(self, caller: Caller, request: HookRequest, now: datetime) -> Recall:
        """What is remembered of this user with this patient, and where this call is recorded."""
        return Recall(self._engine, self._hashes, self._seal, caller, request, now)

    def feedback(self, caller: Caller, items: Sequence[Item], now: datetime) -> int:
        """Store what a user did; how many items were new. Raises Problem (503) if that failed."""
        told = [
            FeedbackItem(
                card=item.card,
                outcome=item.outcome,
                at=item.outcome_timestamp,
                suggestions=tuple(each.id for each in item.accepted_suggestions or ()),
                reason_code=reason.code if reason else None,
                reason_system=reason.system if reason else None,
                comment=item.override_reason.user_comment if item.override_reason else None,
            )
            for item in items
            for reason in [item.override_reason.reason if item.override_reason else None]
        ]
        try:
            return add_feedback(self._engine, self._seal, caller.realm, told, now).added
        except StoreError as error:
            log.error("feedback not stored", error=type(error).__name__)
            raise Problem(
                503,
                "exception",
                "Feedback cannot be stored now. Send it again.",
                headers={"Retry-After": "10"},
            ) from None


class Recall:
    """The memory during one call."""

    def __init__(
        self,
        engine: Engine,
        hashes: Hashes,
        seal: Seal,
        caller: Caller,
        request: HookRequest,
        now: datetime,
    ) -> None:
        self._engine = engine
        self._hashes = hashes
        self._seal = seal
        self._caller = caller
        self._request = request
        self._now = now
        self._past: tuple[Past, ...] | None = None
        place = request.fhir_server, caller.ehr.fhir_bases
        patient, user = request.context.patient_id, getattr(request.context, "user_id", None)
        self._patient = hashes.of(caller.realm, "patient", person(*place, patient))
        self._user = hashes.of(caller.realm, "user", person(*place, user)) if user else None

    def hides(self, finding: Finding) -> str | None:
        """Why a finding is not shown to this user now; None if it is. Asks the store at most once,
        and only for a finding that can be hidden.
        """
        if finding.indicator == "critical":
            return None
        if self._past is None:
            self._past = self._known()
        past = _with_lists(finding, self._past) if finding.gap else self._past
        return "overridden" if hides(_subject(finding), past, self._now) else None

    def keep(
        self,
        service: Service,
        shown: Sequence[tuple[Finding, Card]],
        hidden: Sequence[tuple[Finding, str, str]],
        gaps: int,
        took_ms: int,
    ) -> bool:
        """Record an answer: shown findings with their cards, hidden ones with card id and reason.

        False where that failed: then the cards go out without links into the app.
        """
        call = Call(
            ehr_id=self._caller.realm,
            at=self._now,
            service=service.id,
            hook=self._request.hook,
            version=service.version,
            hook_instance=self._request.hook_instance,
            patient_hash=self._patient,
            user_hash=self._user,
            gaps=gaps,
            took_ms=took_ms,
        )
        records = [
            self._record(finding, card.uuid, tuple(each.uuid for each in card.suggestions))
            for finding, card in shown
        ]
        records += [self._record(finding, card_id, hidden=why) for finding, card_id, why in hidden]
        try:
            record_call(self._engine, call, records)
            for finding, card in shown:
                if any(isinstance(link, AppLink) for link in finding.links):
                    self._keep_drafts(finding, card)
        except StoreError as error:
            log.error("call not recorded", error=type(error).__name__)
            return False
        return True

    def _known(self) -> tuple[Past, ...]:
        since = self._now - HIDDEN_FOR
        try:
            return past(self._engine, self._caller.realm, self._patient, self._user, since)
        except StoreError as error:
            log.error("overrides unknown", error=type(error).__name__)
            return ()

    def _keep_drafts(self, finding: Finding, card: Card) -> None:
        ordered = getattr(self._request.context, "draft_orders", ())
        if not ordered:
            return
        content = _encoded(finding, ordered)
        realm, patient = self._caller.realm, self._patient
        drafts.keep(self._engine, self._seal, realm, card.uuid, patient, content, self._now)

    def _record(
        self,
        finding: Finding,
        card_id: str,
        suggestions: tuple[str, ...] = (),
        hidden: str | None = None,
    ) -> CardRecord:
        return CardRecord(
            card=card_id,
            finding_hash=self._hashes.of(self._caller.realm, "finding", finding.key),
            subject=_subject(finding),
            suggestions=suggestions,
            hidden=hidden,
        )


def _subject(finding: Finding) -> Subject:
    return Subject(finding.rule, finding.indicator, finding.drug, finding.severity)


def _with_lists(gap: Finding, past: Iterable[Past]) -> list[Past]:
    """What was done with this care gap, be it on a card that told of several."""
    return [
        replace(each, subject=_subject(gap)) if lists(each.subject.drug, gap.rule) else each
        for each in past
    ]


def _encoded(finding: Finding, orders: Sequence[Draft]) -> bytes:
    """The draft orders that a finding speaks of, as a JSON array of their own JSON."""
    spoken_of = [msgspec.Raw(each.original) for each in orders if each.reference in finding.about]
    return msgspec.json.encode(spoken_of)
