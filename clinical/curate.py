"""From all that the checks found to the few cards worth a clinician's attention.

Merge what is the same, rank by indicator, cap. A critical finding is never left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clinical.finding import INDICATORS, Action, Finding, Gap, Result, SystemAction


@dataclass(frozen=True, slots=True)
class Curated:
    """What to show, in order, and how many findings were left out for which reason."""

    findings: list[Finding]
    gaps: list[Gap]
    system_actions: list[Action]
    left_out: Mapping[str, int]


def curate(results: Iterable[Result], limit: int, quiet: bool = False) -> Curated:
    """`limit`: the most cards of one answer. `quiet`: no info, the clinician is still ordering."""
    findings: dict[str, Finding] = {}
    gaps: dict[Gap, None] = {}
    actions: list[Action] = []
    left_out: Counter[str] = Counter()
    for result in results:
        match result:
            case Gap():
                gaps[result] = None
            case SystemAction(action):
                actions.append(action)
            case Finding() if quiet and result.indicator == "info":
                left_out["quiet"] += 1
            case Finding():
                same = findings.setdefault(result.key, result)
                if same is not result:
                    left_out["same"] += 1
                    # The first one speaks, unless that would hide a graver one.
                    findings[result.key] = max(same, result, key=_gravity)
            case _:
                raise TypeError(f"a service yields no {type(result).__name__}")
    ranked = sorted(findings.values(), key=_gravity, reverse=True)
    critical = sum(each.indicator == "critical" for each in ranked)
    shown = ranked[: max(limit, critical)]
    left_out["limit"] += len(ranked) - len(shown)
    return Curated(shown, list(gaps), actions, +left_out)


def _gravity(finding: Finding) -> int:
    return INDICATORS.index(finding.indicator)
