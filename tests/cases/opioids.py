"""The dose of opioids, benzodiazepines beside them, and naloxone."""

from dataclasses import replace as changed

from clinical.checks.opioids import opioids
from fhir.records import (
    DispenseRequest,
    Dosage,
    DoseAndRate,
    DoseRange,
    Period,
    Quantity,
    Reference,
    Repeat,
    Timing,
)
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ICD,
    IN_HOSPICE,
    RXNORM,
    ago,
    chart,
    concept,
    condition,
    draft,
    medication,
    patient,
    procedure,
    statement,
    unreadable,
)

CHECKS = (opioids,)
HIGH, REVIEW = "opioid.mme90", "opioid.mme50"
INCOMPLETE, BENZO, NALOXONE = "opioid.mme.incomplete", "opioid.benzodiazepine", "opioid.naloxone"
BOUNDARIES = {
    HIGH: "age value status drafts exclusion missing",
    REVIEW: "age value unit dose code interval status drafts exclusion missing",
    INCOMPLETE: "age unit dose code interval status drafts exclusion missing",
    BENZO: "code interval status drafts exclusion missing",
    NALOXONE: "age value code status drafts exclusion missing",
}

# 2 mg, and so 2 MME, in a millilitre.
MORPHINE = (RXNORM, "892589", "morphine sulfate 2 MG/ML Oral Solution")
OXYCODONE_5 = (RXNORM, "1049621", "oxycodone hydrochloride 5 MG Oral Tablet")
METHADONE_10 = (RXNORM, "864706", "methadone hydrochloride 10 MG Oral Tablet")
HYDROCODONE_5 = (RXNORM, "857002", "acetaminophen 325 MG / hydrocodone bitartrate 5 MG Oral Tablet")
MEPERIDINE = (RXNORM, "861467", "meperidine hydrochloride 50 MG Oral Tablet")
INJECTION = (RXNORM, "897653", "1 ML hydromorphone hydrochloride 1 MG/ML Injection")
PATCH_25 = (RXNORM, "245134", "72 HR fentanyl 0.025 MG/HR Transdermal System")
PATCH_12 = (RXNORM, "577057", "72 HR fentanyl 0.012 MG/HR Transdermal System")
BUPRENORPHINE = (RXNORM, "351264", "buprenorphine 2 MG Sublingual Tablet")
WITH_NALOXONE = (RXNORM, "351267", "buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet")
SPRAY = (RXNORM, "1725059", "naloxone hydrochloride 40 MG/ML Nasal Spray")
ALPRAZOLAM = (RXNORM, "308048", "alprazolam 0.5 MG Oral Tablet")
PALLIATIVE_VISIT = (ICD, "Z51.5", "Encounter for palliative care")


def every(dose, unit="mL", frequency=1, period=1, days="d", **more):
    """So much, so often."""
    repeat = Repeat(frequency=frequency, period=period, period_unit=days, **more)
    quantity = Quantity(dose, None, unit, None, unit)
    return {
        "dosage_instruction": (
            Dosage(timing=Timing(repeat=repeat), dose_and_rate=(DoseAndRate(quantity),)),
        )
    }


def ordered(code=MORPHINE, dose=None, id="d1", **changes):
    return draft(code, id=id, **(every(10) if dose is None else dose) | changes)


def active(code=MORPHINE, dose=None, id="m1", **changes):
    return medication(code, id=id, **(every(10) if dose is None else dose) | changes)


def millilitres(dose, *more, **changes):
    """An order of 2 MME a millilitre, beside what is active."""
    return chart(**{"drafts": [ordered(dose=every(dose))], "medications": list(more)} | changes)


def one(code, dose, **changes):
    return chart(drafts=[ordered(code, dose)], **changes)


CHILD = patient(birth_date="2008-06-16")
ADULT = patient(birth_date="2008-06-15")
DEAD = patient(deceased_boolean=True)
TABLET = every(1, "{tbl}")
RANGE = Dosage(
    timing=Timing(repeat=Repeat(frequency=1, period=1, period_unit="d")),
    dose_and_rate=(
        DoseAndRate(dose_range=DoseRange(Quantity(5, unit="mL"), Quantity(25, unit="mL"))),
    ),
)
AS_NEEDED = Dosage(
    as_needed_boolean=True,
    timing=Timing(repeat=Repeat(frequency=1, frequency_max=5, period=1, period_unit="d")),
    dose_and_rate=(DoseAndRate(Quantity(5, None, "mL", None, "mL")),),
)
OVER = {"dispense_request": DispenseRequest(validity_period=Period(end=ago(1)))}
TO_TODAY = {"dispense_request": DispenseRequest(validity_period=Period(end=ago(0)))}
RENEWAL = {"prior_prescription": Reference("MedicationRequest/m1")}
BOTH = [ordered(OXYCODONE_5, TABLET), draft(ALPRAZOLAM, id="d2")]
PAIR = {"drafts": BOTH[:1], "medications": [medication(ALPRAZOLAM)]}


def of_dose(rule, inside, below, grave):
    """Cases of a total that has this many millilitres, or only so many."""
    yield fires(rule, "age", "18 today", millilitres(inside, patient=ADULT), grave)
    yield silent(rule, "age", "18 tomorrow", millilitres(inside, patient=CHILD), gap="for adults")
    unborn = patient(birth_date=None)
    yield silent(rule, "age", "not known", millilitres(inside, patient=unborn), gap="birth date")
    yield fires(rule, "value", f"{inside * 2} MME", millilitres(inside), grave, f"{inside * 2} MME")
    yield silent(rule, "value", f"{below * 2} MME", millilitres(below))
    rest = millilitres(inside - 10, active())
    yield fires(rule, "status", "10 mL of it active", rest, grave)
    for status in ("stopped", "completed", "on-hold", "entered-in-error"):
        yield silent(rule, "status", status, millilitres(inside - 10, active(status=status)))
    said = statement(MORPHINE, dosage=every(10)["dosage_instruction"])
    again = millilitres(inside - 10, statements=[said])
    yield silent(rule, "status", "reported, as it may be ordered too", again)
    two = [ordered(dose=every(inside - 10)), ordered(id="d2")]
    yield fires(rule, "drafts", "10 mL of it another draft", chart(drafts=two), grave)
    aside = [two[0], changed(two[1], selected=False)]
    yield fires(rule, "drafts", "which is not being signed", chart(drafts=aside), grave)
    yield silent(rule, "drafts", "no opioid order", chart(medications=[active(dose=every(inside))]))
    yield fires(rule, "exclusion", "alive", millilitres(inside), grave)
    yield silent(rule, "exclusion", "deceased", millilitres(inside, patient=DEAD))
    renewed = [ordered(dose=every(inside - 10), **RENEWAL)]
    yield silent(
        rule, "exclusion", "the order that it renews", chart(drafts=renewed, medications=[active()])
    )
    yield from of_hospice(rule, lambda **known: millilitres(inside, **known))
    partly = unreadable("MedicationRequest", active())
    yield fires(
        rule, "missing", "another order cannot be read", millilitres(inside, medications=partly)
    )
    unknown = millilitres(inside - 10, medications=None)
    yield silent(rule, "missing", "active orders not known", unknown, gap="the active medicines")


def of_hospice(rule, known):
    ended = [procedure(IN_HOSPICE, ago(366))]
    yield fires(rule, "exclusion", "hospice over a year ago", known(procedures=ended))
    visit = [condition(PALLIATIVE_VISIT, onset_date_time=ago(366))]
    yield fires(rule, "exclusion", "a visit over a year ago", known(conditions=visit))
    yield silent(rule, "exclusion", "hospice", known(conditions=[condition(IN_HOSPICE)]))
    undated = [condition(PALLIATIVE_VISIT)]
    yield silent(rule, "exclusion", "a visit without a date", known(conditions=undated))
    denied = condition(IN_HOSPICE, verification_status=concept((None, "refuted", None)))
    yield fires(rule, "exclusion", "hospice is refuted", known(conditions=[denied]))


def of_presence(rule, code, grave):
    """Cases of what is silent in hospice, and where nothing is ordered."""
    yield fires(rule, "exclusion", "alive", chart(**code), grave)
    yield silent(rule, "exclusion", "deceased", chart(**code, patient=DEAD))
    yield from of_hospice(rule, lambda **known: chart(**code, **known))


CASES = (
    *of_dose(HIGH, 45, 44.9, "warning"),
    *of_dose(REVIEW, 25, 24.9, "warning"),
    silent(REVIEW, "value", "90 MME", millilitres(45)),
    fires(REVIEW, "value", "89.8 MME", millilitres(44.9)),
    fires(HIGH, "value", "methadone 20 mg", one(METHADONE_10, every(1, "{tbl}", 2)), says="94 MME"),
    fires(REVIEW, "unit", "mL", one(MORPHINE, every(25, "mL"))),
    fires(REVIEW, "unit", "mg", one(MORPHINE, every(50, "mg"))),
    fires(REVIEW, "unit", "ug", one(MORPHINE, every(50000, "ug"))),
    fires(REVIEW, "unit", "tablets", one(OXYCODONE_5, every(7, "{tbl}"))),
    fires(REVIEW, "unit", "1", one(OXYCODONE_5, every(7, "1"))),
    silent(REVIEW, "unit", "g", one(MORPHINE, every(50, "g"))),
    silent(REVIEW, "unit", "mg of a combination", one(HYDROCODONE_5, every(60, "mg"))),
    fires(REVIEW, "unit", "tablets of a combination", one(HYDROCODONE_5, every(10, "{tbl}"))),
    fires(REVIEW, "dose", "twice a day", one(MORPHINE, every(12.5, "mL", 2))),
    fires(REVIEW, "dose", "every 6 hours", one(MORPHINE, every(6.25, "mL", 1, 6, "h"))),
    fires(
        REVIEW,
        "dose",
        "as needed, up to 5 a day",
        one(MORPHINE, {"dosage_instruction": (AS_NEEDED,)}),
    ),
    fires(REVIEW, "dose", "5 to 25 mL", one(MORPHINE, {"dosage_instruction": (RANGE,)})),
    silent(REVIEW, "dose", "every other day", one(MORPHINE, every(25, "mL", 1, 2))),
    silent(REVIEW, "dose", "no frequency", one(MORPHINE, every(25, "mL", None, None, None))),
    fires(REVIEW, "code", "patch of 25 ug/h", one(PATCH_25, {}), says="60 MME"),
    silent(REVIEW, "code", "patch of 12 ug/h", one(PATCH_12, {})),
    silent(REVIEW, "code", "buprenorphine", one(BUPRENORPHINE, every(9, "{tbl}"))),
    fires(REVIEW, "interval", "valid to today", millilitres(15, active(**TO_TODAY))),
    silent(REVIEW, "interval", "valid to yesterday", millilitres(15, active(**OVER))),
    fires(
        REVIEW, "interval", "written 456 days ago", millilitres(15, active(authored_on=ago(456)))
    ),
    silent(
        REVIEW, "interval", "written 457 days ago", millilitres(15, active(authored_on=ago(457)))
    ),
    # What cannot be counted.
    fires(INCOMPLETE, "age", "18 today", one(MORPHINE, {}, patient=ADULT), "info"),
    silent(INCOMPLETE, "age", "18 tomorrow", one(MORPHINE, {}, patient=CHILD)),
    fires(INCOMPLETE, "dose", "no dose", one(MORPHINE, {}), "info", "no dose is told"),
    fires(INCOMPLETE, "dose", "no frequency", one(MORPHINE, every(5, "mL", None, None, None))),
    silent(INCOMPLETE, "dose", "dose and frequency", one(MORPHINE, every(5))),
    fires(INCOMPLETE, "unit", "drops", one(MORPHINE, every(5, "[drp]"))),
    silent(INCOMPLETE, "unit", "mL", one(MORPHINE, every(5, "mL"))),
    fires(INCOMPLETE, "unit", "mg of a combination", one(HYDROCODONE_5, every(60, "mg"))),
    fires(INCOMPLETE, "code", "an injection", one(INJECTION, every(1)), says="this form"),
    fires(INCOMPLETE, "code", "no factor", one(MEPERIDINE, TABLET), says="no factor is known"),
    silent(INCOMPLETE, "code", "a patch", one(PATCH_25, {})),
    silent(INCOMPLETE, "code", "buprenorphine", one(BUPRENORPHINE, {})),
    fires(INCOMPLETE, "interval", "457 days ago", millilitres(5, active(authored_on=ago(457)))),
    silent(INCOMPLETE, "interval", "456 days ago", millilitres(5, active(authored_on=ago(456)))),
    fires(INCOMPLETE, "status", "active", millilitres(5, active(dose={}))),
    silent(INCOMPLETE, "status", "stopped", millilitres(5, active(dose={}, status="stopped"))),
    fires(
        INCOMPLETE,
        "drafts",
        "the second draft",
        chart(drafts=[ordered(), ordered(dose={}, id="d2")]),
        says="1 of 2",
    ),
    silent(INCOMPLETE, "drafts", "no opioid order", chart(medications=[active(dose={})])),
    *of_presence(INCOMPLETE, {"drafts": [ordered(dose={})]}, "info"),
    fires(INCOMPLETE, "missing", "active orders not known", one(MORPHINE, {}, medications=None)),
    silent(
        INCOMPLETE,
        "missing",
        "active orders not known, this one counted",
        one(MORPHINE, every(5), medications=None),
    ),
    # A benzodiazepine.
    *of_presence(BENZO, PAIR, "critical"),
    fires(BENZO, "code", "an opioid on a benzodiazepine", chart(**PAIR), "critical"),
    fires(
        BENZO,
        "code",
        "the other way round",
        chart(drafts=[draft(ALPRAZOLAM)], medications=[active()]),
    ),
    silent(
        BENZO,
        "code",
        "a z-drug",
        chart(
            drafts=[ordered()],
            medications=[medication(medication_codeable_concept=concept(text="zolpidem"))],
        ),
    ),
    fires(
        BENZO,
        "interval",
        "456 days ago",
        chart(drafts=BOTH[:1], medications=[medication(ALPRAZOLAM, authored_on=ago(456))]),
        "critical",
    ),
    fires(
        BENZO,
        "interval",
        "457 days ago",
        chart(drafts=BOTH[:1], medications=[medication(ALPRAZOLAM, authored_on=ago(457))]),
        "warning",
    ),
    silent(
        BENZO,
        "interval",
        "valid to yesterday",
        chart(drafts=BOTH[:1], medications=[medication(ALPRAZOLAM, **OVER)]),
    ),
    fires(BENZO, "status", "reported", chart(drafts=BOTH[:1], statements=[statement(ALPRAZOLAM)])),
    silent(
        BENZO,
        "status",
        "stopped",
        chart(drafts=BOTH[:1], medications=[medication(ALPRAZOLAM, status="stopped")]),
    ),
    fires(BENZO, "drafts", "both in this session", chart(drafts=BOTH), "critical"),
    silent(BENZO, "drafts", "alone", chart(drafts=BOTH[:1])),
    silent(
        BENZO,
        "drafts",
        "both only active",
        chart(medications=[active(), medication(ALPRAZOLAM, id="m2")]),
    ),
    fires(
        BENZO,
        "missing",
        "no age, no lists",
        chart(
            drafts=BOTH,
            patient=patient(birth_date=None),
            medications=None,
            conditions=None,
            procedures=None,
        ),
    ),
    silent(
        BENZO,
        "missing",
        "active orders not known",
        chart(drafts=BOTH[:1], medications=None),
        gap="the active medicines",
    ),
    # Naloxone.
    fires(NALOXONE, "age", "18 today", millilitres(25, patient=ADULT)),
    silent(NALOXONE, "age", "18 tomorrow", millilitres(25, patient=CHILD)),
    fires(NALOXONE, "value", "50 MME", millilitres(25), "warning"),
    silent(NALOXONE, "value", "49.8 MME", millilitres(24.9)),
    fires(NALOXONE, "value", "below, with a benzodiazepine", chart(drafts=BOTH), "warning"),
    silent(NALOXONE, "code", "naloxone is active", millilitres(25, medication(SPRAY))),
    fires(NALOXONE, "code", "inside of buprenorphine", millilitres(25, medication(WITH_NALOXONE))),
    fires(
        NALOXONE,
        "status",
        "naloxone was stopped",
        millilitres(25, medication(SPRAY, status="stopped")),
    ),
    silent(
        NALOXONE, "status", "naloxone is reported", millilitres(25, statements=[statement(SPRAY)])
    ),
    silent(
        NALOXONE,
        "drafts",
        "naloxone is ordered, too",
        chart(drafts=[ordered(dose=every(25)), draft(SPRAY, id="d2")]),
    ),
    fires(
        NALOXONE,
        "drafts",
        "two drafts reach 50",
        chart(drafts=[ordered(dose=every(15)), ordered(id="d2")]),
    ),
    *of_presence(NALOXONE, {"drafts": [ordered(dose=every(25))]}, "warning"),
    fires(NALOXONE, "missing", "procedures not known", millilitres(25, procedures=None)),
    silent(
        NALOXONE,
        "missing",
        "active orders not known",
        millilitres(15, medications=None),
        gap="the active medicines",
    ),
)
