"""Whether a test is on its way."""

from typing import Any

import pytest
from msgspec.structs import replace

from clinical import codes
from clinical.orders import is_ordered
from fhir.records import Draft
from tests.clinical.build import ago, chart, order_of, unreadable

CREATININE, PANELS = codes.load("creatinine"), codes.load("metabolic-panels")


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (order_of("2160-0"), True),
        (order_of("24320-4"), True),
        (order_of("2160-0", status=None), True),
        (order_of("4548-4"), False),
        (order_of("2160-0", intent="order"), True),
        (order_of("2160-0", intent="filler-order"), True),
        (order_of("2160-0", intent="proposal"), False),
        (order_of("2160-0", intent="plan"), False),
        (order_of("2160-0", intent="option"), False),
        (order_of("2160-0", do_not_perform=True), False),
        (order_of("2160-0", status="revoked"), False),
        (order_of("2160-0", status="completed"), False),
        (order_of("2160-0", status="entered-in-error"), False),
    ],
)
def test_an_order_of_the_record_or_of_this_session(order: Any, answer: bool) -> None:
    order = replace(order, authored_on=ago(0))
    assert is_ordered(chart(orders=[order]), CREATININE, PANELS) is answer
    draft = Draft("ServiceRequest/s1", order, b"{}", selected=False)
    assert is_ordered(chart(drafts=[draft]), CREATININE, PANELS) is answer


@pytest.mark.parametrize(
    ("written", "status", "answer"),
    [
        (ago(90), "active", True),
        (ago(91), "active", None),
        ("2015-01-01", "active", None),
        ("2026-06", "active", True),
        ("2026", "active", True),
        ("2025", "active", None),
        (None, "active", None),
        (ago(1), "on-hold", None),
        ("2015-01-01", "revoked", False),
    ],
)
def test_an_old_order_may_be_a_forgotten_one(
    written: str | None, status: str, answer: bool | None
) -> None:
    order = order_of("2160-0", authored_on=written, status=status)
    assert is_ordered(chart(orders=[order]), CREATININE) is answer
    recent = order_of("2160-0", authored_on=ago(1))
    assert is_ordered(chart(orders=[order, recent]), CREATININE) is True


@pytest.mark.parametrize("orders", [None, unreadable("ServiceRequest")])
def test_where_the_orders_are_not_known_nobody_can_tell(orders: Any) -> None:
    assert is_ordered(chart(orders=orders), CREATININE) is None
    draft = Draft("ServiceRequest/s1", order_of("2160-0"), b"{}")
    assert is_ordered(chart(orders=orders, drafts=[draft]), CREATININE) is True
