"""Which findings a user has dealt with, so that the same card is not shown again and again.

An overridden info or warning stays hidden for 90 days for the same user, patient, EHR, rule and
drug. A graver indicator, a worse value, a new drug or another user brings it back; `critical` is
never hidden. In doubt it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Indicator = Literal["info", "warning", "critical"]
Outcome = Literal["accepted", "overridden"]

HIDDEN_FOR = timedelta(days=90)
RANKS: tuple[Indicator, ...] = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding says of whom, without the order that it was found on.

    `drug` is the ingredient, None where the rule is about none. `severity` grows as things get
    worse (an eGFR of 27 is -27), None where the rule has no number.
    """

    rule: str
    indicator: Indicator
    drug: str | None = None
    severity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What one user did with one card of one patient."""

    subject: Subject
    outcome: Outcome
    at: datetime
    reason: str | None = None


def last_override(subject: Subject, past: Iterable[Past]) -> Past | None:
    """When this user last overrode this rule for this drug; None if it was accepted since.

    `past`: of the same EHR, patient and user. A critical card may say "overridden on ...".
    """
    same = [each for each in past if _kind(each.subject) == _kind(subject)]
    # Of several at once the one that hides least.
    same.sort(key=lambda each: (each.at, each.outcome == "accepted", *_mildness(each.subject)))
    return same[-1] if same and same[-1].outcome == "overridden" else None


def hides(subject: Subject, past: Iterable[Past], now: datetime) -> bool:
    """Whether this finding is not to be shown again now. `past` as above."""
    last = last_override(subject, past)
    return (
        subject.indicator != "critical"
        and last is not None
        and now - last.at < HIDDEN_FOR
        and not _is_worse(subject, last.subject)
    )


def _kind(subject: Subject) -> tuple[str, str | None]:
    return subject.rule, subject.drug


def _is_worse(subject: Subject, known: Subject) -> bool:
    if RANKS.index(subject.indicator) > RANKS.index(known.indicator):
        return True
    if subject.severity is None or known.severity is None:
        return subject.severity != known.severity  # one without a number cannot be compared
    return not subject.severity <= known.severity


def _mildness(subject: Subject) -> tuple[int, float]:
    severity = float("-inf") if subject.severity is None else subject.severity
    return -RANKS.index(subject.indicator), -severity
