"""Metformin and kidney function. In a 70-year-old woman a creatinine of 1.9 is an eGFR of 28.1,
1.45 is 38.8.
"""

from typing import Any

from clinical.checks.metformin import metformin_renal
from tests.cases.table import fires, silent
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
    lab,
    lab_draft,
    medication,
    patient,
    unreadable,
)

CHECKS = (metformin_renal,)
CONTRAINDICATED, START, REVIEW = (
    f"renal.metformin.{name}" for name in ("contraindicated", "start", "continue-review")
)
FAILED, MONITOR = "renal.metformin.esrd", "monitor.metformin"
BOUNDARIES = {
    CONTRAINDICATED: "age interval value unit status missing drafts",
    START: "age interval value unit status missing drafts exclusion",
    REVIEW: "value status missing interval",
    FAILED: "status missing value",
    MONITOR: "age interval status missing drafts",
}
ACTIVE = medication(METFORMIN_500, authored_on=ago(30))
ATORVASTATIN = (RXNORM, "83367", "atorvastatin")
DIALYSIS = condition(ON_DIALYSIS)
RESOLVED = condition(ON_DIALYSIS, clinical_status=concept((None, "resolved", None)))
OF_18, OF_17 = (patient(birth_date=born) for born in ("2008-06-15", "2008-06-16"))


def ordering(*labs: Any, **changes: Any) -> Any:
    return chart(**{"drafts": [draft()], "labs": list(labs)} | changes)


def both_sides(rule: str, low: float, said: str) -> Any:
    """What is the same for the two limits; `low` is an eGFR on the side that fires."""
    return (
        fires(rule, "interval", "365 days ago", ordering(egfr(low, ago(365)))),
        silent(rule, "interval", "366 days ago", ordering(egfr(low, ago(366)))),
        fires(rule, "status", "preliminary", ordering(egfr(low, status="preliminary"))),
        silent(rule, "status", "void", ordering(egfr(low, status="entered-in-error"))),
        silent(
            rule, "status", "not ordered", ordering(egfr(low), drafts=[draft(status="stopped")])
        ),
        fires(rule, "missing", "problem list", ordering(egfr(low), conditions=None)),
        silent(rule, "missing", "without a number", ordering(egfr(None))),
        silent(rule, "missing", "results", ordering(labs=None), gap="are not known"),
        fires(
            rule,
            "drafts",
            "one of two",
            ordering(egfr(low), drafts=[draft(ATORVASTATIN), draft(id="d2")]),
        ),
        silent(
            rule, "drafts", "another medicine", ordering(egfr(low), drafts=[draft(ATORVASTATIN)])
        ),
        fires(rule, "age", "drawn at 18", ordering(egfr(low, ago(0)), patient=OF_18), says=said),
        silent(
            rule, "age", "drawn at 17", ordering(egfr(low, ago(0)), patient=OF_17), gap="for adults"
        ),
    )


CASES = (
    *both_sides(CONTRAINDICATED, 29.9, "contraindicated"),
    fires(CONTRAINDICATED, "value", "29.9", ordering(egfr(29.9)), "critical", "eGFR 29.9"),
    silent(CONTRAINDICATED, "value", "30", ordering(egfr(30))),
    silent(CONTRAINDICATED, "value", "above 60", ordering(egfr(60, comparator=">"))),
    fires(CONTRAINDICATED, "unit", "mg/dL", ordering(creatinine(1.9)), "critical", "28.1"),
    fires(
        CONTRAINDICATED,
        "unit",
        "umol/L",
        ordering(lab("2160-0", 168, "umol/L", ago(10))),
        "critical",
    ),
    silent(CONTRAINDICATED, "unit", "unknown", ordering(lab("2160-0", 1.9, "g/L", ago(10)))),
    *both_sides(START, 44.9, "not recommended"),
    fires(START, "value", "44.9", ordering(egfr(44.9)), "warning"),
    fires(START, "value", "30", ordering(egfr(30)), "warning"),
    silent(START, "value", "45", ordering(egfr(45))),
    silent(START, "value", "29.9", ordering(egfr(29.9))),
    fires(START, "unit", "mg/dL", ordering(creatinine(1.45)), says="38.8"),
    silent(START, "unit", "unknown", ordering(lab("2160-0", 1.45, "g/L", ago(10)))),
    fires(START, "exclusion", "no metformin active", ordering(egfr(40))),
    silent(START, "exclusion", "active metformin", ordering(egfr(40), medications=[ACTIVE])),
    fires(REVIEW, "value", "44.9", ordering(egfr(44.9), medications=[ACTIVE]), "info"),
    silent(REVIEW, "value", "45", ordering(egfr(45), medications=[ACTIVE])),
    silent(REVIEW, "value", "29.9", ordering(egfr(29.9), medications=[ACTIVE])),
    fires(REVIEW, "status", "active", ordering(egfr(40), medications=[ACTIVE])),
    silent(
        REVIEW,
        "status",
        "stopped",
        ordering(egfr(40), medications=[medication(METFORMIN_500, status="stopped")]),
    ),
    fires(REVIEW, "interval", "365 days ago", ordering(egfr(40, ago(365)), medications=[ACTIVE])),
    silent(REVIEW, "interval", "366 days ago", ordering(egfr(40, ago(366)), medications=[ACTIVE])),
    fires(
        REVIEW,
        "missing",
        "problem list",
        ordering(egfr(40), medications=[ACTIVE], conditions=None),
    ),
    silent(
        REVIEW,
        "missing",
        "medicines not known",
        ordering(egfr(40), medications=None),
        gap="whether metformin is active already",
    ),
    fires(FAILED, "status", "live", ordering(egfr(50), conditions=[DIALYSIS]), "warning"),
    silent(FAILED, "status", "resolved", ordering(egfr(50), conditions=[RESOLVED])),
    fires(FAILED, "missing", "no result", ordering(conditions=[DIALYSIS])),
    silent(
        FAILED,
        "missing",
        "problem list not known",
        ordering(egfr(50), conditions=None),
        gap="the problem list is not fully known",
    ),
    fires(FAILED, "value", "30", ordering(egfr(30), conditions=[DIALYSIS])),
    silent(FAILED, "value", "29.9 is graver", ordering(egfr(29.9), conditions=[DIALYSIS])),
    fires(MONITOR, "interval", "366 days ago", ordering(egfr(80, ago(366))), "warning"),
    silent(MONITOR, "interval", "365 days ago", ordering(egfr(80, ago(365)))),
    fires(MONITOR, "status", "void", ordering(egfr(80, status="entered-in-error"))),
    silent(MONITOR, "status", "preliminary", ordering(egfr(80, status="preliminary"))),
    fires(MONITOR, "missing", "none on record", ordering(), says="found here"),
    silent(MONITOR, "missing", "results not known", ordering(labs=None), gap="are not known"),
    silent(
        MONITOR,
        "missing",
        "a result that cannot be read",
        ordering(labs=unreadable("Observation")),
        gap="could not be obtained or read",
    ),
    fires(MONITOR, "drafts", "alone", ordering()),
    silent(
        MONITOR, "drafts", "creatinine is ordered", ordering(drafts=[draft(), lab_draft("2160-0")])
    ),
    fires(MONITOR, "age", "18 today", ordering(patient=OF_18)),
    silent(MONITOR, "age", "17 today", ordering(patient=OF_17), gap="the equation is for adults"),
)
