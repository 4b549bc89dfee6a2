"""Diabetes care, unrecognised kidney disease and uncontrolled blood pressure."""

from typing import Any

from msgspec import structs

from clinical.checks.blood_pressure import uncontrolled
from clinical.checks.diabetes_care import albumin, statin
from clinical.checks.kidney_disease import kidney_disease
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    LOINC,
    ON_DIALYSIS,
    RXNORM,
    SNOMED,
    TYPE_2,
    ago,
    chart,
    concept,
    condition,
    creatinine,
    egfr,
    lab,
    medication,
    patient,
    pressure,
    procedure,
    statement,
    text,
    unreadable,
)

CHECKS = (albumin, statin, kidney_disease, uncontrolled)
BOUNDARIES = {
    "dm.uacr-overdue": "age interval code status exclusion missing",
    "gap.statin-diabetes": "age code status exclusion missing",
    "ckd.unrecognised": "age interval value unit code status exclusion missing",
    "bp.uncontrolled": "age interval value unit code status exclusion missing",
}
ALBUMIN, STATIN, CKD, BP = BOUNDARIES

HYPERTENSION = (ICD, "I10", "Essential (primary) hypertension")
PREGNANT = (SNOMED, "77386006", "Pregnant (finding)")
CKD_3 = (ICD, "N18.31", "Chronic kidney disease, stage 3a")
ATORVASTATIN = (RXNORM, "617311", "atorvastatin 40 MG Oral Tablet")
NAMED_CKD = structs.replace(condition(CKD_3), code=concept(text="CKD stage 3"))
IN_CARE = procedure(IN_HOSPICE, ago(30))


def born(age: int, tomorrow: bool = False, **changes: Any) -> Any:
    return patient(birth_date=f"{2026 - age}-06-{16 if tomorrow else 15}", **changes)


def diabetic(*labs: Any, **changes: Any) -> Any:
    known = {"patient": born(60), "conditions": [condition(TYPE_2)], "labs": list(labs)}
    return chart(**known | changes)


def uacr(when: str | None = ago(10), **changes: Any) -> Any:
    return lab("9318-7", 12, "mg/g", when, **changes)


def taking(*orders: Any, **changes: Any) -> Any:
    return diabetic(medications=list(orders), **changes)


def low(*others: Any, **changes: Any) -> Any:
    """An eGFR of 50 ten days ago and one of 52 a hundred days ago."""
    known = {"patient": born(60), "labs": [egfr(50, ago(10)), egfr(52, ago(100)), *others]}
    return chart(**known | changes)


def hypertensive(*readings: Any, **changes: Any) -> Any:
    known = {"patient": born(60), "conditions": [condition(HYPERTENSION)]}
    return chart(**known | {"vitals": list(readings)} | changes)


def high(**changes: Any) -> Any:
    return hypertensive(pressure(152, 80), pressure(148, 80, ago(40)), **changes)


def single(code: str, value: float, when: str = ago(10)) -> Any:
    return lab(code, value, "mm[Hg]", when)


OLDER_PANEL = structs.replace(pressure(152, 80), code=concept((LOINC, "55284-4", "Blood Pressure")))

CASES = (
    # Who: adults, not in hospice, not dead, with the diagnosis.
    *(
        case
        for rule, make, lowest, highest in (
            (ALBUMIN, diabetic, 18, None),
            (STATIN, diabetic, 40, 75),
            (CKD, low, 18, None),
            (BP, high, 18, 85),
        )
        for case in (
            fires(
                rule,
                "age",
                f"{lowest}, or as early as results allow",
                make(patient=born(lowest + (1 if rule == CKD else 0))),
            ),
            silent(rule, "age", f"{lowest} tomorrow", make(patient=born(lowest, tomorrow=True))),
            *(
                [
                    fires(
                        rule,
                        "age",
                        f"{highest}, for another day",
                        make(patient=born(highest + 1, tomorrow=True)),
                    ),
                    silent(rule, "age", f"{highest + 1} today", make(patient=born(highest + 1))),
                ]
                if highest
                else []
            ),
            silent(
                rule,
                "age",
                "only a year of birth",
                make(patient=patient(birth_date="1966")),
                gap="birth date",
            ),
            silent(rule, "exclusion", "in hospice", make(procedures=[IN_CARE]), gap="hospice"),
            fires(
                rule,
                "exclusion",
                "hospice over a year ago",
                make(procedures=[procedure(IN_HOSPICE, ago(366))]),
            ),
            silent(rule, "exclusion", "dead", make(patient=born(60, deceased_boolean=True))),
            silent(
                rule, "missing", "problems not known", make(conditions=None), gap="problem list"
            ),
        )
    ),
    *(
        case
        for rule, make, diagnosis in (
            (ALBUMIN, diabetic, TYPE_2),
            (STATIN, diabetic, TYPE_2),
            (BP, high, HYPERTENSION),
        )
        for case in (
            silent(
                rule,
                "status",
                "the diagnosis is refuted",
                make(conditions=[condition(diagnosis, verification_status="refuted")]),
            ),
            silent(
                rule,
                "status",
                "the diagnosis is resolved",
                make(conditions=[condition(diagnosis, clinical_status="resolved")]),
            ),
            fires(rule, "code", "the diagnosis", make(conditions=[condition(diagnosis)])),
            silent(
                rule,
                "code",
                "another diagnosis",
                make(conditions=[condition((ICD, "R73.03", "Prediabetes"))]),
            ),
        )
    ),
    # Urine albumin.
    fires(ALBUMIN, "interval", "366 days ago", diabetic(uacr(ago(366))), "info", "366 days ago"),
    silent(ALBUMIN, "interval", "365 days ago", diabetic(uacr(ago(365)))),
    fires(ALBUMIN, "status", "entered in error", diabetic(uacr(status="entered-in-error"))),
    silent(ALBUMIN, "status", "preliminary", diabetic(uacr(status="preliminary")), gap="may count"),
    fires(ALBUMIN, "missing", "none on record", diabetic(), says="no record of it here"),
    silent(ALBUMIN, "missing", "results not known", diabetic(labs=None), gap="not fully known"),
    silent(ALBUMIN, "missing", "without a date", diabetic(uacr(None)), gap="may count"),
    # A statin.
    fires(
        STATIN,
        "code",
        "another medicine",
        taking(medication((RXNORM, "861007", "metformin hydrochloride 500 MG Oral Tablet"))),
        "info",
    ),
    silent(STATIN, "code", "a statin by code", taking(medication(ATORVASTATIN))),
    silent(
        STATIN,
        "code",
        "a statin by name",
        taking(medication(medication_codeable_concept=concept(text="Rosuvastatin 10 mg"))),
    ),
    silent(
        STATIN, "code", "a statin that is stated", diabetic(statements=[statement(ATORVASTATIN)])
    ),
    fires(
        STATIN,
        "status",
        "a statin that was stopped",
        taking(medication(ATORVASTATIN, status="stopped")),
    ),
    fires(
        STATIN,
        "status",
        "an order not to give one",
        taking(medication(ATORVASTATIN, do_not_perform=True)),
    ),
    silent(
        STATIN,
        "exclusion",
        "pregnant",
        diabetic(patient=born(42), conditions=[condition(TYPE_2), condition(PREGNANT, id="c2")]),
    ),
    fires(STATIN, "missing", "no medicine on record", taking()),
    silent(STATIN, "missing", "medicines not known", diabetic(medications=None), gap="medicines"),
    silent(
        STATIN,
        "missing",
        "an order without a name",
        taking(medication(medication_codeable_concept=concept())),
        gap="medicines",
    ),
    # Kidney disease.
    fires(CKD, "interval", "90 days apart", low(), "warning", "50 on 05 Jun 2026 and 52"),
    silent(
        CKD,
        "interval",
        "89 days apart",
        chart(patient=born(60), labs=[egfr(50, ago(10)), egfr(52, ago(99))]),
    ),
    silent(
        CKD,
        "interval",
        "the earlier one over two years ago",
        chart(patient=born(60), labs=[egfr(50, ago(10)), egfr(52, ago(731))]),
    ),
    fires(
        CKD,
        "value",
        "59.9 and 59",
        chart(patient=born(60), labs=[egfr(59.9, ago(10)), egfr(59, ago(100))]),
    ),
    silent(CKD, "value", "the newest is 60", low(egfr(60, ago(1)))),
    silent(CKD, "value", "one between is 75", low(egfr(75, ago(50)))),
    silent(CKD, "value", "one of the same day is 61", low(egfr(61, ago(10), id="o9"))),
    silent(CKD, "value", "one between is only above 59", low(egfr(59, ago(50), comparator=">"))),
    fires(CKD, "value", "one before them is 75", low(egfr(75, ago(300)))),
    fires(
        CKD,
        "value",
        "from creatinine",
        chart(patient=born(60), labs=[creatinine(1.4, ago(10)), creatinine(1.4, ago(110))]),
        says="CKD-EPI 2021",
    ),
    fires(
        CKD,
        "unit",
        "umol/L",
        chart(
            patient=born(60),
            labs=[lab("2160-0", 124, "umol/L", ago(10)), lab("2160-0", 124, "umol/L", ago(110))],
        ),
    ),
    silent(
        CKD,
        "unit",
        "between them one in a unit not known",
        low(lab("98979-8", 75, "mL/h", ago(50))),
        gap="unit not known",
    ),
    silent(CKD, "code", "on the problem list", low(conditions=[condition(CKD_3)])),
    silent(
        CKD,
        "code",
        "by its name",
        low(conditions=[NAMED_CKD]),
    ),
    silent(
        CKD,
        "code",
        "as a complication of diabetes",
        low(conditions=[condition((ICD, "E11.22", ""))]),
    ),
    fires(CKD, "code", "another diagnosis", low(conditions=[condition(HYPERTENSION)])),
    silent(CKD, "exclusion", "on dialysis", low(conditions=[condition(ON_DIALYSIS)])),
    fires(
        CKD,
        "status",
        "kidney disease entered in error",
        low(conditions=[condition(CKD_3, verification_status="entered-in-error")]),
    ),
    silent(
        CKD,
        "status",
        "the newest entered in error",
        chart(
            patient=born(60),
            labs=[egfr(50, ago(10), status="entered-in-error"), egfr(52, ago(100))],
        ),
    ),
    fires(
        CKD,
        "missing",
        "sex not told, reported by the laboratory",
        low(patient=born(60, gender="unknown")),
    ),
    silent(CKD, "missing", "results not known", low(labs=None), gap="laboratory results"),
    silent(
        CKD,
        "missing",
        "between them one that cannot be read",
        low(text("98979-8", "about 70", ago(50))),
        gap="not a value",
    ),
    # Blood pressure.
    fires(
        BP,
        "value",
        "140 twice",
        hypertensive(pressure(140, 80), pressure(140, 80, ago(40))),
        "warning",
    ),
    silent(
        BP,
        "value",
        "139 in the newest",
        hypertensive(pressure(139, 89), pressure(150, 80, ago(40))),
    ),
    silent(
        BP,
        "value",
        "139 in the one before",
        hypertensive(pressure(150, 95), pressure(139, 89, ago(40)), pressure(150, 95, ago(80))),
    ),
    fires(
        BP,
        "value",
        "90 diastolic twice",
        hypertensive(pressure(130, 90), pressure(130, 90, ago(40))),
    ),
    fires(
        BP,
        "value",
        "above 180",
        hypertensive(pressure(181, 90), pressure(150, 90, ago(40))),
        says="Repeat now",
    ),
    fires(
        BP,
        "interval",
        "the second 365 days ago",
        hypertensive(pressure(152, 80), pressure(148, 80, ago(365))),
    ),
    silent(
        BP,
        "interval",
        "the second 366 days ago",
        hypertensive(pressure(152, 80), pressure(148, 80, ago(366))),
    ),
    silent(BP, "interval", "one reading only", hypertensive(pressure(152, 80))),
    silent(
        BP,
        "interval",
        "one reading sent twice",
        hypertensive(pressure(152, 80), pressure(152, 80, id="o2")),
    ),
    fires(BP, "unit", "mmHg", high()),
    silent(
        BP,
        "unit",
        "kPa",
        hypertensive(
            single("8480-6", 20, ago(10)),
            structs.replace(lab("8480-6", 20, "kPa", ago(10)), id="o2"),
            lab("8462-4", 13, "kPa", ago(10)),
        ),
    ),
    fires(BP, "code", "an older panel", hypertensive(OLDER_PANEL, pressure(148, 80, ago(40)))),
    fires(
        BP,
        "code",
        "two results of one time",
        hypertensive(single("8480-6", 152), single("8462-4", 80), pressure(148, 80, ago(40))),
    ),
    silent(
        BP,
        "code",
        "a systolic value alone",
        hypertensive(single("8480-6", 152), pressure(148, 80, ago(40))),
    ),
    silent(
        BP,
        "status",
        "one entered in error",
        hypertensive(pressure(152, 80, status="entered-in-error"), pressure(148, 80, ago(40))),
    ),
    fires(
        BP,
        "status",
        "amended",
        hypertensive(pressure(152, 80, status="amended"), pressure(148, 80, ago(40))),
    ),
    silent(
        BP,
        "exclusion",
        "on dialysis",
        high(conditions=[condition(HYPERTENSION), condition(ON_DIALYSIS, id="c2")]),
    ),
    silent(
        BP,
        "exclusion",
        "pregnant",
        high(conditions=[condition(HYPERTENSION), condition(PREGNANT, id="c2")]),
    ),
    silent(BP, "missing", "readings not known", high(vitals=None), gap="not fully known"),
    silent(
        BP,
        "missing",
        "a newer reading that is not final",
        hypertensive(
            pressure(152, 80),
            pressure(148, 80, ago(40)),
            pressure(120, 70, ago(1), status="unknown"),
        ),
        gap="may be newer",
    ),
    silent(
        BP,
        "missing",
        "a reading without a date",
        hypertensive(pressure(152, 80), pressure(148, 80, ago(40)), pressure(120, 70, None)),
        gap="may be newer",
    ),
    silent(
        BP,
        "missing",
        "readings unreadable",
        high(vitals=unreadable("Observation", pressure(152, 80), pressure(148, 80, ago(40)))),
        gap="not fully known",
    ),
    fires(
        BP,
        "missing",
        "an old reading without a diastolic value",
        hypertensive(pressure(152, 80), pressure(148, 80, ago(40)), pressure(150, None, ago(80))),
    ),
)
