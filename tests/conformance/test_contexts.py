"""CDS Hooks checklist D: the context of each hook (CH-048 to CH-069)."""

import time
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from tests.demo.bodies import DROP, HOOKS, PATIENT_ID, SERVICES, Json, body, bundle, edit, raw
from tests.demo.client import Client, Reply

# Checklist section 3. User types: A staff, B also patient and proxy. The library limits four hooks
# to Practitioner; EHRs send a PractitionerRole for the same person, so that is accepted there too.
STAFF = {"Practitioner", "PractitionerRole"}
ANYONE = STAFF | {"Patient", "RelatedPerson"}
USERS: dict[str, set[str]] = {
    hook: ANYONE if hook in ("patient-view", "appointment-book") else STAFF
    for hook in HOOKS
    if hook != "order-dispatch"
}
USER_OPTIONAL = {"medication-refill"}
ENCOUNTER_REQUIRED = {"encounter-start", "encounter-discharge"}
WITH_ENCOUNTER = set(HOOKS) - ENCOUNTER_REQUIRED - {"order-dispatch"}

BAD_IDS: dict[str, Any] = {
    "null": None,
    "empty": "",
    "number": 1957,
    "array": [PATIENT_ID],
    "object": {"reference": f"Patient/{PATIENT_ID}"},
    "reference": f"Patient/{PATIENT_ID}",
    "urn": "urn:uuid:3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "URL": f"https://ehr.test/fhir/Patient/{PATIENT_ID}",
    "query injection": "1&category=laboratory",
    "query": "1?x=y",
    "or": "1,2",
    "token": "system|1",
    "dot": ".",
    "dots": "..",
    "traversal": "../Practitioner",
    "backslashes": "..\\x",
    "encoded traversal": "%2e%2e%2fPractitioner",
    "encoded": "a%20b",
    "fragment": "a#b",
    "blank": "a b",
    "only a blank": " ",
    "line feed": "a\n",
    "CR LF": "a\r\nX: y",
    "NUL": "a\0",
    "template": "{{context.userId}}",
    "brace": "{0}",
    "quote": "a'b",
    "markup": "<script>",
    "other letters": "пациент",
    "wide digits": "\N{FULLWIDTH DIGIT ONE}",
    "zero width": "a\u200b",
    "right to left": "a\u202eb",
    "endless": "a" * 5000,
}


def calls(demo: Client, hook: str, edits: Mapping[str, Any]) -> Reply:
    return demo.call(SERVICES[hook], body(hook, edits=edits))


@pytest.mark.req("CH-048")
@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_needs_a_patient(demo: Client, hook: str) -> None:
    reply = calls(demo, hook, {"context.patientId": DROP})
    assert (reply.status, reply.field) == (400, "context.patientId")


@pytest.mark.req("CH-048", "CH-087")
@pytest.mark.parametrize("value", BAD_IDS.values(), ids=BAD_IDS)
@pytest.mark.parametrize("hook", ["patient-view", "order-dispatch"])
def test_a_patient_id_is_a_bare_id(demo: Client, hook: str, value: Any) -> None:
    reply = calls(demo, hook, {"context.patientId": value})
    assert (reply.status, reply.field) == (400, "context.patientId")


@pytest.mark.req("CH-048", "CH-067")
@pytest.mark.parametrize("id", ["a", "A.b-C_9", "...", ".a", "-", "9" * 64, "e" * 194])
def test_any_fhir_id_and_longer_ones_are_accepted(demo: Client, id: str) -> None:
    edits = {"context.patientId": id, "prefetch.patient.id": id}
    call = body("patient-view", edits={**edits, "prefetch.conditions": None, "prefetch.a1c": None})
    assert demo.call("demo-patient-view", call).status == 200


@pytest.mark.req("CH-049")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_user_is_needed_where_the_hook_says_so(demo: Client, hook: str) -> None:
    call = body(hook)
    call["context"].pop("userId", None)
    reply = demo.call(SERVICES[hook], call)
    if hook in USERS and hook not in USER_OPTIONAL:
        assert (reply.status, reply.field) == (400, "context.userId")
    else:
        assert reply.status == 200


@pytest.mark.req("CH-049")
@pytest.mark.parametrize("hook", sorted(USER_OPTIONAL))
@pytest.mark.parametrize("value", [None, ""])
def test_an_optional_user_may_be_null_or_empty(demo: Client, hook: str, value: Any) -> None:
    assert calls(demo, hook, {"context.userId": value}).status == 200


@pytest.mark.req("CH-049")
def test_a_user_is_not_read_where_the_hook_has_none(demo: Client) -> None:
    assert calls(demo, "order-dispatch", {"context.userId": {"odd": True}}).status == 200


@pytest.mark.req("CH-049", "CH-050")
@pytest.mark.parametrize(
    ("hook", "type_"), list(product(USERS, [*sorted(ANYONE), "Organization", "Device", "Person"]))
)
def test_only_the_user_types_of_the_hook_are_accepted(demo: Client, hook: str, type_: str) -> None:
    reply = calls(demo, hook, {"context.userId": f"{type_}/someone"})
    if type_ in USERS[hook]:
        assert reply.status == 200
    else:
        assert (reply.status, reply.field) == (400, "context.userId")


BAD_USERS: dict[str, Any] = {
    "null": None,
    "number": 1,
    "bare id": "ruiz",
    "type only": "Practitioner",
    "no id": "Practitioner/",
    "no type": "/ruiz",
    "other case": "practitioner/ruiz",
    "type in other case": "PractitionerROLE/ruiz",
    "absolute": "https://ehr.test/fhir/Practitioner/ruiz",
    "version": "Practitioner/ruiz/_history/1",
    "dot": "Practitioner/.",
    "dots": "Practitioner/..",
    "query": "Practitioner/ruiz?x=y",
    "or": "Patient/a,Patient/b",
    "two ids": "Practitioner/a,b",
    "escape": "Practitioner/%2e%2e",
    "fragment": "Practitioner/ruiz#1",
    "line feed": "Practitioner/ruiz\n",
    "blank": "Practitioner/ruiz ",
    "leading blank": " Practitioner/ruiz",
    "object": {"reference": "Practitioner/ruiz"},
    "array": ["Practitioner/ruiz"],
    "endless": "Practitioner/" + "a" * 5000,
}


@pytest.mark.req("CH-049", "CH-087")
@pytest.mark.parametrize("value", BAD_USERS.values(), ids=BAD_USERS)
@pytest.mark.parametrize("hook", ["patient-view", "order-sign", "allergyintolerance-create"])
def test_a_user_is_a_type_and_an_id(demo: Client, hook: str, value: Any) -> None:
    reply = calls(demo, hook, {"context.userId": value})
    assert (reply.status, reply.field) == (400, "context.userId")


@pytest.mark.req("CH-050")
@pytest.mark.parametrize("user", [f"Patient/{PATIENT_ID}", "Patient/mother", "RelatedPerson/son"])
def test_the_patient_and_a_proxy_may_be_the_user(demo: Client, user: str) -> None:
    for hook in ("patient-view", "appointment-book"):
        call = body(hook, edits={"context.userId": user})
        call["context"].pop("encounterId", None)
        assert demo.call(SERVICES[hook], call).status == 200


@pytest.mark.req("CH-051")
@pytest.mark.parametrize("hook", sorted(ENCOUNTER_REQUIRED))
@pytest.mark.parametrize("value", [DROP, None, "", "Encounter/a", 1, "..", "a b", "a\n"])
def test_an_encounter_is_needed_where_the_hook_says_so(demo: Client, hook: str, value: Any) -> None:
    reply = calls(demo, hook, {"context.encounterId": value})
    assert (reply.status, reply.field) == (400, "context.encounterId")


@pytest.mark.req("CH-051")
@pytest.mark.parametrize("hook", sorted(WITH_ENCOUNTER))
@pytest.mark.parametrize("value", [None, "", "visit-1"])
def test_an_encounter_may_be_left_out_elsewhere(demo: Client, hook: str, value: Any) -> None:
    assert calls(demo, hook, {"context.encounterId": value}).status == 200
    call = body(hook)
    call["context"].pop("encounterId", None)
    assert demo.call(SERVICES[hook], call).status == 200


@pytest.mark.req("CH-051")
@pytest.mark.parametrize("hook", sorted(WITH_ENCOUNTER))
def test_an_optional_encounter_is_an_id_too(demo: Client, hook: str) -> None:
    reply = calls(demo, hook, {"context.encounterId": "Encounter/visit-1"})
    assert (reply.status, reply.field) == (400, "context.encounterId")


# --- what each hook brings besides: the resources ----------------------------------------------

ORDER = body("order-select")["context"]["draftOrders"]["entry"][0]["resource"]
BUNDLES = {
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
    "appointment-book": "appointments",
    "medication-refill": "medications",
    "problem-list-item-create": "conditions",
    "medication-prescribe": "medications",
    "order-review": "orders",
}
SINGLE = {"allergyintolerance-create": "allergyIntolerance", "medication-verify": "medication"}
BUNDLE_REQUIREMENT = {
    "order-select": "CH-052",
    "order-sign": "CH-052",
    "appointment-book": "CH-060",
    "medication-refill": "CH-061",
    "problem-list-item-create": "CH-062",
    "medication-prescribe": "CH-065",
    "order-review": "CH-065",
}
NO_BUNDLE: dict[str, Any] = {
    "absent": DROP,
    "null": None,
    "text": "Bundle",
    "array": [ORDER],
    "empty array": [],
    "single resource": ORDER,
    "entry object": {"resourceType": "Bundle", "entry": {"resource": ORDER}},
    "entry text": {"resourceType": "Bundle", "entry": "MedicationRequest/a"},
    "entry of texts": {"resourceType": "Bundle", "entry": ["MedicationRequest/a"]},
    "resource text": {"resourceType": "Bundle", "entry": [{"resource": "x"}]},
    "resource without type": {"resourceType": "Bundle", "entry": [{"resource": {"id": "a"}}]},
    "resource type number": {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": 1}}],
    },
    "empty object": {},
    "no resource type": {"entry": [{"resource": ORDER}]},
    "another type": {"resourceType": "Parameters", "entry": []},
    "wrapped twice": {"resource": {"resource": bundle(ORDER)}},
}


@pytest.mark.parametrize(
    ("hook", "value"),
    [
        pytest.param(hook, value, id=f"{hook} {what}", marks=pytest.mark.req(requirement))
        for hook, requirement in BUNDLE_REQUIREMENT.items()
        for what, value in NO_BUNDLE.items()
    ],
)
def test_a_bundle_is_needed_where_the_hook_says_so(demo: Client, hook: str, value: Any) -> None:
    reply = calls(demo, hook, {f"context.{BUNDLES[hook]}": value})
    assert (reply.status, reply.field) == (400, f"context.{BUNDLES[hook]}")


SELECTIONS: dict[str, tuple[str, Any]] = {
    "absent": ("CH-052", DROP),
    "null": ("CH-052", None),
    "text": ("CH-052", "MedicationRequest/draft-amox"),
    "object": ("CH-052", {"reference": "MedicationRequest/draft-amox"}),
    "array of objects": ("CH-052", [{"reference": "MedicationRequest/draft-amox"}]),
    "array of nulls": ("CH-052", [None]),
    "array of numbers": ("CH-052", [1]),
    "bare id": ("CH-052", ["draft-amox"]),
    "id of no draft": ("CH-053", ["MedicationRequest/other"]),
    "type of no draft": ("CH-053", ["ServiceRequest/draft-amox"]),
    "one right, one wrong": ("CH-053", ["MedicationRequest/draft-amox", "ServiceRequest/x"]),
    "with a line feed": ("CH-053", ["MedicationRequest/draft-amox\n"]),
}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=what, marks=pytest.mark.req(requirement))
        for what, (requirement, value) in SELECTIONS.items()
    ],
)
def test_selections_are_references_into_the_drafts(demo: Client, value: Any) -> None:
    reply = calls(demo, "order-select", {"context.selections": value})
    assert (reply.status, reply.field) == (400, "context.selections")


@pytest.mark.req("CH-052")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_hook_without_its_order_fields_is_refused(demo: Client, hook: str) -> None:
    # The public sandbox sends this when the open tab is clicked again.
    call = body(hook)
    call["context"].pop("selections", None)
    del call["context"]["draftOrders"]
    assert demo.call(SERVICES[hook], call).status == 400


@pytest.mark.req("CH-054")
def test_order_select_speaks_of_selected_orders_only(demo: Client) -> None:
    selected = calls(demo, "order-select", {})
    assert "amoxicillin" in selected.card["summary"]
    beside = calls(demo, "order-select", {"context.selections": ["ServiceRequest/draft-lab"]})
    assert beside.cards == []
    assert calls(demo, "order-select", {"context.selections": []}).cards == []
    both = ["ServiceRequest/draft-lab", "MedicationRequest/draft-amox"]
    assert calls(demo, "order-select", {"context.selections": both}).cards == selected.cards


@pytest.mark.req("CH-055")
@pytest.mark.parametrize("status", ["active", "on-hold", "completed", "unknown", "x", DROP])
@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_orders_need_not_be_drafts(demo: Client, hook: str, status: Any) -> None:
    path = "context.draftOrders.entry.0.resource.status"
    assert len(calls(demo, hook, {path: status}).cards) == 1


ODD_ORDERS: dict[str, Json] = {
    "unknown type": {"resourceType": "Foo", "id": "foo"},
    "known type, odd content": {
        "resourceType": "MedicationRequest",
        "id": "odd",
        "medicationCodeableConcept": "aspirin",
        "dosageInstruction": {"text": "1"},
    },
    "code without content": {
        "resourceType": "ServiceRequest",
        "id": "request-123",
        "status": "draft",
        "intent": "plan",
        "code": {"coding": [{}]},
        "reasonCode": [],
    },
    "object where an array belongs": {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "category": {"coding": [{"code": "community"}]},
        "reasonCode": {"text": "pain"},
    },
    "STU3 order": {"resourceType": "ProcedureRequest", "id": "pr", "status": "draft"},
    "DSTU2 order": {"resourceType": "MedicationOrder", "id": "mo", "status": "draft"},
    "no id": {"resourceType": "DeviceRequest"},
    "id number": {"resourceType": "DeviceRequest", "id": "1"},
    "absolute subject": {
        "resourceType": "ServiceRequest",
        "id": "abs",
        "subject": {"reference": f"https://ehr.test/fhir/Patient/{PATIENT_ID}"},
    },
    "versioned subject": {
        "resourceType": "ServiceRequest",
        "id": "ver",
        "subject": {"reference": f"Patient/{PATIENT_ID}/_history/7"},
    },
    "subject that is a group": {
        "resourceType": "ServiceRequest",
        "id": "grp",
        "subject": {"reference": "Group/ward-3"},
    },
    "subject by identifier": {
        "resourceType": "ServiceRequest",
        "id": "idf",
        "subject": {"identifier": {"value": "4711"}, "display": "Somebody"},
    },
    "contained medicine": {
        "resourceType": "MedicationRequest",
        "id": "con",
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "aspirin"}}],
        "medicationReference": {"reference": "#m"},
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
    },
    "long id with another hyphen": {
        "resourceType": "MedicationRequest",
        "id": "e\u2011" + "a" * 190,
    },
    "primitive extensions": {
        "resourceType": "MedicationRequest",
        "id": "ext",
        "status": None,
        "_status": {"extension": [{"url": "https://ehr.test/x", "valueCode": "y"}]},
    },
}


@pytest.mark.req("CH-056", "CH-066", "CH-067", "CH-069")
@pytest.mark.parametrize("order", ODD_ORDERS.values(), ids=ODD_ORDERS)
@pytest.mark.parametrize("hook", ["order-select", "order-sign", "order-review"])
def test_an_order_that_cannot_be_judged_does_not_silence_the_others(
    demo: Client, hook: str, order: Json
) -> None:
    call = body(hook)
    expected = len(demo.call(SERVICES[hook], call).cards)
    call["context"][BUNDLES[hook]]["entry"].insert(0, {"resource": order})
    if "selections" in call["context"]:
        call["context"]["selections"].append(f"{order['resourceType']}/{order.get('id', '')}")
        if "id" not in order:
            call["context"]["selections"].pop()
    assert len(demo.call(SERVICES[hook], call).cards) == expected


@pytest.mark.req("CH-056")
def test_a_form_that_was_just_opened_gets_no_card(demo: Client) -> None:
    opened = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "authoredOn": "2026-11-24",
    }
    reply = calls(
        demo,
        "order-select",
        {
            "context.draftOrders": {"resourceType": "Bundle", "entry": [{"resource": opened}]},
            "context.selections": ["MedicationRequest/request-123"],
        },
    )
    assert reply.cards == []


@pytest.mark.req("CH-066")
@pytest.mark.parametrize("hook", sorted(BUNDLES))
@pytest.mark.parametrize(
    "edits",
    [
        {"type": DROP},
        {"type": "transaction", "total": 99, "link": [{"relation": "next", "url": "x"}]},
        {"entry.0.fullUrl": "urn:uuid:3fa85f64-5717-4562-b3fc-2c963f66afa6"},
        {"entry.0.search": {"mode": "match"}, "meta": {"lastUpdated": "soon"}},
    ],
    ids=["no type", "odd type", "fullUrl", "search"],
)
def test_a_context_bundle_is_not_validated(
    demo: Client, hook: str, edits: Mapping[str, Any]
) -> None:
    call = body(hook)
    for path, value in edits.items():
        edit(call["context"][BUNDLES[hook]], path, value)
    assert demo.call(SERVICES[hook], call).body == demo.call(SERVICES[hook], body(hook)).body


@pytest.mark.req("CH-066")
@pytest.mark.parametrize("hook", ["order-select", "order-sign", "order-review"])
def test_an_entry_without_a_resource_is_passed_over(demo: Client, hook: str) -> None:
    call = body(hook)
    expected = demo.call(SERVICES[hook], call)
    call["context"][BUNDLES[hook]]["entry"] += [{}, {"fullUrl": "x"}, {"resource": None}]
    assert demo.call(SERVICES[hook], call).body == expected.body


# --- order-dispatch ----------------------------------------------------------------------------

TASK = body("order-dispatch")["context"]["fulfillmentTasks"][0]
DISPATCH: dict[str, tuple[str, Mapping[str, Any], str]] = {
    "no performer": ("CH-057", {"performer": DROP}, "performer"),
    "performer null": ("CH-057", {"performer": None}, "performer"),
    "performer bare": ("CH-057", {"performer": "imaging"}, "performer"),
    "performer object": ("CH-057", {"performer": {"reference": "Organization/a"}}, "performer"),
    "performer walks up": ("CH-057", {"performer": "Organization/.."}, "performer"),
    "no orders": ("CH-057", {"dispatchedOrders": DROP}, "dispatchedOrders"),
    "orders null": ("CH-057", {"dispatchedOrders": None}, "dispatchedOrders"),
    "orders empty": ("CH-057", {"dispatchedOrders": []}, "dispatchedOrders"),
    "orders bare ids": ("CH-057", {"dispatchedOrders": ["sr-mri"]}, "dispatchedOrders"),
    "orders objects": (
        "CH-057",
        {"dispatchedOrders": [{"reference": "ServiceRequest/sr-mri"}]},
        "dispatchedOrders",
    ),
    "task for another order": (
        "CH-059",
        {"fulfillmentTasks.0.focus.reference": "ServiceRequest/other"},
        "fulfillmentTasks",
    ),
    "second task for another order": (
        "CH-059",
        {
            "fulfillmentTasks": [
                TASK,
                {**TASK, "focus": {"reference": "ServiceRequest/other"}},
            ]
        },
        "fulfillmentTasks",
    ),
    "task of another type": (
        "CH-059",
        {"fulfillmentTasks.0.resourceType": "ServiceRequest"},
        "fulfillmentTasks",
    ),
    "tasks text": ("CH-059", {"fulfillmentTasks": "Task/a"}, "fulfillmentTasks"),
    "task reference": ("CH-059", {"fulfillmentTasks": ["Task/a"]}, "fulfillmentTasks"),
}


@pytest.mark.parametrize(
    ("edits", "field"),
    [
        pytest.param(edits, field, id=what, marks=pytest.mark.req(requirement))
        for what, (requirement, edits, field) in DISPATCH.items()
    ],
)
def test_a_dispatch_is_complete_and_consistent(
    demo: Client, edits: Mapping[str, Any], field: str
) -> None:
    named = {f"context.{path}": value for path, value in edits.items()}
    reply = calls(demo, "order-dispatch", named)
    assert (reply.status, reply.field) == (400, f"context.{field}")


@pytest.mark.req("CH-057")
@pytest.mark.parametrize("type_", ["Practitioner", "PractitionerRole", "Organization", "CareTeam"])
def test_performers_are_of_many_types(demo: Client, type_: str) -> None:
    reply = calls(demo, "order-dispatch", {"context.performer": f"{type_}/x-1"})
    assert f"{type_}/x-1" in reply.card["summary"]


@pytest.mark.req("CH-058", "CH-059")
@pytest.mark.parametrize(
    "members",
    [
        {"dispatchedOrders": ["ServiceRequest/sr-mri"], "fulfillmentTasks": [TASK]},
        {"dispatched-orders": ["ServiceRequest/sr-mri"], "fulfillment-tasks": [TASK]},
        {"dispatchedOrders": ["ServiceRequest/sr-mri"], "fulfillment-tasks": [TASK]},
        {"order": "ServiceRequest/sr-mri", "task": TASK},
        {"order": ["ServiceRequest/sr-mri"], "task": [TASK]},
        {"dispatchedOrders": "ServiceRequest/sr-mri", "fulfillmentTasks": TASK},
    ],
    ids=["1.1", "dashes", "one dash", "1.0", "1.0 names with arrays", "1.1 names without"],
)
def test_the_names_of_older_dispatches_are_understood(
    demo: Client, members: dict[str, Any]
) -> None:
    call = body("order-dispatch")
    expected = demo.call("demo-order-dispatch", call)
    for name in ("dispatchedOrders", "fulfillmentTasks"):
        del call["context"][name]
    call["context"] |= members
    assert demo.call("demo-order-dispatch", call).body == expected.body


@pytest.mark.req("CH-058")
def test_two_names_of_one_field_are_not_read_by_their_order(demo: Client) -> None:
    call = body("order-dispatch", edits={"context.fulfillmentTasks": DROP})
    rest = {"patientId": PATIENT_ID, "performer": "Organization/x"}
    new, old = {"dispatchedOrders": ["ServiceRequest/new"]}, {"order": "ServiceRequest/old"}
    first = demo.call("demo-order-dispatch", {**call, "context": {**rest, **new, **old}})
    second = demo.call("demo-order-dispatch", {**call, "context": {**rest, **old, **new}})
    assert (first.status, first.body) == (second.status, second.body)


@pytest.mark.req("CH-059")
@pytest.mark.parametrize(
    "edits",
    [
        {"context.fulfillmentTasks": DROP},
        {"context.fulfillmentTasks": None},
        {"context.fulfillmentTasks": []},
        {"context.fulfillmentTasks.0.focus": DROP},
    ],
    ids=["no tasks", "null", "empty", "task without focus"],
)
def test_tasks_are_optional(demo: Client, edits: Mapping[str, Any]) -> None:
    assert calls(demo, "order-dispatch", edits).status == 200


@pytest.mark.req("CH-059")
@pytest.mark.parametrize(("tasks", "status"), [(500, 200), (501, 400), (20_000, 400)])
def test_a_dispatch_of_very_many_orders_is_answered_in_time(
    demo: Client, tasks: int, status: int
) -> None:
    orders = [f"ServiceRequest/sr-{number}" for number in range(20_000)]
    fulfilled = [{"resourceType": "Task", "focus": {"reference": orders[-1]}}] * tasks
    edits = {"context.dispatchedOrders": orders, "context.fulfillmentTasks": fulfilled}
    started = time.monotonic()
    assert calls(demo, "order-dispatch", edits).status == status
    assert time.monotonic() - started < 2


# --- the other hooks ---------------------------------------------------------------------------


@pytest.mark.req("CH-060", "CH-061", "CH-062", "CH-063")
@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("appointment-book", "Appointment by PractitionerRole/ruiz-clinic-3"),
        ("medication-refill", "metformin 500 MG tablet for PractitionerRole/ruiz-clinic-3"),
        ("problem-list-item-create", "Condition added"),
        ("allergyintolerance-create", "AllergyIntolerance/new-latex"),
        ("medication-verify", "MedicationRequest/signed-ibu"),
    ],
)
def test_what_the_hook_brings_reaches_its_service(demo: Client, hook: str, said: str) -> None:
    assert said in demo.call(SERVICES[hook], raw(hook)).card["summary"]


@pytest.mark.req("CH-060", "CH-062")
@pytest.mark.parametrize("hook", ["appointment-book", "problem-list-item-create"])
@pytest.mark.parametrize("entries", [DROP, []])
def test_a_hook_that_something_was_entered_needs_it(demo: Client, hook: str, entries: Any) -> None:
    reply = calls(demo, hook, {f"context.{BUNDLES[hook]}.entry": entries})
    assert (reply.status, reply.field) == (400, f"context.{BUNDLES[hook]}")


@pytest.mark.req("CH-060", "CH-062", "CH-063")
@pytest.mark.parametrize(
    ("hook", "path", "wrong"),
    [
        ("appointment-book", "context.appointments.entry.0.resource.resourceType", "Encounter"),
        ("problem-list-item-create", "context.conditions.entry.0.resource.resourceType", "Goal"),
        ("allergyintolerance-create", "context.allergyIntolerance.resourceType", "Condition"),
        ("medication-verify", "context.medication.resourceType", "MedicationDispense"),
    ],
)
def test_a_resource_of_another_type_is_refused(
    demo: Client, hook: str, path: str, wrong: str
) -> None:
    reply = calls(demo, hook, {path: wrong})
    assert (reply.status, reply.field) == (400, ".".join(path.split(".")[:2]))


@pytest.mark.req("CH-063")
@pytest.mark.parametrize("hook", sorted(SINGLE))
@pytest.mark.parametrize(
    "value",
    [DROP, None, "x", [], ["x"], {}, 1, {"id": "a"}, {"resource": None}],
    ids=lambda value: "absent" if value is DROP else repr(value),
)
def test_a_single_resource_is_needed_where_the_hook_says_so(
    demo: Client, hook: str, value: Any
) -> None:
    reply = calls(demo, hook, {f"context.{SINGLE[hook]}": value})
    assert (reply.status, reply.field) == (400, f"context.{SINGLE[hook]}")


@pytest.mark.req("CH-064")
@pytest.mark.parametrize("hook", sorted(SINGLE | BUNDLES))
def test_a_resource_may_be_wrapped_once(demo: Client, hook: str) -> None:
    call = body(hook)
    expected = demo.call(SERVICES[hook], call)
    field = (SINGLE | BUNDLES)[hook]
    call["context"][field] = {"resource": call["context"][field]}
    assert demo.call(SERVICES[hook], call).body == expected.body


@pytest.mark.req("CH-064")
def test_medication_verify_has_two_names_for_its_order(demo: Client) -> None:
    call = body("medication-verify")
    expected = demo.call("demo-medication-verify", call)
    call["context"]["order"] = {"resource": call["context"].pop("medication")}
    assert demo.call("demo-medication-verify", call).body == expected.body


@pytest.mark.req("CH-065")
@pytest.mark.parametrize("hook", ["medication-prescribe", "order-review"])
def test_deprecated_hooks_are_served(demo: Client, hook: str) -> None:
    assert len(demo.call(SERVICES[hook], raw(hook)).cards) == 1


# --- whose resources they are ------------------------------------------------------------------

OTHER = {"reference": "Patient/somebody-else"}
FOREIGN: dict[str, Json] = {
    "subject": {"subject": OTHER},
    "patient": {"patient": OTHER},
    "for": {"for": OTHER},
    "participant": {"participant": [{"actor": {"reference": "Practitioner/a"}}, {"actor": OTHER}]},
    "absolute": {"subject": {"reference": "https://ehr.test/fhir/Patient/somebody-else"}},
    "absolute, same id elsewhere": {
        "subject": {"reference": f"https://other.example/fhir/Patient/{PATIENT_ID}"}
    },
    "longer id": {"subject": {"reference": f"Patient/{PATIENT_ID}0"}},
    "other case": {"subject": {"reference": f"Patient/{PATIENT_ID.upper()}"}},
    "versioned": {"subject": {"reference": "Patient/somebody-else/_history/1"}},
    "beside an odd focus": {"subject": OTHER, "focus": []},
    "beside an odd participant": {"subject": OTHER, "participant": {}},
    "beside an odd patient": {"subject": OTHER, "patient": [1]},
    "beside an odd for": {"subject": OTHER, "for": "x"},
    "beside an odd id": {"subject": OTHER, "id": "draft-amox", "identifier": 3},
    "beside an odd actor": {"subject": OTHER, "participant": [{"actor": "x"}]},
    "participant beside an odd one": {"participant": [{"actor": OTHER}, {"actor": 1}]},
    "two subjects": {"subject": {"reference": f"Patient/{PATIENT_ID}"}, "patient": OTHER},
}


@pytest.mark.req("CH-068")
@pytest.mark.parametrize("members", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(
    "hook", ["order-select", "order-sign", "medication-refill", "medication-verify", "order-review"]
)
def test_an_order_of_another_patient_is_refused(demo: Client, hook: str, members: Json) -> None:
    call = body(hook)
    field = (SINGLE | BUNDLES)[hook]
    value = call["context"][field]
    resource = value if hook in SINGLE else value["entry"][-1]["resource"]
    for name in ("subject", "patient"):
        resource.pop(name, None)
    resource |= members
    call["context"].pop("selections", None)
    if hook == "order-select":
        call["context"]["selections"] = []
    reply = demo.call(SERVICES[hook], call)
    assert (reply.status, reply.field) == (400, f"context.{field}")
    assert b"somebody" not in reply.body


@pytest.mark.req("CH-068")
@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ("order-select", "context.draftOrders.entry.1.resource.subject"),
        ("order-sign", "context.draftOrders.entry.2.resource.patient"),
        ("order-dispatch", "context.fulfillmentTasks.0.for"),
        ("appointment-book", "context.appointments.entry.0.resource.participant.0.actor"),
        ("medication-refill", "context.medications.entry.0.resource.subject"),
        ("problem-list-item-create", "context.conditions.entry.0.resource.subject"),
        ("allergyintolerance-create", "context.allergyIntolerance.patient"),
        ("medication-verify", "context.medication.subject"),
        ("medication-prescribe", "context.medications.entry.0.resource.subject"),
        ("order-review", "context.orders.entry.0.resource.subject"),
    ],
)
def test_a_context_resource_of_another_patient_is_refused(
    demo: Client, hook: str, path: str
) -> None:
    assert calls(demo, hook, {path: OTHER}).status == 400
    # An absolute reference under the server that the call names is the same patient.
    base = "https://ehr.test/fhir"
    own = {"reference": f"{base}/Patient/{PATIENT_ID}"}
    assert demo.call(SERVICES[hook], body(hook, base, {path: own})).status == 200


@pytest.mark.req("CH-069")
def test_an_older_fhir_version_degrades(demo: Client) -> None:
    order = {
        "resourceType": "MedicationOrder",
        "id": "mo-1",
        "status": "draft",
        "patient": {"reference": f"Patient/{PATIENT_ID}"},
        "medicationCodeableConcept": {"text": "amoxicillin"},
        "dosageInstruction": [{"doseQuantity": {"value": 1}}],
    }
    call = body("order-select", edits={"context.selections": ["MedicationOrder/mo-1"]})
    call["context"]["draftOrders"]["entry"] = [{"resource": order}]
    assert demo.call("demo-order-select", call).cards == []
