"""Rules about suggestions and actions. CDS Hooks 2.0, "Suggestion", "Action"."""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.lint.cards import uuid_is_one
from sandbox.lint.hooks import ORDER_HOOKS
from sandbox.lint.nodes import Json, Node, a, type_of
from sandbox.lint.rule import Broken, quoted, rule
from sandbox.lint.shape import member_rules


@rule("CH-107", "error", "An actionSelectionBehavior is all, any or at-most-one.")
def action_selection_is_known(suggestion: Node) -> Broken:
    selection = suggestion.text("actionSelectionBehavior")
    if selection and selection not in ("all", "any", "at-most-one"):
        yield "actionSelectionBehavior", f"It is {quoted(selection)}."


@rule("CH-107", "warning", "Clients before 3.0 apply all actions, whatever this says.")
def action_selection_is_new(suggestion: Node) -> Broken:
    if suggestion.text("actionSelectionBehavior") in ("any", "at-most-one"):
        yield "actionSelectionBehavior", "Fewer than all are meant."


@rule("CH-101", "error", "An action's type is create, update or delete.")
def type_is_known(action: Node) -> Broken:
    type_ = action.text("type")
    if type_ and type_ not in ("create", "update", "delete"):
        yield "type", f"It is {quoted(type_)}."


@rule("CH-102", "error", "A create has the new resource.")
def create_has_a_resource(action: Node) -> Broken:
    if action.text("type") == "create" and not _resource(action):
        yield "resource" if "resource" in action.value else "", _instead(action)


@rule("CH-103", "error", "An update has the whole resource as it shall be.")
def update_has_a_resource(action: Node) -> Broken:
    if action.text("type") == "update" and not _resource(action):
        yield "resource" if "resource" in action.value else "", _instead(action)


@rule("CH-010", "error", "A resource is FHIR JSON with its resourceType.")
def resource_has_a_type(action: Node) -> Broken:
    resource = _resource(action)
    if resource and not _is_type(resource.get("resourceType")):
        yield "resource", "There is no resourceType of FHIR."


@rule("CH-103", "error", "An updated resource has the id that the client gave it.")
def update_has_an_id(action: Node) -> Broken:
    resource = _resource(action)
    if action.text("type") == "update" and resource:
        id_ = resource.get("id")
        if not isinstance(id_, str) or not id_:
            yield "resource", "There is no id."


@rule("CH-103", "error", "An update is the whole resource: what it leaves out is lost.")
def update_is_whole(action: Node) -> Broken:
    resource = _resource(action)
    draft = _drafts(action).get(_reference(resource)) if resource else None
    if action.text("type") == "update" and resource and draft:
        lost = [name for name in ("status", "intent", "subject") if _lost(name, draft, resource)]
        if lost:
            yield "resource", f"It has no {' and no '.join(lost)}, which the draft has."


@rule("CH-104", "error", "A delete says in resourceId what is deleted: Type/id.")
def delete_names_a_resource(action: Node) -> Broken:
    if action.text("type") != "delete":
        return
    named = action.text("resourceId")
    if named is None and not isinstance(action.value.get("resource"), str):
        yield "", "There is no resourceId."
    elif named is not None and not _REFERENCE.fullmatch(named):
        yield "resourceId", f"It is {quoted(named)}."


@rule("CH-104", "warning", "Only clients of 1.0 and 1.1 read in resource what is deleted.")
def delete_has_no_resource(action: Node) -> Broken:
    if action.text("type") == "delete" and action.value.get("resource") is not None:
        yield "resource", f"It is {a(type_of(action.value['resource']))}."


@rule("CH-104", "warning", "A resourceId is for what is deleted; others say it in their resource.")
def only_delete_has_an_id(action: Node) -> Broken:
    if action.text("resourceId") and action.text("type") in ("create", "update"):
        yield "resourceId", f"The action is {a(str(action.text('type')))}."


@rule("CH-105", "warning", "Orders that are updated or deleted are among the draft orders.")
def changes_are_of_drafts(action: Node) -> Broken:
    if action.request.get("hook") not in ORDER_HOOKS:
        return
    resource = _resource(action)
    match action.text("type"):
        case "update" if resource and resource.get("id"):
            where, named = "resource", _reference(resource)
        case "delete":
            where, named = "resourceId", action.text("resourceId") or ""
        case _:
            return
    if named and named not in _drafts(action):
        yield where, f"{quoted(named)} is not."


@rule("CH-077", "error", "What is proposed is for the patient of the call.")
def is_for_the_patient(action: Node) -> Broken:
    context = action.request.get("context")
    patient = context.get("patientId") if isinstance(context, dict) else None
    resource = _resource(action)
    if not isinstance(patient, str) or not resource:
        return
    for name in ("subject", "patient", "beneficiary", "for"):
        owner = resource.get(name)
        reference = owner.get("reference") if isinstance(owner, dict) else None
        found = _PATIENT.search(reference) if isinstance(reference, str) else None
        if found and found[1] != patient:
            yield f"resource.{name}", f"It is {quoted(found[0].lstrip('/'))}."


_ACTION = (
    type_is_known,
    create_has_a_resource,
    update_has_a_resource,
    resource_has_a_type,
    update_has_an_id,
    update_is_whole,
    delete_names_a_resource,
    delete_has_no_resource,
    only_delete_has_an_id,
    changes_are_of_drafts,
    is_for_the_patient,
)

ACTIONS = {
    "suggestion": (
        *member_rules("suggestion"),
        uuid_is_one,
        action_selection_is_known,
        action_selection_is_new,
    ),
    "action": (*member_rules("action"), *_ACTION),
    "system action": (*member_rules("system action"), *_ACTION),
}

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[^/?#\s]+")
_PATIENT = re.compile(r"(?:^|/)Patient/([^/?#]+)")


def _resource(action: Node) -> Json:
    """The resource, {} if there is none."""
    resource = action.value.get("resource")
    return resource if isinstance(resource, dict) else {}


def _instead(action: Node) -> str:
    if "resource" not in action.value:
        return "There is no resource."
    return f"It is {a(type_of(action.value['resource']))} and no resource."


def _is_type(name: Any) -> bool:
    return isinstance(name, str) and bool(re.fullmatch("[A-Z][A-Za-z]+", name))


def _reference(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _lost(name: str, draft: Json, resource: Json) -> bool:
    return name in draft and name not in resource


def _drafts(action: Node) -> dict[str, Json]:
    """The draft orders of the call by their reference."""
    return {_reference(each): each for each in _entries(action.request.get("context"))}


def _entries(context: Any) -> Iterator[Json]:
    bundle = context.get("draftOrders") if isinstance(context, dict) else None
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield resource
