"""Opioids: a high daily dose, a benzodiazepine beside them, and nothing that reverses them.

CDC 2022 (and 2016 for the upper line) and the boxed warning of FDA 2016. 50 and 90 MME are points
to look again, not limits: nothing here asks to stop a long-term opioid, and a renewal is not
offered to be removed. Silent in hospice and palliative care, also where a visit for it has no date;
cancer pain and sickle cell disease have no codes here and are told by the override reasons. The
dose is for adults, as the guideline is.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import ingredients, opioid_dose, problems
from clinical.chart import Chart
from clinical.checks import opioid_cards as cards
from clinical.checks.interactions import Pair
from clinical.finding import Finding, Gap, Result
from clinical.hospice import VISITS, in_hospice
from clinical.kidney import ADULT_FROM
from clinical.opioid_dose import OPIOIDS
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.text import Value, markdown

BENZODIAZEPINES = ingredients.members("benzodiazepine")
RESCUE = ingredients.members("opioid-antagonist-rescue")

_RULE = "opioid"


def opioids(chart: Chart) -> Iterator[Result]:
    """Opioids and benzodiazepines ordered in this session, with what is active beside them."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    drafted = [each for each in regimen.ordered if each.ingredients.names & OPIOIDS]
    sedating = [each for each in regimen.ordered if each.ingredients.names & BENZODIAZEPINES]
    if drafted or sedating:
        hospice = in_hospice(chart)
        if hospice or (hospice is None and _has_undated_visit(chart)):
            yield _gap("opioids: hospice or palliative care is on record")
            return
        yield from _judge(chart, regimen, drafted)
        if hospice is None:
            yield _gap("hospice and palliative care: not fully known")
    if not regimen.empty:
        yield from regimen.gaps()


def _has_undated_visit(chart: Chart) -> bool:
    return any(each.when.latest is None for each in problems.all_live(chart, VISITS))


def _judge(chart: Chart, regimen: Regimen, drafted: list[Medicine]) -> Iterator[Result]:
    pairs = list(_pairs(regimen))
    if pairs:
        yield cards.benzodiazepine(regimen, pairs)
    ages = chart.ages_on(chart.today)
    if not ages:
        yield _gap("the daily dose of opioids: the birth date is not known")
    elif min(ages) < ADULT_FROM:
        yield _gap("the daily dose of opioids: the guideline is for adults")
    else:
        yield from _dose(chart, regimen, drafted, pairs)


def _dose(
    chart: Chart, regimen: Regimen, drafted: list[Medicine], pairs: list[Pair]
) -> Iterator[Finding]:
    total = opioid_dose.total(chart, regimen)
    high = bool(drafted) and total.mme >= cards.REVIEW_FROM
    if high:
        yield cards.high(regimen, total, drafted)
    if drafted and total.uncounted:
        yield cards.incomplete(total, drafted)
    if (high or pairs) and not any(map(_reverses, regimen.all)):
        about = drafted or [pair.ordered for pair in pairs]
        yield cards.naloxone(total if high else None, pairs, about)


def _pairs(regimen: Regimen) -> Iterator[Pair]:
    """Each opioid with each benzodiazepine of which one is ordered in this session."""
    seen = set[frozenset[str]]()
    for ordered in regimen.ordered:
        for other in regimen.beside(ordered):
            for one, two in ((OPIOIDS, BENZODIAZEPINES), (BENZODIAZEPINES, OPIOIDS)):
                drug = min(ordered.ingredients.names & one, default=None)
                other_drug = min(other.ingredients.names & two, default=None)
                pair = frozenset((ordered.reference, other.reference))
                if drug and other_drug and not other.ended and pair not in seen:
                    seen.add(pair)
                    yield Pair(ordered, drug, other, other_drug)


def _reverses(medicine: Medicine) -> bool:
    """Naloxone inside of an opioid keeps it from being injected; it is no rescue."""
    names = medicine.ingredients.names
    return bool(names & RESCUE) and not names & OPIOIDS


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
