"""FHIR dates: the day at the EHR, and the last day that a partial one can mean."""

from datetime import UTC, date, datetime, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import dates
from tests.clinical.build import ZONE


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-06-15", date(2026, 6, 15)),
        ("2026-06-15T23:30:00-05:00", date(2026, 6, 16)),
        ("2026-06-15T23:30:00-04:00", date(2026, 6, 15)),
        ("2026-06-16T03:30:00Z", date(2026, 6, 15)),
        ("2026-06-16T04:30:00.123Z", date(2026, 6, 16)),
        ("2026-06-15T23:30:00", date(2026, 6, 15)),
        # A day that a feed writes as its first moment; in New York it was the evening before.
        ("2026-06-16T00:00:00Z", date(2026, 6, 16)),
        ("2026-06-16T00:00:00.000+00:00", date(2026, 6, 16)),
        ("2026-06-16T00:00Z", date(2026, 6, 16)),
        ("2026-06-16T00:00:01Z", date(2026, 6, 15)),
        ("2026-06-16T00:00:00+02:00", date(2026, 6, 15)),
        ("2026-02-29T00:00:00Z", None),
        ("2024-02-29", date(2024, 2, 29)),
        ("2026-02-29", None),
        ("2026-06", None),
        ("2026", None),
        ("", None),
        (None, None),
        ("2026-W25-1", None),
        ("15.06.2026", None),
        ("2026-06-15T25:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_a_day_is_the_one_at_the_ehr(text: str | None, day: date | None) -> None:
    assert dates.day(text, ZONE) == day


@pytest.mark.parametrize(
    ("text", "latest", "told"),
    [
        ("2015", date(2015, 12, 31), "of 2015"),
        ("2015-02", date(2015, 2, 28), "of 2015-02"),
        ("2016-02", date(2016, 2, 29), "of 2016-02"),
        ("2015-03-01", date(2015, 3, 1), "on 01 Mar 2015"),
        ("2015-13", None, ""),
        ("2015-00", None, ""),
        ("0000", None, ""),
        ("20156", None, ""),
        ("٢٠١٥", None, ""),
        ("soon", None, ""),
        ("", None, ""),
        (None, None, ""),
    ],
)
def test_a_partial_date_has_a_last_day(text: str | None, latest: date | None, told: str) -> None:
    when = dates.when(text, ZONE)
    assert (when.latest, when.told) == (latest, told)


def test_another_word_may_stand_before_it() -> None:
    assert dates.when("2015-02", ZONE, "since").told == "since 2015-02"
    assert dates.when("2015-02-01", ZONE, "since").told == "since 01 Feb 2015"
    assert dates.when("soon", ZONE, "since").told == ""


def test_the_first_moment_of_a_day_is_no_time() -> None:
    assert dates.moment("2026-06-16T00:00:00Z", ZONE) is None
    assert dates.moment("2026-06-16T00:00:01Z", ZONE) is not None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2015", (date(2015, 1, 1), date(2015, 12, 31))),
        ("2016-02", (date(2016, 2, 1), date(2016, 2, 29))),
        ("2015-03-01", (date(2015, 3, 1), date(2015, 3, 1))),
        ("2015-13", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_date_spans_days(text: str | None, days: tuple[date, date] | None) -> None:
    assert dates.span(text, ZONE) == days


@given(st.text() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat))
def test_any_text_is_a_day_or_none(text: str) -> None:
    day = dates.day(text, ZONE)
    assert day is None or len(text) >= 10
    assert dates.moment(text, ZONE) is None or len(text) > 10
    when = dates.when(text, ZONE)
    assert when.day == day
    assert when.latest is None or day is None or when.latest == day


@given(
    st.one_of(
        st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat),
        st.dates().map(date.isoformat),
        st.from_regex(r"[0-9]{4}-?[0-9W]{2}-?[0-9]{1,2}([T -][0-9:.]{0,12}(Z|[+-][0-9:]{5})?)?"),
    ),
    st.timezones(),
)
def test_a_full_date_is_at_most_two_days_from_its_text(text: str, zone: tzinfo) -> None:
    if dates.is_full(text):
        day = dates.day(text, zone)
        assert day is not None
        assert abs((day - date.fromisoformat(text[:10])).days) <= 2


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2026",
        "2026-06",
        "2026-02-29",
        "20260615",
        "2026W05",
        "2026-W05",
        "2026W05-09:14",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_other_dates_take_a_closer_look(text: str | None) -> None:
    assert not dates.is_full(text)
