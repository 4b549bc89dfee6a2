"""The rules of tests that are ordered again soon, and what excuses the repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from clinical import codes, dates, ingredients, orders, pregnancy, rules
from clinical.chart import Chart, unreadable
from clinical.codes import Code, CodeSet
from clinical.finding import Delete, Suggestion
from clinical.prescribed import Order
from clinical.rules import Rule, Rules
from clinical.text import Markdown, markdown
from fhir.records import Draft, MedicationRequest, MedicationStatement, ServiceRequest

OVERRIDES = (
    "clinical-change",
    "result-doubtful",
    "patient-requested",
    "monitoring-therapy",
    "data-wrong",
)
_NOTHING = Markdown()
_VOID = ("entered-in-error", "not-taken", "cancelled")


class Retest(Rule, frozen=True, kw_only=True):
    """One test and its shortest interval; see the head of the data."""

    name: str
    days: int
    codes: str = ""
    panels: tuple[str, ...] = ()
    tests: tuple[tuple[str, ...], ...] = ()
    unless: tuple[str, ...] = ()
    unless_named: tuple[str, ...] = ()
    unless_days: int = 0
    unless_pregnant: bool = False

    def same_test(self, ordered: Code, done: Code) -> bool:
        """Whether a result answers an order: the same test, or a panel and a part of it."""
        both = {ordered.code, done.code}
        if not self.tests or both & set(self.panels):
            return True
        return any(both <= set(test) for test in self.tests)


RULES = rules.load("retest", Rules[Retest])
TESTS: list[tuple[Retest, CodeSet]] = [
    (rule, codes.load(rule.codes)) for rule in RULES.rules if rule.codes
]
for _rule in RULES.rules:
    for _cls in _rule.unless:
        ingredients.members(_cls)


@dataclass(frozen=True, slots=True)
class Excuse:
    """`excused` is None where nobody can tell, for the reason that `why` tells. `unknown`: how
    many new medicines no table here knows.
    """

    excused: bool | None
    why: Markdown = _NOTHING
    unknown: int = 0


def excuse(chart: Chart, rule: Retest) -> Excuse:
    """Whether something in the chart is a good reason to repeat the test."""
    if rule.unless_pregnant:
        pregnant = pregnancy.is_pregnant(chart)
        if pregnant:
            return Excuse(True)
        if pregnant is None:
            return Excuse(None, markdown("the problem list is not fully known"))
    if not rule.unless:
        return Excuse(False)
    new = [each for each in _medicines(chart) if _is_new(chart, each, rule.unless_days)]
    known = [ingredients.of(chart, each) for each in new]
    for each in known:
        named = any(part in each.told.lower() for part in rule.unless_named)
        if each.of(*rule.unless) or (not each.names and named):
            return Excuse(True)
    if chart.medications is None or unreadable(chart.medications):
        return Excuse(None, markdown("the medicines are not fully known"))
    return Excuse(False, unknown=sum(not each.names for each in known))


def removal(chart: Chart, draft: Draft, order: ServiceRequest) -> tuple[Suggestion, ...]:
    """To take the order out of this session again."""
    if not orders.is_removable(chart, draft, order):
        return ()
    remove = Delete("Remove the repeated order from this session", draft)
    return (Suggestion("Remove this order", (remove,)),)


def _medicines(chart: Chart) -> list[Order]:
    drafts = (each.resource for each in chart.drafts)
    ordered: list[Order] = [each for each in drafts if isinstance(each, MedicationRequest)]
    found: list[Order] = [*ordered, *(chart.medications or ()), *(chart.statements or ())]
    return [each for each in found if each.status not in _VOID]


def _is_new(chart: Chart, order: Order, days: int) -> bool:
    """Whether it was written, or begun, within these days, as far as anybody can tell."""
    if isinstance(order, MedicationStatement):
        period = order.effective_period
        said = order.effective_date_time or (period.start if period else None)
    else:
        said = order.authored_on
    last = dates.last_day(said, chart.zone)
    return last is None or last >= chart.today - timedelta(days=days)
