"""Demo services, one id a hook and one id on two hooks: what the conformance tests call.

Written with the author's API only. They know no medicine worth the name; they read, repeat and
offer just enough that every rule about prefetch and cards has something to hold on to.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from clinical.finding import Result
from fhir.records import (
    AllergyIntolerance,
    Coding,
    Condition,
    Draft,
    Encounter,
    HumanName,
    MedicationRequest,
    Observation,
    Patient,
)
from hooks import (
    AppLink,
    Create,
    Delete,
    Finding,
    LabOrder,
    Link,
    Source,
    Suggestion,
    SystemAction,
    Update,
    markdown,
    service,
)
from hooks.contexts import (
    AllergyIntoleranceCreate,
    AppointmentBook,
    MedicationPrescribe,
    MedicationRefill,
    MedicationVerify,
    OrderDispatch,
    OrderReview,
    OrderSelect,
    OrderSign,
    PatientView,
    ProblemListItemCreate,
)

PATIENT = "Patient/{{context.patientId}}"
MEDICATIONS = "MedicationRequest?patient={{context.patientId}}&status=active"
ALLERGIES = "AllergyIntolerance?patient={{context.patientId}}&clinical-status=active"
CONDITIONS = (
    "Condition?patient={{context.patientId}}&category=problem-list-item&clinical-status=active"
)
A1C = "Observation?patient={{context.patientId}}&code=http://loinc.org|4548-4&_sort=-date&_count=20"

SOURCE = Source("Demo handbook, 2026", "https://guide.example/demo")
INR = LabOrder(Coding("http://loinc.org", "6301-6", "INR in Platelet poor plasma"))


def name_of(patient: Patient) -> str:
    """The first name as one text."""
    name = patient.name[0] if patient.name else HumanName()
    return name.text or " ".join([*(given for given in name.given if given), name.family or ""])


def drug(order: Any) -> str:
    """The medicine of an order in words, "" where it names none."""
    concept = getattr(order, "medication_codeable_concept", None)
    return (concept.text or "") if concept else ""


def told(rule: str, summary: str, **more: Any) -> Finding:
    """An info card."""
    return Finding(rule=rule, summary=summary, indicator="info", source=SOURCE, **more)


def types(drafts: Iterable[Draft]) -> str:
    """The resource types of drafts, in words."""
    return ", ".join(draft.reference.partition("/")[0] for draft in drafts)


@service(
    "patient-view",
    id="demo-patient-view",
    title="Demo patient-view",
    description="Speaks about an HbA1c of 8 % and more.",
    prefetch={"patient": PATIENT, "conditions": CONDITIONS, "a1c": A1C},
)
def demo_patient_view(
    patient: Patient, conditions: list[Condition] | None, a1c: list[Observation], today: date
) -> Iterator[Finding]:
    values = {lab.id: lab.value_quantity.value for lab in a1c if lab.value_quantity}
    high = [lab.id for lab in a1c if (values.get(lab.id) or 0) >= 8]
    if high:
        problems = [(each.code.text or "?") if each.code else "?" for each in conditions or ()]
        yield Finding(
            rule="demo.a1c-high",
            summary=f"HbA1c {values[high[0]]} % for {name_of(patient)}",
            indicator="warning",
            source=SOURCE,
            detail=markdown(
                "**{name}** on {today}: {labs}. Problems: {problems}",
                name=name_of(patient),
                today=today,
                labs=", ".join(high),
                problems=", ".join(problems),
            ),
            about=tuple(f"Observation/{id}" for id in high),
            overrides=("patient-declined", "will-monitor"),
            links=(Link("Handbook", "https://guide.example/a1c"),),
        )


@service(
    "order-select",
    id="demo-order-select",
    title="Demo order-select",
    description="Warns of a penicillin for a patient with a penicillin allergy.",
    prefetch={"patient": PATIENT, "allergies": ALLERGIES, "medications": MEDICATIONS},
)
def demo_order_select(
    patient: Patient,
    allergies: list[AllergyIntolerance],
    medications: list[MedicationRequest] | None,
    context: OrderSelect,
) -> Iterator[Finding]:
    known = [(each.code.text or "") if each.code else "" for each in allergies]
    allergic = [text for text in known if "enicillin" in text]
    for draft in context.draft_orders:
        if allergic and draft.selected and "cillin" in drug(draft.resource):
            yield Finding(
                rule="demo.penicillin",
                summary=f"{drug(draft.resource)}: {name_of(patient)} is allergic",
                indicator="critical",
                source=SOURCE,
                detail=markdown(
                    "{allergy}; takes {drugs}",
                    allergy=allergic[0],
                    drugs=", ".join(map(drug, medications or ())) or "nothing known",
                ),
                about=(draft.reference,),
                suggestions=(
                    Suggestion("Remove it", (Delete("Remove the order", draft),), recommended=True),
                ),
            )


@service(
    "order-sign",
    id="demo-order-sign",
    title="Demo order-sign",
    description="Warns of an NSAID beside an anticoagulant.",
    prefetch={"patient": PATIENT, "medications": MEDICATIONS, "allergies": ALLERGIES},
)
def demo_order_sign(
    patient: Patient,
    medications: list[MedicationRequest],
    allergies: list[AllergyIntolerance] | None,
    context: OrderSign,
) -> Iterator[Result]:
    taken = sorted(map(drug, medications))
    if not any("warfarin" in each for each in taken):
        return
    for draft in context.draft_orders:
        if "ibuprofen" in drug(draft.resource):
            as_needed = {"dosageInstruction": [{"text": "only when needed"}]}
            shorter = Update("Change the dose", draft, as_needed)
            remove = Delete("Remove ibuprofen", draft)
            yield Finding(
                rule="demo.nsaid-anticoagulant",
                summary=f"Ibuprofen and warfarin for {name_of(patient)}",
                indicator="warning",
                source=SOURCE,
                detail=markdown("Takes {taken}.", taken="; ".join(taken)),
                about=(draft.reference,),
                suggestions=(
                    Suggestion("Remove ibuprofen", (remove,)),
                    Suggestion("Only when needed", (shorter,), recommended=True),
                    Suggestion("Order an INR", (Create("Draft an INR order", INR),)),
                    Suggestion("Remove and order", (remove, Create("Draft an INR order", INR))),
                ),
                overrides=("benefit-outweighs-risk", "specialist-advice"),
                links=(
                    Link("Handbook", "https://guide.example/nsaid"),
                    AppLink("Open in the app", autolaunch=True),
                ),
            )
            yield SystemAction(Update("Note the warning", draft, {"note": [{"text": "warned"}]}))


@service(
    "order-dispatch",
    id="demo-order-dispatch",
    title="Demo order-dispatch",
    description="Repeats who is to fulfil what.",
    prefetch={"patient": PATIENT},
)
def demo_order_dispatch(patient: Patient | None, context: OrderDispatch) -> Iterator[Finding]:
    orders = ", ".join(context.dispatched_orders)
    tasks = len(context.fulfillment_tasks)
    yield told("demo.dispatch", f"{orders} to {context.performer}, {tasks} tasks")


@service(
    "appointment-book",
    id="demo-appointment-book",
    title="Demo appointment-book",
    description="Counts the appointments.",
    prefetch={"patient": PATIENT},
)
def demo_appointment_book(patient: Patient | None, context: AppointmentBook) -> Iterator[Finding]:
    yield told("demo.appointments", f"{types(context.appointments)} by {context.user_id}")


@service(
    "encounter-start",
    id="demo-encounter-start",
    title="Demo encounter-start",
    description="Repeats the encounter.",
    prefetch={"patient": PATIENT, "encounter": "Encounter/{{context.encounterId}}"},
)
def demo_encounter_start(patient: Patient | None, encounter: Encounter) -> Iterator[Finding]:
    yield told("demo.start", f"Encounter {encounter.id} is {encounter.status}")


@service(
    "encounter-discharge",
    id="demo-encounter-discharge",
    title="Demo encounter-discharge",
    description="Lists the medicines to go home with.",
    prefetch={
        "patient": PATIENT,
        "encounter": "Encounter/{{context.encounterId}}",
        "medications": MEDICATIONS,
    },
)
def demo_encounter_discharge(
    patient: Patient | None, encounter: Encounter, medications: list[MedicationRequest]
) -> Iterator[Finding]:
    yield told("demo.discharge", f"Encounter {encounter.id}: {', '.join(map(drug, medications))}")


@service(
    "medication-refill",
    id="demo-medication-refill",
    title="Demo medication-refill",
    description="Compares a refill with the active medicines.",
    prefetch={"patient": PATIENT, "medications": MEDICATIONS},
)
def demo_medication_refill(
    patient: Patient | None, medications: list[MedicationRequest], context: MedicationRefill
) -> Iterator[Finding]:
    refills = ", ".join(drug(draft.resource) for draft in context.medications)
    yield told("demo.refill", f"{refills} for {context.user_id}, {len(medications)} active")


@service(
    "problem-list-item-create",
    id="demo-problem-list-item-create",
    title="Demo problem-list-item-create",
    description="Counts the new problems.",
    prefetch={"patient": PATIENT, "conditions": CONDITIONS},
)
def demo_problem_list_item_create(
    patient: Patient | None, conditions: list[Condition] | None, context: ProblemListItemCreate
) -> Iterator[Finding]:
    yield told("demo.problems", f"{types(context.conditions)} added to {len(conditions or ())}")


@service(
    "allergyintolerance-create",
    id="demo-allergyintolerance-create",
    title="Demo allergyintolerance-create",
    description="Compares a new allergy with the active medicines.",
    prefetch={"patient": PATIENT, "medications": MEDICATIONS},
)
def demo_allergyintolerance_create(
    patient: Patient | None, medications: list[MedicationRequest], context: AllergyIntoleranceCreate
) -> Iterator[Finding]:
    yield told(
        "demo.allergy", f"{context.allergy_intolerance.reference}, {len(medications)} active"
    )


@service(
    "medication-verify",
    id="demo-medication-verify",
    title="Demo medication-verify",
    description="Repeats the order to verify.",
    prefetch={"patient": PATIENT, "allergies": ALLERGIES},
)
def demo_medication_verify(
    patient: Patient | None, allergies: list[AllergyIntolerance] | None, context: MedicationVerify
) -> Iterator[Finding]:
    yield told("demo.verify", f"{context.medication.reference}: {len(allergies or ())} allergies")


@service(
    "medication-prescribe",
    id="demo-medication-prescribe",
    title="Demo medication-prescribe",
    description="Counts the drafts.",
    prefetch={"patient": PATIENT},
)
def demo_medication_prescribe(
    patient: Patient | None, context: MedicationPrescribe
) -> Iterator[Finding]:
    yield told("demo.prescribe", f"{types(context.medications)} drafted")


@service(
    "order-review",
    id="demo-order-review",
    title="Demo order-review",
    description="Counts the orders.",
    prefetch={"patient": PATIENT},
)
def demo_order_review(patient: Patient | None, context: OrderReview) -> Iterator[Finding]:
    yield told("demo.review", f"{types(context.orders)} reviewed")


@service(
    "patient-view",
    "order-sign",
    id="demo-shared",
    title="Demo shared id",
    description="Asks for an order until there is one.",
)
def demo_shared(context: PatientView | OrderSign) -> Iterator[Finding]:
    drafts = getattr(context, "draft_orders", ())
    if drafts:
        yield told("demo.ordered", f"{types(drafts)} to sign")
    else:
        yield told("demo.not-ordered", "Nothing is ordered yet")


DEMO: tuple[Callable[..., Iterable[Result]], ...] = (
    demo_patient_view,
    demo_order_select,
    demo_order_sign,
    demo_order_dispatch,
    demo_appointment_book,
    demo_encounter_start,
    demo_encounter_discharge,
    demo_medication_refill,
    demo_problem_list_item_create,
    demo_allergyintolerance_create,
    demo_medication_verify,
    demo_medication_prescribe,
    demo_order_review,
    demo_shared,
)
