"""Metformin orders against the newest eGFR."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from clinical.checks.metformin import metformin_renal
from clinical.finding import Create, Delete, Result
from fhir.records import (
    Condition,
    Draft,
    Medication,
    PatientLink,
    Records,
    Reference,
    ServiceRequest,
)
from tests.clinical.build import (
    ICD,
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
    order_of,
    patient,
    rules,
    said,
    text,
    unreadable,
)

CONTRAINDICATED = "renal.metformin.contraindicated"
START = "renal.metformin.start"
REVIEW = "renal.metformin.continue-review"
ESRD = "renal.metformin.esrd"
MONITOR = "monitor.metformin"
STAGE_4 = (ICD, "N18.4", "Chronic kidney disease, stage 4 (severe)")
A_LOWER_ONE_EARLIER = [
    egfr(15, "2026-06-15T06:00:00-04:00"),
    creatinine(1.45, "2026-06-15T07:00:00-04:00"),
]
ON_METFORMIN = [medication(METFORMIN_500)]
LISINOPRIL = (RXNORM, "314076", "lisinopril 10 MG Oral Tablet")


def check(**changes: Any) -> list[Result]:
    return list(metformin_renal(chart(**{"drafts": [draft()]} | changes)))


def suggested(results: Iterable[Result]) -> list[str]:
    return [each.label for each in findings(results)[0].suggestions]


CHECK = "Check kidney function before metformin: "
REMOVE, MEASURE = "Remove this order of metformin", "Order creatinine"


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
            "Metformin is contraindicated: eGFR 28.1 on 01 May 2026",
        ),
        (
            CONTRAINDICATED,
            {"labs": [egfr(29.96, "2026-05-01")]},
            "critical",
            "Metformin is contraindicated: eGFR 29.96 on 01 May 2026",
        ),
        (
            START,
            {"labs": [creatinine(1.45, "2026-05-01")]},
            "warning",
            "Starting metformin is not recommended: eGFR 38.8 on 01 May 2026",
        ),
        (
            REVIEW,
            {"labs": [creatinine(1.45, "2026-05-01")], "medications": ON_METFORMIN},
            "info",
            "Metformin: weigh benefit and risk of going on at eGFR 38.8 on 01 May 2026",
        ),
        (
            START,
            {"labs": [creatinine(1.45, "2026-05-01")], "medications": None},
            "warning",
            "Check metformin at eGFR 38.8 on 01 May 2026",
        ),
        (
            ESRD,
            {"conditions": [condition(ON_DIALYSIS)]},
            "warning",
            "Check metformin: kidney failure is on record (End stage renal failure on dialysis)",
        ),
        (
            ESRD,
            {"conditions": [condition(ON_DIALYSIS, verification_status="differential")]},
            "warning",
            "Check metformin: kidney failure is on record (End stage renal failure on dialysis, "
            "differential)",
        ),
        # From the age on at which a value is to be checked again, the summary tells how old it is.
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-03-17")]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 17 Mar 2026",
        ),
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-03-16")]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 16 Mar 2026, 91 days ago",
        ),
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-05-01", status="preliminary")]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 01 May 2026 (preliminary)",
        ),
        # A newer one that could not be used is not passed over.
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-03-07"), text("98979-8", "above 60", ago(1))]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 07 Mar 2026, 100 days ago; "
            "a newer result could not be used",
        ),
        (
            START,
            {"labs": [creatinine(1.45, "2026-05-01"), creatinine(168, "2026-05-02")]},
            "warning",
            "Starting metformin is not recommended: eGFR 38.8 on 01 May 2026; "
            "a newer result could not be used",
        ),
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, "2026-05-01"), text("98979-8", "high", "2026-05-01")]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 on 01 May 2026",
        ),
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.9, ago(-1))]},
            "critical",
            "Metformin is contraindicated: eGFR 28.1 dated 16 Jun 2026",
        ),
        # A result of the day may be below the lower limit.
        (
            START,
            {"labs": A_LOWER_ONE_EARLIER},
            "warning",
            "Starting metformin is not recommended: eGFR 38.8 on 15 Jun 2026 (CKD-EPI 2021); "
            "that day also 15 (laboratory)",
        ),
        (
            REVIEW,
            {"labs": A_LOWER_ONE_EARLIER, "medications": ON_METFORMIN},
            "warning",
            "Metformin may be contraindicated: eGFR 38.8 on 15 Jun 2026 (CKD-EPI 2021); "
            "that day also 15 (laboratory)",
        ),
        (
            START,
            {"labs": A_LOWER_ONE_EARLIER, "medications": None},
            "warning",
            "Metformin may be contraindicated: eGFR 38.8 on 15 Jun 2026 (CKD-EPI 2021); "
            "that day also 15 (laboratory)",
        ),
        (
            REVIEW,
            {"labs": [egfr(30, "2026-05-01", comparator="<=")], "medications": ON_METFORMIN},
            "warning",
            "Metformin may be contraindicated: eGFR at most 30 on 01 May 2026",
        ),
        (
            REVIEW,
            {
                "labs": [egfr(30, "2026-05-02", comparator=">="), egfr(29, "2026-05-01")],
                "medications": ON_METFORMIN,
            },
            "info",
            "Metformin: weigh benefit and risk of going on at eGFR 29 on 01 May 2026; "
            "a newer result could not be used",
        ),
        # The newest does not tell whether it is below the upper limit.
        (
            START,
            {"labs": [egfr(30, "2026-05-02", comparator=">"), egfr(80, "2026-05-01")]},
            "warning",
            "Check metformin: eGFR above 30 on 02 May 2026, may be below 45",
        ),
        (
            START,
            {"labs": [egfr(60, "2026-05-02", comparator="<")], "medications": ON_METFORMIN},
            "warning",
            "Check metformin: eGFR below 60 on 02 May 2026, may be below 45",
        ),
        (
            START,
            {
                "labs": [creatinine(1.5, "2026-05-02"), egfr(80, "2026-05-02")],
                "patient": patient(gender="other"),
            },
            "warning",
            "Check metformin: eGFR 37.3 to 49.8 on 02 May 2026, may be below 45",
        ),
        # The laboratory's own eGFR of the same day contradicts the creatinine.
        (
            CONTRAINDICATED,
            {"labs": [creatinine(1.1, "2026-05-01"), egfr(22, "2026-05-01")]},
            "critical",
            "Metformin is contraindicated: eGFR 22 on 01 May 2026 (laboratory); "
            "that day also 54.1 (CKD-EPI 2021)",
        ),
        (
            START,
            {"labs": [egfr(45, "2026-05-01", comparator="<")]},
            "warning",
            "Starting metformin is not recommended: eGFR below 45 on 01 May 2026",
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
    assert found[0].pick == "any"


@pytest.mark.parametrize(
    ("results", "severity"),
    [
        ([egfr(20)], -20),
        ([egfr(15, comparator="<")], -15),
        ([egfr(40)], -40),
        ([egfr(20, ago(400))], -20),
        ([], None),
    ],
)
def test_a_lower_egfr_is_graver(results: list[Any], severity: float | None) -> None:
    (found,) = findings(check(labs=results))
    assert (found.drug, found.severity) == ("metformin", severity)


def test_a_diagnosis_beside_a_bound_has_no_number_to_grow() -> None:
    results = check(labs=[egfr(60, comparator=">")], conditions=[condition(ON_DIALYSIS)])
    assert [each.severity for each in findings(results)] == [None]


def test_the_detail_tells_where_the_number_is_from() -> None:
    (found,) = findings(check(labs=[lab("14682-9", 168, "umol/L", "2026-05-01")]))
    assert said(found) == (
        "eGFR **28.0** mL/min/1.73 m² on 01 May 2026, computed with CKD-EPI 2021 from creatinine "
        "168 umol/L (1.90 mg/dL) as female at the age of 70.\n\n"
        "Metformin is contraindicated below an eGFR of 30.\n\n"
        "Order: metformin hydrochloride 500 MG Oral Tablet."
    )


def test_a_match_by_name_is_told() -> None:
    by_name = draft(medication_codeable_concept=concept(text="Metformin ER 500"))
    (found,) = findings(check(drafts=[by_name], labs=[egfr(20)]))
    assert "Order: Metformin ER 500 (matched by name, not by code)." in said(found)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Janumet 50/1000", "Janumet 50/1000: metformin is contraindicated: eGFR 20 on "),
        ("Glucophage 500 mg", "Glucophage 500 mg: metformin is contraindicated: "),
        ("metformin-sitagliptin", "metformin-sitagliptin: metformin is contraindicated: "),
        ("metformin 500 mg daily", "metformin 500 mg daily: metformin is contraindicated: "),
        ("Metformin-HCl", "Metformin is contraindicated: eGFR"),
        ("metFORMIN ER 500 mg tablet", "Metformin is contraindicated: eGFR"),
        ("Glucovance " + "5-500 " * 30, "Glucovance 5-500 "),
    ],
)
def test_an_order_of_more_than_metformin_is_named(text: str, begins: str) -> None:
    by_name = draft(medication_codeable_concept=concept(text=text))
    (found,) = findings(check(drafts=[by_name], labs=[egfr(20, "2026-05-01")]))
    assert found.summary.startswith(begins)
    # The name is cut, never what is said of it.
    assert found.summary.endswith("contraindicated: eGFR 20 on 01 May 2026")
    assert len(found.summary) < 140


def test_an_order_that_says_to_hold_metformin_is_not_offered_to_be_removed() -> None:
    hold = draft(medication_codeable_concept=concept(text="HOLD metformin after contrast"))
    results = check(drafts=[hold], labs=[egfr(20)])
    assert findings(results)[0].summary.startswith("HOLD metformin after contrast: ")
    assert suggested(results) == []


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
        (
            [Draft("MedicationRequest/d1", None, b"{}")],
            "an order of this session that could not be read",
        ),
        (
            [Draft("MedicationOrder/d1", None, b"{}")],
            "an order of this session that could not be read",
        ),
        (
            [draft(medication_reference=Reference("Medication/gone"))],
            "an order of this session whose medicine is not told",
        ),
        (
            [draft(medication_codeable_concept=None)],
            "an order of this session whose medicine is not told",
        ),
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
    # Each by its own name, so that they can be told apart; where it has none, by that of its code.
    bare = draft((RXNORM, "861007", None), id="c")
    names = [draft(id="a").resource, bare.resource]
    assert names[0] != names[1]
    told = findings(check(drafts=[draft(id="a"), bare], labs=[egfr(20)]))
    assert told[1].summary.lower().startswith("metformin hydrochloride 500 mg oral tablet: ")
    assert found[0].summary.startswith("metformin hydrochloride 500 MG Oral Tablet: metformin is")


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


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([egfr(15, comparator="<")], [CONTRAINDICATED]),
        ([egfr(15, comparator="<=")], [CONTRAINDICATED]),
        ([egfr(30, comparator="<")], [CONTRAINDICATED]),
        ([egfr(30, comparator="<=")], [START]),
        ([egfr(45, comparator="<")], [START]),
        ([egfr(45, comparator="<=")], [START]),
        ([egfr(45, comparator=">=")], []),
        ([egfr(60, comparator=">")], []),
        ([text("98979-8", ">60")], []),
        ([creatinine(15, comparator=">")], [CONTRAINDICATED]),
        ([creatinine(0.5, comparator="<")], []),
        # A newer bound speaks for the limits that it decides, an older value for the others.
        ([creatinine(1.9, ago(100)), egfr(60, ago(2), comparator=">")], []),
        ([creatinine(1.9, ago(100)), egfr(30, ago(2), comparator=">=")], [START]),
        ([creatinine(1.9, ago(100)), egfr(45, ago(2), comparator="<")], [CONTRAINDICATED]),
        ([creatinine(0.8, ago(100)), egfr(45, ago(2), comparator="<")], [START]),
    ],
)
def test_a_bound_counts_for_the_limits_that_it_decides(
    results: list[Any], expected: list[str]
) -> None:
    assert rules(check(labs=results)) == expected


@pytest.mark.parametrize(
    "results",
    [
        [egfr(30, ago(3), comparator=">"), egfr(80, ago(2))],
        [egfr(30, comparator=">"), egfr(80)],
        [
            egfr(30, "2026-06-15T06:00:00Z", comparator=">"),
            egfr(80, "2026-06-15T07:00:00Z"),
        ],
    ],
)
def test_an_undecided_result_does_not_speak_beside_a_newer_or_lower_one(results: list[Any]) -> None:
    assert rules(check(labs=results)) == []


def test_a_lower_result_of_the_day_is_told_to_disagree() -> None:
    (found,) = findings(check(labs=A_LOWER_ONE_EARLIER))
    assert "Of the same day: eGFR 15 (laboratory)." in said(found)
    assert "They disagree on whether eGFR is below 30." in said(found)


def test_a_lower_result_of_the_day_is_told_beside_a_bound() -> None:
    bound = egfr(30, "2026-06-15T07:00:00Z", comparator=">")
    low, fine = creatinine(1.9, "2026-06-15T06:00:00Z"), egfr(80, "2026-06-15T06:00:00Z")
    (found,) = findings(check(labs=[low, bound]))
    assert found.summary == (
        "Starting metformin is not recommended: eGFR above 30 on 15 Jun 2026 (laboratory); "
        "that day also 28.1 (CKD-EPI 2021)"
    )
    (found,) = findings(check(labs=[fine, bound]))
    assert found.summary == "Check metformin: eGFR above 30 on 15 Jun 2026, may be below 45"
    assert "Of the same day: eGFR 80 (laboratory)." in said(found)


def test_an_undecided_result_is_shown_and_not_called_unused() -> None:
    (found,) = findings(check(labs=[egfr(60, ago(1), comparator="<"), creatinine(None, ago(1))]))
    assert said(found).startswith("eGFR **below 60** mL/min/1.73 m² on 14 Jun 2026, reported by")
    assert said(found).endswith("Not used:\n\n- creatinine on 14 Jun 2026, without a number")
    assert found.severity == -60


def test_a_bound_that_may_lie_below_the_lower_limit_is_told_to() -> None:
    (found,) = findings(check(labs=[egfr(45, comparator="<")]))
    assert "Whether it is below 30, where metformin is contraindicated, is not told." in said(found)
    (found,) = findings(check(labs=[egfr(44)]))
    assert "is not told" not in said(found)


def test_a_laboratory_egfr_of_the_same_day_is_told_beside_the_computed_one() -> None:
    (found,) = findings(
        check(labs=[creatinine(3.1, "2026-05-01"), egfr(67.7, "2026-05-01"), egfr(50, ago(300))])
    )
    assert found.rule == "renal.metformin.contraindicated"
    assert "Of the same day: eGFR 67.7 (laboratory)." in said(found)
    assert "They disagree on whether eGFR is below 30." in said(found)
    (found,) = findings(check(labs=[creatinine(3.1, "2026-05-01"), egfr(16, "2026-05-01")]))
    assert "Of the same day: eGFR 16 (laboratory)." in said(found)
    assert "disagree" not in said(found)


@pytest.mark.parametrize(
    "results",
    [
        [egfr(22, "2026-05-01T06:00:00Z"), creatinine(0.8, "2026-05-01T18:00:00Z")],
        [
            creatinine(1.9, "2026-05-01T18:00:00Z", status="preliminary"),
            creatinine(0.8, "2026-05-01T18:00:00Z", status="corrected"),
        ],
    ],
)
def test_a_contradiction_that_is_decided_for_silence_is_a_gap(results: list[Any]) -> None:
    found = check(labs=results)
    assert rules(found) == []
    assert "results of 01 May 2026 disagree on whether eGFR is below 45: eGFR 79.2" in gaps(found)


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        (
            {},
            CHECK + "no creatinine or eGFR found here in 365 days",
        ),
        (
            {"labs": [creatinine(4.5, ago(366))]},
            CHECK + "last eGFR 10.0 on 14 Jun 2025, 366 days ago",
        ),
        (
            {"labs": [creatinine(0.8, ago(366))]},
            CHECK + "last eGFR 79.7 on 14 Jun 2025, 366 days ago",
        ),
        (
            {"labs": [creatinine(4.5, ago(366)), creatinine(168, ago(1))]},
            CHECK + "last usable eGFR 10.0 on 14 Jun 2025, 366 days ago",
        ),
        (
            {"labs": [lab("2160-0", 168, "g/L", "2026-05-01")]},
            CHECK + "no usable creatinine or eGFR found here in 365 days",
        ),
        (
            {"conditions": [condition(STAGE_4)]},
            CHECK + "CKD stage 4 on record; no creatinine or eGFR found here in 365 days",
        ),
        (
            {"conditions": [condition(STAGE_4)], "labs": None},
            CHECK + "CKD stage 4 on record; laboratory results are not known here",
        ),
        (
            {"labs": [egfr(20, "2011-01-01"), egfr(50, "2011-01-01")]},
            CHECK + "last eGFR 20 on 01 Jan 2011, 15 years ago (laboratory); "
            "that day also 50 (laboratory)",
        ),
        # Not all could be read, but what could is enough for a warning.
        (
            {"labs": unreadable("Observation", creatinine(4.5, ago(366)))},
            CHECK + "last usable eGFR 10.0 on 14 Jun 2025, 366 days ago",
        ),
    ],
)
def test_without_a_result_of_a_year_that_is_said(changes: dict[str, Any], summary: str) -> None:
    (found,) = findings(check(**changes))
    assert (found.rule, found.indicator, found.summary) == (MONITOR, "warning", summary)
    assert "eGFR is obtained before metformin is started and at least once a year" in said(found)
    assert found.overrides == (
        "done-elsewhere",
        "already-ordered",
        "patient-declined",
        "data-wrong",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labs": [creatinine(0.8, ago(365))]}, []),
        ({"labs": [creatinine(4.5, ago(365))]}, [CONTRAINDICATED]),
        ({"labs": [creatinine(0.8)], "conditions": [condition(STAGE_4)]}, []),
        ({"conditions": [condition(STAGE_4, clinical_status="resolved")], "labs": None}, []),
        ({"conditions": [condition(ON_DIALYSIS), condition(STAGE_4)]}, [ESRD]),
        ({"labs": [creatinine(4.5, ago(366))], "medications": ON_METFORMIN}, [MONITOR]),
        # A creatinine is on its way: enough, unless the last that is known was low.
        ({"orders": [order_of("2160-0")]}, []),
        ({"orders": [order_of("24320-4")]}, []),
        ({"orders": [order_of("4548-4")]}, [MONITOR]),
        ({"orders": [order_of("2160-0", authored_on="2015-01-01")]}, [MONITOR]),
        ({"orders": [order_of("2160-0", intent="plan")]}, [MONITOR]),
        ({"orders": [order_of("2160-0")], "labs": [creatinine(0.8, ago(366))]}, []),
        ({"orders": [order_of("2160-0")], "labs": [creatinine(4.5, ago(366))]}, [MONITOR]),
        ({"orders": [order_of("2160-0")], "conditions": [condition(STAGE_4)]}, [MONITOR]),
        ({"orders": None}, [MONITOR]),
        ({"labs": [egfr(44.9, ago(366))], "orders": [order_of("2160-0")]}, [MONITOR]),
        ({"labs": [egfr(45, ago(366))], "orders": [order_of("2160-0")]}, []),
        ({"patient": patient(birth_date="2008-06-16")}, []),
        ({"patient": patient(birth_date="2008-06-15")}, [MONITOR]),
        ({"patient": patient(birth_date="1956")}, [MONITOR]),
        ({"patient": patient(birth_date="2008")}, [MONITOR]),
        ({"patient": patient(birth_date="2009")}, []),
    ],
)
def test_when_the_missing_result_is_told(changes: dict[str, Any], expected: list[str]) -> None:
    assert rules(check(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "labels", "recommended"),
    [
        ({}, [REMOVE, MEASURE], True),
        ({"orders": None}, [REMOVE, MEASURE], False),
        ({"orders": [order_of("2160-0", authored_on="2015")]}, [REMOVE, MEASURE], False),
        # It may exist where it cannot be seen.
        ({"labs": None, "conditions": [condition(STAGE_4)]}, [REMOVE, MEASURE], False),
        (
            {"orders": [order_of("2160-0")], "labs": [creatinine(4.5, ago(366))]},
            [REMOVE],
            False,
        ),
    ],
)
def test_a_creatinine_is_recommended_where_none_is_known_to_be_on_its_way(
    changes: dict[str, Any], labels: list[str], recommended: bool
) -> None:
    results = check(**changes)
    assert suggested(results) == labels
    assert any(each.recommended for each in findings(results)[0].suggestions) == recommended
    told = "whether creatinine is ordered already"
    assert (told in gaps(results)) == ("orders" in changes and MEASURE in labels)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"labs": [lab("2160-0", 168, "g/L", "2026-05-01")]},
            "- creatinine 168 g/L on 01 May 2026, in a unit not known here",
        ),
        (
            {"labs": [creatinine(168, "2026-05-01")]},
            "- creatinine 168 mg/dL on 01 May 2026, not a plausible value",
        ),
        ({"labs": [creatinine(1.9, None)]}, "- creatinine 1.9 mg/dL, without a full date"),
        (
            {"labs": [creatinine(1.9, None, issued="2026-06-10T10:00:00Z")]},
            "- creatinine 1.9 mg/dL issued on 10 Jun 2026, without a full date",
        ),
        (
            {"labs": [creatinine(1.9, "2026-05-01")], "patient": patient(birth_date="1900-01-01")},
            "on 01 May 2026, at an age that is not known",
        ),
    ],
)
def test_a_result_that_cannot_be_used_is_told_in_that_card(
    changes: dict[str, Any], told: str
) -> None:
    (found,) = findings(check(**changes))
    assert found.rule == MONITOR
    assert "Not used:\n\n" in said(found)
    assert told in said(found).replace("&lt;", "<")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labs": None}, "the laboratory results are not known"),
        (
            {"labs": unreadable("Observation")},
            "laboratory results that could not be obtained or read (1)",
        ),
        (
            {"labs": unreadable("Observation", creatinine(0.8, ago(366)))},
            "laboratory results that could not be obtained or read (1)",
        ),
        ({"orders": [order_of("2160-0")]}, "of the last 365 days found here; one is ordered"),
        ({"labs": [egfr(20)], "patient": patient(birth_date="2008-06-16")}, "for adults"),
        (
            {"patient": patient(link=[PatientLink(type="replaced-by")])},
            "results under the record that replaces this one",
        ),
    ],
)
def test_where_a_result_may_be_missing_there_is_a_gap_and_no_card(
    changes: dict[str, Any], told: str
) -> None:
    results = check(**changes)
    assert rules(results) == []
    assert told in gaps(results)


def test_without_male_or_female_only_what_holds_for_both_is_said() -> None:
    other = patient(gender="other")
    (found,) = findings(check(labs=[creatinine(6, "2026-05-01")], patient=other))
    assert found.rule == CONTRAINDICATED
    assert "eGFR 7.1 to 9.4 on 01 May 2026" in found.summary
    assert "as female and as male" in said(found)
    (found,) = findings(check(labs=[creatinine(1.9, "2026-05-01")], patient=other))
    assert found.rule == START
    assert "Whether it is below 30, where metformin is contraindicated, is not told." in said(found)


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
    assert "laboratory results that could not be obtained or read (1)" in gaps(check(labs=known))
    (found,) = findings(check(labs=unreadable("Observation", creatinine(1.9))))
    assert "laboratory results that could not be obtained or read (1)" in said(found)


def test_only_the_newest_doubts_are_told() -> None:
    many = [creatinine(None, ago(day)) for day in range(1, 9)]
    told = said(findings(check(labs=many))[0])
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


def test_a_start_is_said_to_be_one_by_the_record_here() -> None:
    (found,) = findings(check(labs=[egfr(40)]))
    assert "No active metformin order on record here; one from elsewhere may be missing." in said(
        found
    )


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        # Signed as active, and not in the list of active orders: a start.
        ({"drafts": [draft(status="active")]}, "Starting metformin is not recommended"),
        # A renewal of an order that is not in the list any more.
        (
            {"drafts": [draft(prior_prescription=Reference("MedicationRequest/old"))]},
            "Check metformin at eGFR",
        ),
        (
            {"medications": [medication(METFORMIN_500, authored_on="2009-01-01")]},
            "Check metformin at eGFR",
        ),
        # Thought of, and perhaps never given.
        (
            {"medications": [medication(METFORMIN_500, intent="proposal")]},
            "Check metformin at eGFR",
        ),
        ({"medications": [medication(METFORMIN_500, intent="plan")]}, "Check metformin at eGFR"),
    ],
)
def test_whether_it_is_a_start_is_said_as_far_as_it_is_known(
    changes: dict[str, Any], summary: str
) -> None:
    (found,) = findings(check(labs=[egfr(40)], **changes))
    assert (found.rule, found.indicator) == (START, "warning")
    assert found.summary.startswith(summary)


@pytest.mark.parametrize("conditions", [None, unreadable("Condition")])
def test_an_unknown_problem_list_is_a_gap(conditions: Any) -> None:
    results = check(labs=[egfr(50)], conditions=conditions)
    assert rules(results) == []
    assert "the problem list is not fully known" in gaps(results)


def test_a_diagnosis_without_a_code_that_is_known_is_a_gap() -> None:
    results = check(labs=[egfr(50)], conditions=[Condition(code=concept(text="On dialysis"))])
    assert rules(results) == []
    assert "some without a code known here (1)" in gaps(results)


def test_kidney_failure_that_was_seen_leaves_no_gap() -> None:
    partly = unreadable("Condition", condition(ON_DIALYSIS))
    assert gaps(check(labs=[egfr(20)], conditions=partly)) == ""


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (90, [REMOVE]),
        (91, [REMOVE, MEASURE]),
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


@pytest.mark.parametrize("status", ["active", "on-hold", "unknown", None])
def test_only_a_draft_is_offered_to_be_removed(status: str | None) -> None:
    results = check(drafts=[draft(status=status)], labs=[egfr(20)])
    assert suggested(results) == []
    told = "It is active: to end it, stop it in the medication list."
    assert told not in said(findings(results)[0])
    # Only what stands in that list can be stopped there.
    recorded = [medication(METFORMIN_500, id="d1", status="active")]
    results = check(drafts=[draft(status=status)], labs=[egfr(20)], medications=recorded)
    assert (told in said(findings(results)[0])) == (status == "active")


def test_a_creatinine_that_is_ordered_already_is_not_offered_again() -> None:
    old = [egfr(20, ago(200))]
    assert suggested(check(labs=old, orders=[order_of("2160-0")])) == [REMOVE]


def test_the_medicine_beside_the_medications_is_found() -> None:
    order = draft(medication_reference=Reference("Medication/x"))
    known = Records(included={"Medication/x": Medication("x", concept(METFORMIN_500))})
    assert rules(check(drafts=[order], medications=known, labs=[egfr(20)])) == [CONTRAINDICATED]


@pytest.mark.parametrize("reference", ["Medication/x", "urn:uuid:x"])
def test_the_medicine_among_the_drafts_is_found(reference: str) -> None:
    order = draft(medication_reference=Reference(reference))
    medicine = Draft("Medication/x", Medication("x", concept(METFORMIN_500)), b"{}")
    assert rules(check(drafts=[order, medicine], labs=[egfr(20)])) == [CONTRAINDICATED]


@pytest.mark.parametrize("id", ["", "x9"])
def test_the_medicine_among_the_drafts_is_found_by_its_full_url(id: str) -> None:
    order = draft(medication_reference=Reference("urn:uuid:aa"))
    medicine = Medication(id, concept(METFORMIN_500))
    beside = Draft("Medication/#1", medicine, b"{}", full_url="urn:uuid:aa")
    assert rules(check(drafts=[order, beside], labs=[egfr(20)])) == [CONTRAINDICATED]
    other = Draft("Medication/#1", medicine, b"{}", full_url="urn:uuid:bb")
    results = check(drafts=[order, other], labs=[egfr(20)])
    assert rules(results) == []
    assert "whose medicine is not told" in gaps(results)


def test_a_creatinine_is_recommended_once_a_session() -> None:
    found = findings(check(drafts=[draft(id="a"), draft(id="b")]))
    recommended = [[each.recommended for each in card.suggestions] for card in found]
    assert [card.rule for card in found] == [MONITOR, MONITOR]
    assert recommended == [[False, True], [False, False]]


def test_where_there_is_no_room_the_name_goes_and_never_what_is_said() -> None:
    long = draft(medication_codeable_concept=concept(text="Janumet XR 50-1000 mg " * 3))
    day = ago(100)
    results = [
        creatinine(1.9, f"{day}T20:00:00Z", status="preliminary"),
        egfr(60, day, comparator=">", status="unknown"),
    ]
    (found,) = findings(check(drafts=[long], labs=results))
    assert found.summary == (
        "Metformin is contraindicated: eGFR 28.1 on 07 Mar 2026, 100 days ago (preliminary); "
        "that day also above 60 (status unknown)"
    )
    stage_4 = [condition(STAGE_4, verification_status="provisional")]
    (found,) = findings(check(drafts=[long], conditions=stage_4))
    assert found.summary.endswith(
        "CKD stage 4, provisional, on record; no creatinine or eGFR found here in 365 days"
    )
    older = [creatinine(1.9, "2025-05-11"), egfr(97.4, "2025-05-11")]
    (found,) = findings(check(drafts=[long], conditions=stage_4, labs=older))
    assert found.summary.endswith("on record; last eGFR 28.2 on 11 May 2025, 400 days ago")
    assert "Of the same day: eGFR 97.4 (laboratory)." in said(found)


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
