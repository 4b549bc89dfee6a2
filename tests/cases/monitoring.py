"""Tests that are missing before or beside a medicine."""

from dataclasses import replace

from clinical.checks.monitoring import monitoring
from clinical.checks.monitoring_rules import RULES
from fhir.records import Reference
from tests.cases.table import fires, silent
from tests.clinical.build import (
    ago,
    chart,
    concept,
    draft,
    lab,
    lab_draft,
    medication,
    order_of,
    patient,
    text,
    unreadable,
)

CHECKS = (monitoring,)

DRUGS = {
    "monitor.warfarin": "warfarin",
    "monitor.ksparing": "spironolactone",
    "monitor.methotrexate": "methotrexate",
    "monitor.lithium": "lithium",
    "monitor.raas": "lisinopril",
    "monitor.doac": "apixaban",
    "monitor.digoxin": "digoxin",
    "monitor.amiodarone": "amiodarone",
}
# A result and an order that each test is met by.
RESULTS = {
    "kidneys": ("2160-0", 1.0, "mg/dL"),
    "potassium": ("2823-3", 4.2, "mmol/L"),
    "inr": ("6301-6", 2.4, "{INR}"),
    "tsh": ("3016-3", 1.4, "mIU/L"),
    "liver": ("1742-6", 22, "U/L"),
    "blood-count": ("718-7", 13.1, "g/dL"),
}
RECENTLY = ago(10)


def called(name):
    return {"medication_codeable_concept": concept(text=f"{name} oral tablet")}


def ordered(rule, **changes):
    return draft(**called(DRUGS[rule]) | changes)


def result_of(test, when=RECENTLY, **changes):
    code, value, unit = RESULTS[test]
    return lab(code, value, unit, when, **changes)


def results(rule, when=RECENTLY, **changes):
    """All that the rule needs."""
    return [result_of(test, when, **changes) for test in RULES[rule].needs]


def but_the_first(rule):
    """All that the rule needs but for the first test, which is named in a card."""
    return [result_of(test) for test in RULES[rule].needs[1:]]


def known(rule, **changes):
    return chart(**{"drafts": [ordered(rule)]} | changes)


def rows(rule):
    found = RULES[rule]
    grave = found.indicator
    first = found.needs[0]
    name = RULES.tests[first].name
    started = f"Before {DRUGS[rule]}: no {name} found here in {found.days} days"
    yield fires(rule, "missing", "one", known(rule, labs=but_the_first(rule)), grave, started)
    yield fires(rule, "missing", "all", known(rule), grave, "none on record here")
    yield silent(rule, "missing", "none", known(rule, labs=results(rule)))
    yield silent(rule, "missing", "not known", known(rule, labs=None), "not fully known")
    bad = unreadable("Observation", *but_the_first(rule))
    yield silent(rule, "missing", "one could not be read", known(rule, labs=bad), "not fully known")
    by_month = [*but_the_first(rule), result_of(first, "2026-06")]
    yield silent(
        rule, "missing", "dated by a month", known(rule, labs=by_month), "without a full date"
    )
    days = found.days
    at, over = results(rule, ago(days)), results(rule, ago(days + 1))
    yield silent(rule, "interval", f"{days} days ago", known(rule, labs=at))
    yield fires(rule, "interval", f"{days + 1} days ago", known(rule, labs=over), grave, "last ")
    yield fires(rule, "interval", "tomorrow's year", known(rule, labs=results(rule, ago(-300))))
    for status in ("entered-in-error", "cancelled", "registered"):
        void = [*but_the_first(rule), result_of(first, status=status)]
        yield fires(rule, "status", status, known(rule, labs=void), grave)
    for status in ("preliminary", "amended"):
        yield silent(rule, "status", status, known(rule, labs=results(rule, status=status)))
    for status in ("cancelled", "entered-in-error", "stopped"):
        yield silent(
            rule, "status", f"order {status}", known(rule, drafts=[ordered(rule, status=status)])
        )
    yield fires(
        rule,
        "value",
        "marked as not available",
        known(
            rule,
            labs=[
                *but_the_first(rule),
                result_of(first, value_quantity=None, data_absent_reason=concept(text="clotted")),
            ],
        ),
    )
    code = RESULTS[first][0]
    yield silent(
        rule, "value", "a text", known(rule, labs=[*but_the_first(rule), text(code, "seen")])
    )
    yield silent(
        rule,
        "value",
        "a bound",
        known(rule, labs=results(rule, value_quantity=None, value_string="<1")),
    )
    needed = [lab_draft(RESULTS[test][0], id=f"l{n}") for n, test in enumerate(found.needs)]
    yield silent(
        rule, "drafts", "ordered in this session", known(rule, drafts=[ordered(rule), *needed])
    )
    yield silent(
        rule,
        "drafts",
        "not being signed",
        known(rule, drafts=[replace(ordered(rule), selected=False)]),
    )
    two = [ordered(rule), ordered(rule, id="d2")]
    yield fires(rule, "drafts", "two", known(rule, drafts=two), grave)
    on_its_way = [
        order_of(RESULTS[test][0], id=f"s{n}", authored_on=ago(5))
        for n, test in enumerate(found.needs)
    ]
    yield silent(rule, "status", "ordered in the record", known(rule, orders=on_its_way))
    revoked = [replace_status(each, "revoked") for each in on_its_way]
    yield fires(rule, "status", "order of the test revoked", known(rule, orders=revoked), grave)
    yield fires(rule, "status", "orders not known", known(rule, orders=None), grave, "is not known")
    yield fires(rule, "age", "18 today", known(rule, patient=patient(birth_date="2008-06-15")))
    yield silent(rule, "age", "18 tomorrow", known(rule, patient=patient(birth_date="2008-06-16")))
    yield fires(rule, "exclusion", "alive", known(rule), grave)
    yield silent(rule, "exclusion", "dead", known(rule, patient=patient(deceased_boolean=True)))
    yield silent(
        rule,
        "exclusion",
        "not to be given",
        known(rule, drafts=[ordered(rule, do_not_perform=True)]),
    )


def replace_status(order, status):
    return type(order)(
        **{name: getattr(order, name) for name in order.__struct_fields__} | {"status": status}
    )


def panels(rule):
    """A metabolic panel that is ordered counts for the kidneys and for potassium."""
    panel = lab_draft("24323-8", id="l9")
    yield silent(rule, "drafts", "with a panel", known(rule, drafts=[ordered(rule), panel]))
    count = lab_draft("58410-2", id="l9")
    yield fires(rule, "drafts", "with a blood count", known(rule, drafts=[ordered(rule), count]))


def active(rule):
    """The medicine stands in the record already."""
    return {"medications": [medication(**called(DRUGS[rule]), authored_on=ago(100))]}


WARFARIN, RAAS = "monitor.warfarin", "monitor.raas"


def inr(days):
    return {"labs": [result_of("inr", ago(days))]}


BOUNDARIES = {
    rule.id: "interval value status missing drafts age exclusion" for rule in RULES.rules
} | {RAAS: "interval value status missing drafts age exclusion code"}

CASES = (
    *(row for rule in DRUGS for row in rows(rule)),
    *(row for rule in ("monitor.ksparing", RAAS, "monitor.digoxin") for row in panels(rule)),
    # Warfarin: 30 days at the start, 84 where it is active.
    silent(WARFARIN, "interval", "active, 84 days", known(WARFARIN, **active(WARFARIN), **inr(84))),
    fires(
        WARFARIN,
        "interval",
        "active, 85 days",
        known(WARFARIN, **active(WARFARIN), **inr(85)),
        "warning",
        "Warfarin: no INR found here in 84 days",
    ),
    fires(
        WARFARIN,
        "interval",
        "a renewal, 85 days",
        known(
            WARFARIN,
            drafts=[ordered(WARFARIN, prior_prescription=Reference("MedicationRequest/m1"))],
            **active(WARFARIN),
            **inr(85),
        ),
        "warning",
        "in 84 days",
    ),
    silent(
        WARFARIN,
        "interval",
        "active medicines not known, 60 days",
        known(WARFARIN, medications=None, **inr(60)),
    ),
    # Blockers of the renin system: at the start only, and a change within them is none.
    silent(RAAS, "code", "active", known(RAAS, **active(RAAS))),
    silent(
        RAAS,
        "code",
        "another of its classes is active",
        known(RAAS, medications=[medication(**called("valsartan"))]),
    ),
    fires(
        RAAS,
        "code",
        "another medicine is active",
        known(RAAS, medications=[medication(**called("digoxin"))]),
        "info",
    ),
    fires(
        RAAS,
        "status",
        "one that was stopped",
        known(RAAS, medications=[medication(**called("lisinopril"), status="stopped")]),
    ),
    silent(
        RAAS, "missing", "active medicines not known", known(RAAS, medications=None), "is not known"
    ),
)
