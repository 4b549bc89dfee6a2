"""Orders of tests: whether one that would answer a question is on its way."""

from __future__ import annotations

from clinical.chart import Chart, unreadable
from clinical.codes import CodeSet
from fhir.records import ServiceRequest

# What an order in one of these states no longer asks for.
NOT_AN_ORDER = ("cancelled", "entered-in-error", "stopped", "completed", "revoked")


def is_ordered(chart: Chart, *tests: CodeSet) -> bool | None:
    """Whether one of these tests is ordered, here or in the record; None where nobody can tell."""
    drafts = [each.resource for each in chart.drafts if isinstance(each.resource, ServiceRequest)]
    for order in (*drafts, *(chart.orders or ())):
        if order.status in NOT_AN_ORDER or order.do_not_perform:
            continue
        if any(order.code in test for test in tests):
            return True
    return None if chart.orders is None or unreadable(chart.orders) else False
