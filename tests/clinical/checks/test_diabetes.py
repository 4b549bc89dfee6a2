"""HbA1c in adults with diabetes."""

from typing import Any

import pytest

from clinical.checks.diabetes import hba1c
from clinical.finding import Create, Result
from fhir.records import Condition, PatientLink
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    TYPE_2,
    a1c,
    ago,
    chart,
    concept,
    condition,
    creatinine,
    findings,
    gaps,
    lab,
    patient,
    procedure,
    rules,
    said,
    text,
    unreadable,
)

OVERDUE = "dm.a1c-overdue"
UNCONTROLLED = "dm.a1c-uncontrolled"
DIABETES = [condition(TYPE_2)]


def check(*results: Any, **changes: Any) -> list[Result]:
    return list(hba1c(chart(**{"conditions": DIABETES, "labs": results} | changes)))


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], [OVERDUE]),
        ([creatinine(1.9)], [OVERDUE]),
        ([a1c(7.2, ago(183))], []),
        ([a1c(7.2, ago(184))], [OVERDUE]),
        ([a1c(7.2, ago(0))], []),
        # The clock of an analyser may run ahead over midnight.
        ([a1c(9.1, ago(-1))], [UNCONTROLLED]),
        ([a1c(9.0)], []),
        ([a1c(9.1)], [UNCONTROLLED]),
        ([a1c(9.04)], [UNCONTROLLED]),
        ([a1c(9.1, ago(183))], [UNCONTROLLED]),
        ([a1c(9.1, ago(184))], [OVERDUE]),
        ([a1c(75, unit="mmol/mol")], []),
        ([a1c(76, unit="mmol/mol")], [UNCONTROLLED]),
        ([lab("59261-8", 76, "mmol/mol", ago(1))], [UNCONTROLLED]),
        ([a1c(9.1, ago(9)), a1c(7.2, ago(10))], [UNCONTROLLED]),
        ([a1c(9.1, ago(10)), a1c(7.2, ago(9))], []),
        ([a1c(9.1), a1c(9.2)], [UNCONTROLLED]),
        ([a1c(9.1), a1c(None)], [UNCONTROLLED]),
        ([a1c(11, unit="% of total Hgb")], [UNCONTROLLED]),
        # Bounds, on either side of what decides.
        ([a1c(9, comparator=">")], [UNCONTROLLED]),
        ([a1c(14, comparator=">=")], [UNCONTROLLED]),
        ([text("4548-4", ">14 %")], [UNCONTROLLED]),
        ([a1c(9, comparator="<")], []),
        ([a1c(4, comparator="<=")], []),
        # A newer test that failed does not hide an older result of the interval.
        ([a1c(11.2, ago(40)), text("4548-4", "cancelled", ago(3))], [UNCONTROLLED]),
        ([a1c(11.2, ago(40)), a1c(53, ago(3))], [UNCONTROLLED]),
        # Nothing usable in the interval: due, and told in which words below.
        ([a1c(None, ago(183))], [OVERDUE]),
        ([a1c(None, ago(10)), a1c(10.1, ago(200))], [OVERDUE]),
        ([text("4548-4", "see note", ago(183))], [OVERDUE]),
        ([a1c(None, data_absent_reason=concept(text="error"))], [OVERDUE]),
        ([a1c(53, ago(184))], [OVERDUE]),
        # A number that stands in a text.
        ([text("4548-4", "11.2 %")], [UNCONTROLLED]),
        ([text("4548-4", "6.5 %")], []),
        # Too old on the last day that it can be of.
        ([a1c(7.2, "2019")], [OVERDUE]),
        ([a1c(7.2, "2025-11")], [OVERDUE]),
        ([a1c(7.2, None, issued="2019-03-01T10:00:00Z")], [OVERDUE]),
        ([a1c(7.2, "2019"), a1c(7.2, ago(400))], [OVERDUE]),
        ([a1c(9.1, status="entered-in-error")], [OVERDUE]),
        ([a1c(9.1, status="preliminary")], [UNCONTROLLED]),
        ([a1c(9.1, "2026-06-15T23:30:00-04:00")], [UNCONTROLLED]),
        ([a1c(9.1, "2026-06-16T03:30:00Z")], [UNCONTROLLED]),
    ],
)
def test_which_finding(results: list[Any], expected: list[str]) -> None:
    found = check(*results)
    assert rules(found) == expected
    assert gaps(found) == ""


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        [condition((ICD, "R73.03", "Prediabetes"))],
        [condition(TYPE_2, clinical_status="resolved")],
        [condition(TYPE_2, verification_status="entered-in-error")],
    ],
)
def test_without_live_diabetes_there_is_nothing_to_say(conditions: list[Any]) -> None:
    assert check(conditions=conditions) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"patient": patient(deceased_boolean=True)},
        {"patient": patient(deceased_date_time="2026")},
        {"patient": patient(birth_date="2008-06-16")},
    ],
)
def test_who_is_left_in_peace(changes: dict[str, Any]) -> None:
    assert check(a1c(10.1), **changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": [*DIABETES, condition(IN_HOSPICE)]},
        {"procedures": [procedure(IN_HOSPICE, ago(365))]},
        {"procedures": [procedure(IN_HOSPICE, None, "in-progress")]},
    ],
)
def test_in_hospice_nothing_is_asked_for_and_that_is_counted(changes: dict[str, Any]) -> None:
    found = check(a1c(10.1), **changes)
    assert rules(found) == []
    assert gaps(found) == "HbA1c: hospice or palliative care is on record"


def test_who_is_not_left_out() -> None:
    assert rules(check(patient=patient(birth_date="2008-06-15"))) == [OVERDUE]
    assert rules(check(patient=patient(birth_date="2008-02-29"))) == [OVERDUE]
    assert rules(check(procedures=[procedure(IN_HOSPICE, ago(366))])) == [OVERDUE]
    assert rules(check(patient=patient(gender=None))) == [OVERDUE]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"conditions": None}, "the problem list is not fully known"),
        ({"conditions": unreadable("Condition")}, "the problem list is not fully known"),
        (
            {"conditions": [Condition(code=concept(text="Type 2 diabetes"))]},
            "diagnoses without a code known here (1)",
        ),
        ({"labs": None}, "the laboratory results are not known"),
        (
            {"labs": unreadable("Observation")},
            "laboratory results that could not be obtained or read (1)",
        ),
        (
            {"labs": unreadable("Observation", a1c(7.2, ago(200)))},
            "laboratory results that could not be obtained or read (1)",
        ),
        ({"patient": patient(birth_date="1956")}, "the birth date is not fully known"),
        ({"patient": patient(birth_date=None)}, "the birth date is not fully known"),
        ({"labs": [a1c(7.2, None)]}, "HbA1c 7.2 %, without a full date"),
        ({"labs": [a1c(7.2, "2026-05")]}, "HbA1c 7.2 % of 2026-05, without a full date"),
        ({"labs": [a1c(7.2, "2025-12")]}, "HbA1c 7.2 % of 2025-12, without a full date"),
        (
            {"labs": [a1c(7.2, None, issued="2026-05-01T10:00:00Z")]},
            "HbA1c 7.2 % issued on 01 May 2026, without a full date",
        ),
        (
            {"labs": [a1c(8.9, "2026-05-01", comparator=">")]},
            "HbA1c >8.9 % on 01 May 2026, which does not tell whether HbA1c is above 9",
        ),
        (
            {"labs": [a1c(9, "2026-05-01", comparator=">=")]},
            "which does not tell whether HbA1c is above 9",
        ),
        # A value that cannot be read here is no missing one.
        ({"labs": [a1c(53)]}, "HbA1c 53 % on 05 Jun 2026, not a plausible value"),
        ({"labs": [a1c(11, unit="%HbA1c")]}, "HbA1c 11 %HbA1c on 05 Jun 2026, in a unit not"),
        ({"labs": [a1c(7.2, unit="mmol/L")]}, "in a unit not known here"),
        ({"labs": [a1c(11, unit="percent")]}, "in a unit not known here"),
        ({"labs": [a1c(11, unit=None)]}, "in a unit not known here"),
        ({"labs": [a1c(0.112)]}, "not a plausible value"),
        ({"labs": [a1c(0)]}, "not a value that can be read here"),
        ({"labs": [text("4548-4", ">14")]}, "HbA1c “>14” on 05 Jun 2026, in a unit not known"),
        ({"labs": [text("4548-4", "HbA1c: 11.2")]}, "not a value that can be read here"),
        (
            {"labs": [a1c(11.2, data_absent_reason=concept(text="error"))]},
            "HbA1c 11.2 % on 05 Jun 2026, marked as not available",
        ),
        ({"labs": [a1c(9.1, ago(-2))]}, "HbA1c 9.1 % on 17 Jun 2026, dated in the future"),
        # A result of tomorrow is one of today, and contradicts it.
        (
            {"labs": [a1c(12, ago(0)), a1c(7, ago(-1))]},
            "results of 15 Jun 2026 disagree on whether HbA1c is above 9 %: 7 %; 12 %",
        ),
        # Of one day, and on both sides of the line.
        (
            {"labs": [a1c(9.1, "2026-05-01"), a1c(8.9, "2026-05-01")]},
            "results of 01 May 2026 disagree on whether HbA1c is above 9 %: 8.9 %; 9.1 %",
        ),
        (
            {"labs": [a1c(12, "2026-05-01T08:00Z"), a1c(6.5, "2026-05-01T20:00Z")]},
            "results of 01 May 2026 disagree on whether HbA1c is above 9 %: 6.5 %; 12 %",
        ),
        # A good result, and a newer one that cannot be used.
        (
            {"labs": [a1c(7, ago(10)), text("4548-4", "see *note*", "2026-06-14")]},
            "HbA1c “see *note*” on 14 Jun 2026, without a number",
        ),
        (
            {"labs": [], "patient": patient(link=[PatientLink(type="replaced-by")])},
            "results under the record that replaces this one",
        ),
    ],
)
def test_what_cannot_be_judged_is_a_gap_and_no_card(changes: dict[str, Any], told: str) -> None:
    found = check(**changes)
    assert rules(found) == []
    assert told in gaps(found).replace("&gt;", ">")


@pytest.mark.parametrize(
    ("results", "known", "detail"),
    [
        ([], "none on record here", "No HbA1c on record here;"),
        (
            [a1c(12, "2025-11-01")],
            "the last on record here is 12 % of 01 Nov 2025, 226 days ago",
            "Last HbA1c on record here: 12 % on 01 Nov 2025;",
        ),
        (
            [a1c(7.2, "2025-11-01"), a1c(None, "2025-12-01")],
            "the last usable on record here is 7.2 % of 01 Nov 2025, 226 days ago",
            "- HbA1c on 01 Dec 2025, without a number",
        ),
        (
            [a1c(None, "2026-06-12")],
            "the test of 12 Jun 2026 has no number",
            "No usable HbA1c on record here;",
        ),
        (
            [text("4548-4", "clotted", "2026-06-12"), a1c(8, "2025-11-01")],
            "the test of 12 Jun 2026 has no number",
            "- HbA1c “clotted” on 12 Jun 2026, without a number",
        ),
        (
            [text("4548-4", "clotted", "2026-06-12"), a1c(8, "2025-11-01")],
            "the test of 12 Jun 2026 has no number",
            "Last usable HbA1c on record here: 8 % on 01 Nov 2025;",
        ),
        (
            [a1c(8, "2020-11-01")],
            "the last on record here is 8 % of 01 Nov 2020, 5 years ago",
            "Last HbA1c on record here: 8 % on 01 Nov 2020;",
        ),
        ([a1c(7.2, "2019-03")], "none usable on record here", "- HbA1c 7.2 % of 2019-03, without"),
        (
            [a1c(7.2, None, issued="2019-03-01T10:00:00Z")],
            "none usable on record here",
            "- HbA1c 7.2 % issued on 01 Mar 2019, without a full date",
        ),
        ([a1c(None, ago(184))], "none usable on record here", "without a number"),
        (
            [a1c(7, "2025-11-01"), a1c(8, "2025-11-01"), a1c(9, "2025-11-01", status="unknown")],
            "the last on record here is 7 % of 01 Nov 2025, 226 days ago",
            "7 %; 8 %; 9 % (status unknown) on 01 Nov 2025;",
        ),
    ],
)
def test_no_card_says_more_than_the_record(results: list[Any], known: str, detail: str) -> None:
    (found,) = findings(check(*results))
    assert found.summary == f"HbA1c may be due: {known}"
    assert detail in said(found)
    assert "done elsewhere may be missing" in said(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"procedures": None},
        {"procedures": unreadable("Procedure")},
        {"procedures": [procedure(IN_HOSPICE, None)]},
        {"conditions": unreadable("Condition", *DIABETES)},
    ],
)
def test_without_knowing_of_hospice_it_still_runs_and_says_so(changes: dict[str, Any]) -> None:
    found = check(a1c(10.1), **changes)
    assert rules(found) == [UNCONTROLLED]
    assert gaps(found) == "hospice and palliative care: not fully known"


def test_what_an_overdue_card_says() -> None:
    (found,) = findings(check(a1c(7.2, "2025-11-01")))
    assert found.indicator == "info"
    assert found.summary == (
        "HbA1c may be due: the last on record here is 7.2 % of 01 Nov 2025, 226 days ago"
    )
    assert "7.2 % on 01 Nov 2025; one done elsewhere may be missing." in said(found)
    assert found.source.label == "ADA Standards of Care in Diabetes, 2025"
    assert found.overrides == (
        "done-elsewhere",
        "patient-declined",
        "not-appropriate",
        "limited-life-expectancy",
        "already-ordered",
        "data-wrong",
    )
    (order,) = found.suggestions
    (create,) = order.actions
    # Whether one is ordered already is not known here.
    assert not order.recommended
    assert isinstance(create, Create)
    assert (create.order.code.system, create.order.code.code) == ("http://loinc.org", "4548-4")


def test_what_an_uncontrolled_card_says() -> None:
    (found,) = findings(check(a1c(10.1, "2026-05-01")))
    assert found.indicator == "warning"
    assert found.summary == "HbA1c is above 9 %: 10.1 % on 01 May 2026"
    assert "of a quality measure for ages 18 to 75, not a goal of treatment" in said(found)
    assert "CMS122" in found.source.label
    assert found.suggestions == ()
    assert (found.drug, found.severity) == (None, 10.1)
    (other,) = findings(check(a1c(76, "2026-05-01", unit="mmol/mol")))
    assert other.summary == "HbA1c is above 9 %: 9.1 % on 01 May 2026"
    assert "76 mmol/mol (9.1 %)" in said(other)


@pytest.mark.parametrize(
    ("value", "shown"), [(9.04, "9.04"), (9.001, "9.001"), (10.23456, "10.23")]
)
def test_a_value_is_not_shown_as_the_line_that_it_is_above(value: float, shown: str) -> None:
    (found,) = findings(check(a1c(value, "2026-05-01")))
    assert found.summary == f"HbA1c is above 9 %: {shown} % on 01 May 2026"


def test_a_preliminary_value_is_called_so() -> None:
    (found,) = findings(check(a1c(10.1, "2026-05-01", status="preliminary")))
    assert found.summary == "HbA1c is above 9 %: 10.1 % (preliminary) on 01 May 2026"
    assert "HbA1c **10.1 % (preliminary)** on 01 May 2026." in said(found)


def test_all_values_of_the_day_are_told() -> None:
    early, late = a1c(9.4, "2026-05-01T08:00:00Z"), a1c(12.1, "2026-05-01T20:00:00Z")
    (found,) = findings(check(early, late))
    assert found.summary == "HbA1c is above 9 %: 12.1 % on 01 May 2026"
    assert "Of the same day: 9.4 %." in said(found)
    (found,) = findings(check(a1c(12.1, "2026-05-01"), a1c(9.4, "2026-05-01")))
    assert found.summary == "HbA1c is above 9 %: 9.4 % on 01 May 2026"
    assert "Of the same day: 12.1 %." in said(found)


def test_a_value_of_the_same_day_on_the_other_side_stands_in_the_summary() -> None:
    early, late = a1c(6.5, "2026-05-01T08:00:00Z"), a1c(12.1, "2026-05-01T20:00:00Z")
    (found,) = findings(check(early, late))
    assert found.summary == "HbA1c is above 9 %: 12.1 % on 01 May 2026; that day also 6.5 %"


def test_a_result_of_tomorrow_is_told_to_be_dated_so() -> None:
    (found,) = findings(check(a1c(12, ago(-1))))
    assert found.summary == "HbA1c is above 9 %: 12 % dated 16 Jun 2026"


def test_a_result_that_was_sent_twice_is_told_once() -> None:
    (found,) = findings(check(a1c(10), a1c(10)))
    assert "Of the same day" not in said(found)
    (found,) = findings(check(a1c(10), a1c(11), a1c(11)))
    assert "Of the same day: 11 %." in said(found)


@pytest.mark.parametrize(
    ("bound", "comparator", "shown"),
    [(9, ">", "above 9"), (14, ">", "above 14"), (14, ">=", "at least 14")],
)
def test_a_value_told_as_a_bound_counts_where_that_decides(
    bound: float, comparator: str, shown: str
) -> None:
    (found,) = findings(check(labs=[a1c(bound, "2026-05-01", comparator=comparator)]))
    assert found.summary == f"HbA1c is above 9 %: {shown} % on 01 May 2026"
    assert found.severity == bound
    assert found.indicator == "warning"
