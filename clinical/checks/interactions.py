"""Pairs of medicines that should not meet: the few that deserve to interrupt, and a few more.

An order of this session against all other orders of the session and all that is active (see
`data/rules/interactions.toml`). A stopped order is not seen, so the time that must pass after some
medicines is told and not checked. Forms that act where they are put are left out. Two additions of
this project: beside an active order that was written long ago the pair is told one step milder,
since nobody can tell whether the medicine is still taken; and an order that says that it bridges
from one anticoagulant to another is not told of the pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from clinical import ingredients, rules
from clinical.chart import Chart
from clinical.finding import INDICATORS, OPEN_CHART, Finding, Indicator, Result, Suggestion
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, bullets, join, markdown

_OVERRIDES = ("benefit-outweighs-risk", "will-monitor", "specialist-advice", "data-wrong")


class Interaction(Rule, frozen=True, kw_only=True):
    """Classes of medicines that should not meet, and what happens.

    `unless_said`: beginnings of words in an order's instructions that show that the pair is meant;
    `swallows`: rules that say less of the same pair.
    """

    a: tuple[str, ...]
    b: tuple[str, ...]
    why: str
    unless_said: tuple[str, ...] = ()
    swallows: tuple[str, ...] = ()


RULES = rules.load("interactions", Rules[Interaction])


def _members(classes: tuple[str, ...]) -> frozenset[str]:
    return frozenset[str]().union(*map(ingredients.members, classes))


_SIDES = {rule.id: (_members(rule.a), _members(rule.b)) for rule in RULES.rules}


@dataclass(frozen=True, slots=True)
class Pair:
    """An order of this session, and what meets it; each with the ingredient that it is about."""

    ordered: Medicine
    drug: str
    other: Medicine
    other_drug: str

    @property
    def orders(self) -> frozenset[str]:
        return frozenset((self.ordered.reference, self.other.reference))

    @property
    def told(self) -> Markdown:
        """For a detail."""
        return markdown(
            "**{drug}** ({how}) with **{other}** ({where})",
            drug=self.drug,
            how=self.ordered.told,
            other=self.other_drug,
            where=self.other.told,
        )


def interactions(chart: Chart) -> Iterator[Result]:
    """Each pair rule that an order of this session meets, once."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    found = {rule.id: list(_pairs(regimen, rule)) for rule in RULES.rules}
    for rule in RULES.rules:
        for less in rule.swallows:
            said = {pair.orders for pair in found[rule.id]}
            found[less] = [pair for pair in found[less] if pair.orders not in said]
    for rule in RULES.rules:
        if found[rule.id]:
            yield _card(regimen, rule, found[rule.id])
    if not regimen.empty:
        yield from regimen.gaps()


def _pairs(regimen: Regimen, rule: Interaction) -> Iterator[Pair]:
    seen = set[tuple[frozenset[str], frozenset[str]]]()
    a, b = _SIDES[rule.id]
    for ordered in regimen.ordered:
        its = [(drugs, two) for one, two in ((a, b), (b, a)) if (drugs := _hits(ordered, one))]
        for other in regimen.beside(ordered) if its else ():
            for drugs, two in its:
                others = _hits(other, two)
                if not others or not _may_meet(ordered, other, rule):
                    continue
                for drug, other_drug in product(drugs, others):
                    pair = Pair(ordered, drug, other, other_drug)
                    key = pair.orders, frozenset((drug, other_drug))
                    if drug != other_drug and key not in seen:
                        seen.add(key)
                        yield pair


def _may_meet(ordered: Medicine, other: Medicine, rule: Interaction) -> bool:
    said = f" {ordered.said} {other.said}"
    meant = any(f" {word}" in said for word in rule.unless_said)
    return ordered.ingredients.systemic and other.ingredients.systemic and not meant


def _hits(medicine: Medicine, members: frozenset[str]) -> list[str]:
    return sorted(medicine.ingredients.names & members)


def _card(regimen: Regimen, rule: Interaction, pairs: list[Pair]) -> Finding:
    pairs = sorted(pairs, key=lambda pair: pair.other.stale)
    first = pairs[0]
    return Finding(
        rule=rule.id,
        summary=_summary(rule, pairs),
        indicator=indicator(rule, first),
        source=RULES.source(rule),
        detail=join(
            told_of(regimen, pairs),
            markdown("Reason: {why}.", why=rule.why),
            markdown("{note}", note=rule.note) if rule.note else Markdown(),
        ),
        drug=first.drug,
        about=tuple(dict.fromkeys(pair.ordered.reference for pair in pairs)),
        suggestions=removals(regimen, pairs),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def indicator(rule: Rule, pair: Pair) -> Indicator:
    """What may no longer be taken is no reason to stop an order, but one to ask."""
    milder = max(INDICATORS.index(rule.indicator) - 1, 0)
    return INDICATORS[milder] if pair.other.stale else rule.indicator


def _summary(rule: Interaction, pairs: list[Pair]) -> str:
    first = pairs[0]
    both = f"{first.drug} with {first.other_drug}{first.other.short}"
    more = f"; {len(pairs) - 1} more" if len(pairs) > 1 else ""
    if indicator(rule, first) == "critical":
        return f"Do not combine {both}: {rule.why}{more}"
    return f"Check {both}: risk of {rule.why}{more}"


def told_of(regimen: Regimen, pairs: list[Pair]) -> Markdown:
    """The pairs, and how what is active of them is ended."""
    ends = [regimen.to_end(pair.other, pair.other_drug) for pair in pairs]
    return join(bullets([pair.told for pair in pairs]), *dict.fromkeys(ends))


def removals(regimen: Regimen, pairs: list[Pair]) -> tuple[Suggestion, ...]:
    """To remove one or the other order of this session."""
    sides = [(pair.ordered, pair.drug) for pair in pairs]
    sides += [(pair.other, pair.other_drug) for pair in pairs]
    once = {each.reference: (each, drug) for each, drug in reversed(sides)}
    offered = (regimen.removal(each, drug) for each, drug in reversed(once.values()))
    return tuple(filter(None, offered))
