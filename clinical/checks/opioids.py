"""Opioids: a high daily dose, a benzodiazepine beside them, and nothing that reverses them.

CDC 2022 (and 2016 for the upper line) and the boxed warning of FDA 2016. 50 and 90 MME are points
to look again, not limits: nothing here asks to stop a long-term opioid, and a renewal is not
offered to be removed. Silent in hospice and palliative care, also where a visit for it has no date;
cancer pain and sickle cell disease have no codes here and are told by the override reasons. The
dose is for adults, as the guideline is.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import codes, ingredients, mme, opioid_dose, problems, rules
from clinical.chart import Chart
from clinical.checks.interactions import Pair, indicator, told_of
from clinical.finding import (
    OPEN_CHART,
    Create,
    Finding,
    Gap,
    MedicineOrder,
    Result,
    Suggestion,
)
from clinical.hospice import VISITS, in_hospice
from clinical.kidney import ADULT_FROM
from clinical.opioid_dose import OPIOIDS, Total
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, Value, bullets, join, markdown
from fhir.records import MedicationRequest

RULES = rules.load("opioids", Rules[Rule])
REVIEW_FROM, HIGH_FROM = mme.OPIOIDS["review-from"], mme.OPIOIDS["high-from"]
BENZODIAZEPINES = ingredients.members("benzodiazepine")
RESCUE = ingredients.members("opioid-antagonist-rescue")
NALOXONE = codes.load("naloxone-spray")

_RULE = "opioid"
_OVERRIDES = (
    "end-of-life-care",
    "specialist-advice",
    "will-monitor",
    "tapering",
    "benefit-outweighs-risk",
    "data-wrong",
)
_ORDER_NALOXONE = Suggestion(
    "Order naloxone nasal spray",
    (Create("Order naloxone nasal spray", MedicineOrder(NALOXONE.coding("1725059"))),),
)
_NOT_A_LIMIT = markdown(
    "{review} and {high} MME a day are points to look again, not limits; {high} is of the "
    "guideline of 2016. Abrupt change is warned against. MME compare risk: they are not for "
    "changing from one opioid to another.",
    review=REVIEW_FROM,
    high=HIGH_FROM,
)


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
        yield _benzodiazepine(regimen, pairs)
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
    if drafted and total.mme >= HIGH_FROM:
        yield _high(regimen, RULES[f"{_RULE}.mme90"], total, drafted, HIGH_FROM)
    elif drafted and total.mme >= REVIEW_FROM:
        yield _high(regimen, RULES[f"{_RULE}.mme50"], total, drafted, REVIEW_FROM)
    if drafted and total.uncounted:
        yield _incomplete(total, drafted)
    high = bool(drafted) and total.mme >= REVIEW_FROM
    if (high or pairs) and not any(map(_reverses, regimen.all)):
        about = drafted or [pair.ordered for pair in pairs]
        yield _naloxone(total if high else None, pairs, about)


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


def _benzodiazepine(regimen: Regimen, pairs: list[Pair]) -> Finding:
    rule = RULES[f"{_RULE}.benzodiazepine"]
    pairs = sorted(pairs, key=lambda pair: pair.other.stale)
    first = pairs[0]
    both = f"{first.drug} with {first.other_drug}{first.other.short}"
    more = f"; {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return Finding(
        rule=rule.id,
        summary=f"Opioid and benzodiazepine, boxed warning: {both}{more}",
        indicator=indicator(rule, first),
        source=RULES.source(rule),
        detail=join(told_of(regimen, pairs), markdown("{note}", note=rule.note)),
        drug=first.drug,
        about=tuple(dict.fromkeys(pair.ordered.reference for pair in pairs)),
        suggestions=_removals(regimen, [pair.ordered for pair in pairs]),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _high(
    regimen: Regimen, rule: Rule, total: Total, drafted: list[Medicine], line: float
) -> Finding:
    least = "at least " if total.uncounted else "about "
    return Finding(
        rule=rule.id,
        summary=f"Total opioid dose is {least}{_short(total.mme)} MME a day ({line:g} or more)",
        indicator=rule.indicator,
        source=RULES.source(rule),
        detail=join(_lines(total), _NOT_A_LIMIT),
        drug=_drug(drafted),
        severity=total.mme,
        about=tuple(each.reference for each in drafted),
        suggestions=_removals(regimen, drafted),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _incomplete(total: Total, drafted: list[Medicine]) -> Finding:
    rule = RULES[f"{_RULE}.mme.incomplete"]
    of = f"{total.uncounted} of {len(total.lines)} opioid orders could not be counted"
    least = f"; {_short(total.mme)} MME a day is a minimum" if total.mme else ""
    return Finding(
        rule=rule.id,
        summary=f"Opioid dose is not fully known: {of}{least}",
        indicator=rule.indicator,
        source=RULES.source(rule),
        detail=_lines(total),
        drug=_drug(drafted),
        about=tuple(each.reference for each in drafted),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _naloxone(total: Total | None, pairs: list[Pair], about: list[Medicine]) -> Finding:
    rule = RULES[f"{_RULE}.naloxone"]
    dose = f"about {_short(total.mme)} MME a day" if total else ""
    beside = "an opioid beside a benzodiazepine" if pairs else ""
    why = " and ".join(filter(None, (dose, beside)))
    return Finding(
        rule=rule.id,
        summary=f"Consider naloxone: {why}, and none active or ordered here",
        indicator=rule.indicator,
        source=RULES.source(rule),
        detail=join(
            _lines(total) if total else Markdown(),
            bullets([pair.told for pair in pairs]),
            markdown(
                "Naloxone or nalmefene from elsewhere, or over the counter, is not seen here."
            ),
        ),
        drug="naloxone",
        severity=total.mme if total else None,
        about=tuple(each.reference for each in about),
        suggestions=(_ORDER_NALOXONE,),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _lines(total: Total) -> Markdown:
    return bullets(
        [
            markdown(
                "**{drug}** ({name}), {where}: {how}",
                drug=line.drug,
                name=line.medicine.ingredients.told,
                where=line.medicine.told,
                how=line.how,
            )
            for line in total.lines
        ]
    )


def _drug(medicines: list[Medicine]) -> str:
    names = medicines[0].ingredients.names
    return min(names & OPIOIDS or names)


def _removals(regimen: Regimen, medicines: list[Medicine]) -> tuple[Suggestion, ...]:
    """Not of a renewal: what is taken for long is not stopped by a click."""
    offered = []
    for each in medicines:
        order = each.record
        renews = isinstance(order, MedicationRequest) and order.prior_prescription is not None
        suggestion = None if renews else regimen.removal(each, _drug([each]))
        if suggestion and suggestion not in offered:
            offered.append(suggestion)
    return tuple(offered)


def _short(value: float) -> str:
    return f"{round(value, 1):g}"


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
