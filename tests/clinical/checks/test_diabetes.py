"""HbA1c in adults with diabetes."""

from typing import Any

import pytest

from clinical.checks.diabetes import hba1c
from clinical.finding import Create, Result
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    TYPE_2,
    a1c,
    ago,
    chart,
    condition,
    creatinine,
    findings,
    gaps,
    lab,
    patient,
    procedure,
    rules,
    said,
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
        ([a1c(7.2, ago(-1))], [OVERDUE]),
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
        ([a1c(9.1), a1c(8.9)], []),
        ([a1c(9.1), a1c(None)], [UNCONTROLLED]),
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
        {"conditions": [*DIABETES, condition(IN_HOSPICE)]},
        {"procedures": [procedure(IN_HOSPICE, ago(365))]},
        {"procedures": [procedure(IN_HOSPICE, None, "in-progress")]},
    ],
)
def test_who_is_left_in_peace(changes: dict[str, Any]) -> None:
    assert check(a1c(10.1), **changes) == []


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
        ({"labs": None}, "the laboratory results are not known"),
        ({"labs": unreadable("Observation")}, "laboratory results that could not be read (1)"),
        (
            {"labs": unreadable("Observation", a1c(7.2, ago(200)))},
            "laboratory results that could not be read (1)",
        ),
        ({"patient": patient(birth_date="1956")}, "the birth date is not fully known"),
        ({"patient": patient(birth_date=None)}, "the birth date is not fully known"),
        ({"labs": [a1c(7.2, None)]}, "HbA1c 7.2 %, without a full date"),
        ({"labs": [a1c(7.2, "2026-05")]}, "without a full date"),
        (
            {"labs": [a1c(7.2, "2026-05-01", unit="mmol/L")]},
            "HbA1c 7.2 mmol/L on 01 May 2026, in a unit not known here",
        ),
        (
            {"labs": [a1c(8.9, "2026-05-01", comparator=">")]},
            "HbA1c >8.9 % on 01 May 2026, not an exact number",
        ),
        ({"labs": [a1c(None, ago(183))]}, "without a usable number"),
        (
            {"labs": [a1c(None, ago(10)), a1c(10.1, ago(20))]},
            "without a usable number",
        ),
    ],
)
def test_what_cannot_be_judged_is_a_gap_and_no_card(changes: dict[str, Any], told: str) -> None:
    found = check(**changes)
    assert rules(found) == []
    assert told in gaps(found).replace("&gt;", ">")


def test_an_old_result_without_a_number_is_an_old_result() -> None:
    (found,) = findings(check(a1c(None, ago(184))))
    assert found.rule == OVERDUE
    assert "no number" in said(found)


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
        "HbA1c may be due: the last on record here is of 01 Nov 2025, 226 days ago"
    )
    assert "7.2 % on 01 Nov 2025; one done elsewhere may be missing." in said(found)
    assert found.source.label == "ADA Standards of Care in Diabetes, 2025"
    assert found.overrides == (
        "done-elsewhere",
        "patient-declined",
        "limited-life-expectancy",
        "already-ordered",
        "data-wrong",
    )
    (order,) = found.suggestions
    (create,) = order.actions
    assert order.recommended
    assert isinstance(create, Create)
    assert (create.order.code.system, create.order.code.code) == ("http://loinc.org", "4548-4")


def test_no_card_claims_that_a_test_was_not_done() -> None:
    (found,) = findings(check())
    assert found.summary == "HbA1c may be due: none on record here"
    assert "one done elsewhere may be missing" in said(found)


def test_what_an_uncontrolled_card_says() -> None:
    (found,) = findings(check(a1c(10.1, "2026-05-01")))
    assert found.indicator == "warning"
    assert found.summary == "HbA1c 10.1 % on 01 May 2026: above 9 %"
    assert "not a goal of treatment" in said(found)
    assert "CMS122" in found.source.label
    assert found.suggestions == ()
    (other,) = findings(check(a1c(76, "2026-05-01", unit="mmol/mol")))
    assert other.summary == "HbA1c 9.1 % on 01 May 2026: above 9 %"
    assert "76 mmol/mol (9.1 %)" in said(other)


def test_a_result_of_the_future_is_told() -> None:
    (found,) = findings(check(a1c(7.2, "2027-05-01")))
    assert said(found).endswith("- HbA1c 7.2 % on 01 May 2027, dated in the future")


@pytest.mark.parametrize("bound", [9, 14])
def test_a_value_told_as_above_a_bound_counts_where_that_decides(bound: float) -> None:
    (found,) = findings(check(labs=[a1c(bound, "2026-05-01", comparator=">")]))
    assert found.summary == f"HbA1c above {bound} % on 01 May 2026: above 9 %"
    assert found.indicator == "warning"
