"""The newest eGFR of a chart that decides a limit, and what could not be used."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.bounds import Limit
from clinical.kidney import SEXES, ckd_epi_2021, egfrs, since
from clinical.labs import Reading, Unused
from clinical.newest import Newest, newest
from fhir.records import Records
from tests.clinical.build import TODAY, ago, chart, concept, creatinine, egfr, lab, patient, text

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


def asked(*results: Any, limit: float = 30, **changes: Any) -> Newest:
    known = chart(labs=results, **changes)
    return newest(egfrs(known, 30, 45), Limit("eGFR", "below", limit), since(known))


def value_of(*results: Any, limit: float = 30, **changes: Any) -> str | None:
    found = asked(*results, limit=limit, **changes).reading
    return found.shown if found else None


def whys(*results: Any, limit: float = 30, **changes: Any) -> list[str]:
    return [each.why for each in asked(*results, limit=limit, **changes).unused]


def against(*results: Any, limit: float = 30) -> list[str]:
    return [each.shown for each in asked(*results, limit=limit).against]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], None),
        ([creatinine(1.9)], "28.1"),
        ([lab("14682-9", 168, "µmol/L", ago(1))], "28.0"),
        ([creatinine(1.9, ago(365))], "28.2"),
        ([creatinine(1.9, ago(366))], None),
        ([creatinine(1.9, ago(0))], "28.1"),
        # The clock of an analyser may run ahead over midnight.
        ([creatinine(1.9, ago(-1))], "28.1"),
        ([creatinine(1.9, ago(-2))], None),
        # Of tomorrow is of today, and of no known time.
        ([creatinine(1.9, ago(0)), creatinine(0.8, ago(-1))], "28.1"),
        ([creatinine(1.9, "2026-06-15T08:00Z"), creatinine(0.8, "2026-06-16T12:00Z")], "28.1"),
        ([creatinine(1.9, ago(1)), creatinine(0.8, ago(-1))], "79.2"),
        ([creatinine(1.9, ago(9)), creatinine(1.45, ago(8))], "38.8"),
        ([creatinine(1.45, ago(8)), creatinine(1.9, ago(9))], "38.8"),
        ([creatinine(1.9), egfr(50)], "28.1"),
        ([creatinine(1.9, ago(10)), egfr(50, ago(9))], "50"),
        ([creatinine(1.9, ago(10)), egfr(50, ago(11))], "28.1"),
        ([egfr(50, ago(365))], "50"),
        ([egfr(50, ago(366))], None),
        ([egfr(50), lab("33914-3", 20, "mL/min", ago(9))], "20"),
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
    # The other one lies below 30, and is told.
    assert against(late, early) == ["28.1"]


@pytest.mark.parametrize(
    ("results", "spoken", "told"),
    [
        # The laboratory's own eGFR of the day, whichever of the two is the graver one.
        ([creatinine(1.1), egfr(22)], "22", ["54.1"]),
        ([creatinine(1.9), egfr(54)], "28.1", ["54"]),
        ([creatinine(1.9), egfr(29)], "28.1", []),
        # One of them with cystatin C, or by another formula.
        ([lab("98980-6", 28, "mL/min", ago(10)), creatinine(0.9)], "28", ["68.8"]),
        ([lab("33914-3", 28, "mL/min", ago(10)), egfr(62)], "28", ["62"]),
        # Only one of the two has a time.
        ([creatinine(1.9, "2026-06-01"), creatinine(0.8, "2026-06-01T09:00Z")], "28.1", ["79.2"]),
        # A bound that decides is one of them.
        ([creatinine(1.9), egfr(60, comparator=">")], "28.1", ["above 60"]),
        ([egfr(15, comparator="<"), egfr(50)], "below 15", ["50"]),
    ],
)
def test_the_lower_one_speaks_where_the_order_of_a_day_is_not_known(
    results: list[Any], spoken: str, told: list[str]
) -> None:
    for order in (results, results[::-1]):
        assert value_of(*order) == spoken
        assert against(*order) == told


def test_a_final_result_replaces_the_preliminary_one_of_the_same_time() -> None:
    time = "2026-06-01T12:00:00Z"
    first = creatinine(1.9, time, status="preliminary")
    corrected = creatinine(0.8, time, status="corrected")
    assert value_of(first, corrected) == value_of(corrected, first) == "79.2"
    assert against(first, corrected) == ["28.1"]
    assert value_of(first) == "28.1"


@pytest.mark.parametrize("status", ["corrected", "amended"])
def test_a_corrected_result_replaces_the_final_one_of_the_same_time(status: str) -> None:
    time = "2026-06-01T12:00:00Z"
    first, corrected = creatinine(1.9, time), creatinine(0.8, time, status=status)
    assert value_of(first, corrected) == value_of(corrected, first) == "79.2"
    assert against(first, corrected) == ["28.1"]
    # It corrects its own kind, and nothing of another time.
    assert value_of(first, egfr(79, time, status=status)) == "28.1"
    assert value_of(creatinine(1.9, "2026-06-01T13:00:00Z"), corrected) == "28.1"
    assert value_of(creatinine(1.9, "2026-06-01"), corrected) == "28.1"


def test_the_age_is_that_of_the_day_of_the_draw() -> None:
    for day, age in (("2026-03-01", 70), ("2026-02-28", 69)):
        (found,) = egfrs(chart(labs=[creatinine(1.9, day)]))
        assert isinstance(found, Reading)
        assert f"as female at the age of {age}" in found.how


@pytest.mark.parametrize("result", [creatinine(1.9, ago(1)), egfr(20, ago(1))])
def test_a_result_from_before_the_age_of_18_is_not_used(result: Any) -> None:
    assert value_of(result, patient=patient(birth_date="2008-06-14")) is not None
    assert whys(result, patient=patient(birth_date="2008-06-15")) == ["drawn before the age of 18"]


@pytest.mark.parametrize("gender", ["other", "unknown", None])
def test_without_male_or_female_only_what_holds_for_both_is_said(gender: str | None) -> None:
    someone = patient(gender=gender)
    assert value_of(creatinine(6), patient=someone) == "7.1 to 9.4"
    assert value_of(creatinine(0.8), patient=someone) == "79.2 to 95.2"
    # 28.1 as female and 37.5 as male: below 45 either way, below 30 perhaps.
    one, older = creatinine(1.9, ago(1)), egfr(50, ago(2))
    assert value_of(one, older, limit=45, patient=someone) == "28.1 to 37.5"
    assert value_of(one, older, patient=someone) == "50"
    assert whys(one, older, patient=someone) == ["which does not tell whether eGFR is below 30"]


def test_a_gender_in_capitals_is_the_same() -> None:
    assert value_of(creatinine(1.9), patient=patient(gender="Female")) == "28.1"


@pytest.mark.parametrize("born", [None, "soon", "1900-01-01", "1900"])
def test_without_an_age_only_what_a_laboratory_reports_counts(born: str | None) -> None:
    someone = patient(birth_date=born)
    assert whys(creatinine(1.9), patient=someone) == ["at an age that is not known"]
    assert value_of(creatinine(1.9), egfr(12), patient=someone) == "12"


@pytest.mark.parametrize(
    ("born", "shown"),
    [("1956", "28.1 to 28.2"), ("1956-06", "28.1 to 28.2"), ("1956-03", "28.1")],
)
def test_of_a_partial_birth_date_every_age_that_it_leaves_counts(born: str, shown: str) -> None:
    assert value_of(creatinine(1.9), patient=patient(birth_date=born)) == shown
    assert value_of(egfr(12), patient=patient(birth_date=born)) == "12"


@pytest.mark.parametrize(
    ("born", "why"),
    [
        ("2007", []),
        ("2008", ["perhaps drawn before the age of 18"]),
        ("2008-06", ["perhaps drawn before the age of 18"]),
        ("2009", ["drawn before the age of 18"]),
    ],
)
def test_who_may_have_been_a_child_is_not_judged(born: str, why: list[str]) -> None:
    for result in (creatinine(1.9, ago(5)), egfr(20, ago(5))):
        assert whys(result, patient=patient(birth_date=born)) == why


@pytest.mark.parametrize(
    ("newer", "why"),
    [
        (lab("2160-0", 168, "g/L", ago(1)), "in a unit not known here"),
        (lab("2160-0", 1.9, None, ago(1)), "in a unit not known here"),
        (creatinine(168, ago(1)), "not a plausible value"),
        (creatinine(None, ago(1)), "without a number"),
        (creatinine(1.9, ago(1), value_quantity=None), "without a number"),
        (creatinine(-1.9, ago(10)), "not a value that can be read here"),
        (
            creatinine(1.9, ago(1), data_absent_reason=concept(text="error")),
            "marked as not available",
        ),
        (text("98979-8", "not calculated", ago(1)), "without a number"),
        (text("98979-8", "GREATER THAN 60", ago(1)), "not a value that can be read here"),
        (creatinine(1.9, None), "without a full date"),
        (creatinine(1.9, "2026"), "without a full date"),
        (creatinine(1.9, None, issued="2026-06-10T10:00:00Z"), "without a full date"),
        (creatinine(1.9, ago(-2)), "dated in the future"),
        (egfr(31, ago(1), comparator="<"), "which does not tell whether eGFR is below 30"),
        (egfr(29, ago(1), comparator=">"), "which does not tell whether eGFR is below 30"),
        (egfr(30, ago(1), comparator="<="), "which does not tell whether eGFR is below 30"),
    ],
)
def test_an_older_value_is_used_and_the_newer_one_told(newer: Any, why: str) -> None:
    older = creatinine(1.45, ago(10))
    assert value_of(older, newer) == "38.8"
    assert whys(older, newer) == [why]


@pytest.mark.parametrize(
    ("newer", "spoken"),
    [
        (egfr(15, ago(1), comparator="<="), "at most 15"),
        (egfr(60, ago(1), comparator=">"), "above 60"),
        (egfr(30, ago(1), comparator=">="), "at least 30"),
        (text("98979-8", ">60", ago(1)), "above 60"),
        (creatinine(15, ago(1), comparator=">"), "below 2.35"),
        (creatinine(0.5, ago(1), comparator="<"), "above 100.84"),
    ],
)
def test_a_newer_bound_that_decides_is_the_newest_result(newer: Any, spoken: str) -> None:
    assert value_of(creatinine(1.9, ago(10)), newer) == spoken
    assert whys(creatinine(1.9, ago(10)), newer) == []


@pytest.mark.parametrize(
    "older",
    [
        creatinine(None, ago(11)),
        creatinine(0.8, "2015"),
        creatinine(0.8, "2026-05"),
        creatinine(0.8, None, issued="2026-06-04T10:00:00Z"),
        creatinine(None, "2026-06-05T06:00:00Z"),
        # Beside the creatinine of the same day: the laboratory could not compute it.
        egfr(None, ago(10)),
    ],
)
def test_an_unusable_result_that_is_older_is_not_told(older: Any) -> None:
    assert whys(creatinine(1.9, "2026-06-05T12:00:00Z"), older) == []


def test_an_unusable_value_of_the_same_day_is_told() -> None:
    assert whys(creatinine(1.9), creatinine(None)) == ["without a number"]
    assert whys(creatinine(1.9), text("98979-8", "see note")) == ["without a number"]
    assert whys(creatinine(None, ago(366))) == []


def test_late_in_the_evening_elsewhere_is_still_today() -> None:
    # 23:30 in New York is the next day in UTC.
    for time in ("2026-06-15T23:30:00-04:00", "2026-06-16T03:30:00Z"):
        (found,) = egfrs(chart(labs=[creatinine(1.9, time)]))
        assert isinstance(found, Reading)
        assert found.day == TODAY


def test_unknown_laboratory_results_are_no_results() -> None:
    assert egfrs(chart(labs=None)) == []


@pytest.mark.parametrize(
    ("mg_per_dl", "shown"),
    [
        # By hand 29.9997, 30.0017, 44.9958 and 45.0000.
        (1.7968, "29.9"),
        (1.7967, "30.0"),
        (1.2817, "44.9"),
        (1.2816, "45.0"),
        (1.9, "28.1"),
    ],
)
def test_a_value_is_never_shown_rounded_up_to_a_limit_that_it_is_below(
    mg_per_dl: float, shown: str
) -> None:
    assert value_of(creatinine(mg_per_dl), limit=45) == shown


@pytest.mark.parametrize(("value", "shown"), [(29.96, "29.96"), (30, "30"), (44.99, "44.99")])
def test_a_reported_value_is_shown_as_it_was_reported(value: float, shown: str) -> None:
    assert value_of(egfr(value)) == shown


def test_how_tells_the_value_as_recorded() -> None:
    found = asked(lab("14682-9", 168, "umol/L", ago(1))).reading
    assert found
    assert found.basis == "CKD-EPI 2021"
    assert found.how.replace("\\", "") == (
        "computed with CKD-EPI 2021 from creatinine 168 umol/L (1.90 mg/dL) as female at the age "
        "of 70"
    )
    reported = asked(egfr(50)).reading
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
    comparator=st.none() | st.sampled_from(["<", "<=", ">=", ">", "ad"]),
    status=texts | st.just("final"),
    issued=dates,
    value_string=texts | st.just(">60"),
)


@given(st.lists(observations, max_size=4), dates, st.sampled_from(["male", "female", None]))
def test_no_record_makes_it_crash(results: list[Any], born: str | None, gender: str | None) -> None:
    someone = patient(birth_date=born, gender=gender)
    for limit in (30, 45):
        found = asked(*Records(results), limit=limit, patient=someone)
        if found.reading:
            assert (found.reading.day - TODAY).days <= 1
            assert found.reading.shown
        for each in found.unused:
            assert isinstance(each, Unused)
            assert each.told
