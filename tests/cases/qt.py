"""Two medicines that prolong the QT interval."""

from dataclasses import replace as changed

from msgspec.structs import replace

from clinical.checks.qt import qt_pairs
from fhir.records import CodeableConcept, Coding
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ICD,
    LOINC,
    ago,
    chart,
    concept,
    condition,
    draft,
    lab,
    medication,
    patient,
    unreadable,
)

CHECKS = (qt_pairs,)
PAIR, CRITICAL = "ddi.qt-pair", "ddi.qt-pair.critical"
BOUNDARIES = {
    PAIR: "status drafts route code exclusion missing",
    CRITICAL: "interval value unit status drafts code missing",
}
LONG_QT = (ICD, "I45.81", "Long QT syndrome")
QTC = concept((LOINC, "44975-1", "Q-T interval {EKG lead}"), text="QTc interval")
UNCORRECTED = concept((LOINC, "44975-1", "Q-T interval {EKG lead}"))
NINETY_DAYS, A_WEEK = ago(90), ago(7)
LOW = (CodeableConcept([Coding(None, "L")]),)


def called(name):
    return {"medication_codeable_concept": concept(text=name)}


ORDER = draft(**called("azithromycin 250 mg tablet"))
ACTIVE = medication(**called("citalopram 20 mg tablet"))
STALE = medication(**called("citalopram 20 mg tablet"), authored_on=ago(457))
REFUTED = condition(LONG_QT, verification_status=concept((None, "refuted", None)))
RESOLVED = condition(LONG_QT, clinical_status=concept((None, "resolved", None)))


def pair(**changes):
    return chart(**{"drafts": [ORDER], "medications": [ACTIVE], "vitals": []} | changes)


def ecg(value, when, unit="ms", code=QTC, **changes):
    return replace(lab("44975-1", value, unit, when, **changes), code=code)


def qt(value, when=NINETY_DAYS, **changes):
    return pair(vitals=[ecg(value, when, **changes)])


def potassium(value, when=A_WEEK, unit="mmol/L", **changes):
    return pair(labs=[lab("2823-3", value, unit, when, **changes)])


def magnesium(marks, when=A_WEEK, **changes):
    return pair(labs=[lab("19123-9", 1.2, "mg/dL", when, interpretation=marks, **changes)])


SECOND = draft(**called("citalopram"), id="d2")

CASES = (
    fires(PAIR, "status", "active", pair(), "warning", "citalopram"),
    *(
        silent(PAIR, "status", each, pair(medications=[replace(ACTIVE, status=each)]))
        for each in ("stopped", "completed", "on-hold")
    ),
    fires(PAIR, "drafts", "two in this session", chart(drafts=[ORDER, SECOND]), "warning"),
    silent(PAIR, "drafts", "alone", chart(drafts=[ORDER])),
    silent(PAIR, "drafts", "none is signed", pair(drafts=[changed(ORDER, selected=False)])),
    fires(PAIR, "route", "tablets", pair()),
    silent(PAIR, "route", "eye drops", pair(drafts=[draft(**called("azithromycin eye drops"))])),
    fires(PAIR, "code", "two of the class", pair()),
    silent(PAIR, "code", "the same one", pair(drafts=[draft(**called("citalopram 40 mg"))])),
    silent(PAIR, "code", "not of the class", pair(medications=[medication(**called("aspirin"))])),
    fires(PAIR, "exclusion", "alive", pair()),
    silent(PAIR, "exclusion", "deceased", pair(patient=patient(deceased_boolean=True))),
    fires(
        PAIR,
        "missing",
        "another medicine cannot be read",
        pair(medications=unreadable("MedicationRequest", ACTIVE)),
    ),
    silent(
        PAIR,
        "missing",
        "active medicines not known",
        pair(medications=None),
        gap="the active medicines are not known",
    ),
    fires(
        CRITICAL, "status", "long QT syndrome", pair(conditions=[condition(LONG_QT)]), "critical"
    ),
    silent(CRITICAL, "status", "refuted", pair(conditions=[REFUTED])),
    silent(CRITICAL, "status", "resolved", pair(conditions=[RESOLVED])),
    fires(PAIR, "status", "an order of long ago", pair(medications=[STALE]), "info"),
    fires(
        PAIR,
        "status",
        "an order of long ago, with long QT",
        pair(conditions=[condition(LONG_QT)], medications=[STALE]),
        "warning",
    ),
    fires(PAIR, "status", "long QT refuted", pair(conditions=[REFUTED]), "warning"),
    silent(
        CRITICAL,
        "status",
        "an order of long ago",
        pair(conditions=[condition(LONG_QT)], medications=[STALE]),
    ),
    fires(CRITICAL, "value", "QTc 500", qt(500), "critical", "500 ms"),
    silent(CRITICAL, "value", "QTc 499", qt(499)),
    silent(CRITICAL, "status", "QTc entered in error", qt(520, status="entered-in-error")),
    fires(CRITICAL, "interval", "QTc 90 days ago", qt(500, ago(90))),
    silent(CRITICAL, "interval", "QTc 91 days ago", qt(500, ago(91))),
    silent(CRITICAL, "interval", "QTc of a month", qt(500, "2026-05")),
    silent(
        CRITICAL,
        "interval",
        "a newer QTc is shorter",
        pair(
            vitals=[
                ecg(520, ago(20)),
                ecg(430, ago(2)),
            ]
        ),
    ),
    fires(CRITICAL, "unit", "ms", qt(500)),
    silent(CRITICAL, "unit", "seconds", qt(0.5, unit="s")),
    silent(CRITICAL, "unit", "no unit", qt(500, unit=None)),
    fires(CRITICAL, "code", "called QTc", qt(500)),
    silent(CRITICAL, "code", "not called corrected", qt(500, code=UNCORRECTED)),
    fires(CRITICAL, "value", "potassium 3.4", potassium(3.4), "critical", "3.4 mmol/L"),
    silent(CRITICAL, "value", "potassium 3.5", potassium(3.5)),
    fires(CRITICAL, "unit", "potassium in mEq/L", potassium(3.4, unit="mEq/L")),
    silent(CRITICAL, "unit", "potassium in mg/dL", potassium(3.4, unit="mg/dL")),
    fires(CRITICAL, "interval", "potassium 7 days ago", potassium(3.4, ago(7))),
    silent(CRITICAL, "interval", "potassium 8 days ago", potassium(3.4, ago(8))),
    silent(CRITICAL, "status", "potassium cancelled", potassium(3.0, status="cancelled")),
    fires(CRITICAL, "value", "magnesium marked low", magnesium(LOW), "critical", "agnesium"),
    fires(CRITICAL, "value", "marked by a single mark", magnesium(LOW[0]), "critical"),
    silent(CRITICAL, "value", "magnesium not marked", magnesium(())),
    silent(CRITICAL, "interval", "magnesium 8 days ago", magnesium(LOW, ago(8))),
    fires(
        CRITICAL,
        "drafts",
        "two in this session",
        chart(drafts=[ORDER, SECOND], conditions=[condition(LONG_QT)]),
        "critical",
    ),
    silent(CRITICAL, "drafts", "alone", chart(drafts=[ORDER], conditions=[condition(LONG_QT)])),
    fires(
        CRITICAL,
        "missing",
        "potassium not known",
        pair(conditions=[condition(LONG_QT)], labs=None),
        "critical",
    ),
    silent(
        CRITICAL, "missing", "problem list not known", pair(conditions=None), gap="long QT syndrome"
    ),
    fires(PAIR, "missing", "nothing else known", pair(conditions=None, labs=None, vitals=None)),
)
