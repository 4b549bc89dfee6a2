"""Orders against the allergies on record."""

from clinical.checks.allergy import RULES, allergy
from fhir.records import Reaction
from tests.cases.table import fires, silent
from tests.clinical import build
from tests.clinical.build import SNOMED, chart, concept, draft, patient, unreadable

CHECKS = (allergy,)
# What is on record, what is ordered, and the reaction, for one case of each rule that fires.
MEETS = {
    "allergy.same-ingredient": ("amoxicillin", "amoxicillin", "rash"),
    "allergy.acei-angioedema": ("lisinopril", "enalapril", "Angioedema"),
    "allergy.same-class.penicillin": ("penicillin V", "amoxicillin", "rash"),
    "allergy.same-class.sulfonamide-antibiotic": ("sulfadiazine", "sulfamethoxazole", "rash"),
    "allergy.same-class.cephalosporin": ("Cephalosporins", "cefazolin", "rash"),
    "allergy.same-class.fluoroquinolone": ("ciprofloxacin", "levofloxacin", "rash"),
    "allergy.same-class.statin": ("simvastatin", "atorvastatin", "rash"),
    "allergy.same-class.acei": ("lisinopril", "enalapril", "cough"),
    "allergy.penicillin-to-cephalosporin-sidechain": ("amoxicillin", "cephalexin", "rash"),
    "allergy.nsaid-class": ("aspirin", "ibuprofen", "Bronchospasm"),
}
BOUNDARIES = dict.fromkeys(MEETS, "code status drafts route exclusion missing")
BOUNDARIES["allergy.acei-angioedema"] += " value"
BOUNDARIES["allergy.nsaid-class"] += " value"

CRITICAL = {rule.id for rule in RULES.rules if rule.indicator == "critical"}


def to(substance, *reactions, **changes):
    shown = [concept(text=each) for each in reactions]
    return build.allergy(**{"code": concept(text=substance), "reactions": shown} | changes)


def of(drug, **changes):
    return draft(medication_codeable_concept=concept(text=drug), **changes)


def meeting(drug, *allergies, **changes):
    return chart(**{"drafts": [of(f"{drug} 10 mg tablet")], "allergies": list(allergies)} | changes)


def rows(rule, substance, drug, reaction):
    known = to(substance, reaction)
    grave = "critical" if rule in CRITICAL else "warning"
    yield fires(rule, "code", "live", meeting(drug, known), grave, substance)
    yield silent(rule, "code", "of another substance", meeting(drug, to("codeine", reaction)))
    yield silent(rule, "code", "another medicine", meeting("gabapentin", known))
    for status in ("unconfirmed", "presumed"):
        unsure = to(substance, reaction, verification_status=concept((None, status, None)))
        yield fires(rule, "status", status, meeting(drug, unsure), grave, status)
    without = to(substance, reaction, clinical_status=None, verification_status=None)
    yield fires(rule, "status", "without a status", meeting(drug, without), grave)
    for status in ("resolved", "inactive"):
        over = to(substance, reaction, clinical_status=concept((None, status, None)))
        yield silent(rule, "status", status, meeting(drug, over))
    for status in ("refuted", "entered-in-error"):
        denied = to(substance, reaction, verification_status=concept((None, status, None)))
        yield silent(rule, "status", status, meeting(drug, denied))
    two = [of("gabapentin", id="d1"), of(drug, id="d2")]
    yield fires(rule, "drafts", "the second of two", meeting(drug, known, drafts=two), grave)
    yield silent(rule, "drafts", "no order", meeting(drug, known, drafts=[]))
    yield fires(rule, "route", "by mouth", meeting(drug, known), grave)
    cream = meeting(drug, known, drafts=[of(f"{drug} 1 % cream")])
    if rule == "allergy.same-ingredient":
        yield fires(rule, "route", "a cream of it", cream, grave)
        other = meeting(drug, to("codeine"), drafts=[of(f"{drug} 1 % cream")])
        yield silent(rule, "route", "a cream of another", other)
    else:
        yield silent(rule, "route", "a cream", cream)
    yield fires(rule, "exclusion", "alive", meeting(drug, known), grave)
    dead = patient(deceased_date_time="2026-06-01")
    yield silent(rule, "exclusion", "deceased", meeting(drug, known, patient=dead))
    withdrawn = [of(drug, do_not_perform=True)]
    yield silent(rule, "exclusion", "not to be done", meeting(drug, known, drafts=withdrawn))
    others = unreadable("AllergyIntolerance", known)
    yield fires(
        rule, "missing", "another allergy cannot be read", meeting(drug, allergies=others), grave
    )
    yield silent(
        rule,
        "missing",
        "allergies not known",
        meeting(drug, allergies=None),
        gap="the allergies are not known",
    )
    yield silent(rule, "missing", "none on record", meeting(drug))
    yield silent(
        rule,
        "missing",
        "a substance that no table knows",
        meeting(drug, to("latex")),
        gap="what no table here knows (1)",
    )


PENICILLINS = (SNOMED, "373270004", None)
SULFONAMIDES = (SNOMED, "387406002", None)
NO_ALLERGY = (SNOMED, "716186003", "No known allergy (situation)")
ANAPHYLAXIS = concept((SNOMED, "39579001", "Anaphylaxis (disorder)"))
SAME, PENICILLIN = "allergy.same-ingredient", "allergy.same-class.penicillin"
SULFONAMIDE = "allergy.same-class.sulfonamide-antibiotic"
SIDE_CHAIN = "allergy.penicillin-to-cephalosporin-sidechain"
ACEI, ANGIOEDEMA = "allergy.same-class.acei", "allergy.acei-angioedema"
CEPHALOSPORIN, NSAID = "allergy.same-class.cephalosporin", "allergy.nsaid-class"


def intolerance(*reactions, **changes):
    return to("amoxicillin", *reactions, type="intolerance", **changes)


SEVERE = Reaction(manifestation=(concept(text="rash"),), severity="severe")

CASES = (
    *(row for rule, meets in MEETS.items() for row in rows(rule, *meets)),
    fires(PENICILLIN, "code", "a class", meeting("ampicillin", build.allergy(PENICILLINS))),
    fires(PENICILLIN, "code", "a word", meeting("ampicillin", to("Penicillins")), says="by name"),
    fires(SIDE_CHAIN, "code", "a class", meeting("cefaclor", build.allergy(PENICILLINS))),
    fires(SULFONAMIDE, "code", "a class", meeting("sulfadiazine", build.allergy(SULFONAMIDES))),
    fires(SULFONAMIDE, "code", "sulfa", meeting("sulfamethoxazole", to("Sulfa drugs"))),
    silent(SULFONAMIDE, "code", "sulfate", meeting("sulfadiazine", to("ferrous sulfate"))),
    silent(
        SULFONAMIDE,
        "code",
        "words beside a code that is known",
        meeting(
            "sulfadiazine", build.allergy(PENICILLINS, code=concept(PENICILLINS, text="sulfa"))
        ),
    ),
    silent(
        PENICILLIN,
        "exclusion",
        "no known allergy",
        meeting("ampicillin", build.allergy(NO_ALLERGY)),
    ),
    silent(
        PENICILLIN,
        "exclusion",
        "in words",
        meeting("ampicillin", to("No known penicillin allergy")),
    ),
    *(
        fires(PENICILLIN, "exclusion", words, meeting("ampicillin", to(words)), "critical")
        for words in (
            "NKDA except penicillin",
            "No known allergies other than penicillin",
            "no known food allergies; penicillin - anaphylaxis",
            "penicillin; no known food allergies",
            "penicillin, no other allergies",
            "penicillin - not tolerated",
            "penicillin allergy not ruled out",
        )
    ),
    silent(
        PENICILLIN,
        "exclusion",
        "none but what no table knows",
        meeting("ampicillin", to("NKDA except latex")),
        gap="what no table here knows (1)",
    ),
    *(
        silent(
            PENICILLIN,
            "exclusion",
            words,
            meeting("ampicillin", to(words)),
            gap="seem to deny the allergy that they name (1)",
        )
        for words in (
            "no allergy to penicillin",
            "denies penicillin allergy",
            "not allergic to penicillin",
            "Penicillin allergy - ruled out",
            "Penicillin allergy, delabelled",
        )
    ),
    *(
        silent(rule, "exclusion", f"{drug} after {substance}", meeting(drug, to(substance, "rash")))
        for rule, substance, drug in (
            (SIDE_CHAIN, "amoxicillin", "cefazolin"),
            (SIDE_CHAIN, "amoxicillin", "ceftriaxone"),
            (PENICILLIN, "amoxicillin", "meropenem"),
            (PENICILLIN, "amoxicillin", "aztreonam"),
            (SULFONAMIDE, "sulfamethoxazole", "furosemide"),
            (SULFONAMIDE, "sulfamethoxazole", "hydrochlorothiazide"),
            (SULFONAMIDE, "sulfamethoxazole", "celecoxib"),
            (CEPHALOSPORIN, "cephalexin", "cefazolin"),
            (PENICILLIN, "cephalexin", "amoxicillin"),
        )
    ),
    # The gravest rule of an order and an allergy speaks alone.
    silent(PENICILLIN, "exclusion", "the same one", meeting("amoxicillin", to("amoxicillin"))),
    silent(
        ACEI, "exclusion", "after angioedema", meeting("enalapril", to("lisinopril", "Angioedema"))
    ),
    fires(
        ANGIOEDEMA,
        "code",
        "sacubitril",
        meeting("sacubitril / valsartan", to("lisinopril", "Angioedema")),
        "critical",
    ),
    silent(ANGIOEDEMA, "value", "a cough", meeting("sacubitril", to("lisinopril", "Cough"))),
    fires(ANGIOEDEMA, "value", "angioedema", meeting("sacubitril", to("lisinopril", "angioedema"))),
    *(
        fires(NSAID, "value", each, meeting("naproxen", to("ibuprofen", each)), "warning", each)
        for each in ("Asthma", "Urticaria", "Hives", "Wheal", "Angioedema", "Anaphylaxis")
    ),
    *(
        silent(NSAID, "value", each, meeting("naproxen", to("ibuprofen", each)))
        for each in ("Nausea", "Gastric ulcer")
    ),
    silent(NSAID, "value", "no reaction", meeting("naproxen", to("ibuprofen"))),
    silent(NSAID, "exclusion", "celecoxib", meeting("celecoxib", to("ibuprofen", "Hives"))),
    # An intolerance is a warning, but for a severe reaction.
    fires(
        SAME, "status", "an intolerance", meeting("amoxicillin", intolerance("nausea")), "warning"
    ),
    *(
        fires(SAME, "status", f"an intolerance, {name}", meeting("amoxicillin", each), "critical")
        for name, each in (
            (
                "severe",
                build.allergy(
                    code=concept(text="amoxicillin"), type="intolerance", reactions=[SEVERE]
                ),
            ),
            ("of high criticality", intolerance("rash", criticality="high")),
            ("anaphylaxis by code", intolerance(reactions=[ANAPHYLAXIS])),
            ("anaphylaxis by name", intolerance("Anaphylactic shock")),
            ("throat swelling", intolerance("throat swelling, hypotension")),
            ("described", intolerance(reactions=[Reaction(description="Bronchospasm")])),
        )
    ),
    fires(
        SAME,
        "status",
        "an intolerance beside an allergy",
        meeting("amoxicillin", intolerance("nausea"), to("amoxicillin", "hives", id="a2")),
        "critical",
        "hives",
    ),
)
