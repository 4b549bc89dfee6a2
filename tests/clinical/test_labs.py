"""Which results of a long chart are read at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from clinical import codes
from clinical.bounds import Bounds, Limit
from clinical.labs import Kind, Measurement, Reading, Results
from clinical.newest import newest
from tests.clinical.build import TODAY, a1c, ago, chart

LIMIT = Limit("HbA1c", "above", 9)


def read_of(*labs: Any, since: date = date.min) -> tuple[list[str], Reading | None]:
    """The ids of the results that were read, and the one that speaks."""
    seen: list[str] = []

    def read(result: Measurement, day: date) -> Reading | str:
        seen.append(result.lab.id)
        value = result.lab.value_quantity and result.lab.value_quantity.value
        if value is None:
            return "without a number"
        bounds = Bounds(0, value) if result.lab.status == "unknown" else Bounds(value, value)
        return Reading(result, day, bounds, str(value), "", result.when.tell)

    results = Results(chart(labs=list(labs)), Kind("HbA1c", codes.load("hba1c"), read))
    return seen, newest(results, LIMIT, since).reading


def test_what_is_older_than_the_newest_is_not_read() -> None:
    old = [a1c(7, ago(days), id=str(days)) for days in range(10, 500, 10)]
    seen, reading = read_of(*old[20:], *old[:20])
    assert seen == ["10"]
    assert reading
    assert reading.of.lab.id == "10"


def test_nothing_is_read_where_all_is_older_than_the_look_back() -> None:
    seen, reading = read_of(a1c(7, ago(300)), a1c(7, ago(200)), since=TODAY - timedelta(days=183))
    assert (seen, reading) == ([], None)


@pytest.mark.parametrize(
    "newer", [a1c(None, ago(5), id="n"), a1c(9.5, ago(5), id="n", status="unknown")]
)
def test_the_search_goes_on_where_the_newest_does_not_decide(newer: Any) -> None:
    seen, reading = read_of(a1c(7, ago(400), id="c"), a1c(7, ago(100), id="b"), newer)
    assert seen == ["n", "b"]
    assert reading
    assert reading.of.lab.id == "b"


@pytest.mark.parametrize("when", [None, "2026", "2026-05", "2026-02-30", "20260101", "never"])
def test_a_result_of_no_full_date_is_never_passed_over(when: str | None) -> None:
    results = Results(
        chart(labs=[a1c(7, ago(9)), a1c(8, when, id="odd")]),
        Kind("HbA1c", codes.load("hba1c"), lambda *_: "not read here"),
    )
    found = results.down_to(TODAY, lambda _: True)
    assert [each.of.lab.id for each in found] == ["odd"]


def test_the_order_of_the_record_is_kept() -> None:
    days = (3, 1, 2, 1, 3)
    results = Results(
        chart(labs=[a1c(7, ago(day), id=str(n)) for n, day in enumerate(days)]),
        Kind("HbA1c", codes.load("hba1c"), lambda *_: "not read here"),
    )
    found = results.down_to(TODAY - timedelta(days=3), lambda _: True)
    assert [each.of.lab.id for each in found] == ["0", "1", "2", "3", "4"]
    assert results == found
