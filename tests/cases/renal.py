"""Medicines against kidney function and potassium."""

from dataclasses import replace

from clinical.checks.renal import renal
from clinical.checks.renal_rules import RULES
from fhir.records import (
    DispenseRequest,
    Dosage,
    Duration,
    Period,
    Quantity,
    Repeat,
    Timing,
)
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ON_DIALYSIS,
    SNOMED,
    ago,
    chart,
    concept,
    condition,
    creatinine,
    draft,
    egfr,
    lab,
    medication,
    patient,
    text,
)

CHECKS = (renal,)

DRUGS = {
    "renal.nsaid.avoid": "ibuprofen",
    "renal.nsaid.caution": "naproxen",
    "renal.dabigatran.critical": "dabigatran",
    "renal.dabigatran": "dabigatran",
    "renal.rivaroxaban": "rivaroxaban",
    "renal.edoxaban": "edoxaban",
    "renal.edoxaban.high": "edoxaban",
    "renal.nitrofurantoin": "nitrofurantoin",
    "renal.gabapentinoid": "pregabalin",
    "renal.ksparing": "spironolactone",
    "renal.ksparing.potassium.critical": "eplerenone",
    "renal.ksparing.potassium": "spironolactone",
    "renal.methotrexate": "methotrexate",
    "renal.colchicine-3a4": "colchicine",
    "renal.apixaban.reduce": "apixaban",
}
FIBRILLATION = (SNOMED, "49436004", "Atrial fibrillation (disorder)")
RECENTLY = ago(10)
OLD_MAN = patient(gender="male", birth_date="1946-06-15")


def called(name):
    return {"medication_codeable_concept": concept(text=f"{name} oral tablet")}


def ordered(rule, **changes):
    """An order of a medicine of the rule; of an NSAID with a refill."""
    refill = DispenseRequest(number_of_repeats_allowed=1)
    return draft(**called(DRUGS[rule]) | {"dispense_request": refill} | changes)


def potassium(value, when=RECENTLY, unit="mmol/L", **changes):
    return lab("2823-3", value, unit, when, **changes)


def weight(value, when=RECENTLY, unit="kg", **changes):
    return lab("29463-7", value, unit, when, **changes)


def known(rule, **changes):
    """A chart with the order, and with what the rule needs beside it."""
    beside = [medication(**called("clarithromycin"))] if rule == "renal.colchicine-3a4" else []
    return chart(**{"drafts": [ordered(rule)], "medications": beside} | changes)


def measured(rule, value, when=RECENTLY, **changes):
    """What makes the measure of a rule this value."""
    measure = RULES[rule].measure
    if measure == "potassium":
        return {"labs": [potassium(value, when, **changes)]}
    if measure == "eGFR":
        return {"labs": [egfr(value, when, **changes)]}
    # Of a man of 80: 60 * weight / (72 * creatinine).
    mg = 3.0 if value < 25 else 1.0
    kg = round(value * 72 * mg / 60, 6)
    labs = [creatinine(mg, when, **changes)]
    return {"patient": OLD_MAN, "labs": labs, "vitals": [weight(kg)]}


def sides(rule):
    """The values at the limit: those that fire, and those that do not."""
    found = RULES[rule]
    if found.below is not None:
        return (found.below - 0.1, found.below - 0.01), (found.below, found.below + 1)
    if found.not_above is not None:
        return (found.not_above, found.not_above - 1), (found.not_above + 0.1,)
    return (found.above + 0.1, found.above + 0.01), (found.above, found.above - 1)


# A value that fires each of them, and no rule that swallows it.
LOW = {
    "renal.dabigatran.critical": 20 / 1.8,
    "renal.dabigatran": 24,
    "renal.nsaid.caution": 45,
    "renal.edoxaban.high": 120,
    "renal.ksparing.potassium": 5.3,
    "renal.ksparing.potassium.critical": 5.8,
}
SPEAKS_FOR = {"potassium": 90}


def rows(rule):
    found = RULES[rule]
    value = LOW.get(rule, 24)
    over, under = sides(rule)
    grave = found.indicator
    for each in over:
        yield fires(rule, "value", f"{each:.6g}", known(rule, **measured(rule, each)), grave)
    for each in under:
        yield silent(rule, "value", f"{each:.6g}", known(rule, **measured(rule, each)))
    days = SPEAKS_FOR.get(found.measure, 365)
    newest, too_old = measured(rule, value, ago(days)), measured(rule, value, ago(days + 1))
    yield fires(rule, "interval", f"{days} days ago", known(rule, **newest), grave)
    yield silent(rule, "interval", f"{days + 1} days ago", known(rule, **too_old), "no ")
    yield fires(
        rule,
        "status",
        "preliminary",
        known(rule, **measured(rule, value, status="preliminary")),
        grave,
        "preliminary",
    )
    for status in ("entered-in-error", "cancelled", "registered"):
        void = known(rule, **measured(rule, value, status=status))
        yield silent(rule, "status", status, void)
    for status in ("cancelled", "entered-in-error", "stopped"):
        over_ = known(rule, drafts=[ordered(rule, status=status)], **measured(rule, value))
        yield silent(rule, "status", f"order {status}", over_)
    yield silent(
        rule,
        "status",
        "not to be given",
        known(rule, drafts=[ordered(rule, do_not_perform=True)], **measured(rule, value)),
    )
    good = measured(rule, value)
    yield fires(rule, "missing", "all is there", known(rule, **good), grave)
    yield silent(rule, "missing", "no result", known(rule), "no ")
    yield silent(rule, "missing", "results not known", known(rule, **good | {"labs": None}), "no ")
    yield silent(
        rule, "missing", "dated by a month", known(rule, **measured(rule, value, "2026-05"))
    )
    wrong = Quantity(value, None, "mg", None, "mg")
    yield fires(rule, "unit", "as it should be", known(rule, **good), grave)
    yield silent(
        rule, "unit", "not one of it", known(rule, **measured(rule, value, value_quantity=wrong))
    )
    two = [ordered(rule, id="d1"), ordered(rule, id="d2")]
    yield fires(rule, "drafts", "two", known(rule, drafts=two, **good), grave)
    yield silent(
        rule,
        "drafts",
        "not being signed",
        known(rule, drafts=[replace(ordered(rule), selected=False)], **good),
    )
    yield fires(rule, "route", "by mouth", known(rule, **good), grave)
    cream = concept(text=f"{DRUGS[rule]} topical cream")
    local = ordered(rule, medication_codeable_concept=cream)
    yield silent(rule, "route", "on the skin", known(rule, drafts=[local], **good))
    dead = replace_patient(good, deceased_boolean=True)
    yield fires(rule, "exclusion", "alive", known(rule, **good), grave)
    yield silent(rule, "exclusion", "dead", known(rule, **dead))


def replace_patient(facts, **changes):
    of = facts.get("patient")
    male = {"gender": "male", "birth_date": "1946-06-15"} if of else {}
    return facts | {"patient": patient(**male | changes)}


def ages(rule):
    """A result of a child is not used, and neither is one at an age that is not known."""
    adult = {"labs": [creatinine(6.0)], "vitals": [weight(50)]}
    born = {"adult": "2008-06-05", "child": "2008-06-06"}
    yield fires(
        rule, "age", "drawn at 18", known(rule, patient=patient(birth_date=born["adult"]), **adult)
    )
    yield silent(
        rule, "age", "drawn at 17", known(rule, patient=patient(birth_date=born["child"]), **adult)
    )
    yield silent(rule, "age", "not known", known(rule, patient=patient(birth_date=None), **adult))


def weighed(rule, value):
    """What belongs to a creatinine clearance: a weight of a year, in a unit that is known."""
    good = measured(rule, value)
    kg = good["vitals"][0].value_quantity.value
    for name, vital in {
        "365 days ago": weight(kg, ago(365)),
        "in grams": weight(kg * 1000, unit="g"),
        "in pounds": weight(kg / 0.45359237, unit="[lb_av]"),
    }.items():
        yield fires(rule, "missing", f"weight {name}", known(rule, **good | {"vitals": [vital]}))
    for name, vitals in {
        "none": [],
        "not known": None,
        "366 days ago": [weight(kg, ago(366))],
        "in stone": [weight(kg, unit="[stone_av]")],
        "entered in error": [weight(kg, status="entered-in-error")],
        "a bound": [weight(kg, comparator="<")],
    }.items():
        yield silent(
            rule, "missing", f"weight {name}", known(rule, **good | {"vitals": vitals}), "no weight"
        )


def sexes(rule, at):
    """Where the sex is not known, only what holds for both is said: a woman has 0.85 of it."""
    low = measured(rule, at * 0.84) | {"patient": patient(gender=None, birth_date="1946-06-15")}
    between = measured(rule, at * 1.1) | {
        "patient": patient(gender="other", birth_date="1946-06-15")
    }
    yield fires(rule, "sex", "not told, below for both", known(rule, **low))
    yield silent(
        rule, "sex", "other, below for a woman only", known(rule, **between), "does not tell"
    )


def failing(rule, value):
    """Kidney failure on record makes it a warning at least."""
    sick = known(rule, conditions=[condition(ON_DIALYSIS)], **measured(rule, value))
    grave = RULES[rule].indicator
    if grave == "critical":
        yield fires(rule, "exclusion", "on dialysis", sick, "critical", "On record")
    elif RULES[rule].above is None:
        yield fires(
            rule, "exclusion", "on dialysis", sick, "warning", "kidney failure is on record"
        )
    else:
        yield silent(rule, "exclusion", "on dialysis", sick, "kidney failure is on record")


CLEARANCES = [rule.id for rule in RULES.rules if rule.measure == "clearance"]
LIMITED = [rule.id for rule in RULES.rules if rule.measure != "criteria"]
OF_KIDNEYS = [rule.id for rule in RULES.rules if rule.measure in ("eGFR", "clearance")]
AT = {"renal.dabigatran": 30, "renal.rivaroxaban": 50, "renal.edoxaban": 50}
AT |= {"renal.nitrofurantoin": 30, "renal.gabapentinoid": 60, "renal.dabigatran.critical": 15}
AGED = [
    "renal.nsaid.avoid",
    "renal.dabigatran.critical",
    "renal.nitrofurantoin",
    "renal.methotrexate",
]

COLCHICINE = "renal.colchicine-3a4"
NSAID = "renal.nsaid.caution"
APIXABAN = "renal.apixaban.reduce"


def apixaban(**changes):
    facts = {"patient": patient(birth_date="1946-06-15"), "labs": [creatinine(1.0)]}
    return known(APIXABAN, **facts | {"vitals": [weight(60)]} | changes)


def born(when):
    return patient(birth_date=when)


def lasting(**changes):
    """An order of naproxen without refills."""
    order = ordered(NSAID, **{"dispense_request": None} | changes)
    return known(NSAID, drafts=[order], **measured(NSAID, 45))


def supply(value, unit="d"):
    return DispenseRequest(expected_supply_duration=Duration(value, unit, unit))


def until(end):
    repeat = Repeat(bounds_period=Period(ago(0), end))
    return (Dosage(timing=Timing(repeat)),)


BOUNDARIES = (
    dict.fromkeys(LIMITED, "value unit interval status missing drafts route exclusion")
    | dict.fromkeys(AT, "value unit interval status missing drafts route exclusion sex")
    | {APIXABAN: "age value interval status missing drafts route exclusion"}
    | {COLCHICINE: "value unit interval status missing drafts route exclusion code"}
    | {NSAID: "value unit interval status missing drafts route exclusion dose"}
)
for _rule in AGED:
    BOUNDARIES[_rule] += " age"

CASES = (
    *(row for rule in LIMITED for row in rows(rule)),
    *(row for rule in AGED for row in ages(rule)),
    *(row for rule, at in AT.items() for row in sexes(rule, at)),
    *(row for rule in AT for row in weighed(rule, LOW.get(rule, 24)) if row.boundary == "missing"),
    *(row for rule in OF_KIDNEYS for row in failing(rule, LOW.get(rule, 24))),
    # A graver rule of the same order speaks alone.
    silent("renal.nsaid.caution", "value", "29.9", known(NSAID, **measured(NSAID, 29.9))),
    silent(
        "renal.dabigatran",
        "value",
        "below 15",
        known("renal.dabigatran", **measured("renal.dabigatran", 14)),
    ),
    silent(
        "renal.ksparing.potassium",
        "value",
        "5.6",
        known("renal.ksparing.potassium", **measured("renal.ksparing.potassium", 5.6)),
    ),
    fires(
        "renal.ksparing.potassium",
        "unit",
        "meq/L",
        known("renal.ksparing.potassium", labs=[potassium(5.3, unit="meq/L")]),
    ),
    fires(
        "renal.methotrexate",
        "unit",
        "creatinine in umol/L",
        known("renal.methotrexate", labs=[lab("14682-9", 168, "umol/L", ago(10))]),
    ),
    # What the newest result leaves open is no silence.
    silent(
        "renal.methotrexate",
        "value",
        "below 60, told as text",
        known("renal.methotrexate", labs=[text("98979-8", "<60")]),
        "does not tell",
    ),
    fires(
        "renal.rivaroxaban",
        "exclusion",
        "atrial fibrillation on record",
        known(
            "renal.rivaroxaban",
            conditions=[condition(FIBRILLATION)],
            **measured("renal.rivaroxaban", 40),
        ),
        says="Check the dose of rivaroxaban: ",
    ),
    fires(
        "renal.rivaroxaban",
        "exclusion",
        "no atrial fibrillation on record",
        known("renal.rivaroxaban", **measured("renal.rivaroxaban", 40)),
        says="(if for atrial fibrillation)",
    ),
    # NSAID: only what is for long.
    fires(NSAID, "dose", "15 days", lasting(dispense_request=supply(15)), "info"),
    fires(NSAID, "dose", "3 weeks", lasting(dispense_request=supply(3, "wk")), "info"),
    fires(NSAID, "dose", "until in 15 days", lasting(dosage_instruction=until(ago(-15))), "info"),
    silent(NSAID, "dose", "14 days", lasting(dispense_request=supply(14))),
    silent(NSAID, "dose", "until in 14 days", lasting(dosage_instruction=until(ago(-14)))),
    silent(
        NSAID, "dose", "a supply of an unknown unit", lasting(dispense_request=supply(90, "bx"))
    ),
    silent(NSAID, "dose", "not told", lasting()),
    # Colchicine: with a strong inhibitor, whichever of them is ordered.
    fires(
        COLCHICINE,
        "code",
        "the inhibitor is ordered",
        chart(
            drafts=[draft(**called("clarithromycin"))],
            medications=[medication(**called("colchicine"))],
            **measured(COLCHICINE, 45),
        ),
        "critical",
    ),
    fires(
        COLCHICINE,
        "code",
        "ordered long ago",
        known(
            COLCHICINE,
            **measured(COLCHICINE, 45)
            | {"medications": [medication(**called("clarithromycin"), authored_on=ago(600))]},
        ),
        "warning",
    ),
    fires(
        COLCHICINE,
        "drafts",
        "both in this session",
        known(
            COLCHICINE,
            **measured(COLCHICINE, 45)
            | {
                "medications": [],
                "drafts": [ordered(COLCHICINE), draft(id="d2", **called("ketoconazole"))],
            },
        ),
    ),
    silent(
        COLCHICINE,
        "code",
        "with azithromycin",
        known(
            COLCHICINE,
            **measured(COLCHICINE, 45) | {"medications": [medication(**called("azithromycin"))]},
        ),
    ),
    silent(
        COLCHICINE,
        "status",
        "the inhibitor was stopped",
        known(
            COLCHICINE,
            **measured(COLCHICINE, 45)
            | {"medications": [medication(**called("clarithromycin"), status="stopped")]},
        ),
    ),
    # Apixaban: two of three.
    fires(APIXABAN, "age", "80 today, 60 kg", apixaban(), "info", "age 80, weight 60 kg"),
    silent(APIXABAN, "age", "80 tomorrow, 60 kg", apixaban(patient=born("1946-06-16"))),
    silent(APIXABAN, "age", "a year that leaves it open", apixaban(patient=born("1946")), "age"),
    fires(APIXABAN, "value", "60 kg", apixaban(vitals=[weight(60)])),
    silent(APIXABAN, "value", "60.1 kg", apixaban(vitals=[weight(60.1)])),
    fires(APIXABAN, "value", "1.5", apixaban(vitals=[weight(80)], labs=[creatinine(1.5)])),
    silent(APIXABAN, "value", "1.49", apixaban(vitals=[weight(80)], labs=[creatinine(1.49)])),
    fires(APIXABAN, "interval", "weight of 365 days", apixaban(vitals=[weight(60, ago(365))])),
    silent(
        APIXABAN,
        "interval",
        "weight of 366 days",
        apixaban(vitals=[weight(60, ago(366))]),
        "weight",
    ),
    fires(APIXABAN, "status", "final", apixaban()),
    silent(APIXABAN, "status", "error", apixaban(vitals=[weight(60, status="entered-in-error")])),
    fires(APIXABAN, "missing", "creatinine", apixaban(labs=[]), says="Not known here: creatinine"),
    silent(APIXABAN, "missing", "weight", apixaban(vitals=None), "not known here: weight"),
    fires(
        APIXABAN,
        "drafts",
        "two",
        apixaban(drafts=[ordered(APIXABAN), ordered(APIXABAN, id="d2")]),
    ),
    silent(APIXABAN, "drafts", "none", apixaban(drafts=[])),
    fires(APIXABAN, "route", "by mouth", apixaban()),
    silent(
        APIXABAN,
        "route",
        "on the skin",
        apixaban(drafts=[draft(**called("apixaban topical"))]),
    ),
    fires(APIXABAN, "exclusion", "alive", apixaban()),
    silent(
        APIXABAN,
        "exclusion",
        "dead",
        apixaban(patient=patient(birth_date="1946-06-15", deceased_boolean=True)),
    ),
)
