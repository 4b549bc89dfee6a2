"""Metformin orders against the newest eGFR."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from clinical.checks.metformin import metformin_renal
from clinical.finding import Create, Delete, Result
from fhir.records import Draft, Medication, Records, Reference, ServiceRequest
from tests.clinical.build import (
    METFORMIN_500,
    ON_DIALYSIS,
    RXNORM,
    ago,
    chart,
    concept,
    condition,
    creatinine,
    draft,
    egfr,
    findings,
    gaps,
    lab,
    medication,
    patient,
    rules,
    said,
    unreadable,
)

CONTRAINDICATED = "renal.metformin.contraindicated"
START = "renal.metformin.start"
REVIEW = "renal.metformin.continue-review"
ESRD = "renal.metformin.esrd"
ON_METFORMIN = [medication(METFORMIN_500)]
LISINOPRIL = (RXNORM, "314076", "lisinopril 10 MG Oral Tablet")


def check(**changes: Any) -> list[Result]:
    return list(metformin_renal(chart(**{"drafts": [draft()]} | changes)))


def suggested(results: Iterable[Result]) -> list[str]:
    return [each.label for each in findings(results)[0].suggestions]


@pytest.mark.parametrize(
    ("value", "active", "expected"),
    [
        (29.9, [], [CONTRAINDICATED]),
        (29.96, [], [CONTRAINDICATED]),
        (30, [], [START]),
        (44.9, [], [START]),
        (44.99, [], [START]),
        (45, [], []),
        (90, [], []),
        (29.9, ON_METFORMIN, [CONTRAINDICATED]),
        (30, ON_METFORMIN, [REVIEW]),
        (44.9, ON_METFORMIN, [REVIEW]),
        (45, ON_METFORMIN, []),
    ],
)
def test_each_side_of_each_limit(value: float, active: list[Any], expected: list[str]) -> None:
    assert rules(check(labs=[egfr(value)], medications=active)) == expected


@pytest.mark.parametrize(
    ("rule", "changes", "indicator", "summary"),
    [
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-05-01")]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 01 May 2026 (CKD-EPI 2021)",
        ),
        (
            CONTRAINDICATED,
            {"labs": [egfr(29.96, "2026-05-01")]},
            "critical",
            "Metformin is contraindicated: eGFR 29.9 on 01 May 2026 (laboratory)",
        ),
        (
            START,
            {"labs": [creatinine(1.45, "2026-05-01")]},
            "warning",
            "Starting metformin is not recommended: eGFR 38.8 on 01 May 2026 (CKD-EPI 2021)",
        ),
        (
            REVIEW,
            {"labs": [creatinine(1.45, "2026-05-01")], "medications": ON_METFORMIN},
            "info",
            "Metformin: weigh benefit and risk of going on at eGFR 38.8 on 01 May 2026 "
            "(CKD-EPI 2021)",
        ),
        (
            START,
            {"labs": [creatinine(1.45, "2026-05-01")], "medications": None},
            "warning",
            "Check metformin at eGFR 38.8 on 01 May 2026 (CKD-EPI 2021)",
        ),
        (
            ESRD,
            {"conditions": [condition(ON_DIALYSIS)]},
            "warning",
            "Check metformin: kidney failure is on record (End stage renal failure on dialysis)",
        ),
    ],
)
def test_what_a_card_says(rule: str, changes: dict[str, Any], indicator: str, summary: str) -> None:
    found = findings(check(**changes))
    assert [(each.rule, each.indicator, each.summary) for each in found] == [
        (rule, indicator, summary)
    ]
    assert found[0].about == ("MedicationRequest/d1",)
    assert found[0].overrides == (
        "benefit-outweighs-risk",
        "will-monitor",
        "data-wrong",
        "specialist-advice",
    )
    assert found[0].source.label.endswith("2016")


def test_the_detail_tells_where_the_number_is_from() -> None:
    (found,) = findings(check(labs=[lab("14682-9", 168, "umol/L", "2026-05-01")]))
    assert said(found) == (
        "eGFR **28.0** mL/min/1.73 m² on 01 May 2026, computed with CKD-EPI 2021 from creatinine "
        "168 umol/L (1.90 mg/dL) at the age of 70.\n\n"
        "Metformin is contraindicated below 30.\n\n"
        "Order: metformin hydrochloride 500 MG Oral Tablet."
    )


def test_a_match_by_name_is_told() -> None:
    by_name = draft(medication_codeable_concept=concept(text="Metformin ER 500"))
    (found,) = findings(check(drafts=[by_name], labs=[egfr(20)]))
    assert "Order: Metformin ER 500 (matched by name, not by code)." in said(found)


@pytest.mark.parametrize(
    ("drafts", "told"),
    [
        ([draft(LISINOPRIL)], ""),
        ([draft(do_not_perform=True)], ""),
        ([draft(status="cancelled")], ""),
        ([draft(status="entered-in-error")], ""),
        ([draft(status="stopped")], ""),
        ([draft(status="completed")], ""),
        ([Draft("ServiceRequest/s1", ServiceRequest("s1"), b"{}")], ""),
        ([Draft("NutritionOrder/n1", None, b"{}")], ""),
        ([Draft("MedicationRequest/d1", draft().resource, b"{}", selected=False)], ""),
        ([Draft("MedicationRequest/d1", None, b"{}", selected=False)], ""),
        ([Draft("MedicationRequest/d1", None, b"{}")], "d1, which could not be read"),
        ([Draft("MedicationOrder/d1", None, b"{}")], "d1, which could not be read"),
        (
            [draft(medication_reference=Reference("Medication/gone"))],
            "d1, whose medicine is not told",
        ),
        ([draft(medication_codeable_concept=None)], "d1, whose medicine is not told"),
    ],
)
def test_an_order_that_is_not_judged(drafts: list[Draft], told: str) -> None:
    results = check(drafts=drafts, labs=[egfr(20)])
    assert rules(results) == []
    assert (told in gaps(results)) if told else gaps(results) == ""


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", None])
def test_an_order_in_any_other_status_is_judged(status: str | None) -> None:
    assert rules(check(drafts=[draft(status=status)], labs=[egfr(20)])) == [CONTRAINDICATED]


def test_two_metformin_orders_are_two_findings() -> None:
    found = findings(check(drafts=[draft(id="a"), draft(id="b")], labs=[egfr(20)]))
    assert [each.about for each in found] == [("MedicationRequest/a",), ("MedicationRequest/b",)]
    assert found[0].key != found[1].key


@pytest.mark.parametrize(
    ("value", "expected"), [(29.9, CONTRAINDICATED), (30, ESRD), (50, ESRD), (None, ESRD)]
)
@pytest.mark.parametrize("active", [[], ON_METFORMIN])
def test_kidney_failure_on_record_is_never_silence(
    value: float | None, expected: str, active: list[Any]
) -> None:
    results = [egfr(value)] if value else []
    found = findings(check(labs=results, conditions=[condition(ON_DIALYSIS)], medications=active))
    assert [each.rule for each in found] == [expected]
    assert "On record: End stage renal failure on dialysis." in said(found[0])


def test_kidney_failure_that_is_refuted_or_resolved_does_not_count() -> None:
    over = [
        condition(ON_DIALYSIS, verification_status="refuted"),
        condition(ON_DIALYSIS, clinical_status="resolved"),
    ]
    assert check(labs=[egfr(50)], conditions=over) == []


@pytest.mark.parametrize("bound", [15, 30])
def test_an_egfr_told_as_below_a_bound_counts_where_that_decides(bound: float) -> None:
    (found,) = findings(check(labs=[egfr(bound, "2026-05-01", comparator="<")]))
    assert (found.rule, found.indicator) == ("renal.metformin.contraindicated", "critical")
    assert f"eGFR below {bound} on 01 May 2026" in found.summary


def test_a_laboratory_egfr_of_the_same_day_is_told_beside_the_computed_one() -> None:
    (found,) = findings(
        check(labs=[creatinine(3.1, "2026-05-01"), egfr(67.7, "2026-05-01"), egfr(50, ago(300))])
    )
    assert found.rule == "renal.metformin.contraindicated"
    assert "the laboratory reported 67.7 of the same day" in (found.detail or "")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labs": []}, "no creatinine or eGFR of the last 365 days on record here"),
        ({"labs": [creatinine(1.9, ago(366))]}, "no creatinine or eGFR of the last 365 days"),
        ({"labs": None}, "the laboratory results are not known"),
        (
            {"labs": [lab("2160-0", 168, "g/L", "2026-05-01")]},
            "no usable result of the last 365 days: "
            "creatinine 168 g/L on 01 May 2026, in a unit not known here",
        ),
        (
            {"labs": [egfr(31, "2026-05-01", comparator="<")]},
            "reported eGFR <31 mL/min/{1.73_m2} on 01 May 2026, not an exact number",
        ),
        ({"labs": [creatinine(1.9, None)]}, "creatinine 1.9 mg/dL, without a full date"),
        (
            {"labs": unreadable("Observation")},
            "laboratory results that could not be read (1)",
        ),
        ({"labs": [egfr(20)], "patient": patient(birth_date="1956")}, "birth date"),
        ({"labs": [egfr(20)], "patient": patient(birth_date="2008-06-16")}, "for adults"),
        (
            {"labs": [creatinine(1.9, "2026-05-01")], "patient": patient(gender="other")},
            "no equation for the recorded gender",
        ),
    ],
)
def test_without_a_usable_value_there_is_a_gap_and_no_card(
    changes: dict[str, Any], told: str
) -> None:
    results = check(**changes)
    assert rules(results) == []
    assert told in gaps(results).replace("&lt;", "<")


def test_the_eighteenth_birthday_is_the_first_day_that_is_judged() -> None:
    today = [egfr(20, ago(0))]
    assert rules(check(labs=today, patient=patient(birth_date="2008-06-15"))) == [CONTRAINDICATED]
    assert rules(check(labs=today, patient=patient(birth_date="2008-06-16"))) == []


def test_a_newer_result_that_cannot_be_used_is_told_in_the_card() -> None:
    newer = lab("2160-0", 168, "g/L", "2026-06-01")
    (found,) = findings(check(labs=[creatinine(1.9, "2026-05-01"), newer]))
    assert "eGFR 28.1 on 01 May 2026" in found.summary
    assert said(found).endswith(
        "Not used, and possibly newer:\n\n"
        "- creatinine 168 g/L on 01 Jun 2026, in a unit not known here"
    )


def test_a_newer_result_that_cannot_be_used_is_a_gap_where_there_is_no_card() -> None:
    newer = lab("2160-0", 168, "g/L", "2026-06-01")
    results = check(labs=[creatinine(0.8, "2026-05-01"), newer])
    assert rules(results) == []
    assert "creatinine 168 g/L on 01 Jun 2026, in a unit not known here" in gaps(results)


def test_results_that_could_not_be_read_may_be_newer() -> None:
    known = unreadable("Observation", creatinine(0.8))
    assert "laboratory results that could not be read (1)" in gaps(check(labs=known))
    (found,) = findings(check(labs=unreadable("Observation", creatinine(1.9))))
    assert "laboratory results that could not be read (1)" in said(found)


def test_only_the_newest_doubts_are_told() -> None:
    many = [creatinine(None, ago(day)) for day in range(1, 9)]
    told = gaps(check(labs=many))
    assert "14 Jun 2026" in told
    assert "more results (5)" in told
    assert "07 Jun 2026" not in told


@pytest.mark.parametrize(
    "medications", [None, unreadable("MedicationRequest"), [medication(id="m9")]]
)
def test_a_start_is_not_claimed_where_the_medications_are_not_known(medications: Any) -> None:
    results = check(labs=[egfr(40)], medications=medications)
    (found,) = findings(results)
    assert (found.rule, found.indicator) == (START, "warning")
    assert "tarting metformin is not" not in found.summary
    assert gaps(results) == "whether metformin is active already"


@pytest.mark.parametrize("conditions", [None, unreadable("Condition")])
def test_an_unknown_problem_list_is_a_gap(conditions: Any) -> None:
    results = check(labs=[egfr(50)], conditions=conditions)
    assert rules(results) == []
    assert "the problem list is not fully known" in gaps(results)


def test_kidney_failure_that_was_seen_leaves_no_gap() -> None:
    partly = unreadable("Condition", condition(ON_DIALYSIS))
    assert gaps(check(labs=[egfr(20)], conditions=partly)) == ""


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (90, ["Remove this metformin order"]),
        (91, ["Remove this metformin order", "Order creatinine"]),
    ],
)
def test_an_old_value_is_offered_to_be_checked_again(days: int, labels: list[str]) -> None:
    assert suggested(check(labs=[egfr(20, ago(days))])) == labels


def test_what_the_suggestions_do() -> None:
    (found,) = findings(check(labs=[egfr(20, ago(200))]))
    (remove,), (order,) = (each.actions for each in found.suggestions)
    assert isinstance(remove, Delete)
    assert remove.draft.reference == "MedicationRequest/d1"
    assert isinstance(order, Create)
    assert (order.order.code.system, order.order.code.code) == ("http://loinc.org", "2160-0")
    assert not any(each.recommended for each in found.suggestions)


def test_an_active_order_is_not_offered_to_be_removed() -> None:
    assert suggested(check(drafts=[draft(status="active")], labs=[egfr(20)])) == []


def test_the_medicine_beside_the_medications_is_found() -> None:
    order = draft(medication_reference=Reference("Medication/x"))
    known = Records(included={"Medication/x": Medication("x", concept(METFORMIN_500))})
    assert rules(check(drafts=[order], medications=known, labs=[egfr(20)])) == [CONTRAINDICATED]


def test_a_deceased_patient_is_left_in_peace() -> None:
    assert check(labs=[egfr(20)], patient=patient(deceased_boolean=True)) == []
    assert check(labs=[egfr(20)], patient=patient(deceased_date_time="2026-01")) == []


def test_no_record_text_becomes_markup() -> None:
    evil = "metformin <script>alert(1)</script> [x](http://evil.example) `x`"
    order = draft(medication_codeable_concept=concept(text=evil))
    strange = lab("2160-0", 1.9, "<img src=x>", "2026-06-10")
    results = check(drafts=[order], labs=[creatinine(1.9, "2026-05-01"), strange])
    (found,) = findings(results)
    assert found.detail
    assert "<" not in found.detail
    assert not re.search(r"(?<!\\)\]\(", found.detail)
