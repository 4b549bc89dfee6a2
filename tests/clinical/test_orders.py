"""Whether a test is on its way."""

from typing import Any

import pytest

from clinical import codes
from clinical.orders import is_ordered
from fhir.records import Draft
from tests.clinical.build import chart, order_of, unreadable

CREATININE, PANELS = codes.load("creatinine"), codes.load("metabolic-panels")


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (order_of("2160-0"), True),
        (order_of("24320-4"), True),
        (order_of("2160-0", status=None), True),
        (order_of("4548-4"), False),
        (order_of("2160-0", do_not_perform=True), False),
        (order_of("2160-0", status="revoked"), False),
        (order_of("2160-0", status="completed"), False),
        (order_of("2160-0", status="entered-in-error"), False),
    ],
)
def test_an_order_of_the_record_or_of_this_session(order: Any, answer: bool) -> None:
    assert is_ordered(chart(orders=[order]), CREATININE, PANELS) is answer
    draft = Draft("ServiceRequest/s1", order, b"{}", selected=False)
    assert is_ordered(chart(drafts=[draft]), CREATININE, PANELS) is answer


@pytest.mark.parametrize("orders", [None, unreadable("ServiceRequest")])
def test_where_the_orders_are_not_known_nobody_can_tell(orders: Any) -> None:
    assert is_ordered(chart(orders=orders), CREATININE) is None
    draft = Draft("ServiceRequest/s1", order_of("2160-0"), b"{}")
    assert is_ordered(chart(orders=orders, drafts=[draft]), CREATININE) is True
