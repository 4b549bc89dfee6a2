"""Pairs of medicines that should not meet."""

from dataclasses import replace
from itertools import product

from clinical import ingredients
from clinical.checks.interactions import RULES, interactions
from fhir.records import Dosage, MedicationStatement, Reference
from tests.cases.table import fires, silent
from tests.clinical.build import ago, chart, concept, draft, medication, patient, unreadable

CHECKS = (interactions,)
BOUNDARIES = {rule.id: "status drafts route exclusion missing" for rule in RULES.rules}


def called(name):
    return {"medication_codeable_concept": concept(text=f"{name} 10 mg tablet")}


def pair_of(rule):
    """The first two of its classes that no other rule says more of."""
    sides = [sorted(set().union(*map(ingredients.members, side))) for side in (rule.a, rule.b)]
    return next(pair for pair in product(*sides) if len(set(pair)) == 2)


def on(*names, **changes):
    """Active orders by name."""
    return [medication(id=f"m{n}", **called(name) | changes) for n, name in enumerate(names)]


def rows(rule):
    one, two = pair_of(rule)
    ordered = draft(**called(one))
    known = {"medications": on(two)}
    both = [ordered, draft(id="d2", **called(two))]
    dosed = (Dosage(text="one a day"),)
    statement = MedicationStatement("s1", "active", **called(two))
    grave = rule.indicator
    yield fires(rule.id, "status", "active", chart(drafts=[ordered], **known), grave, two)
    yield fires(
        rule.id,
        "status",
        "the other way round",
        chart(drafts=[draft(**called(two))], medications=on(one)),
        grave,
    )
    yield fires(
        rule.id, "status", "reported", chart(drafts=[ordered], statements=[statement]), grave
    )
    yield fires(
        rule.id,
        "status",
        "written 456 days ago",
        chart(drafts=[ordered], medications=on(two, authored_on=ago(456))),
        grave,
        "ordered on 16 Mar 2025",
    )
    yield fires(
        rule.id,
        "status",
        "written 457 days ago",
        chart(drafts=[ordered], medications=on(two, authored_on=ago(457))),
        "warning" if grave == "critical" else "info",
        "whether it is still taken is not known",
    )
    for status in ("stopped", "completed", "cancelled", "entered-in-error", "on-hold"):
        stopped = chart(drafts=[ordered], medications=on(two, status=status))
        yield silent(rule.id, "status", status, stopped)
    yield silent(
        rule.id, "status", "a plan", chart(drafts=[ordered], medications=on(two, intent="plan"))
    )
    yield fires(rule.id, "drafts", "both in this session", chart(drafts=both), grave)
    yield fires(
        rule.id,
        "drafts",
        "the second one is not being signed",
        chart(drafts=[ordered, unselected(both[1])]),
        grave,
    )
    yield silent(rule.id, "drafts", "alone", chart(drafts=[ordered]))
    yield silent(
        rule.id, "drafts", "neither is being signed", chart(drafts=[*map(unselected, both)])
    )
    yield silent(rule.id, "drafts", "no order, only active", chart(medications=on(one, two)))
    yield fires(
        rule.id,
        "route",
        "by mouth",
        chart(drafts=[draft(**called(one), dosage_instruction=dosed)], **known),
        grave,
    )
    for form in ("1 % topical gel", "eye drops", "cream"):
        local = {"medication_codeable_concept": concept(text=f"{one} {form}")}
        yield silent(rule.id, "route", form, chart(drafts=[draft(**local)], **known))
    yield fires(rule.id, "exclusion", "alive", chart(drafts=[ordered], **known), grave)
    yield silent(
        rule.id,
        "exclusion",
        "deceased",
        chart(drafts=[ordered], patient=patient(deceased_boolean=True), **known),
    )
    yield silent(
        rule.id,
        "exclusion",
        "not to be done",
        chart(drafts=[draft(**called(one), do_not_perform=True)], **known),
    )
    yield silent(
        rule.id,
        "exclusion",
        "not to be given",
        chart(drafts=[ordered], medications=on(two, do_not_perform=True)),
    )
    yield silent(
        rule.id,
        "exclusion",
        "the order that it replaces",
        chart(
            drafts=[draft(**called(one), prior_prescription=Reference("MedicationRequest/m0"))],
            **known,
        ),
    )
    yield fires(
        rule.id,
        "missing",
        "another medicine cannot be read",
        chart(drafts=[ordered], medications=unreadable("MedicationRequest", *on(two))),
        grave,
    )
    yield silent(
        rule.id,
        "missing",
        "active medicines not known",
        chart(drafts=[ordered], medications=None),
        gap="the active medicines are not known",
    )
    yield silent(
        rule.id,
        "missing",
        "a medicine that no table knows",
        chart(drafts=[ordered], medications=on("abcde")),
        gap="no table here knows (1)",
    )


def unselected(each):
    return replace(each, selected=False)


def meeting(*names, said=""):
    """The first ordered in this session beside the others, with these instructions."""
    dosage = (Dosage(text=said),) if said else ()
    return chart(
        drafts=[draft(**called(names[0]), dosage_instruction=dosage)], medications=on(*names[1:])
    )


DOUBLE = "ddi.anticoagulant-double"
CASES = (
    *(row for rule in RULES.rules for row in rows(rule)),
    fires(DOUBLE, "exclusion", "for thrombosis", meeting("apixaban", "warfarin", said="daily")),
    *(
        silent(DOUBLE, "exclusion", said, meeting("apixaban", "warfarin", said=said))
        for said in ("Bridging until INR is 2", "switch from warfarin", "for transition")
    ),
    fires("ddi.raas-double", "exclusion", "an ARB", meeting("lisinopril", "valsartan"), "warning"),
    silent(
        "ddi.raas-double",
        "exclusion",
        "an ARB inside of sacubitril/valsartan",
        meeting("lisinopril", "sacubitril / valsartan"),
    ),
    fires(
        "ddi.arni-acei",
        "exclusion",
        "sacubitril/valsartan",
        meeting("lisinopril", "sacubitril / valsartan"),
        "critical",
    ),
    *(
        silent(rule, "exclusion", " and ".join(names), meeting(*names))
        for rule, names in (
            ("ddi.maoi-triptan", ("sumatriptan", "selegiline")),
            ("ddi.maoi-triptan", ("sumatriptan", "sertraline")),
            ("ddi.statin-3a4", ("atorvastatin", "clarithromycin")),
            ("ddi.statin-3a4", ("simvastatin", "azithromycin")),
            ("ddi.statin-3a4", ("simvastatin", "amiodarone")),
            ("ddi.gemfibrozil-simvastatin", ("gemfibrozil", "atorvastatin")),
            ("ddi.warfarin-nsaid", ("warfarin", "acetaminophen")),
            ("ddi.maoi-ssri", ("sertraline", "linezolid")),
        )
    ),
)
