"""HbA1c in adults with diabetes."""

from clinical.checks.diabetes import hba1c
from tests.cases.table import fires, silent
from tests.clinical.build import (
    IN_HOSPICE,
    TYPE_2,
    a1c,
    ago,
    chart,
    concept,
    condition,
    patient,
    procedure,
)

CHECKS = (hba1c,)
OVERDUE, UNCONTROLLED = "dm.a1c-overdue", "dm.a1c-uncontrolled"
BOUNDARIES = {
    OVERDUE: "age interval status exclusion missing",
    UNCONTROLLED: "age interval value unit status exclusion missing",
}


def diabetic(*labs, **changes):
    return chart(**{"conditions": [condition(TYPE_2)], "labs": list(labs)} | changes)


REFUTED = condition(TYPE_2, verification_status=concept((None, "refuted", None)))
OLD_VISIT, VISIT = (procedure(IN_HOSPICE, ago(days)) for days in (366, 365))

CASES = (
    fires(OVERDUE, "age", "18 today", diabetic(patient=patient(birth_date="2008-06-15"))),
    silent(OVERDUE, "age", "18 tomorrow", diabetic(patient=patient(birth_date="2008-06-16"))),
    fires(OVERDUE, "interval", "184 days ago", diabetic(a1c(7, ago(184)))),
    silent(OVERDUE, "interval", "183 days ago", diabetic(a1c(7, ago(183)))),
    fires(OVERDUE, "status", "the only result is void", diabetic(a1c(7, status="cancelled"))),
    silent(OVERDUE, "status", "diabetes is refuted", diabetic(conditions=[REFUTED])),
    fires(OVERDUE, "exclusion", "hospice over a year ago", diabetic(procedures=[OLD_VISIT])),
    silent(OVERDUE, "exclusion", "hospice within a year", diabetic(procedures=[VISIT])),
    fires(OVERDUE, "missing", "nothing on record", diabetic(), says="none on record here"),
    silent(OVERDUE, "missing", "results not known", diabetic(labs=None), gap="not known"),
    fires(
        UNCONTROLLED,
        "age",
        "18 today",
        diabetic(a1c(9.5), patient=patient(birth_date="2008-06-15")),
    ),
    silent(
        UNCONTROLLED,
        "age",
        "18 tomorrow",
        diabetic(a1c(9.5), patient=patient(birth_date="2008-06-16")),
    ),
    fires(UNCONTROLLED, "interval", "183 days ago", diabetic(a1c(9.5, ago(183)))),
    silent(UNCONTROLLED, "interval", "184 days ago", diabetic(a1c(9.5, ago(184)))),
    fires(UNCONTROLLED, "value", "9.1 %", diabetic(a1c(9.1)), "warning", "9.1 %"),
    silent(UNCONTROLLED, "value", "9.0 %", diabetic(a1c(9.0))),
    fires(UNCONTROLLED, "unit", "76 mmol/mol", diabetic(a1c(76, unit="mmol/mol"))),
    silent(
        UNCONTROLLED, "unit", "no known unit", diabetic(a1c(76, unit="mg/dL")), "unit not known"
    ),
    fires(UNCONTROLLED, "status", "preliminary", diabetic(a1c(9.5, status="preliminary"))),
    silent(UNCONTROLLED, "status", "void", diabetic(a1c(9.5, status="entered-in-error"))),
    fires(
        UNCONTROLLED, "exclusion", "hospice long ago", diabetic(a1c(9.5), procedures=[OLD_VISIT])
    ),
    silent(UNCONTROLLED, "exclusion", "in hospice", diabetic(a1c(9.5), procedures=[VISIT])),
    fires(UNCONTROLLED, "missing", "procedures not known", diabetic(a1c(9.5), procedures=None)),
    silent(UNCONTROLLED, "missing", "no number", diabetic(a1c(None))),
)
