"""The checked request: its prefetch tokens, its drafts, whose chart it is."""

from typing import Any

import pytest

from fhir.bundle import read_page, read_resource
from fhir.records import MedicationRequest, Observation, Patient, Reference
from hooks.contexts import (
    AllergyIntoleranceCreate,
    OrderDispatch,
    OrderSelect,
    OrderSign,
    PatientView,
)
from hooks.request import parse
from tests.demo.bodies import DROP, HOOKS, PATIENT_ID, PLACEHOLDER, Json, body, encoded
from web.errors import Problem

pytestmark = pytest.mark.req("CH-022", "CH-048", "CH-049", "CH-054", "CH-068")

BASES = ("https://listed.test/fhir",)


def parsed(name: str, **edits: Any) -> Any:
    named = {path.replace("__", "."): value for path, value in edits.items()}
    request, _ = parse(encoded(body(name, edits=named)), BASES)
    return request


TOKENS: dict[str, tuple[str, Json, dict[str, str]]] = {
    "staff": (
        "patient-view",
        {"userId": "Practitioner/u1"},
        {"context.userId": "Practitioner/u1", "userPractitionerId": "u1"},
    ),
    "role": (
        "patient-view",
        {"userId": "PractitionerRole/u1"},
        {"context.userId": "PractitionerRole/u1", "userPractitionerRoleId": "u1"},
    ),
    "patient": (
        "patient-view",
        {"userId": f"Patient/{PATIENT_ID}"},
        {"context.userId": f"Patient/{PATIENT_ID}", "userPatientId": PATIENT_ID},
    ),
    "proxy": (
        "patient-view",
        {"userId": "RelatedPerson/u1"},
        {"context.userId": "RelatedPerson/u1", "userRelatedPersonId": "u1"},
    ),
    "no user": ("medication-refill", {"userId": None}, {}),
    "performer": (
        "order-dispatch",
        {"performer": "Organization/o1"},
        {"context.performer": "Organization/o1"},
    ),
}


@pytest.mark.parametrize(("name", "context", "tokens"), TOKENS.values(), ids=TOKENS)
def test_the_context_fills_the_tokens_that_it_can(
    name: str, context: Json, tokens: dict[str, str]
) -> None:
    call = body(name)
    call["context"] |= context
    call["context"].pop("encounterId", None)
    request, _ = parse(encoded(call), BASES)
    assert request.tokens == {"context.patientId": PATIENT_ID, **tokens}


def test_an_encounter_fills_its_token() -> None:
    assert parsed("patient-view").tokens["context.encounterId"] == "visit-0412"


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_its_context(hook: str) -> None:
    request = parsed(hook)
    assert request.hook == hook
    assert request.context.patient_id == PATIENT_ID
    assert type(request.context).__name__ == hook.title().replace("-", "").replace(
        "Allergyintolerance", "AllergyIntolerance"
    )


def test_a_context_is_typed() -> None:
    assert isinstance(parsed("patient-view").context, PatientView)
    signed = parsed("order-sign").context
    assert isinstance(signed, OrderSign)
    assert [draft.reference for draft in signed.draft_orders][:2] == [
        "MedicationRequest/draft-ibu",
        "ServiceRequest/draft-lab",
    ]
    order = signed.draft_orders[0].resource
    assert isinstance(order, MedicationRequest)
    assert order.subject == Reference(f"Patient/{PATIENT_ID}")
    # A type without a read model is still an order, of which nothing can be judged.
    assert signed.draft_orders[2].resource is None
    assert b"NutritionOrder" in signed.draft_orders[2].original


def test_the_selected_drafts_are_marked() -> None:
    context = parsed("order-select").context
    assert isinstance(context, OrderSelect)
    assert [draft.selected for draft in context.draft_orders] == [True, False]


def test_a_single_resource_is_a_draft() -> None:
    context = parsed("allergyintolerance-create").context
    assert isinstance(context, AllergyIntoleranceCreate)
    assert context.allergy_intolerance.reference == "AllergyIntolerance/new-latex"


def test_a_dispatch_names_orders_and_tasks() -> None:
    context = parsed("order-dispatch").context
    assert isinstance(context, OrderDispatch)
    assert context.dispatched_orders == ["ServiceRequest/sr-mri"]
    assert [task.reference for task in context.fulfillment_tasks] == ["Task/task-mri"]


@pytest.mark.parametrize(
    ("reference", "own"),
    [
        (f"Patient/{PATIENT_ID}", True),
        # Another server of the same EHR may have another patient under this id.
        (f"{BASES[0]}/Patient/{PATIENT_ID}", False),
        (f"{PLACEHOLDER}/Patient/{PATIENT_ID}", True),
        (f"https://third.test/fhir/Patient/{PATIENT_ID}", False),
        ("Patient/other", False),
    ],
)
def test_the_chart_is_that_of_the_patient_under_the_bases_of_this_ehr(
    reference: str, own: bool
) -> None:
    _, owner = parse(encoded(body("patient-view")), BASES)
    assert owner.owns(Reference(reference)) == own


@pytest.mark.parametrize("path", ["fhirServer", "prefetch", "extension", "fhirAuthorization"])
def test_optional_members_may_be_absent(path: str) -> None:
    call = body("shared-patient-view")
    assert path not in call
    request, _ = parse(encoded(call), BASES)
    assert (request.fhir_server, request.fhir_authorization) == (None, None)
    assert request.prefetch == {}


def test_a_token_stays_out_of_what_a_problem_tells() -> None:
    call = body("patient-view", edits={"fhirAuthorization.access_token": "s3cret word"})
    with pytest.raises(Problem) as caught:
        parse(encoded(call), BASES)
    assert "s3cret" not in f"{caught.value} {caught.value.text} {caught.value.__cause__}"


KEYS = frozenset({"patient", "labs", "medications"})
ANSWERS: dict[str, Json | None] = {
    "patient": {"resourceType": "Patient", "id": PATIENT_ID},
    "labs": {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "o1",
                    "subject": {"reference": f"Patient/{PATIENT_ID}"},
                },
                "search": {"mode": "match"},
            }
        ],
    },
    "medications": None,
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_call_says_the_same_however_it_is_read(hook: str) -> None:
    call = encoded(body(hook, edits={"prefetch": ANSWERS}))
    (plain, owner), (typed, same) = parse(call, BASES), parse(call, BASES, KEYS)
    assert typed.context == plain.context
    assert typed.fhir_authorization == plain.fhir_authorization
    assert (typed.fhir_server, typed.tokens) == (plain.fhir_server, plain.tokens)
    assert same.references == owner.references
    for one, other in zip(plain.prefetch.values(), typed.prefetch.values(), strict=True):
        assert read_resource(one, Patient, owner) == read_resource(other, Patient, owner)
        assert read_page(one, Observation, owner) == read_page(other, Observation, owner)


def test_where_nothing_is_odd_prefetch_is_read_with_the_envelope() -> None:
    call = body("patient-view", edits={"prefetch": ANSWERS})
    request, _ = parse(encoded(call), BASES, KEYS)
    assert isinstance(request.prefetch["patient"], Patient)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prefetch.labs", "text"),
        ("prefetch.labs", 1),
        ("prefetch.labs", []),
        ("context.userId", None),
        ("context.userId", ""),
        ("context.userId", 3),
        ("context.userId", {"resourceType": "Patient"}),
        ("context.patientId", None),
        ("context.patientId", "a/b"),
        ("context.encounterId", 3),
        ("context.encounterId", {"resourceType": "Encounter"}),
        ("hookInstance", "x"),
        ("fhirServer", "x"),
        ("fhirAuthorization.expires_in", "soon"),
        ("fhirAuthorization.scope", {"resourceType": "Patient"}),
        ("fhirAuthorization.scope", None),
    ],
)
def test_what_is_wrong_is_told_the_same_however_it_is_read(path: str, value: Any) -> None:
    call = encoded(body("patient-view", edits={"prefetch": ANSWERS, path: value}))
    told = []
    for keys in (None, KEYS):
        with pytest.raises(Problem) as caught:
            parse(call, BASES, keys)
        told.append((caught.value.status, caught.value.code, caught.value.text, caught.value.field))
    assert told[0] == told[1]


@pytest.mark.parametrize("value", [None, "text", 1, {"resourceType": "Patient"}])
def test_a_prefetch_key_may_have_the_name_of_a_member_with_resources(value: Any) -> None:
    call = encoded(body("medication-refill", edits={"context.medications": value}))
    with pytest.raises(Problem) as caught:
        parse(call, BASES, KEYS)
    assert (caught.value.code, caught.value.field) == ("structure", "context.medications")


def test_an_empty_text_or_null_is_no_encounter_however_it_is_read() -> None:
    for value in ("", None):
        edits = {"prefetch": ANSWERS, "context.encounterId": value}
        request, _ = parse(encoded(body("patient-view", edits=edits)), BASES, KEYS)
        assert request.context == parsed("patient-view", context__encounterId=DROP).context
