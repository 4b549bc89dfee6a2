"""An order for a laboratory outside that lacks what the laboratory needs.

By a small catalogue (`data/rules/catalogue.toml`). Only an order that names an organisation as its
performer is judged: a laboratory of the house sees the chart. What the EHR sends beside the order,
such as answers to the laboratory's questions, is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from clinical import codes, orders, rules
from clinical.chart import Chart
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.rules import Rule, Rules
from clinical.text import bullets, join, markdown
from clinical.thresholds import Table
from fhir.records import Draft, Reference, ServiceRequest

Need = Literal["specimen", "collection", "indication"]

_SAID: dict[Need, str] = {
    "specimen": "the source of the specimen",
    "collection": "when it is taken",
    "indication": "the reason",
}
_OVERRIDES = ("done-elsewhere", "data-wrong")


class Test(Table, frozen=True):
    """One test of the catalogue, with its code set."""

    name: str
    codes: str
    needs: tuple[Need, ...]


class Catalogue(Rule, frozen=True, kw_only=True):
    """The rule, with the tests that it knows."""

    tests: tuple[Test, ...]


RULES = rules.load("catalogue", Rules[Catalogue])
_RULE = RULES["order.incomplete"]
_SETS = [(test, codes.load(test.codes)) for test in _RULE.tests]


def incomplete(chart: Chart) -> Iterator[Result]:
    """Each order of this session that a laboratory outside would ask about."""
    if chart.deceased:
        return
    for draft in chart.drafts:
        unread = draft.resource is None and draft.reference.startswith("ServiceRequest/")
        if unread and draft.selected:
            told = markdown("what a laboratory needs: an order that could not be read")
            yield Gap(_RULE.id, told)
    for draft, order in orders.drafted(chart):
        if not _is_for_outside(order):
            continue
        for test, set_ in _SETS:
            missing = [need for need in test.needs if not _has(order, need)]
            if missing and order.code in set_:
                yield _finding(draft, test, missing)


def _is_for_outside(order: ServiceRequest) -> bool:
    performer = order.performer
    performers = (performer,) if isinstance(performer, Reference) else performer
    return any("/Organization/" in f"/{each.reference or ''}" for each in performers)


def _has(order: ServiceRequest, need: Need) -> bool:
    match need:
        case "specimen":
            return bool(order.specimen or order.body_site)
        case "collection":
            return bool(order.specimen or order.occurrence_date_time or order.occurrence_period)
        case "indication":
            return bool(order.reason_code or order.reason_reference)


def _finding(draft: Draft, test: Test, missing: list[Need]) -> Finding:
    said = [_SAID[need] for need in missing]
    return Finding(
        rule=_RULE.id,
        summary=f"{test.name}: the laboratory may ask for {' and '.join(said)}",
        indicator=_RULE.indicator,
        source=RULES.source(_RULE),
        detail=join(
            markdown("The order goes to a laboratory outside, and does not tell:"),
            bullets([markdown("{said}", said=each) for each in said]),
            markdown("What is sent beside the order is not seen here."),
        ),
        about=(draft.reference,),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )
