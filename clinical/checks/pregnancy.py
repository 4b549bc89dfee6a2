"""Medicines that harm the fetus: in a pregnancy on record, and where none is excluded.

`data/rules/pregnancy.toml`. A pregnancy on record counts whatever the age and the gender say. That
pregnancy is to be excluded first is told for women of 12 to 55 years without a test of 30 days and
without a hysterectomy on record; a test that is positive, or that cannot be read here,
excludes nothing. Medicines that act where they are put are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import field

from clinical import ingredients, labs, orders, pregnancy, problems, rules, thresholds
from clinical.chart import Chart, unreadable
from clinical.finding import (
    OPEN_CHART,
    Create,
    Finding,
    Gap,
    Indicator,
    LabOrder,
    Result,
    Source,
    Suggestion,
)
from clinical.pregnancy import Pregnancy
from clinical.pregnancy_excluded import TEST, is_impossible, tests_of
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, Value, join, markdown
from clinical.thresholds import Table

_LIMITS = thresholds.load("pregnancy-orders", thresholds.Thresholds)
YOUNGEST, OLDEST = _LIMITS["youngest"], _LIMITS["oldest"]
TEST_SPEAKS_FOR = _LIMITS["test-speaks-for"]

_RULE = "preg"
_OVERRIDES = ("not-pregnant", "specialist-advice", "benefit-outweighs-risk", "data-wrong")
_ORDER_TEST = Suggestion(
    "Order a pregnancy test", (Create("Order a pregnancy test", LabOrder(TEST.coding("2106-3"))),)
)


class Drug(Table, frozen=True):
    """What is different for one medicine."""

    rests_on: tuple[str, ...]
    indicator: Indicator | None = None
    note: str = ""


class PregnancyRule(Rule, frozen=True, kw_only=True):
    """`harm` follows the name of the medicine; `from_week` of gestation, or where it is not known.

    `pregnant`: the rule is for a pregnancy on record, else for one that is not excluded.
    """

    classes: tuple[str, ...]
    pregnant: bool
    harm: str
    ingredients: tuple[str, ...] = ()
    from_week: int = 0
    drugs: dict[str, Drug] = field(default_factory=dict)

    @property
    def members(self) -> frozenset[str]:
        """The names of all medicines that it speaks of."""
        return frozenset(self.ingredients).union(*map(ingredients.members, self.classes))


RULES = rules.load("pregnancy", Rules[PregnancyRule])
_MEMBERS = {rule.id: rule.members for rule in RULES.rules}


def pregnancy_orders(chart: Chart) -> Iterator[Result]:
    """Each medicine order of this session against a pregnancy that is, or that may be."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    found = pregnancy.of(chart)
    for ordered in regimen.ordered:
        for rule in RULES.rules:
            drug = min(ordered.ingredients.names & _MEMBERS[rule.id], default=None)
            if drug is None or not ordered.ingredients.systemic:
                continue
            if found and rule.pregnant and _is_time(rule, found):
                yield _harmful(regimen, rule, ordered, drug, found)
            elif not found and not rule.pregnant:
                yield from _potential(chart, regimen, rule, ordered, drug)
    if regimen.ordered and not found and not problems.are_known(chart):
        yield _gap("whether a pregnancy is on record: the problem list is not fully known")
    if not regimen.empty:
        yield from regimen.gaps()


def _is_time(rule: PregnancyRule, found: Pregnancy) -> bool:
    return found.week is None or found.week >= rule.from_week


def _harmful(
    regimen: Regimen, rule: PregnancyRule, ordered: Medicine, drug: str, found: Pregnancy
) -> Finding:
    told = join(
        markdown("On record: **{found}**.", found=found.told),
        _week(found) if rule.from_week else Markdown(),
    )
    summary = f"{_capital(drug)} {rule.harm}: pregnancy on record ({found.told})"
    return _card(regimen, rule, ordered, drug, summary, told)


def _week(found: Pregnancy) -> Markdown:
    if found.week is None:
        return markdown("The week of gestation is not known here.")
    return markdown("By the code on record it is week {week}.", week=found.week)


def _potential(
    chart: Chart, regimen: Regimen, rule: PregnancyRule, ordered: Medicine, drug: str
) -> Iterator[Result]:
    age = chart.age_on(chart.today)
    if chart.patient.gender != "female" or (age and not YOUNGEST <= age <= OLDEST):
        return
    if age is None:
        yield _gap("whether a pregnancy is possible: the birth date is not fully known")
        return
    if is_impossible(chart):
        return
    tests = tests_of(chart, chart.today - timedelta(days=TEST_SPEAKS_FOR))
    answered = {each.answer: each for each in reversed(tests)}
    positive, unread = answered.get("positive"), answered.get("not read")
    negative = [each for each in tests if each.answer == "negative"]
    if positive is None and (negative or (unread is None and not labs.are_known(chart))):
        if not any(each.when.day for each in negative):
            yield _gap("pregnancy tests: one without a full date, or results that are not known")
        return
    told = markdown(
        "No pregnancy test of the last {days} days on record here; one done elsewhere may be "
        "missing.",
        days=TEST_SPEAKS_FOR,
    )
    known = f"no test of {TEST_SPEAKS_FOR} days on record here"
    if positive:
        known = f"a test is positive {positive.when.told}"
        told = markdown("Pregnancy test **positive** {when}.", when=positive.when.told)
    elif unread:
        known = f"a test cannot be read here {unread.when.told}"
        told = markdown(
            "The result of a pregnancy test {when} cannot be read here.", when=unread.when.told
        )
    summary = f"Exclude pregnancy before {drug}, which {rule.harm}: {known}"
    order = () if orders.is_ordered(chart, TEST) else (_ORDER_TEST,)
    yield _card(regimen, rule, ordered, drug, summary, told, *order)
    if chart.procedures is None or unreadable(chart.procedures):
        yield _gap("a hysterectomy: the procedures are not fully known")


def _card(
    regimen: Regimen,
    rule: PregnancyRule,
    ordered: Medicine,
    drug: str,
    summary: str,
    told: Markdown,
    *further: Suggestion,
) -> Finding:
    own = rule.drugs.get(drug)
    note = (own and own.note) or rule.note
    remove = regimen.removal(ordered, drug)
    return Finding(
        rule=rule.id,
        summary=summary,
        indicator=(own and own.indicator) or rule.indicator,
        source=_source(rule, own),
        detail=join(
            told,
            markdown("**{drug}**, {how}.", drug=_capital(drug), how=ordered.told),
            markdown("{note}", note=note) if note else Markdown(),
        ),
        drug=drug,
        about=(ordered.reference,),
        suggestions=(*((remove,) if remove else ()), *further),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _source(rule: PregnancyRule, own: Drug | None) -> Source:
    return RULES.evidence[own.rests_on[0]].source if own else RULES.source(rule)


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
