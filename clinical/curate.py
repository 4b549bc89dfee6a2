"""From all that the checks found to the few cards worth a clinician's attention.

Hide what is not to be told, merge what is the same or of one medicine, put care gaps into one card,
rank by indicator, cap. A critical finding is never left out for being one too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from clinical.drug_card import merge
from clinical.finding import INDICATORS, Action, Finding, Gap, Result, SystemAction
from clinical.gap_card import fold


class Curated(Struct, frozen=True):
    """What to show, in order, and what was left out for which reason."""

    findings: list[Finding]
    gaps: list[Gap]
    system_actions: list[Action]
    left_out: list[tuple[Finding, str]]


def _tell(_: Finding) -> None:
    """Hides nothing."""


def curate(
    results: Iterable[Result],
    limit: int,
    quiet: bool = False,
    hides: Callable[[Finding], str | None] = _tell,
) -> Curated:
    """`limit`: the most cards of one answer. `quiet`: no info, the clinician is still ordering.
    `hides`: the reason not to tell a finding, if there is one.
    """
    findings: dict[str, Finding] = {}
    gaps: dict[Gap, None] = {}
    actions: list[Action] = []
    left_out: list[tuple[Finding, str]] = []
    for result in results:
        match result:
            case Gap():
                gaps[result] = None
            case SystemAction(action):
                actions.append(action)
            case Finding():
                reason = "quiet" if quiet and result.indicator == "info" else hides(result)
                if reason:
                    left_out.append((result, reason))
                    continue
                same = findings.setdefault(result.key, result)
                if same is not result:
                    # The first one speaks, unless that would hide a graver one.
                    graver = max(same, result, key=_gravity)
                    left_out.append((result if graver is same else same, "same"))
                    findings[result.key] = graver
            case _:
                raise TypeError(f"a service yields no {type(result).__name__}")
    merged, less = merge(findings.values())
    left_out += less
    told = fold(merged)
    parts = {part for card in told for part in card.parts}
    left_out += [(each, "folded") for each in findings.values() if each.rule in parts]
    ranked = sorted(told, key=_gravity, reverse=True)
    critical = sum(each.indicator == "critical" for each in ranked)
    shown = max(limit, critical)
    left_out += [(finding, "limit") for finding in ranked[shown:]]
    return Curated(ranked[:shown], list(gaps), actions, left_out)


def _gravity(finding: Finding) -> int:
    return INDICATORS.index(finding.indicator)
