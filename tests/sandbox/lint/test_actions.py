"""Suggestions and actions: what breaks a rule, and what comes close and does not."""

from typing import Any

import pytest

from tests.sandbox.lint.documents import DRAFT, GONE, case, check_broken, of_answer

S = "cards.0.suggestions"
CREATE, UPDATE, DELETE = f"{S}.0.actions.0", f"{S}.0.actions.1", f"{S}.1.actions.0"
AT_CREATE = "cards[0].suggestions[0].actions[0]"
AT_UPDATE = "cards[0].suggestions[0].actions[1]"
AT_DELETE = "cards[0].suggestions[1].actions[0]"

SOME = f"{S}.0.actionSelectionBehavior"
AT_SOME = "cards[0].suggestions[0].actionSelectionBehavior"

CASES = [
    case("actions.action_selection_is_known", {SOME: "some"}, AT_SOME),
    case("actions.action_selection_is_new", {SOME: "any"}, AT_SOME),
    case("actions.type_is_known", {f"{CREATE}.type": "replace"}, f"{AT_CREATE}.type"),
    case("actions.create_has_a_resource", {f"{CREATE}.resource": GONE}, AT_CREATE),
    case("actions.create_has_a_resource", {f"{CREATE}.resource": "a"}, f"{AT_CREATE}.resource"),
    case("actions.update_has_a_resource", {f"{UPDATE}.resource": GONE}, AT_UPDATE),
    case(
        "actions.update_has_a_resource",
        {f"{UPDATE}.resource": [{"op": "add"}]},
        f"{AT_UPDATE}.resource",
    ),
    case(
        "actions.resource_has_a_type",
        {f"{CREATE}.resource.resourceType": GONE},
        f"{AT_CREATE}.resource",
    ),
    case(
        "actions.resource_has_a_type",
        {f"{CREATE}.resource.resourceType": "order"},
        f"{AT_CREATE}.resource",
    ),
    case("actions.update_has_an_id", {f"{UPDATE}.resource.id": GONE}, f"{AT_UPDATE}.resource"),
    case("actions.update_is_whole", {f"{UPDATE}.resource.status": GONE}, f"{AT_UPDATE}.resource"),
    case("actions.delete_names_a_resource", {f"{DELETE}.resourceId": GONE}, AT_DELETE),
    case(
        "actions.delete_has_no_resource",
        {f"{DELETE}.resourceId": GONE, f"{DELETE}.resource": "MedicationRequest/draft-1"},
        f"{AT_DELETE}.resource",
    ),
    case("actions.delete_has_no_resource", {f"{DELETE}.resource": DRAFT}, f"{AT_DELETE}.resource"),
    case(
        "actions.only_delete_has_an_id",
        {f"{UPDATE}.resourceId": "MedicationRequest/draft-1"},
        f"{AT_UPDATE}.resourceId",
    ),
    case(
        "actions.changes_are_of_drafts",
        {f"{DELETE}.resourceId": "MedicationRequest/other"},
        f"{AT_DELETE}.resourceId",
    ),
    case("actions.changes_are_of_drafts", {f"{UPDATE}.resource.id": "x"}, f"{AT_UPDATE}.resource"),
    case(
        "actions.is_for_the_patient",
        {f"{CREATE}.resource.subject.reference": "Patient/p2"},
        f"{AT_CREATE}.resource.subject",
    ),
    case(
        "actions.is_for_the_patient",
        {f"{CREATE}.resource.subject.reference": "https://e.org/fhir/Patient/p11"},
        f"{AT_CREATE}.resource.subject",
    ),
    case("actions.type_is_known", {"systemActions.0.type": "note"}, "systemActions[0].type"),
]

KEPT = [
    ("CH-107", {SOME: "all"}),
    ("CH-101", {f"{S}.0.actions": GONE}),
    ("CH-077", {f"{CREATE}.resource.subject.reference": "https://e.org/fhir/Patient/p1"}),
    ("CH-077", {f"{CREATE}.resource.subject.reference": "Group/p2"}),
    ("CH-077", {f"{CREATE}.resource.subject": GONE}),
    ("CH-103", {f"{UPDATE}.resource.note": GONE}),
]


@pytest.mark.parametrize(("rule", "changes", "place"), CASES)
def test_a_rule_is_broken(rule: str, changes: Any, place: str) -> None:
    check_broken(of_answer(changes), rule, place)


@pytest.mark.parametrize(
    "changes", [pytest.param(changes, marks=pytest.mark.req(number)) for number, changes in KEPT]
)
def test_rules_are_kept(changes: Any) -> None:
    assert of_answer(changes).findings == ()


@pytest.mark.req("CH-104")
def test_what_is_deleted_is_named_by_type_and_id() -> None:
    for wrong in ("draft-1", "https://e.org/fhir/MedicationRequest/draft-1", "A/b/c"):
        first = of_answer({f"{DELETE}.resourceId": wrong}).findings[0]
        assert (first.rule, first.path) == ("CH-104", f"{AT_DELETE}.resourceId")


@pytest.mark.req("CH-105")
def test_outside_of_ordering_anything_can_be_changed() -> None:
    request = {"hook": "medication-refill", "context.draftOrders": GONE}
    changes = {f"{DELETE}.resourceId": "MedicationRequest/other"}
    assert of_answer(changes, request).findings == ()
