"""Bounds: what "<15" and ">60" decide, and what they leave open."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.bounds import Bounds, Limit, plain


def of(value: float, comparator: str | None = None) -> Bounds:
    made = Bounds.of(value, comparator)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("bounds", "below_30"),
    [
        (of(29.9), True),
        (of(30), False),
        (of(30.1), False),
        (of(29, "<"), True),
        (of(30, "<"), True),
        (of(31, "<"), None),
        (of(29, "<="), True),
        (of(30, "<="), None),
        (of(29, ">"), None),
        (of(30, ">"), False),
        (of(29, ">="), None),
        (of(30, ">="), False),
        (Bounds(28, 29.9), True),
        (Bounds(28, 30), None),
        (Bounds(30, 32), False),
    ],
)
def test_below_a_limit(bounds: Bounds, below_30: bool | None) -> None:
    assert Limit("eGFR", "below", 30).crossed(bounds) is below_30


@pytest.mark.parametrize(
    ("bounds", "above_9"),
    [
        (of(9), False),
        (of(9.1), True),
        (of(8.9, ">"), None),
        (of(9, ">"), True),
        (of(9, ">="), None),
        (of(9.1, ">="), True),
        (of(9, "<"), False),
        (of(9, "<="), False),
        (of(9.1, "<"), None),
    ],
)
def test_above_a_limit(bounds: Bounds, above_9: bool | None) -> None:
    assert Limit("HbA1c", "above", 9).crossed(bounds) is above_9


@pytest.mark.parametrize("comparator", ["ad", "sa", "~", "< "])
def test_a_comparator_that_is_not_known_tells_nothing(comparator: str) -> None:
    assert Bounds.of(5, comparator) is None


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (of(22), "22"),
        (of(22, "<"), "below 22"),
        (of(22, "<="), "at most 22"),
        (of(22, ">"), "above 22"),
        (of(22, ">="), "at least 22"),
        (Bounds(20, 22), "20 to 22"),
    ],
)
def test_how_people_read_it(bounds: Bounds, told: str) -> None:
    assert bounds.told("{:g}".format) == told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (30, "30"),
        (26.69914952, "26.7"),
        (29.96, "29.96"),
        (29.999, "29.999"),
        (30.001, "30.001"),
        (45.0000001, "45.0000001"),
        (31.999, "32"),
    ],
)
def test_a_number_is_not_rounded_across_a_limit(value: float, shown: str) -> None:
    assert plain((30, 45), value) == shown


@pytest.mark.parametrize("comparator", [None, "<", "<=", ">=", ">"])
def test_a_conversion_keeps_what_is_open(comparator: str | None) -> None:
    bounds = of(20, comparator)
    assert bounds.rising(lambda x: x * 2) == of(40, comparator)
    turned = {"<": ">", "<=": ">=", ">=": "<=", ">": "<"}.get(comparator or "")
    assert bounds.falling(lambda x: 100 / x) == of(5, turned)


@given(
    st.floats(0.1, 1000),
    st.sampled_from([None, "<", "<=", ">=", ">"]),
    st.floats(0.1, 1000),
    st.floats(0.1, 1000),
)
def test_what_is_decided_holds_for_every_value_within(
    value: float, comparator: str | None, limit: float, within: float
) -> None:
    bounds = of(value, comparator)
    inside = bounds.low < within < bounds.high or (bounds.exact and within == bounds.low)
    if inside and (below := bounds.is_below(limit)) is not None:
        assert below == (within < limit)
    if inside and (above := bounds.is_above(limit)) is not None:
        assert above == (within > limit)
    assert 0 <= bounds.low <= bounds.high <= math.inf
