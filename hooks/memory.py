"""What the hooks remember: calls, cards, drafts of linked cards, feedback, past overrides.

The store is asked and told here and nowhere else in `hooks`. A call that cannot be recorded still
gets its cards, without links into the app, since the app would not find them; feedback that cannot
be stored is refused, since its sender takes 200 for kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache

import msgspec
from sqlalchemy import Engine

from clinical.finding import AppLink, Finding
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

    def hides(
        self, caller: Caller, request: HookRequest, now: datetime
    ) -> Callable[[Finding], str | None]:
        """Why a finding is not shown to this user now; None if it is. Asks the store at most once,
        and only for a finding that can be hidden.
        """

        @cache
        def known() -> tuple[Past, ...]:
            patient, user = self._who(caller, request)
            try:
                return past(self._engine, caller.realm, patient, user, now - HIDDEN_FOR)
            except StoreError as error:
                log.error("overrides unknown", error=type(error).__name__)
                return ()

        def reason(finding: Finding) -> str | None:
            allowed = caller.cds.findings
            if allowed is not None and finding.rule not in allowed:
                return "not-enabled"
            if finding.indicator == "critical":
                return None
            return "overridden" if hides(_subject(finding), known(), now) else None

        return reason

    def keep(
        self,
        caller: Caller,
        service: Service,
        request: HookRequest,
        shown: Sequence[tuple[Finding, Card]],
        hidden: Sequence[tuple[Finding, str, str]],
        gaps: int,
        took_ms: int,
        now: datetime,
    ) -> bool:
        """Record an answer: shown findings with their cards, hidden ones with card id and reason.

        False where that failed: then the cards go out without links into the app.
        """
        ehr_id = caller.realm
        patient, user = self._who(caller, request)
        call = Call(
            ehr_id=ehr_id,
            at=now,
            service=service.id,
            hook=request.hook,
            version=service.version,
            hook_instance=request.hook_instance,
            patient_hash=patient,
            user_hash=user,
            gaps=gaps,
            took_ms=took_ms,
        )
        records = [
            self._record(ehr_id, finding, card.uuid, tuple(each.uuid for each in card.suggestions))
            for finding, card in shown
        ]
        records += [
            self._record(ehr_id, finding, card_id, hidden=why) for finding, card_id, why in hidden
        ]
        try:
            record_call(self._engine, call, records)
            for finding, card in shown:
                if any(isinstance(link, AppLink) for link in finding.links):
                    content = _encoded(finding, getattr(request.context, "draft_orders", ()))
                    drafts.keep(self._engine, self._seal, ehr_id, card.uuid, patient, content, now)
        except StoreError as error:
            log.error("call not recorded", error=type(error).__name__)
            return False
        return True

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

    def _who(self, caller: Caller, request: HookRequest) -> tuple[str, str | None]:
        """The patient and the user of a call, as this EHR's keyed hashes."""
        base, bases = request.fhir_server, caller.ehr.fhir_bases
        patient = person(base, bases, request.context.patient_id)
        user = getattr(request.context, "user_id", None)
        return (
            self._hashes.of(caller.realm, "patient", patient),
            self._hashes.of(caller.realm, "user", person(base, bases, user)) if user else None,
        )

    def _record(
        self,
        ehr_id: str,
        finding: Finding,
        card_id: str,
        suggestions: tuple[str, ...] = (),
        hidden: str | None = None,
    ) -> CardRecord:
        return CardRecord(
            card=card_id,
            finding_hash=self._hashes.of(ehr_id, "finding", finding.key),
            subject=_subject(finding),
            suggestions=suggestions,
            hidden=hidden,
        )


def _subject(finding: Finding) -> Subject:
    return Subject(finding.rule, finding.indicator, finding.drug, finding.severity)


def _encoded(finding: Finding, orders: Sequence[Draft]) -> bytes:
    """The draft orders that a finding speaks of, as a JSON array of their own JSON."""
    spoken_of = [msgspec.Raw(each.original) for each in orders if each.reference in finding.about]
    return msgspec.json.encode(spoken_of)
