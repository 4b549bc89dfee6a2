"""What a service is told of its cards. CDS Hooks 2.0, "Feedback"."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox.cds.deck import ShownCard
from sandbox.cds.exchange import Exchange

Json = dict[str, Any]

_NO_UUID = "The card has no uuid, so there is nothing to report it by."
_NO_SUGGESTION_UUID = "The suggestion has no uuid, so there is nothing to report it by."


def accepted(card: ShownCard, suggestion_uuid: str | None, at: datetime) -> ShownCard:
    """The card with the report that a suggestion of it was accepted."""
    if suggestion_uuid is None:
        return replace(card, report={}, feedback="none", feedback_reason=_NO_SUGGESTION_UUID)
    item = {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion_uuid}]}
    return _reported(card, item, at)


def overridden(card: ShownCard, reason: Mapping[str, str], comment: str, at: datetime) -> ShownCard:
    """The card with the report that it was not followed."""
    why: Json = {}
    if reason:
        names = ("code", "system", "display")
        why["reason"] = {name: reason[name] for name in names if reason.get(name)}
    if comment:
        why["userComment"] = comment
    item = {"outcome": "overridden", **({"overrideReason": why} if why else {})}
    return _reported(card, item, at)


def answered(card: ShownCard, exchange: Exchange) -> ShownCard:
    """The card after its report was sent."""
    if exchange.status is not None and 200 <= exchange.status < 300:
        return replace(card, feedback="stored", feedback_reason="")
    if exchange.status in (404, 405):
        reason = f"This service takes no feedback: it answered {exchange.status}."
        return replace(card, feedback="none", feedback_reason=reason)
    return replace(card, feedback="failed", feedback_reason=exchange.error or "")


def _reported(card: ShownCard, item: Json, at: datetime) -> ShownCard:
    if card.card.uuid is None:
        return replace(card, report={}, feedback="none", feedback_reason=_NO_UUID)
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    report = {"card": card.card.uuid, **item, "outcomeTimestamp": stamp}
    return replace(card, report=report, feedback="failed", feedback_reason="It is being sent.")
