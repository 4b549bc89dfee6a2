"""Tests that belong before or beside a medicine and are not found.

See `data/rules/monitoring.toml`.

Whatever shows that a test was done counts: a result with a comparator or without a number, too, and
a test that is ordered, here or in the record. Results from elsewhere are not seen, so a card says
"found here". Where results could not be had, or are dated by a month only, nothing is concluded.
Metformin has a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter

from clinical import labs
from clinical.chart import Chart, effective
from clinical.checks.monitoring_rules import MEMBERS, RULES, MonitoringRule, Test, offers
from clinical.dates import is_full
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.kidney import ADULT_FROM
from clinical.labs import Measurement
from clinical.orders import is_ordered
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.text import Markdown, Value, bullets, join, markdown
from fhir.records import Observation

_A_DAY = timedelta(days=1)
_NOT_DONE = frozenset({"entered-in-error", "cancelled", "registered"})
_OVERRIDES = ("done-elsewhere", "already-ordered", "patient-declined", "data-wrong")


@dataclass(frozen=True, slots=True)
class Missing:
    """A test that is not found. `last` is the newest one of all times; `ordered` is None where
    nobody can tell whether it is on its way.
    """

    test: Test
    last: Measurement | None
    ordered: bool | None


def monitoring(chart: Chart) -> Iterator[Result]:
    """Each order of this session whose medicine asks for a test."""
    if chart.deceased:
        return
    ages = chart.ages_on(chart.today)
    regimen = regimen_of(chart)
    if not (ages and min(ages) < ADULT_FROM):
        offered = set[str]()
        for medicine in regimen.ordered:
            for rule in RULES.rules if medicine.ingredients.systemic else ():
                drugs = sorted(medicine.ingredients.names & MEMBERS[rule.id])
                if drugs:
                    yield from _judge(chart, regimen, rule, medicine, drugs[0], offered)
    if not regimen.empty:
        yield from regimen.gaps()


def _judge(
    chart: Chart,
    regimen: Regimen,
    rule: MonitoringRule,
    medicine: Medicine,
    drug: str,
    offered: set[str],
) -> Iterator[Result]:
    active = _is_active(chart, regimen, rule)
    if rule.start_only and active is not False:
        if active is None:
            yield _gap(rule, "whether {drug} is started is not known", drug=drug)
        return
    days = rule.days if active is False else rule.renewal_days or rule.days
    missing: list[Missing] = []
    for test in (RULES.tests[each] for each in rule.needs):
        done, last = _done(chart, test, days)
        ordered = False if done else is_ordered(chart, *test.sets)
        if done is None:
            yield _gap(rule, "{test}: a result without a full date", test=test.name)
        elif not done and not ordered:
            missing.append(Missing(test, last, ordered))
    if not missing:
        return
    if not labs.are_known(chart):
        told = ", ".join(each.test.name for each in missing)
        yield _gap(rule, "{drug}: {tests}, results are not fully known", drug=drug, tests=told)
        return
    yield _card(rule, medicine, drug, days, missing, active is False, offered)


def _is_active(chart: Chart, regimen: Regimen, rule: MonitoringRule) -> bool | None:
    """Whether the patient has a medicine of the rule already; None where nobody can tell."""
    recorded = (each for each in regimen.all if each.draft is None)
    if any(each.ingredients.names & MEMBERS[rule.id] for each in recorded):
        return True
    return None if chart.medications is None or next(regimen.gaps(), None) else False


def _done(chart: Chart, test: Test, days: int) -> tuple[bool | None, Measurement | None]:
    """Whether a test was done in these days, None where a date does not tell; and the last one."""
    since = chart.today - timedelta(days=days)
    done = [
        lab for codes in test.sets for lab, _ in chart.among(chart.labs, codes) if _is_done(lab)
    ]
    last = _last_of(chart, test, done)
    if last and last.when.day and last.when.day >= since:
        return True, last
    open_ends = (chart.drawn(lab) for lab in done if not is_full(effective(lab)))
    perhaps = any(when.latest is None or when.latest >= since for when in open_ends)
    return None if perhaps else False, last


def _last_of(chart: Chart, test: Test, done: list[Observation]) -> Measurement | None:
    """The newest of a full date that is not in the future."""
    # Their texts tell the order, but for a day.
    soon = (chart.today + 2 * _A_DAY).isoformat()
    dated = [(text, lab) for lab in done if (text := effective(lab)) and text < soon]
    for _, lab in sorted(dated, key=itemgetter(0), reverse=True):
        result = Measurement(test.name, lab, chart.drawn(lab))
        if result.when.day and result.when.day <= chart.today:
            return result
    return None


def _is_done(lab: Observation) -> bool:
    if lab.status in _NOT_DONE:
        return False
    has_value = lab.value_quantity or lab.value_string or lab.value_codeable_concept
    return bool(has_value) or lab.data_absent_reason is None


def _card(
    rule: MonitoringRule,
    medicine: Medicine,
    drug: str,
    days: int,
    missing: list[Missing],
    start: bool,
    offered: set[str],
) -> Finding:
    names = [each.test.name for each in missing]
    none = f"no {', no '.join(names)} found here in {days} days"
    lead = f"Before {drug}" if start else drug[0].upper() + drug[1:]
    sure = all(each.ordered is False for each in missing)
    suggestion = offers([each.test for each in missing], recommended=sure and not offered)
    offered |= set(names)
    return Finding(
        rule=rule.id,
        summary=f"{lead}: {none}",
        indicator=rule.indicator,
        source=RULES.source(rule),
        detail=join(
            bullets([_last(each) for each in missing]),
            markdown(
                "A result speaks for {days} days here. Results from elsewhere are not seen.",
                days=days,
            ),
            Markdown("" if sure else "Whether they are ordered already is not known."),
            Markdown(rule.note),
            markdown("Order: {name} ({where}).", name=_name(medicine, drug), where=medicine.told),
        ),
        drug=drug,
        about=(medicine.reference,),
        suggestions=(suggestion,),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _last(missing: Missing) -> Markdown:
    if missing.last is None:
        return markdown("{test}: none on record here", test=missing.test.name)
    return markdown("last {result}", result=missing.last.told)


def _name(medicine: Medicine, drug: str) -> str:
    return medicine.ingredients.told or drug


def _gap(rule: MonitoringRule, template: str, **values: Value) -> Gap:
    return Gap(rule.id, markdown(template, **values))
