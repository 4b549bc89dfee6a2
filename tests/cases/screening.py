"""Screening, one finding each: who is due, what satisfies it, and what rules it out."""

from typing import Any

from msgspec import structs

from clinical.checks.blood_pressure import screen
from clinical.checks.screening import screening
from fhir.records import DiagnosticReport, Period, Procedure
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    SNOMED,
    TYPE_2,
    a1c,
    ago,
    answer,
    chart,
    concept,
    condition,
    lab,
    patient,
    pressure,
    procedure,
    unreadable,
)

CHECKS = (screening, screen)
BOUNDARIES = {
    "gap.colorectal": "age interval code status exclusion missing",
    "gap.breast": "age sex interval status exclusion missing",
    "gap.cervical": "age sex interval status exclusion missing",
    "gap.lung": "age value unit interval code status missing",
    "gap.aaa": "age sex code status exclusion missing",
    "gap.hepatitis-c": "age code status exclusion missing",
    "gap.hiv": "age code status exclusion missing",
    "gap.diabetes-screen": "age value unit interval status exclusion missing",
    "gap.bp-screen": "age interval status exclusion missing",
}

COLON, BREAST, CERVIX, LUNG, AORTA, HCV, HIV, SUGAR, PRESSURE = BOUNDARIES

COLONOSCOPY = (SNOMED, "73761001", "Colonoscopy (procedure)")
COLON_CANCER = (ICD, "C18.9", "Malignant neoplasm of colon, unspecified")
MASTECTOMY = (ICD, "Z90.13", "Acquired absence of bilateral breasts and nipples")
NO_CERVIX = (ICD, "Z90.710", "Acquired absence of both cervix and uterus")
ANEURYSM = (ICD, "I71.40", "Abdominal aortic aneurysm, without rupture, unspecified")
HEPATITIS = (SNOMED, "128302006", "Chronic hepatitis C (disorder)")
HIV_DISEASE = (ICD, "B20", "Human immunodeficiency virus [HIV] disease")
HYPERTENSION = (ICD, "I10", "Essential (primary) hypertension")
PREGNANT = (SNOMED, "77386006", "Pregnant (finding)")
DAILY = (SNOMED, "449868002", "Smokes tobacco daily (finding)")
FORMER = (SNOMED, "8517006", "Former smoker")
NEVER = (SNOMED, "266919005", "Never smoker")


def born(age: int, tomorrow: bool = False, gender: str = "female") -> Any:
    """Of this age since today, or from tomorrow on."""
    return patient(birth_date=f"{2026 - age}-06-{16 if tomorrow else 15}", gender=gender)


def of(age: int, *tests: Any, gender: str = "female", **changes: Any) -> Any:
    return chart(**{"patient": born(age, gender=gender), "tests": list(tests)} | changes)


def result_of(code: str, when: str | None = ago(10), **changes: Any) -> Any:
    return lab(code, None, None, when, **{"value_quantity": None} | changes)


def packs(value: float, unit: str = "{PackYears}") -> Any:
    coded = concept((SNOMED, "401201003", None))
    return structs.replace(lab("-", value, unit, ago(5)), code=coded)


def smoker(kind: Any = DAILY, pack_years: float | None = 20, **changes: Any) -> Any:
    told = answer("72166-2", kind, **changes)
    return [told] if pack_years is None else [told, packs(pack_years)]


def quit_smoking(day: str) -> Any:
    period: Any = {"effective_date_time": None, "effective_period": Period("1990", day)}
    return smoker(FORMER, **period)


def bmi(value: float, when: str = ago(10), unit: str = "kg/m2") -> Any:
    return [lab("39156-5", value, unit, when)]


def named(text: str, when: str | None, status: str = "completed") -> Procedure:
    return Procedure("pr2", status, concept(text=text), performed_date_time=when)


def report(text: str, when: str | None, status: str = "final") -> DiagnosticReport:
    return DiagnosticReport("dr1", status, concept(text=text), effective_date_time=when)


def heavy(age: int = 60, **changes: Any) -> Any:
    return of(age, **{"social": smoker()} | changes)


def man(age: int = 70, **changes: Any) -> Any:
    return of(age, gender="male", **{"social": smoker(FORMER, None)} | changes)


def heavier(age: int = 50, *tests: Any, **changes: Any) -> Any:
    return of(age, *tests, **{"vitals": bmi(31)} | changes)


# Somebody who is due for each, and a test that satisfies it.
DUE = {
    COLON: (of, 50, "2335-8"),
    BREAST: (of, 50, "24606-6"),
    CERVIX: (of, 40, "10524-7"),
    HCV: (of, 40, "16128-1"),
    HIV: (of, 40, "7918-6"),
    SUGAR: (heavier, 50, "2345-7"),
}

CASES = (
    silent(COLON, "code", "by name", of(50, procedures=[named("COLONOSCOPY, DIAGNOSTIC", ago(9))])),
    fires(COLON, "code", "declined", of(50, procedures=[named("Colonoscopy declined", ago(9))])),
    silent(
        HIV,
        "code",
        "by name",
        of(40, procedures=[named("Human immunodeficiency virus antigen test", "2011-07-25")]),
    ),
    silent(HCV, "code", "by name", of(40, procedures=[named("Hepatitis C antibody test", "2011")])),
    # By age: the first and the last year, and whom it is not for.
    *(
        case
        for rule, lowest, highest, make in (
            (COLON, 45, 75, of),
            (BREAST, 40, 74, of),
            (CERVIX, 21, 65, of),
            (LUNG, 50, 80, heavy),
            (AORTA, 65, 75, man),
            (HCV, 18, 79, of),
            (HIV, 15, 65, of),
            (SUGAR, 35, 70, heavier),
        )
        for gender in ["male" if rule == AORTA else "female"]
        for case in (
            fires(rule, "age", f"{lowest} today", make(lowest), "info"),
            silent(
                rule,
                "age",
                f"{lowest} tomorrow",
                make(lowest, patient=born(lowest, tomorrow=True, gender=gender)),
            ),
            fires(
                rule,
                "age",
                f"{highest}, for another day",
                make(highest, patient=born(highest + 1, tomorrow=True, gender=gender)),
            ),
            silent(rule, "age", f"{highest + 1} today", make(highest + 1)),
            silent(
                rule,
                "age",
                "only a year of birth",
                make(50, patient=patient(birth_date=f"{2026 - lowest - 5}", gender=gender)),
                gap="birth date",
            ),
        )
    ),
    # A result in and out of use, and data that are not known.
    *(
        case
        for rule, (make, age, code) in DUE.items()
        for case in (
            fires(
                rule,
                "status",
                "entered in error",
                make(age, result_of(code, status="entered-in-error")),
            ),
            fires(rule, "status", "cancelled", make(age, result_of(code, status="cancelled"))),
            silent(rule, "status", "final", make(age, result_of(code))),
            silent(rule, "status", "amended", make(age, result_of(code, status="amended"))),
            silent(
                rule,
                "status",
                "preliminary",
                make(age, result_of(code, status="preliminary")),
                gap="not final",
            ),
            fires(rule, "missing", "nothing on record", make(age), says="no record of it here"),
            fires(
                rule,
                "missing",
                "a test without a result",
                make(age, result_of(code, data_absent_reason=concept(text="error"))),
            ),
            fires(rule, "missing", "reports not known", make(age, reports=None)),
            silent(rule, "missing", "tests not known", make(age, tests=None), gap="not fully"),
            silent(rule, "missing", "procedures not known", make(age, procedures=None), gap="not"),
            silent(
                rule,
                "missing",
                "a test unreadable",
                make(age, tests=unreadable("Observation")),
                gap="not fully known",
            ),
            silent(
                rule, "missing", "problems not known", make(age, conditions=None), gap="problem"
            ),
        )
    ),
    # Intervals: what was done exactly so long ago is due again.
    *(
        case
        for rule, code, years in (
            (COLON, "2335-8", 1),
            (COLON, "77353-1", 3),
            (COLON, "60515-4", 5),
            (BREAST, "24606-6", 2),
            (CERVIX, "10524-7", 3),
            (CERVIX, "21440-3", 5),
            (SUGAR, "2345-7", 3),
        )
        for make, age, _ in [DUE[rule]]
        for case in (
            fires(
                rule,
                "interval",
                f"{code} {years} years ago",
                make(age, result_of(code, f"{2026 - years}-06-15")),
            ),
            silent(
                rule,
                "interval",
                f"{code} a day less",
                make(age, result_of(code, f"{2026 - years}-06-16")),
            ),
        )
    ),
    fires(
        COLON,
        "interval",
        "colonoscopy 10 years ago",
        of(50, procedures=[procedure(COLONOSCOPY, "2016-06-15")]),
    ),
    silent(
        COLON,
        "interval",
        "colonoscopy a day less",
        of(50, procedures=[procedure(COLONOSCOPY, "2016-06-16")]),
    ),
    silent(
        COLON,
        "interval",
        "colonoscopy of a year within",
        of(50, procedures=[procedure(COLONOSCOPY, "2017")]),
    ),
    silent(
        COLON,
        "interval",
        "colonoscopy of the year in question",
        of(50, procedures=[procedure(COLONOSCOPY, "2016")]),
        gap="may count",
    ),
    fires(
        COLON,
        "interval",
        "colonoscopy of a year before",
        of(50, procedures=[procedure(COLONOSCOPY, "2015")]),
    ),
    fires(
        COLON,
        "code",
        "another procedure",
        of(50, procedures=[procedure((SNOMED, "80146002", "Appendectomy (procedure)"), ago(9))]),
    ),
    silent(COLON, "code", "colonoscopy", of(50, procedures=[procedure(COLONOSCOPY, ago(9))])),
    fires(CERVIX, "interval", "an HPV test before 30", of(31, result_of("21440-3", "2025-06-14"))),
    silent(CERVIX, "interval", "an HPV test at 30", of(31, result_of("21440-3", "2025-06-15"))),
    # Sex: not guessed.
    fires(BREAST, "sex", "a woman", of(50)),
    silent(BREAST, "sex", "a man", of(50, gender="male")),
    silent(BREAST, "sex", "not known", of(50, gender="unknown")),
    fires(CERVIX, "sex", "a woman", of(40)),
    silent(CERVIX, "sex", "a man", of(40, gender="male")),
    silent(CERVIX, "sex", "not told", of(40, gender="other")),
    fires(AORTA, "sex", "a man", man(), says="Former smoker"),
    silent(AORTA, "sex", "a woman", of(70, social=smoker(FORMER))),
    # What rules it out.
    *(
        case
        for rule, diagnosis, make, age in (
            (COLON, COLON_CANCER, of, 50),
            (BREAST, MASTECTOMY, of, 50),
            (CERVIX, NO_CERVIX, of, 40),
            (AORTA, ANEURYSM, man, 70),
            (HCV, HEPATITIS, of, 40),
            (HIV, HIV_DISEASE, of, 40),
            (SUGAR, TYPE_2, heavier, 50),
            (PRESSURE, HYPERTENSION, of, 40),
        )
        for case in (
            silent(rule, "exclusion", "a diagnosis", make(age, conditions=[condition(diagnosis)])),
            fires(
                rule,
                "exclusion",
                "a diagnosis entered in error",
                make(
                    age, conditions=[condition(diagnosis, verification_status="entered-in-error")]
                ),
            ),
            silent(
                rule,
                "exclusion",
                "in hospice",
                make(age, procedures=[procedure(IN_HOSPICE, ago(30))]),
                gap="hospice",
            ),
            silent(
                rule,
                "exclusion",
                "dead",
                make(
                    age,
                    patient=patient(
                        birth_date=f"{2026 - age}-01-01",
                        gender="male" if rule == AORTA else "female",
                        deceased_boolean=True,
                    ),
                ),
            ),
        )
    ),
    silent(
        CERVIX,
        "exclusion",
        "an operation without a code known here",
        of(40, procedures=[named("Total abdominal hysterectomy", "2010")]),
        gap="may rule it out",
    ),
    silent(
        SUGAR,
        "exclusion",
        "pregnant",
        heavier(40, conditions=[condition(PREGNANT, onset_date_time=ago(100))]),
    ),
    fires(
        SUGAR,
        "exclusion",
        "a pregnancy of last year",
        heavier(40, conditions=[condition(PREGNANT, onset_date_time=ago(301))]),
    ),
    # Smoking.
    fires(LUNG, "value", "20 pack-years", heavy(), says="20 pack-years"),
    silent(LUNG, "value", "19.9 pack-years", heavy(social=smoker(pack_years=19.9))),
    silent(LUNG, "value", "former, quit date not known", heavy(social=smoker(FORMER))),
    fires(
        LUNG,
        "value",
        "quit 14 years ago",
        heavy(social=quit_smoking("2011-06-16")),
    ),
    silent(
        LUNG,
        "value",
        "quit 15 years ago",
        heavy(social=quit_smoking("2011-06-15")),
    ),
    fires(LUNG, "unit", "pack-years", heavy()),
    silent(
        LUNG,
        "unit",
        "cigarettes a day",
        heavy(social=[smoker()[0], packs(30, "{cigarettes}/d")]),
    ),
    fires(
        LUNG,
        "interval",
        "a low-dose CT a year ago",
        heavy(procedures=[named("Low-dose CT of chest", "2025-06-15")]),
    ),
    silent(
        LUNG,
        "interval",
        "a low-dose CT a day less",
        heavy(procedures=[named("Low-dose CT of chest", "2025-06-16")]),
    ),
    fires(LUNG, "code", "another CT", heavy(reports=[report("CT chest with contrast", ago(9))])),
    silent(LUNG, "code", "told by name", heavy(reports=[report("LDCT chest screening", ago(9))])),
    fires(
        LUNG,
        "status",
        "a CT that was not done",
        heavy(procedures=[named("LDCT", ago(9), "not-done")]),
    ),
    silent(
        LUNG,
        "status",
        "a CT that goes on",
        heavy(procedures=[named("LDCT", ago(0), "in-progress")]),
        gap="not final",
    ),
    fires(LUNG, "missing", "no CT on record", heavy()),
    silent(LUNG, "missing", "no answer about smoking", heavy(social=[])),
    silent(LUNG, "missing", "smoking not known", heavy(social=None), gap="smoking"),
    silent(
        LUNG,
        "missing",
        "answers that contradict",
        heavy(social=[*smoker(), answer("72166-2", NEVER, when=ago(1))]),
        gap="contradicts",
    ),
    fires(AORTA, "code", "another ultrasound", man(reports=[report("US liver", "2020")])),
    silent(
        AORTA, "code", "told by name", man(reports=[report("Ultrasound, abdominal aorta", "2020")])
    ),
    fires(
        AORTA,
        "status",
        "entered in error",
        man(reports=[report("AAA ultrasound", "2020", "entered-in-error")]),
    ),
    silent(AORTA, "status", "final", man(reports=[report("AAA ultrasound", "2020")])),
    fires(AORTA, "missing", "no ultrasound on record", man()),
    silent(AORTA, "missing", "no answer about smoking", man(social=[])),
    silent(AORTA, "missing", "never smoked", man(social=smoker(NEVER, None))),
    silent(
        AORTA,
        "missing",
        "reports unreadable",
        man(reports=unreadable("DiagnosticReport")),
        gap="not fully",
    ),
    # Tests of which one in a life is enough.
    *(
        case
        for rule, code, other in ((HCV, "13955-0", "5196-1"), (HIV, "56888-1", "5196-1"))
        for case in (
            fires(rule, "code", "another test", of(40, result_of(other))),
            silent(rule, "code", "long ago", of(40, result_of(code, "1999"))),
            silent(rule, "code", "without a date", of(40, result_of(code, None))),
        )
    ),
    # The body mass index.
    fires(SUGAR, "value", "25", heavier(vitals=bmi(25)), says="index 25"),
    silent(SUGAR, "value", "24.9", heavier(vitals=bmi(24.9))),
    silent(SUGAR, "value", "less since", heavier(vitals=[*bmi(31, ago(90)), *bmi(23)])),
    fires(SUGAR, "unit", "kg/m2", heavier()),
    silent(SUGAR, "unit", "another unit", heavier(vitals=bmi(31, unit="lb/in2"))),
    fires(
        SUGAR, "interval", "an index of nearly two years ago", heavier(vitals=bmi(31, "2024-06-16"))
    ),
    silent(SUGAR, "interval", "an index of two years ago", heavier(vitals=bmi(31, "2024-06-15"))),
    silent(SUGAR, "interval", "HbA1c", heavier(labs=[a1c(5.4, ago(400))])),
    silent(SUGAR, "missing", "no index", heavier(vitals=[])),
    silent(SUGAR, "missing", "vital signs not known", heavier(vitals=None), gap="mass index"),
    # Blood pressure.
    fires(PRESSURE, "age", "18 today", of(18)),
    silent(PRESSURE, "age", "18 tomorrow", of(18, patient=born(18, tomorrow=True))),
    fires(PRESSURE, "interval", "a year ago", of(40, vitals=[pressure(118, 74, "2025-06-15")])),
    silent(PRESSURE, "interval", "a day less", of(40, vitals=[pressure(118, 74, "2025-06-16")])),
    fires(
        PRESSURE,
        "status",
        "entered in error",
        of(40, vitals=[pressure(118, 74, status="entered-in-error")]),
    ),
    silent(PRESSURE, "status", "final", of(40, vitals=[pressure(118, 74)])),
    fires(PRESSURE, "missing", "nothing on record", of(40)),
    silent(PRESSURE, "missing", "readings not known", of(40, vitals=None), gap="not fully"),
    silent(
        PRESSURE,
        "missing",
        "a reading without a date",
        of(40, vitals=[pressure(118, 74, None)]),
        gap="may count",
    ),
    silent(PRESSURE, "missing", "problems not known", of(40, conditions=None), gap="problem list"),
)
