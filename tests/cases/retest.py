"""Laboratory tests that are ordered again."""

from typing import Any

from clinical.checks.retest import retest
from clinical.checks.retest_pending import pending
from fhir.records import CodeableConcept, Coding, Encounter
from tests.cases.table import fires, silent
from tests.clinical.build import (
    METFORMIN_500,
    RXNORM,
    ago,
    chart,
    concept,
    condition,
    draft,
    lab,
    lab_draft,
    medication,
    order_of,
    patient,
    unreadable,
)

CHECKS = (retest, pending)
LIPID_PANEL, LDL, LDL_DIRECT, HDL = "57698-3", "2089-1", "18262-6", "2085-9"
# Rule: code, unit, interval in days.
TESTS = {
    "labdup.hba1c": ("4548-4", "%", 60),
    "labdup.tsh": ("3016-3", "m[IU]/L", 28),
    "labdup.lipid": (LDL, "mg/dL", 28),
    "labdup.psa": ("2857-1", "ng/mL", 13),
}
# Rule: what excuses a repeat, within how many days.
CHANGES = {
    "labdup.hba1c": (METFORMIN_500, 60),
    "labdup.tsh": ((RXNORM, "10582", "levothyroxine"), 42),
    "labdup.lipid": ((RXNORM, "83367", "atorvastatin"), 90),
}
BOUNDARIES = {
    rule: "age interval value status exclusion missing drafts" + " code" * (rule == "labdup.lipid")
    for rule in TESTS
} | {"labdup.pending": "interval status exclusion code missing drafts"}
PENDING = "labdup.pending"
PREGNANT = ("http://snomed.info/sct", "77386006", "Pregnancy (finding)")
NORMAL, HIGH = ((concept((None, code, None)),) for code in "NH")
CLINIC, STAY = (Encounter("e1", kind=Coding(None, code)) for code in ("AMB", "IMP"))
TEXT = CodeableConcept([], "insulin glargine")


def result(rule: str, days: int, value: float | None = 5, **changes: Any) -> Any:
    code, unit, _ = TESTS[rule]
    return lab(code, value, unit, ago(days), **changes)


def again(rule: str, *labs: Any, **changes: Any) -> Any:
    ordered = [lab_draft(TESTS[rule][0])]
    return chart(**{"labs": list(labs), "drafts": ordered} | changes)


CASES = (
    *(
        case
        for rule, (code, _, days) in TESTS.items()
        for case in (
            fires(
                rule,
                "age",
                "18 today",
                again(rule, result(rule, 5), patient=patient(birth_date="2008-06-15")),
            ),
            silent(
                rule,
                "age",
                "18 tomorrow",
                again(rule, result(rule, 5), patient=patient(birth_date="2008-06-16")),
            ),
            silent(
                rule,
                "age",
                "no birth date",
                again(rule, result(rule, 5), patient=patient(birth_date=None)),
                gap="the birth date is not known",
            ),
            fires(
                rule,
                "interval",
                "a day before it is over",
                again(rule, result(rule, days - 1)),
                "info",
                f"{days - 1} days ago. Repeat needed?",
            ),
            silent(rule, "interval", "the day it is over", again(rule, result(rule, days))),
            silent(rule, "interval", "dated tomorrow", again(rule, result(rule, -2))),
            fires(
                rule, "value", "normal", again(rule, result(rule, 5, interpretation=NORMAL)), "info"
            ),
            silent(rule, "value", "flagged", again(rule, result(rule, 5, interpretation=HIGH))),
            silent(rule, "value", "without a value", again(rule, result(rule, 5, None))),
            fires(rule, "status", "corrected", again(rule, result(rule, 5, status="corrected"))),
            *(
                silent(rule, "status", status, again(rule, result(rule, 5, status=status)))
                for status in ("preliminary", "cancelled", "entered-in-error", "registered")
            ),
            silent(
                rule,
                "status",
                "a newer one is preliminary",
                again(rule, result(rule, 5), result(rule, 3, status="preliminary")),
            ),
            silent(
                rule,
                "status",
                "the order is revoked",
                again(rule, result(rule, 5), drafts=[lab_draft(code, status="revoked")]),
            ),
            fires(rule, "exclusion", "clinic", again(rule, result(rule, 5), encounter=CLINIC)),
            silent(rule, "exclusion", "a stay", again(rule, result(rule, 5), encounter=STAY)),
            fires(rule, "missing", "orders not known", again(rule, result(rule, 5), orders=None)),
            silent(rule, "missing", "no result", again(rule)),
            silent(
                rule,
                "missing",
                "results not known",
                again(rule, labs=None),
                gap="the results are not fully known",
            ),
            silent(
                rule,
                "missing",
                "a result that cannot be read",
                again(rule, labs=unreadable("Observation", result(rule, 5))),
                gap="the results are not fully known",
            ),
            silent(
                rule,
                "missing",
                "only the year",
                again(rule, lab(code, 5, None, "2026")),
                gap="may be recent",
            ),
            fires(
                rule,
                "drafts",
                "beside another test",
                again(rule, result(rule, 5), drafts=[lab_draft("2160-0"), lab_draft(code, "l2")]),
            ),
            silent(
                rule,
                "drafts",
                "only another test",
                again(rule, result(rule, 5), drafts=[lab_draft("2160-0")]),
            ),
        )
    ),
    *(
        case
        for rule, (drug, days) in CHANGES.items()
        for case in (
            fires(
                rule,
                "exclusion",
                "medicine ordered before",
                again(
                    rule,
                    result(rule, 5),
                    medications=[medication(drug, authored_on=ago(days + 1))],
                ),
            ),
            silent(
                rule,
                "exclusion",
                "medicine ordered since",
                again(rule, result(rule, 5), medications=[medication(drug, authored_on=ago(days))]),
            ),
            silent(
                rule,
                "exclusion",
                "medicine of no known date",
                again(rule, result(rule, 5), medications=[medication(drug)]),
            ),
            silent(
                rule,
                "drafts",
                "the medicine is ordered too",
                again(rule, result(rule, 5), drafts=[draft(drug), lab_draft(TESTS[rule][0])]),
            ),
            fires(
                rule,
                "exclusion",
                "that order is void",
                again(
                    rule,
                    result(rule, 5),
                    medications=[medication(drug, authored_on=ago(1), status="entered-in-error")],
                ),
            ),
            silent(
                rule,
                "missing",
                "medicines not known",
                again(rule, result(rule, 5), medications=None),
                gap="the medicines are not fully known",
            ),
        )
    ),
    silent(
        "labdup.hba1c",
        "exclusion",
        "insulin by name",
        again(
            "labdup.hba1c",
            result("labdup.hba1c", 5),
            medications=[medication(medication_codeable_concept=TEXT, authored_on=ago(9))],
        ),
    ),
    silent(
        "labdup.hba1c",
        "exclusion",
        "pregnant",
        again("labdup.hba1c", result("labdup.hba1c", 5), conditions=[condition(PREGNANT)]),
    ),
    silent(
        "labdup.hba1c",
        "missing",
        "problem list not known",
        again("labdup.hba1c", result("labdup.hba1c", 5), conditions=None),
        gap="the problem list is not fully known",
    ),
    fires(
        "labdup.lipid",
        "code",
        "another LDL",
        again("labdup.lipid", lab(LDL_DIRECT, 90, "mg/dL", ago(5))),
    ),
    fires(
        "labdup.lipid",
        "code",
        "a panel without a value of its own",
        again("labdup.lipid", lab(LIPID_PANEL, None, None, ago(5), value_quantity=None)),
    ),
    silent(
        "labdup.lipid", "code", "HDL alone", again("labdup.lipid", lab(HDL, 50, "mg/dL", ago(5)))
    ),
    fires(
        PENDING,
        "interval",
        "yesterday",
        chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3", authored_on=ago(1))]),
        "info",
        "already, on 14 Jun 2026",
    ),
    silent(
        PENDING,
        "interval",
        "two days ago",
        chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3", authored_on=ago(2))]),
    ),
    fires(
        PENDING,
        "status",
        "active",
        chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3")]),
    ),
    *(
        silent(
            PENDING,
            "status",
            status,
            chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3", status=status)]),
        )
        for status in ("completed", "revoked", "on-hold", "entered-in-error")
    ),
    silent(
        PENDING,
        "status",
        "the order itself",
        chart(
            drafts=[lab_draft("2823-3", "s1", status="active")],
            orders=[order_of("2823-3", id="s1")],
        ),
    ),
    fires(
        PENDING,
        "exclusion",
        "clinic",
        chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3")], encounter=CLINIC),
    ),
    silent(
        PENDING,
        "exclusion",
        "a stay",
        chart(drafts=[lab_draft("2823-3")], orders=[order_of("2823-3")], encounter=STAY),
    ),
    fires(
        PENDING,
        "code",
        "the same",
        chart(drafts=[lab_draft("2160-0")], orders=[order_of("2160-0")]),
    ),
    silent(
        PENDING,
        "code",
        "another",
        chart(drafts=[lab_draft("2160-0")], orders=[order_of("2823-3")]),
    ),
    fires(
        PENDING,
        "missing",
        "one of two cannot be read",
        chart(
            drafts=[lab_draft("2823-3")], orders=unreadable("ServiceRequest", order_of("2823-3"))
        ),
    ),
    silent(
        PENDING,
        "missing",
        "orders not known",
        chart(drafts=[lab_draft("2823-3")], orders=None),
        gap="the open orders are not fully known",
    ),
    fires(
        PENDING,
        "drafts",
        "twice",
        chart(drafts=[lab_draft("2823-3"), lab_draft("2823-3", "l2")]),
        "info",
        "twice in this session",
    ),
    silent(
        PENDING,
        "drafts",
        "two tests",
        chart(drafts=[lab_draft("2823-3"), lab_draft("2160-0", "l2")]),
    ),
)
