"""The rules of `data/rules/monitoring.toml`: medicines, and the tests that each asks for."""

from __future__ import annotations

from clinical import codes, ingredients, rules
from clinical.codes import CodeSet
from clinical.finding import Create, LabOrder, Suggestion
from clinical.rules import Rule, Rules
from clinical.thresholds import Table
from fhir.records import Coding


class Test(Table, frozen=True, kw_only=True):
    """A test: the sets of results and orders that show it, and what to order, with its name where
    that is another one.
    """

    name: str
    results: tuple[str, ...]
    offer: tuple[str, str]
    order: str = ""

    @property
    def sets(self) -> tuple[CodeSet, ...]:
        """The sets by which it is found."""
        return tuple(map(codes.load, self.results))


class Panel(Table, frozen=True, kw_only=True):
    """One order for several tests."""

    covers: tuple[str, ...]
    offer: tuple[str, str]


class MonitoringRule(Rule, frozen=True, kw_only=True):
    """Classes of medicines, the tests that they need and for how many days a result speaks.

    `start_only`: only where no medicine of the classes is active.
    """

    classes: tuple[str, ...]
    needs: tuple[str, ...]
    days: int
    renewal_days: int | None = None
    start_only: bool = False


class MonitoringRules(Rules[MonitoringRule], frozen=True):
    """With the tests by name."""

    tests: dict[str, Test]
    panel: Panel


RULES = rules.load("monitoring", MonitoringRules)
MEMBERS = {
    rule.id: frozenset[str]().union(*map(ingredients.members, rule.classes)) for rule in RULES.rules
}


def _coding(offer: tuple[str, str]) -> Coding:
    name, code = offer
    return codes.load(name).coding(code)


_OFFERS = {test.name: _coding(test.offer) for test in RULES.tests.values()}
_PANEL = _coding(RULES.panel.offer)
_COVERED = frozenset(RULES.tests[each].name for each in RULES.panel.covers)
for _rule in RULES.rules:
    if unknown := set(_rule.needs) - set(RULES.tests):
        raise ValueError(f"monitoring.toml: {_rule.id} needs {unknown}, which is no test")


def offers(missing: list[Test], recommended: bool) -> Suggestion:
    """One suggestion that orders all of them, several of a panel by the panel."""
    names = [test.name for test in missing]
    by_panel = set(names) >= _COVERED
    single = [test for test in missing if not (by_panel and test.name in _COVERED)]
    orders = [(test.order or test.name, _OFFERS[test.name]) for test in single]
    if by_panel:
        orders.insert(0, ("a basic metabolic panel", _PANEL))
    actions = tuple(Create(f"Order {name}", LabOrder(coding)) for name, coding in orders)
    return Suggestion(f"Order {', '.join(name for name, _ in orders)}", actions, recommended)
