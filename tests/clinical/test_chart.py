"""When results were drawn, ages, merged records, and checks that crash."""

from datetime import date
from typing import Any

import pytest

from clinical.chart import evaluate
from clinical.finding import Gap
from fhir.records import Observation, PatientLink, Period
from tests.clinical.build import chart, patient


def test_a_result_speaks_of_the_end_of_its_period() -> None:
    period = Period("2026-06-01", "2026-06-02T10:00:00Z")
    for observation, day in [
        (Observation(effective_period=period), date(2026, 6, 2)),
        (Observation(effective_period=Period("2026-06-01")), date(2026, 6, 1)),
        (Observation(effective_instant="2026-06-03T10:00:00Z"), date(2026, 6, 3)),
        (Observation(), None),
    ]:
        assert chart().drawn(observation).day == day


@pytest.mark.parametrize(
    ("effective", "issued", "day", "latest", "told"),
    [
        ("2026-06-01", "2026-06-03T10:00:00Z", date(2026, 6, 1), date(2026, 6, 1), "on 01 Jun"),
        (None, "2026-06-03T10:00:00Z", None, date(2026, 6, 3), "issued on 03 Jun 2026"),
        ("2026", "2026-06-03T10:00:00Z", None, date(2026, 6, 3), "of 2026"),
        ("2019", "2026-06-03T10:00:00Z", None, date(2019, 12, 31), "of 2019"),
        ("2019", None, None, date(2019, 12, 31), "of 2019"),
        (None, "2026", None, None, ""),
        (None, None, None, None, ""),
    ],
)
def test_the_time_of_issue_is_a_last_day_and_never_the_day(
    effective: str | None, issued: str | None, day: Any, latest: Any, told: str
) -> None:
    when = chart().drawn(Observation(effective_date_time=effective, issued=issued))
    assert (when.day, when.latest) == (day, latest)
    assert when.told.startswith(told)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("2008-06-15", date(2026, 6, 14), 17),
        ("2008-06-15", date(2026, 6, 15), 18),
        ("2008-02-29", date(2026, 2, 27), 17),
        ("2008-02-29", date(2026, 2, 28), 18),
        ("2008-02-29", date(2028, 2, 28), 19),
        ("2008-02-29", date(2028, 2, 29), 20),
        ("2026-06-16", date(2026, 6, 15), None),
        ("2008-06", date(2026, 6, 15), None),
        (None, date(2026, 6, 15), None),
        # What registration systems write for a birth date that they do not know.
        ("1900-01-01", date(2026, 6, 15), None),
        ("1905-06-15", date(2026, 6, 14), 120),
        ("1905-06-15", date(2026, 6, 15), None),
    ],
)
def test_age_is_in_whole_years(born: str | None, day: date, age: int | None) -> None:
    assert chart(patient=patient(birth_date=born)).age_on(day) == age


@pytest.mark.parametrize(
    ("born", "ages"),
    [
        ("2008-06-15", (18,)),
        ("2008-05", (18,)),
        ("2008-06", (17, 18)),
        ("2008-07", (17,)),
        ("2008", (17, 18)),
        ("2026", ()),
        ("1900", ()),
        ("1905", ()),
        (None, ()),
        ("soon", ()),
    ],
)
def test_a_partial_birth_date_leaves_one_age_or_two(born: str | None, ages: Any) -> None:
    assert chart(patient=patient(birth_date=born)).ages_on(date(2026, 6, 15)) == ages


@pytest.mark.parametrize(
    ("effective", "day", "told"),
    [
        ("2026-06-15", date(2026, 6, 15), "on 15 Jun 2026"),
        ("2026-06-16", date(2026, 6, 15), "dated 16 Jun 2026"),
        ("2026-06-16T08:00:00Z", date(2026, 6, 15), "dated 16 Jun 2026"),
        ("2026-06-17", date(2026, 6, 17), "on 17 Jun 2026"),
    ],
)
def test_a_result_of_tomorrow_is_one_of_today(effective: str, day: date, told: str) -> None:
    when = chart().drawn(Observation(effective_date_time=effective))
    assert (when.day, when.told) == (day, told)
    assert when.at is None


@pytest.mark.parametrize(
    ("type_", "replaced"),
    [("replaced-by", True), ("replaces", False), ("seealso", False), (None, False)],
)
def test_a_record_that_was_merged_into_another(type_: str | None, replaced: bool) -> None:
    merged = patient(link=[PatientLink(type=type_)])
    assert chart(patient=merged).replaced is replaced


def test_a_crash_of_one_check_is_a_gap_and_does_not_silence_the_others() -> None:
    def crashes(_: object) -> list[Gap]:
        raise ZeroDivisionError

    def works(_: object) -> list[Gap]:
        return []

    assert [each.rule for each in evaluate(chart(), crashes, works)] == ["crashes"]
    with pytest.raises(ZeroDivisionError):
        list(evaluate(chart(), crashes))
