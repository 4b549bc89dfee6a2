"""Rules as data: what a group of checks looks for, and the documents that each rule rests on.

One TOML file a group under `data/rules`, read once, when the check that uses it is imported. What
harms may be critical only where somebody has read of it; what nobody has read again is a warning
at most.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from clinical.finding import INDICATORS, RULE, Indicator, Source
from clinical.thresholds import Evidence, Table

_FOLDER = Path(__file__).with_name("data") / "rules"
_READ = frozenset({"primary", "secondary"})


class Rule(Table, frozen=True, kw_only=True):
    """One rule. `note`: what a clinician should know besides, in a card's detail.

    `rests_on`: the first document is what a card names as its source.
    """

    id: str
    indicator: Indicator
    rests_on: Annotated[tuple[str, ...], Meta(min_length=1)]
    note: str = ""


R = TypeVar("R", bound=Rule)


class Rules(Table, Generic[R], frozen=True):
    """The rules of one group, with all that they rest on."""

    checked: date
    evidence: dict[str, Evidence]
    rules: tuple[R, ...]

    def __getitem__(self, id: str) -> R:
        return next(rule for rule in self.rules if rule.id == id)

    def source(self, rule: Rule) -> Source:
        """What a card names as its source."""
        return self.evidence[rule.rests_on[0]].source


G = TypeVar("G", bound=Rules[Any])


def load(group: str, type: type[G]) -> G:
    """The rules of a group of this project."""
    return read(_FOLDER / f"{group}.toml", type)


def read(path: Path, type: type[G]) -> G:
    """The rules of a file; raises ValueError with its name when anything in it is wrong."""
    try:
        group: G = msgspec.toml.decode(path.read_bytes(), type=type)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path.name}: {error}") from None
    seen = set[str]()
    cited = set[str]()
    for rule in group.rules:
        if not RULE.fullmatch(rule.id):
            raise ValueError(f"{path.name}: {rule.id!r} is not a rule id")
        if rule.id in seen:
            raise ValueError(f"{path.name}: {rule.id} stands there twice")
        seen.add(rule.id)
        cited |= set(rule.rests_on)
        if missing := set(rule.rests_on) - set(group.evidence):
            raise ValueError(f"{path.name}: {rule.id} rests on {missing}, which is not cited")
        levels = {group.evidence[name].level for name in rule.rests_on}
        if rule.indicator == INDICATORS[-1] and not levels & _READ:
            raise ValueError(f"{path.name}: {rule.id} is critical, and nothing read says so")
    if unused := set(group.evidence) - cited:
        raise ValueError(f"{path.name}: no rule rests on {unused}")
    return group
