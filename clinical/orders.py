"""Orders of tests: whether one that would answer a question is on its way."""

from __future__ import annotations

from collections.abc import Iterator

from clinical import dates, thresholds
from clinical.chart import Chart, unreadable
from clinical.codes import CodeSet
from fhir.records import Draft, ServiceRequest

ORDER_SPEAKS_FOR = thresholds.load("orders", thresholds.Thresholds)["order-speaks-for"]

# What an order in one of these states no longer asks for.
NOT_AN_ORDER = ("cancelled", "entered-in-error", "stopped", "completed", "revoked")
# What is thought of, and not asked for.
NOT_AN_INTENT = ("proposal", "plan", "option")


def is_ordered(chart: Chart, *tests: CodeSet) -> bool | None:
    """Whether one of these tests is ordered, here or in the record; None where nobody can tell.

    Nobody can from an open order of the record that is old, of no known date or on hold.
    """
    drafts = [each.resource for each in chart.drafts if isinstance(each.resource, ServiceRequest)]
    open_drafts = [each for each in drafts if _asks_for(each, tests)]
    recorded = [each for each in chart.orders or () if _asks_for(each, tests)]
    if open_drafts or any(_is_current(chart, each) for each in recorded):
        return True
    return None if recorded or chart.orders is None or unreadable(chart.orders) else False


def drafted(chart: Chart) -> Iterator[tuple[Draft, ServiceRequest]]:
    """The orders of tests that are being chosen or signed."""
    for draft in chart.drafts:
        order = draft.resource
        if draft.selected and isinstance(order, ServiceRequest) and _is_open(order):
            yield draft, order


def is_removable(chart: Chart, draft: Draft, order: ServiceRequest) -> bool:
    """Whether an order is a draft that exists in this session only, and can be named."""
    recorded = any(draft.reference == f"ServiceRequest/{each.id}" for each in chart.orders or ())
    return draft.addressable and order.status == "draft" and not recorded


def _is_open(order: ServiceRequest) -> bool:
    closed = order.status in NOT_AN_ORDER or order.intent in NOT_AN_INTENT
    return not (closed or order.do_not_perform)


def _asks_for(order: ServiceRequest, tests: tuple[CodeSet, ...]) -> bool:
    return _is_open(order) and any(order.code in test for test in tests)


def _is_current(chart: Chart, order: ServiceRequest) -> bool:
    written = dates.last_day(order.authored_on, chart.zone)
    recent = written is not None and (chart.today - written).days <= ORDER_SPEAKS_FOR
    return recent and order.status != "on-hold"
