"""The newest eGFR of a chart, and what could not be used."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.kidney import SEXES, ckd_epi_2021, kidney_function
from fhir.records import Quantity, Records
from tests.clinical.build import TODAY, ago, chart, creatinine, egfr, lab, patient

FEMALE, MALE = SEXES["female"], SEXES["male"]


@pytest.mark.parametrize(
    ("sex", "age", "mg_per_dl", "expected"),
    [
        (FEMALE, 55, 0.9, 75.5),
        (FEMALE, 70, 1.9, 28.1),
        (FEMALE, 70, 1.45, 38.8),
        (MALE, 60, 1.0, 86.2),
        # Below kappa, where the other exponent holds; by hand.
        (MALE, 40, 0.5, 132.2),
        (FEMALE, 40, 0.5, 121.5),
    ],
)
def test_published_examples_come_out(sex: Any, age: int, mg_per_dl: float, expected: float) -> None:
    assert round(ckd_epi_2021(mg_per_dl, age, sex), 1) == expected


@given(
    st.sampled_from([FEMALE, MALE]),
    st.integers(18, 120),
    st.floats(0.1, 40),
    st.floats(1.001, 100),
)
def test_a_higher_creatinine_means_a_lower_egfr(
    sex: Any, age: int, mg_per_dl: float, factor: float
) -> None:
    lower = ckd_epi_2021(mg_per_dl * factor, age, sex)
    assert 0 < lower < ckd_epi_2021(mg_per_dl, age, sex)
    assert ckd_epi_2021(mg_per_dl, age + 1, sex) < ckd_epi_2021(mg_per_dl, age, sex)


def value_of(*results: Any, **changes: Any) -> str | None:
    found = kidney_function(chart(labs=results, **changes)).egfr
    return str(found.shown()) if found else None


def whys(*results: Any, **changes: Any) -> list[str]:
    return [each.why for each in kidney_function(chart(labs=results, **changes)).unused]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], None),
        ([creatinine(1.9)], "28.1"),
        ([lab("14682-9", 168, "µmol/L", ago(1))], "28.0"),
        ([creatinine(1.9, ago(365))], "28.2"),
        ([creatinine(1.9, ago(366))], None),
        ([creatinine(1.9, ago(0))], "28.1"),
        ([creatinine(1.9, ago(-1))], None),
        ([creatinine(1.9, ago(9)), creatinine(1.45, ago(8))], "38.8"),
        ([creatinine(1.45, ago(8)), creatinine(1.9, ago(9))], "38.8"),
        ([creatinine(1.9), egfr(50)], "28.1"),
        ([creatinine(1.9, ago(10)), egfr(50, ago(9))], "50.0"),
        ([creatinine(1.9, ago(10)), egfr(50, ago(11))], "28.1"),
        ([egfr(50, ago(365))], "50.0"),
        ([egfr(50, ago(366))], None),
        ([egfr(50), lab("33914-3", 20, "mL/min", ago(10))], "50.0"),
        ([egfr(50), lab("33914-3", 20, "mL/min", ago(9))], "20.0"),
        ([creatinine(1.9, status="entered-in-error")], None),
        ([creatinine(1.9, status="cancelled")], None),
        ([creatinine(1.9, status="registered")], None),
        ([creatinine(1.9, status="corrected")], "28.1"),
        ([lab("2161-8", 1.9, "mg/dL", ago(1))], None),
    ],
)
def test_the_newest_result_counts(results: list[Any], expected: str | None) -> None:
    assert value_of(*results) == expected


def test_the_later_of_one_day_counts_where_both_times_are_known() -> None:
    early = creatinine(1.9, "2026-06-01T12:00:00Z")
    late = creatinine(1.45, "2026-06-01T09:00:00-04:00")
    assert value_of(late, early) == value_of(early, late) == "38.8"


def test_the_lower_egfr_counts_where_the_order_of_one_day_is_not_known() -> None:
    assert value_of(creatinine(1.9, "2026-06-01"), creatinine(1.45, "2026-06-01T09:00:00Z")) == (
        "28.1"
    )


def test_the_age_is_that_of_the_day_of_the_draw() -> None:
    on_birthday = creatinine(1.9, "2026-03-01")
    day_before = creatinine(1.9, "2026-02-28")
    assert "at the age of 70" in kidney_function(chart(labs=[on_birthday])).egfr.how  # type: ignore[union-attr]
    assert "at the age of 69" in kidney_function(chart(labs=[day_before])).egfr.how  # type: ignore[union-attr]


@pytest.mark.parametrize("result", [creatinine(1.9, ago(1)), egfr(20, ago(1))])
def test_a_result_from_before_the_age_of_18_is_not_used(result: Any) -> None:
    assert value_of(result, patient=patient(birth_date="2008-06-14")) is not None
    assert whys(result, patient=patient(birth_date="2008-06-15")) == ["drawn before the age of 18"]


@pytest.mark.parametrize("gender", ["other", "unknown", None, "Female"])
def test_without_male_or_female_only_a_reported_egfr_counts(gender: str | None) -> None:
    someone = patient(gender=gender)
    assert value_of(creatinine(1.9, ago(1)), egfr(50, ago(2)), patient=someone) == "50.0"
    assert whys(creatinine(1.9, ago(1)), egfr(50, ago(2)), patient=someone) == [
        "no equation for the recorded gender"
    ]


@pytest.mark.parametrize("born", ["1956", "1956-03", None, "soon"])
def test_without_a_full_birth_date_nothing_counts(born: str | None) -> None:
    assert (
        whys(creatinine(1.9), egfr(20), patient=patient(birth_date=born))
        == ["at an age that is not known"] * 2
    )


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        (lab("2160-0", 168, "g/L", ago(1)), "in a unit not known here"),
        (lab("2160-0", 1.9, None, ago(1)), "in a unit not known here"),
        (creatinine(1.9, ago(1), comparator=">"), "not an exact number"),
        (creatinine(None, ago(1)), "without a usable number"),
        (creatinine(1.9, ago(1), value_quantity=None), "without a usable number"),
        (creatinine(1.9, None), "without a full date"),
        (creatinine(1.9, "2026-06"), "without a full date"),
        (creatinine(1.9, ago(-1)), "dated in the future"),
        (creatinine(-1.9, ago(10)), "without a usable number"),
        (egfr(15, ago(1), comparator="<"), "not an exact number"),
    ],
)
def test_an_older_value_is_used_and_the_newer_one_told(newer: Any, why: str) -> None:
    older = creatinine(1.45, ago(10))
    assert value_of(older, newer) == "38.8"
    assert whys(older, newer) == [why]


def test_an_unusable_result_that_is_older_is_not_told() -> None:
    assert whys(creatinine(1.9, ago(10)), creatinine(None, ago(11)), egfr(None, ago(10))) == []
    assert whys(creatinine(None, ago(366))) == []


def test_late_in_the_evening_elsewhere_is_still_today() -> None:
    # 23:30 in New York is the next day in UTC; a result of 23:30-05:00 is of the next day there.
    assert value_of(creatinine(1.9, "2026-06-15T23:30:00-04:00")) == "28.1"
    assert value_of(creatinine(1.9, "2026-06-16T03:30:00Z")) == "28.1"
    assert value_of(creatinine(1.9, "2026-06-15T23:30:00-05:00")) is None
    winter = {"today": date(2026, 1, 15)}
    assert value_of(creatinine(1.9, "2026-01-15T23:30:00-05:00"), **winter) == "28.2"


def test_unknown_laboratory_results_are_no_results() -> None:
    assert kidney_function(chart(labs=None)).egfr is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (29.96, "29.9"),
        (29.9999999, "29.9"),
        (30, "30.0"),
        (30.04, "30.0"),
        (44.95, "44.9"),
        (44.99, "44.9"),
        (45, "45.0"),
        (28.06, "28.1"),
    ],
)
def test_a_value_is_never_shown_rounded_up_to_a_limit_that_it_is_below(
    value: float, shown: str
) -> None:
    found = kidney_function(chart(labs=[egfr(value)])).egfr
    assert found
    assert str(found.shown(30, 45)) == shown


def test_how_tells_the_value_as_recorded() -> None:
    found = kidney_function(chart(labs=[lab("14682-9", 168, "umol/L", ago(1))])).egfr
    assert found
    assert found.basis == "CKD-EPI 2021"
    assert found.how.replace("\\", "") == (
        "computed with CKD-EPI 2021 from creatinine 168 umol/L (1.90 mg/dL) at the age of 70"
    )
    reported = kidney_function(chart(labs=[egfr(50)])).egfr
    assert reported
    assert reported.how.startswith("reported by the laboratory as Glomerular filtration rate")


texts = st.none() | st.text(max_size=12)
dates = texts | st.dates().map(str) | st.just(ago(1)) | st.datetimes().map(lambda t: f"{t}Z")
observations = st.builds(
    lab,
    st.sampled_from(["2160-0", "38483-4", "98979-8", "33914-3"]),
    st.none() | st.floats(),
    texts | st.sampled_from(["mg/dL", "umol/L", "mL/min"]),
    dates,
    comparator=st.none() | st.sampled_from(["<", ">", "ad"]),
    status=texts | st.just("final"),
)


@given(st.lists(observations, max_size=4), dates, st.sampled_from(["male", "female", None]))
def test_no_record_makes_it_crash(results: list[Any], born: str | None, gender: str | None) -> None:
    someone = patient(birth_date=born, gender=gender)
    found = kidney_function(chart(labs=Records(results), patient=someone))
    if found.egfr:
        assert found.egfr.value >= 0
        assert found.egfr.day <= TODAY
        assert Quantity(found.egfr.value)
    for each in found.unused:
        assert each.told
