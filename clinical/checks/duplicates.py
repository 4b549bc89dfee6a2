"""The same medicine ordered twice, alone or inside of a combination, or two of one class.

Local practice (`data/rules/duplicates.toml`): nothing here is above a warning. A renewal is silent,
and so is what has ended by its own dates. What the patient reports may be what is now ordered, and
an order of long ago may be forgotten: beside these the same medicine is told as information only.
Where no table knows either medicine, one code in both is told so, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import ingredients, rules
from clinical.chart import Chart
from clinical.finding import OPEN_CHART, Finding, Result
from clinical.ingredients import codes
from clinical.prescribed import concepts
from clinical.regimen import Medicine, Regimen, renews
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import bullets, join, markdown, one_line

_OVERRIDES = ("intended-combination", "dose-change", "short-term-only", "data-wrong")
_LONGEST_NAME = 60


class Duplicate(Rule, frozen=True, kw_only=True):
    """Two of one class, or of one ingredient where there is none.

    `called`: the class in the plural; `but`: classes that are left out; `together`: ingredients
    that may stand in several orders of one session; `unless_said`: beginnings of words in an
    order's instructions that show that both are meant.
    """

    of_class: str = ""
    called: str = ""
    but: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    unless_said: tuple[str, ...] = ()


RULES = rules.load("duplicates", Rules[Duplicate])
_SAME, *_CLASSES = RULES.rules
_LEFT_OUT = frozenset(name for each in _SAME.but for name in ingredients.members(each))
_MEMBERS = {rule.id: ingredients.members(rule.of_class) for rule in _CLASSES}


def duplicates(chart: Chart) -> Iterator[Result]:
    """Each medicine order of this session against all that is ordered or active beside it."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    told = set[frozenset[str]]()
    for ordered in regimen.ordered:
        for other in regimen.beside(ordered):
            pair = frozenset((ordered.reference, other.reference))
            if pair not in told and not other.ended and not renews(other, ordered):
                told.add(pair)
                yield from _judge(regimen, ordered, other)
    yield from _unmapped(chart, regimen)
    if not regimen.empty:
        yield from regimen.gaps()


def _judge(regimen: Regimen, ordered: Medicine, other: Medicine) -> Iterator[Finding]:
    one, two = ordered.ingredients, other.ingredients
    if same := sorted(one.names & two.names - _LEFT_OUT):
        if one.systemic == two.systemic and not _is_meant(ordered, other, same):
            yield _same_ingredient(regimen, ordered, other, same[0])
        return
    if not (one.systemic and two.systemic):
        return
    for rule in _CLASSES:
        drugs, others = (sorted(each & _MEMBERS[rule.id]) for each in (one.names, two.names))
        if drugs and others:
            yield _same_class(regimen, rule, (ordered, drugs[0]), (other, others[0]))


def _is_meant(ordered: Medicine, other: Medicine, same: list[str]) -> bool:
    said = f" {ordered.said} {other.said}"
    together = ordered.draft and other.draft and set(same) <= set(_SAME.together)
    return bool(together) or any(f" {word}" in said for word in _SAME.unless_said)


def _same_ingredient(regimen: Regimen, ordered: Medicine, other: Medicine, drug: str) -> Finding:
    weak = other.reported or other.stale or not other.ingredients.names
    if other.draft:
        summary = f"Duplicate? {drug} stands in two orders of this session"
    else:
        name = one_line(other.ingredients.told, _LONGEST_NAME) or drug
        summary = f"Duplicate? {name} is already active{other.short.removesuffix(' (active)')}"
    return _card(regimen, _SAME, summary, (ordered, drug), (other, drug), weak)


def _same_class(
    regimen: Regimen, rule: Duplicate, ordered: tuple[Medicine, str], other: tuple[Medicine, str]
) -> Finding:
    summary = f"Two {rule.called}: {ordered[1]}, and {other[1]}{other[0].short}"
    return _card(regimen, rule, summary, ordered, other)


def _card(
    regimen: Regimen,
    rule: Duplicate,
    summary: str,
    ordered: tuple[Medicine, str],
    other: tuple[Medicine, str],
    weak: bool = False,
) -> Finding:
    told = [
        markdown("**{drug}** ({name}), {how}", drug=drug, name=each.ingredients.told, how=each.told)
        for each, drug in (ordered, other)
    ]
    return Finding(
        rule=rule.id,
        summary=summary,
        indicator="info" if weak else rule.indicator,
        source=RULES.source(rule),
        detail=join(bullets(told), regimen.to_end(other[0], other[1])),
        drug=ordered[1],
        about=tuple(dict.fromkeys(each.reference for each, _ in (ordered, other) if each.draft)),
        suggestions=tuple(
            suggestion
            for each, drug in (ordered, other)
            if (suggestion := regimen.removal(each, drug))
        ),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _unmapped(chart: Chart, regimen: Regimen) -> Iterator[Finding]:
    """One code in two orders that no table knows."""
    told = set[frozenset[str]]()
    for ordered in regimen.unmapped:
        if not (ordered.draft and ordered.draft.selected):
            continue
        own = {*codes(concepts(chart, ordered.record))}
        for other in regimen.unmapped:
            pair = frozenset((ordered.reference, other.reference))
            skip = other is ordered or pair in told or renews(ordered, other)
            if not skip and not other.ended and own & {*codes(concepts(chart, other.record))}:
                told.add(pair)
                name = one_line(ordered.ingredients.told, _LONGEST_NAME) or "this medicine"
                yield _same_ingredient(regimen, ordered, other, name)
