"""The cards on opioids: what each says, and what it offers."""

from __future__ import annotations

from clinical import codes, mme, rules
from clinical.checks.interactions import Pair, indicator
from clinical.finding import OPEN_CHART, Create, Finding, MedicineOrder, Suggestion
from clinical.opioid_dose import OPIOIDS, Total
from clinical.regimen import Medicine, Regimen
from clinical.rules import Rule, Rules
from clinical.text import Markdown, bullets, join, markdown
from fhir.records import MedicationRequest

RULES = rules.load("opioids", Rules[Rule])
REVIEW_FROM, HIGH_FROM = mme.OPIOIDS["review-from"], mme.OPIOIDS["high-from"]
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


def benzodiazepine(regimen: Regimen, pairs: list[Pair]) -> Finding:
    """Critical: a boxed warning on both."""
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
        # Not how to end the one or the other: neither is stopped abruptly.
        detail=join(bullets([pair.told for pair in pairs]), markdown("{note}", note=rule.note)),
        drug=first.drug,
        about=tuple(dict.fromkeys(pair.ordered.reference for pair in pairs)),
        suggestions=_removals(regimen, [pair.ordered for pair in pairs]),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def high(regimen: Regimen, total: Total, drafted: list[Medicine]) -> Finding:
    """A warning: at one of the two lines."""
    line = HIGH_FROM if total.mme >= HIGH_FROM else REVIEW_FROM
    rule = RULES[f"{_RULE}.mme90" if line == HIGH_FROM else f"{_RULE}.mme50"]
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


def incomplete(total: Total, drafted: list[Medicine]) -> Finding:
    """Information: the total is a minimum."""
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


def naloxone(total: Total | None, pairs: list[Pair], about: list[Medicine]) -> Finding:
    """A warning: nothing is there that reverses the opioid. `total`: where it is high."""
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
