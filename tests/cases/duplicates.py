"""The same medicine twice, or two of one class."""

from dataclasses import replace

from clinical.checks.duplicates import RULES, duplicates
from fhir.records import DispenseRequest, Dosage, Period, Reference, Repeat, Timing
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ago,
    chart,
    concept,
    draft,
    medication,
    patient,
    statement,
    unreadable,
)

CHECKS = (duplicates,)
SAME = "dup.same-ingredient"
# Two of the class.
MEETS = {
    SAME: ("lisinopril", "lisinopril"),
    "dup.class.statin": ("simvastatin", "atorvastatin"),
    "dup.class.ppi": ("omeprazole", "pantoprazole"),
    "dup.class.acei": ("lisinopril", "enalapril"),
    "dup.class.arb": ("losartan", "valsartan"),
    "dup.class.benzodiazepine": ("alprazolam", "lorazepam"),
    "dup.class.nsaid": ("ibuprofen", "naproxen"),
    "dup.class.doac": ("apixaban", "rivaroxaban"),
    "dup.class.ssri-snri": ("sertraline", "citalopram"),
}
BOUNDARIES = dict.fromkeys(MEETS, "interval status drafts route exclusion missing")


def called(name):
    return {"medication_codeable_concept": concept(text=name)}


def active(*names, **changes):
    named = enumerate(names)
    return [medication(id=f"m{n}", **called(f"{name} 10 mg") | changes) for n, name in named]


def ordered(name, **changes):
    return draft(**called(f"{name} 20 mg tablet") | changes)


def meeting(one, *others, **changes):
    return chart(**{"drafts": [ordered(one)], "medications": active(*others)} | changes)


def valid(end):
    return {"dispense_request": DispenseRequest(validity_period=Period(end=end))}


def taken(end):
    repeat = Repeat(bounds_period=Period(end=end))
    return {"dosage_instruction": (Dosage(timing=Timing(repeat=repeat)),)}


def rows(rule, one, two):
    grave = RULES[rule].indicator
    for what in (valid, taken):
        until = {end: active(two, **what(end)) for end in (ago(0), ago(1))}
        today, before = (meeting(one, medications=until[each]) for each in (ago(0), ago(1)))
        yield fires(rule, "interval", f"{what.__name__} until today", today, grave)
        yield silent(rule, "interval", f"{what.__name__} until yesterday", before)
    yield fires(rule, "status", "active", meeting(one, two), grave, two)
    for status in ("stopped", "completed", "on-hold", "entered-in-error"):
        over = meeting(one, medications=active(two, status=status))
        yield silent(rule, "status", status, over)
    both = [ordered(one), ordered(two, id="d2")]
    aside = [both[0], replace(both[1], selected=False)]
    yield fires(rule, "drafts", "two in this session", chart(drafts=both), grave)
    yield fires(rule, "drafts", "one of two is signed", chart(drafts=aside), grave)
    yield silent(rule, "drafts", "alone", chart(drafts=both[:1]))
    yield fires(rule, "route", "both by mouth", meeting(one, two), grave)
    local = meeting(one, medications=[medication(**called(f"{two} 1 % cream"))])
    yield silent(rule, "route", "one of them a cream", local)
    yield fires(rule, "exclusion", "alive", meeting(one, two), grave)
    yield silent(
        rule, "exclusion", "deceased", meeting(one, two, patient=patient(deceased_boolean=True))
    )
    prior = {"prior_prescription": Reference("MedicationRequest/m0")}
    renewal = meeting(one, two, drafts=[ordered(one, **prior)])
    yield silent(rule, "exclusion", "a renewal", renewal)
    edited = meeting(one, two, drafts=[ordered(one, id="m0")])
    yield silent(rule, "exclusion", "the order itself", edited)
    partly = unreadable("MedicationRequest", *active(two))
    yield fires(rule, "missing", "another cannot be read", meeting(one, medications=partly), grave)
    yield silent(
        rule,
        "missing",
        "active medicines not known",
        meeting(one, medications=None),
        gap="the active medicines are not known",
    )


def said(text):
    return {"dosage_instruction": (Dosage(text=text),)}


LOCAL = ("http://example.org/medicines", "77", "Local preparation")
OTHER = ("http://example.org/medicines", "78", "Local preparation")

CASES = (
    *(row for rule, meets in MEETS.items() for row in rows(rule, *meets)),
    fires(
        SAME,
        "status",
        "reported",
        chart(drafts=[ordered("lisinopril")], statements=[statement(**called("lisinopril"))]),
        "info",
        "reported",
    ),
    fires(
        SAME,
        "interval",
        "456 days ago",
        meeting("lisinopril", medications=active("lisinopril", authored_on=ago(456))),
        "warning",
    ),
    fires(
        SAME,
        "interval",
        "457 days ago",
        meeting("lisinopril", medications=active("lisinopril", authored_on=ago(457))),
        "info",
    ),
    fires(
        SAME,
        "route",
        "both are creams",
        meeting("", drafts=[ordered("diclofenac gel")], medications=active("diclofenac gel")),
    ),
    fires(
        SAME,
        "code",
        "inside of a combination",
        meeting("lisinopril", "hydrochlorothiazide / lisinopril"),
        "warning",
    ),
    silent(
        SAME,
        "code",
        "beside a combination without it",
        meeting("lisinopril", "hydrochlorothiazide / losartan"),
    ),
    fires(
        SAME,
        "code",
        "one code that no table knows",
        chart(drafts=[draft(LOCAL)], medications=[medication(LOCAL)]),
        "info",
        "Local preparation",
    ),
    silent(
        SAME,
        "code",
        "two codes that no table knows",
        chart(drafts=[draft(LOCAL)], medications=[medication(OTHER)]),
    ),
    fires("dup.class.acei", "code", "two of the class", meeting("lisinopril", "ramipril")),
    silent("dup.class.acei", "code", "the same of the class", meeting("lisinopril", "lisinopril")),
    silent(SAME, "exclusion", "opioids", meeting("oxycodone", "oxycodone")),
    silent(
        SAME,
        "exclusion",
        "two strengths of levothyroxine in one session",
        chart(drafts=[ordered("levothyroxine"), ordered("levothyroxine", id="d2")]),
    ),
    fires(
        SAME,
        "exclusion",
        "levothyroxine beside an active one",
        meeting("levothyroxine", "levothyroxine"),
    ),
    *(
        silent(
            SAME,
            "exclusion",
            words,
            meeting("lisinopril", "lisinopril", drafts=[ordered("lisinopril", **said(words))]),
        )
        for words in ("Taper over a week", "for bridging")
    ),
)
BOUNDARIES[SAME] += " code"
BOUNDARIES["dup.class.acei"] += " code"
