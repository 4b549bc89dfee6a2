"""Medicines in a pregnancy, and where none is excluded."""

from clinical.checks.pregnancy import pregnancy_orders
from fhir.records import CodeableConcept
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ICD,
    SNOMED,
    ago,
    chart,
    concept,
    condition,
    draft,
    lab,
    patient,
    procedure,
    unreadable,
)

CHECKS = (pregnancy_orders,)
POTENTIAL, NSAID = "preg.potential", "preg.nsaid20"
# A medicine that the rule speaks of, one that it does not, and how grave it is.
MEETS = {
    "preg.contraindicated": ("methotrexate", "folic acid", "critical"),
    "preg.raas": ("lisinopril", "labetalol", "critical"),
    "preg.statin": ("atorvastatin", "gemfibrozil", "warning"),
    NSAID: ("ibuprofen", "aspirin", "warning"),
}
BOUNDARIES = dict.fromkeys(MEETS, "age sex code interval status drafts route exclusion missing") | {
    POTENTIAL: "age sex code interval value status drafts route exclusion missing"
}
BOUNDARIES[NSAID] += " value"

PREGNANT = (SNOMED, "77386006", "Pregnant (finding)")
SUPERVISION = (ICD, "Z34.00", "Encounter for supervision of normal first pregnancy")
HYSTERECTOMY = (SNOMED, "116140006", "Total hysterectomy (procedure)")
DIABETES = (SNOMED, "44054006", "Diabetes mellitus type 2 (disorder)")
OF_30 = patient(birth_date="1996-03-01")
DEAD = patient(birth_date="1996-03-01", deceased_boolean=True)


def called(name):
    return {"medication_codeable_concept": concept(text=name)}


def ordered(drug, **changes):
    return draft(**called(f"{drug} 10 mg tablet") | changes)


def pregnant(drug, code=PREGNANT, **changes):
    """An order in a pregnancy; `changes` are those of the diagnosis."""
    return known(drug, conditions=[condition(code, **changes)])


def known(drug, **changes):
    return chart(**{"patient": OF_30, "drafts": [ordered(drug)], "social": []} | changes)


def week(code, days=0):
    return pregnant("naproxen", (ICD, code, f"{code} gestation"), onset_date_time=ago(days))


def status(day, value=PREGNANT, **changes):
    answer = {"value_quantity": None, "value_codeable_concept": concept(value)}
    return lab("82810-3", None, None, day, **answer | changes)


def rows(rule, drug, other, grave):
    yield fires(rule, "code", "pregnant", pregnant(drug), grave, "Pregnant")
    yield fires(rule, "code", "supervised", pregnant(drug, SUPERVISION), grave)
    yield fires(rule, "code", "by her status", known(drug, social=[status(ago(10))]), grave)
    yield silent(rule, "code", "another diagnosis", pregnant(drug, DIABETES))
    yield silent(rule, "code", f"{other} instead", pregnant(other))
    for gender in ("male", "other", None):
        told = [condition(PREGNANT)]
        person = patient(gender=gender, birth_date="1996-03-01")
        yield fires(rule, "sex", str(gender), known(drug, patient=person, conditions=told), grave)
    yield silent(rule, "sex", "a man without one", known(drug, patient=patient(gender="male")))
    young = patient(birth_date="2015-01-01")
    coded = [condition(PREGNANT)]
    yield fires(rule, "age", "of 11 years", known(drug, patient=young, conditions=coded), grave)
    yield silent(rule, "age", "of 11 years without one", known(drug, patient=young))
    yield fires(rule, "interval", "300 days ago", pregnant(drug, onset_date_time=ago(300)), grave)
    yield silent(rule, "interval", "301 days ago", pregnant(drug, onset_date_time=ago(301)))
    yield fires(rule, "interval", "status of 300 days ago", known(drug, social=[status(ago(300))]))
    yield silent(rule, "interval", "status of 301 days ago", known(drug, social=[status(ago(301))]))
    over = [status(ago(50)), status(ago(5), (SNOMED, "60001007", "Not pregnant (finding)"))]
    yield silent(rule, "interval", "a newer status says no", known(drug, social=over))
    for clinical in ("resolved", "inactive", "remission"):
        word = concept((None, clinical, None))
        yield silent(rule, "status", clinical, pregnant(drug, clinical_status=word))
    for verified in ("refuted", "entered-in-error"):
        word = concept((None, verified, None))
        yield silent(rule, "status", verified, pregnant(drug, verification_status=word))
    unsure = concept((None, "provisional", None))
    yield fires(rule, "status", "provisional", pregnant(drug, verification_status=unsure), grave)
    wrong = [status(ago(5), status="entered-in-error")]
    yield silent(rule, "status", "her status in error", known(drug, social=wrong))
    two = [ordered(other), ordered(drug, id="d2")]
    yield fires(
        rule, "drafts", "the second of two", known(drug, drafts=two, conditions=coded), grave
    )
    yield silent(rule, "drafts", "no order", known(drug, drafts=[], conditions=coded))
    yield fires(rule, "route", "by mouth", pregnant(drug), grave)
    local = [draft(**called(f"{drug} 1 % cream"))]
    yield silent(rule, "route", "a cream", known(drug, drafts=local, conditions=coded))
    yield fires(rule, "exclusion", "alive", pregnant(drug), grave)
    yield silent(rule, "exclusion", "deceased", known(drug, patient=DEAD, conditions=coded))
    partly = unreadable("Condition", *coded)
    yield fires(rule, "missing", "another cannot be read", known(drug, conditions=partly), grave)
    unknown = known(drug, conditions=None)
    yield silent(rule, "missing", "problem list not known", unknown, gap="whether a pregnancy is")


def pregnancy_test(day, said="Negative", **changes):
    value = {"value_quantity": None, "value_codeable_concept": CodeableConcept(text=said)}
    return lab("2106-3", None, None, day, **value | changes)


def tested(day, *said, **changes):
    return known("isotretinoin", labs=[pregnancy_test(day, *said, **changes)])


def of(**changes):
    return known("isotretinoin", patient=patient(**changes))


CASES = (
    *(row for rule, meets in MEETS.items() for row in rows(rule, *meets)),
    *(
        fires("preg.contraindicated", "code", drug, pregnant(drug), grave, says)
        for drug, grave, says in (
            ("warfarin", "warning", "mechanical heart valve"),
            ("valproate", "critical", "Contraindicated for migraine"),
            ("mycophenolate mofetil", "critical", "not a listed contraindication"),
            ("misoprostol", "critical", "obstetric use"),
            ("isotretinoin", "critical", ""),
            ("lenalidomide", "critical", ""),
        )
    ),
    *(
        fires("preg.raas", "code", each, pregnant(each))
        for each in ("losartan", "sacubitril", "aliskiren")
    ),
    fires(NSAID, "value", "week 20", week("Z3A.20"), "warning", "week 20"),
    silent(NSAID, "value", "week 19", week("Z3A.19")),
    fires(NSAID, "value", "week 19 a week ago", week("Z3A.19", 7)),
    silent(NSAID, "value", "week 19 six days ago", week("Z3A.19", 6)),
    fires(NSAID, "value", "week not known", pregnant("naproxen"), says="not known here"),
    # Pregnancy not excluded.
    fires(POTENTIAL, "age", "12 today", of(birth_date="2014-06-15"), "warning"),
    silent(POTENTIAL, "age", "12 tomorrow", of(birth_date="2014-06-16")),
    fires(POTENTIAL, "age", "56 tomorrow", of(birth_date="1970-06-16")),
    silent(POTENTIAL, "age", "56 today", of(birth_date="1970-06-15")),
    silent(POTENTIAL, "age", "only a year", of(birth_date="1996"), gap="birth date is not fully"),
    fires(POTENTIAL, "sex", "female", known("isotretinoin")),
    *(
        silent(POTENTIAL, "sex", str(each), of(gender=each, birth_date="1996-03-01"))
        for each in ("male", "other", None)
    ),
    *(
        fires(POTENTIAL, "code", each, known(each), "warning", each)
        for each in (
            "thalidomide",
            "bosentan",
            "riociguat",
            "acitretin",
            "valproate",
            "mycophenolic acid",
        )
    ),
    *(
        silent(POTENTIAL, "code", each, known(each))
        for each in ("methotrexate", "warfarin", "lisinopril")
    ),
    silent(POTENTIAL, "interval", "tested 30 days ago", tested(ago(30))),
    fires(POTENTIAL, "interval", "tested 31 days ago", tested(ago(31)), says="no test of 30 days"),
    silent(
        POTENTIAL, "interval", "tested this month", tested("2026-06"), gap="without a full date"
    ),
    fires(POTENTIAL, "interval", "tested in March", tested("2026-03")),
    fires(
        POTENTIAL, "value", "positive", tested(ago(3), "Positive"), says="positive on 12 Jun 2026"
    ),
    *(
        fires(POTENTIAL, "value", said, tested(ago(3), said), says="positive on 12 Jun 2026")
        for said in ("POS", "Weakly positive", "Pregnant", "Detected")
    ),
    fires(
        POTENTIAL, "value", "words of neither", tested(ago(3), "See note"), says="cannot be read"
    ),
    fires(
        POTENTIAL,
        "value",
        "a number",
        known("isotretinoin", labs=[lab("21198-7", 5000, "m[IU]/mL", ago(3))]),
        says="cannot be read",
    ),
    fires(
        POTENTIAL,
        "value",
        "not performed",
        known(
            "isotretinoin",
            labs=[
                lab(
                    "2106-3",
                    None,
                    None,
                    ago(3),
                    value_quantity=None,
                    data_absent_reason=concept(text="not performed"),
                )
            ],
        ),
        says="no test of 30 days",
    ),
    silent(
        POTENTIAL,
        "value",
        "a number beside a negative",
        known(
            "isotretinoin",
            labs=[lab("21198-7", 1, "m[IU]/mL", ago(3)), pregnancy_test(ago(3), "neg")],
        ),
    ),
    silent(POTENTIAL, "value", "negative", tested(ago(3), "Negative")),
    silent(POTENTIAL, "value", "not detected", tested(ago(3), "Not detected")),
    *(
        fires(POTENTIAL, "status", each, tested(ago(3), status=each))
        for each in ("cancelled", "entered-in-error", "registered")
    ),
    silent(POTENTIAL, "status", "preliminary", tested(ago(3), status="preliminary")),
    silent(POTENTIAL, "status", "pregnant", pregnant("isotretinoin")),
    fires(
        POTENTIAL,
        "drafts",
        "the second of two",
        known("", drafts=[ordered("aspirin"), ordered("isotretinoin", id="d2")]),
    ),
    silent(POTENTIAL, "drafts", "no order", known("", drafts=[])),
    fires(POTENTIAL, "route", "by mouth", known("isotretinoin")),
    silent(
        POTENTIAL, "route", "a gel", known("", drafts=[draft(**called("isotretinoin topical gel"))])
    ),
    silent(
        POTENTIAL,
        "exclusion",
        "hysterectomy",
        known("isotretinoin", procedures=[procedure(HYSTERECTOMY, ago(900))]),
    ),
    fires(
        POTENTIAL,
        "exclusion",
        "no hysterectomy",
        known("isotretinoin", procedures=[procedure(HYSTERECTOMY, ago(900), "not-done")]),
    ),
    silent(POTENTIAL, "exclusion", "deceased", known("isotretinoin", patient=DEAD)),
    fires(POTENTIAL, "missing", "procedures not known", known("isotretinoin", procedures=None)),
    silent(
        POTENTIAL,
        "missing",
        "results not known",
        known("isotretinoin", labs=None),
        gap="pregnancy tests",
    ),
)
