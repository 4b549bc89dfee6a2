"""Feedback: what clinicians did with our cards (CDS Hooks, Feedback; since 1.1).

A batch is taken whole or not at all. Tolerated, because real clients send it: numeric offsets
where UTC is asked for, a reason without its system, reasons that the client made up, repeats.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from fhir.bundle import UNREADABLE
from hooks.members import members
from web.errors import Problem

Uuid = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class Suggestion(Struct, frozen=True):
    id: Uuid


class Reason(Struct, frozen=True):
    code: Text
    system: Text | None = None
    display: Annotated[str, Meta(max_length=1000)] | None = None


class OverrideReason(Struct, frozen=True, rename="camel"):
    """`user_comment` is free text of a person: stored encrypted, never shown as HTML."""

    reason: Reason | None = None
    user_comment: Annotated[str, Meta(min_length=1, max_length=4000)] | None = None


class Item(Struct, frozen=True, rename="camel"):
    """One act of a clinician on one card."""

    card: Uuid
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: Annotated[datetime, Meta(tz=True)]
    accepted_suggestions: Annotated[list[Suggestion], Meta(max_length=50)] | None = None
    override_reason: OverrideReason | None = None


_decode = msgspec.json.Decoder(Item).decode
_MOST_ITEMS = 1000


def parse(body: bytes) -> list[Item]:
    """The checked items of a feedback body; raises Problem (400) naming the first wrong one."""
    items = members(body).get("feedback")
    if not isinstance(items, list):
        raise Problem(400, "required", "feedback is an array of items.", "feedback")
    if len(items) > _MOST_ITEMS:
        raise Problem(400, "too-long", f"Send at most {_MOST_ITEMS} items at once.", "feedback")
    return [_item(raw, f"feedback[{number}]") for number, raw in enumerate(items)]


def _item(raw: msgspec.Raw, path: str) -> Item:
    try:
        item = _decode(raw)
    except UNREADABLE as error:
        field = str(error).partition("`$")[2].rstrip("`")
        raise Problem(
            400, "value", "This field is missing or has the wrong form.", path + field
        ) from None
    if item.outcome == "accepted" and not item.accepted_suggestions:
        raise Problem(
            400, "required", "accepted names the suggestions.", f"{path}.acceptedSuggestions"
        )
    reason = item.override_reason
    if reason is not None and reason.reason is None and reason.user_comment is None:
        raise Problem(
            400, "required", "overrideReason has a reason or a comment.", f"{path}.overrideReason"
        )
    return item
