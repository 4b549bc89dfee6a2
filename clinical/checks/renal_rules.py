"""The rules of `data/rules/renal.toml`, and which ingredients each of them is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clinical import ingredients, rules
from clinical.bounds import Limit
from clinical.rules import Rule, Rules

Measure = Literal["eGFR", "clearance", "potassium", "criteria"]
NAMES: Mapping[Measure, str] = {
    "eGFR": "eGFR",
    "clearance": "creatinine clearance",
    "potassium": "potassium",
    "criteria": "",
}
KIDNEYS = ("eGFR", "clearance")


class RenalRule(Rule, frozen=True, kw_only=True):
    """Classes of medicines and the one limit that speaks against them.

    `with_classes`: only beside one of these. `for_fibrillation`: the limit is for atrial
    fibrillation. `swallows`: rules that say less of the same order; they stand further down.
    """

    classes: tuple[str, ...]
    measure: Measure
    summary: str
    why: str
    below: float | None = None
    not_above: float | None = None
    above: float | None = None
    with_classes: tuple[str, ...] = ()
    swallows: tuple[str, ...] = ()
    long_orders_only: bool = False
    for_fibrillation: bool = False

    def __post_init__(self) -> None:
        limits = (self.below, self.not_above, self.above)
        if sum(each is not None for each in limits) != (self.measure != "criteria"):
            raise ValueError(f"{self.id}: one limit of what is measured")

    @property
    def limit(self) -> Limit:
        """The line that a value is compared with."""
        of = NAMES[self.measure]
        if self.below is not None:
            return Limit(of, "below", self.below)
        return Limit(of, "above", (self.above if self.above is not None else self.not_above) or 0)

    @property
    def wanted(self) -> bool:
        """Whether it speaks where its limit is crossed, or where it is not."""
        return self.not_above is None


@dataclass(frozen=True, slots=True)
class Members:
    """The ingredients of a rule, and those that it needs beside them."""

    a: frozenset[str]
    b: frozenset[str]


def _members(*classes: str) -> frozenset[str]:
    return frozenset[str]().union(*map(ingredients.members, classes))


RULES = rules.load("renal", Rules[RenalRule])
MEMBERS = {
    rule.id: Members(_members(*rule.classes), _members(*rule.with_classes)) for rule in RULES.rules
}
