"""Days, ages and live conditions."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.chart import evaluate, is_live, status_code
from clinical.finding import Gap
from fhir.records import CodeableConcept, Coding, Observation, Period
from tests.clinical.build import TYPE_2, chart, concept, condition, patient


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-06-15", date(2026, 6, 15)),
        ("2026-06-15T23:30:00-05:00", date(2026, 6, 16)),
        ("2026-06-15T23:30:00-04:00", date(2026, 6, 15)),
        ("2026-06-16T03:30:00Z", date(2026, 6, 15)),
        ("2026-06-16T04:30:00.123Z", date(2026, 6, 16)),
        ("2026-06-15T23:30:00", date(2026, 6, 15)),
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
def test_a_day_is_the_one_at_the_ehr(when: str | None, day: date | None) -> None:
    assert chart().day(when) == day


@given(st.text() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat))
def test_any_text_is_a_day_or_none(when: str) -> None:
    assert chart().day(when) is None or len(when) >= 10
    assert chart().moment(when) is None or len(when) > 10


def test_a_result_speaks_of_the_end_of_its_period() -> None:
    period = Period("2026-06-01", "2026-06-02T10:00:00Z")
    assert chart().drawn(Observation(effective_period=period)) == date(2026, 6, 2)
    assert chart().drawn(Observation(effective_period=Period("2026-06-01"))) == date(2026, 6, 1)
    assert chart().drawn(Observation(effective_instant="2026-06-03T10:00:00Z")) == date(2026, 6, 3)
    assert chart().drawn(Observation()) is None


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
    ],
)
def test_age_is_in_whole_years(born: str | None, day: date, age: int | None) -> None:
    assert chart(patient=patient(birth_date=born)).age_on(day) == age


HL7 = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (None, None),
        ("active", "active"),
        ("Active", "active"),
        (concept((HL7, "resolved", None)), "resolved"),
        (concept(("http://local", "A", None), (HL7, "resolved", None)), "resolved"),
        (concept(("http://local", "A", None)), "a"),
        (concept(text="Resolved"), "resolved"),
        (CodeableConcept([Coding(HL7)]), None),
    ],
)
def test_a_status_is_read_in_every_shape(status: Any, code: str | None) -> None:
    assert status_code(status) == code


@pytest.mark.parametrize(
    ("changes", "live"),
    [
        ({}, True),
        ({"clinical_status": None}, True),
        ({"clinical_status": "recurrence"}, True),
        ({"clinical_status": "remission"}, False),
        ({"clinical_status": "resolved"}, False),
        ({"clinical_status": concept(text="Inactive")}, False),
        ({"verification_status": "provisional"}, True),
        ({"verification_status": "refuted"}, False),
        ({"verification_status": concept((None, "entered-in-error", None))}, False),
    ],
)
def test_a_live_condition(changes: dict[str, Any], live: bool) -> None:
    assert is_live(condition(TYPE_2, **changes)) == live


def test_a_crash_of_one_check_is_a_gap_and_does_not_silence_the_others() -> None:
    def crashes(_: object) -> list[Gap]:
        raise ZeroDivisionError

    def works(_: object) -> list[Gap]:
        return []

    assert [each.rule for each in evaluate(chart(), crashes, works)] == ["crashes"]
    with pytest.raises(ZeroDivisionError):
        list(evaluate(chart(), crashes))
