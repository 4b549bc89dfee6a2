"""Medicines that harm the fetus: in a pregnancy on record, and where none is excluded.

`data/rules/pregnancy.toml`. A pregnancy on record counts whatever the age and the gender say. That
pregnancy is to be excluded first is told for women of 12 to 55 years without a test of 30 days and
without a hysterectomy on record; a test that is positive excludes nothing. Medicines that act where
they are put are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import field

from clinical import codes, dates, ingredients, labs, orders, pregnancy, problems, rules, thresholds
from clinical.chart import Chart, effective, unreadable
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
from clinical.prescribed import names_of
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, Value, join, markdown
from clinical.thresholds import Table
from fhir.records import Observation

TEST = codes.load("lab-pregnancy-test")
HYSTERECTOMY = codes.load("proc-hysterectomy-no-cervix")
NO_CERVIX = codes.load("cond-no-cervix")

_LIMITS = thresholds.load("pregnancy-orders", thresholds.Thresholds)
YOUNGEST, OLDEST = _LIMITS["youngest"], _LIMITS["oldest"]
TEST_SPEAKS_FOR = _LIMITS["test-speaks-for"]

_RULE = "preg"
_OVERRIDES = ("not-pregnant", "specialist-advice", "benefit-outweighs-risk", "data-wrong")
_ORDER_TEST = Suggestion(
    "Order a pregnancy test", (Create("Order a pregnancy test", LabOrder(TEST.coding("2106-3"))),)
)
_NO_RESULT = frozenset({"entered-in-error", "cancelled", "registered"})


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
    if _has_no_uterus(chart):
        return
    tests = [each for each, _ in chart.among(chart.labs, TEST) if each.status not in _NO_RESULT]
    recent = [each for each in tests if _may_be_recent(chart, each)]
    positive = next((each for each in recent if _is_positive(each)), None)
    if positive is None and (recent or not labs.are_known(chart)):
        if not any(chart.drawn(each).day for each in recent):
            yield _gap("pregnancy tests: one without a full date, or results that are not known")
        return
    ordered_already = orders.is_ordered(chart, TEST)
    told = markdown(
        "No pregnancy test of the last {days} days on record here; one done elsewhere may be "
        "missing.",
        days=TEST_SPEAKS_FOR,
    )
    known = f"no test of {TEST_SPEAKS_FOR} days on record here"
    if positive:
        known = f"a test is positive {chart.drawn(positive).told}"
        told = markdown("Pregnancy test **positive** {when}.", when=chart.drawn(positive).told)
    summary = f"Exclude pregnancy before {drug}, which {rule.harm}: {known}"
    order = () if ordered_already else (_ORDER_TEST,)
    yield _card(regimen, rule, ordered, drug, summary, told, *order)
    if chart.procedures is None or unreadable(chart.procedures):
        yield _gap("a hysterectomy: the procedures are not fully known")


def _may_be_recent(chart: Chart, test: Observation) -> bool:
    """Of the last days, or of a day that nobody can tell."""
    last = chart.drawn(test).latest
    if last is None:
        return True
    first = chart.today - timedelta(days=TEST_SPEAKS_FOR)
    span = dates.span(effective(test), chart.zone)
    return last >= first and (span is None or span[0] <= chart.today)


def _is_positive(test: Observation) -> bool:
    """By its words; a number is not judged here."""
    concept = test.value_codeable_concept
    said = [test.value_string, *(names_of(concept) if concept else ())]
    return any(each.strip().lower().startswith(("positive", "detected")) for each in said if each)


def _has_no_uterus(chart: Chart) -> bool:
    done = any(
        each.status in ("completed", None)
        for each, _ in chart.among(chart.procedures, HYSTERECTOMY)
    )
    return done or problems.live(chart, NO_CERVIX) is not None


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
