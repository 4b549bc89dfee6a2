"""An order against the allergies on record: the same medicine, the same class, a similar one.

`data/rules/allergy.toml` has the classes, and what is silent on purpose. A medicine that acts where
it is put is told of for the same medicine only. A recorded intolerance without a severe reaction is
a warning where an allergy is critical. Of one order and one allergy the gravest rule speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical import allergies, ingredients, rules
from clinical.allergies import Allergy, Terms
from clinical.chart import Chart, unreadable
from clinical.finding import INDICATORS, OPEN_CHART, Finding, Gap, Indicator, Result
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, Value, bullets, join, markdown

_RULE = "allergy"
_OVERRIDES = ("tolerated-before", "benefit-outweighs-risk", "data-wrong", "specialist-advice")


class AllergyRule(Rule, frozen=True, kw_only=True):
    """From the classes of a substance on record to the classes of an ordered medicine.

    Without classes both are the same ingredient. `reactions`: beginnings of words of which one has
    to be on record; `class_only`: the record names the class and no medicine of it; `but`:
    ingredients that are left out on both sides.
    """

    relation: str
    on_record: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    reactions: tuple[str, ...] = ()
    class_only: bool = False
    but: tuple[str, ...] = ()


class _AllergyRules(Rules[AllergyRule], frozen=True):
    codes: dict[str, str]
    words: dict[str, tuple[str, ...]]
    none_known: tuple[str, ...]
    grave: tuple[str, ...]


RULES = rules.load("allergy", _AllergyRules)
_TERMS = Terms(RULES.codes, RULES.words, RULES.none_known, RULES.grave)
_MEMBERS = {
    name: ingredients.members(name)
    for rule in RULES.rules
    for name in (*rule.on_record, *rule.ordered)
}


@dataclass(frozen=True, slots=True)
class Hit:
    """An order that an allergy speaks against, by the gravest rule."""

    rule: AllergyRule
    ordered: Medicine
    drug: str
    allergy: Allergy
    indicator: Indicator


def allergy(chart: Chart) -> Iterator[Result]:
    """Each medicine order of this session against the allergies on record."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    if regimen.empty:
        return
    known = list(allergies.live(chart, _TERMS))
    for ordered in regimen.ordered:
        hits = [hit for each in known if (hit := _gravest(ordered, each))]
        for rule in dict.fromkeys(hit.rule for hit in hits):
            yield _card(regimen, [hit for hit in hits if hit.rule is rule])
    yield from _gaps(chart, known)
    yield from regimen.gaps()


def _gravest(ordered: Medicine, each: Allergy) -> Hit | None:
    hits = [
        Hit(rule, ordered, drug, each, _indicator(rule, each))
        for rule in RULES.rules
        if (drug := _drug(rule, ordered, each))
    ]
    # The first of the gravest.
    return max(hits, key=lambda hit: INDICATORS.index(hit.indicator), default=None)


def _drug(rule: AllergyRule, ordered: Medicine, each: Allergy) -> str | None:
    """The ordered ingredient that the rule speaks of."""
    names = ordered.ingredients.names - frozenset(rule.but)
    if not rule.on_record:
        return min(names & each.ingredients, default=None)
    of_class = each.ingredients & _members(rule.on_record) - frozenset(rule.but)
    meant = each.classes & frozenset(rule.on_record)
    if not (meant or (of_class and not rule.class_only)) or not ordered.ingredients.systemic:
        return None
    if rule.reactions and not each.showed(rule.reactions):
        return None
    return min(names & _members(rule.ordered), default=None)


def _members(classes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for each in classes for name in _MEMBERS[each])


def _indicator(rule: AllergyRule, each: Allergy) -> Indicator:
    mild = each.record.type == "intolerance" and not each.severe
    return "warning" if rule.indicator == "critical" and mild else rule.indicator


def _card(regimen: Regimen, hits: list[Hit]) -> Finding:
    first = max(hits, key=lambda hit: INDICATORS.index(hit.indicator))
    rule, ordered, drug = first.rule, first.ordered, first.drug
    remove = regimen.removal(ordered, drug)
    return Finding(
        rule=rule.id,
        summary=f"{drug[0].upper()}{drug[1:]}: {first.allergy.short}; {rule.relation}",
        indicator=first.indicator,
        source=RULES.source(rule),
        detail=join(
            bullets([hit.allergy.told for hit in hits]),
            markdown("**{drug}**, {how}: {why}.", drug=drug, how=ordered.told, why=rule.relation),
            markdown("{note}", note=rule.note) if rule.note else Markdown(),
        ),
        drug=drug,
        about=(ordered.reference,),
        suggestions=(remove,) if remove else (),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _gaps(chart: Chart, known: list[Allergy]) -> Iterator[Gap]:
    if chart.allergies is None:
        yield _gap("the allergies are not known")
    elif n := len(unreadable(chart.allergies)):
        yield _gap("allergies that could not be obtained or read ({n})", n=n)
    if n := sum(each.denied for each in known):
        yield _gap("entries whose words seem to deny the allergy that they name ({n})", n=n)
    if n := sum(not (each.ingredients or each.classes or each.denied) for each in known):
        yield _gap("allergies to what no table here knows ({n})", n=n)


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
