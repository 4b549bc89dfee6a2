"""Suggestions and system actions: what they change, and what they are kept from changing.

CDS Hooks 2.0, "Suggestion", "Action" and "System Action".
"""

from copy import deepcopy
from typing import Any

import pytest

from sandbox.cds.visit import Refused, Visit
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.cds.conftest import GLIPIZIDE, METFORMIN, USER, Both
from tests.sandbox.cds.scripted import (
    Json,
    Scripted,
    card,
    cards,
    create,
    delete,
    suggesting,
    suggestion,
    update,
)

OWN = {"reference": "Patient/sandbox-renal"}
OTHER = {"reference": "Patient/sandbox-diabetes"}
LAB: Json = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "order",
    "code": {"text": "HbA1c"},
    "subject": OWN,
}
PROBLEM: Json = {
    "resourceType": "Condition",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "Chronic kidney disease"},
    "subject": OWN,
}


def _accept(visit: Visit, number: int = 0, which: int = 0) -> Any:
    shown = visit.cards[number]
    return visit.accept(shown.id, shown.card.suggestions[which].id)


def _snapshot(ehr: DevelopmentEhr) -> Json:
    return {
        kind: ehr.fhir.store.all(kind) for kind in ("Condition", "MedicationRequest", "Patient")
    }


def _drafting(scripted: Scripted, *actions: Any, hook: str = "order-select", **more: Any) -> None:
    """A service that suggests this once there is a draft; an action may be made of the draft."""

    def says(body: Json) -> Json:
        draft = body["context"]["draftOrders"]["entry"][0]["resource"]
        made = [a(deepcopy(draft)) if callable(a) else a for a in actions]
        if len(body["context"]["draftOrders"]["entry"]) > 1 or "done" in str(draft):
            return cards()
        return cards(suggesting(suggestion(*made)), **more)

    scripted.offer("orders", hook, says)


# What they change.


def test_an_order_that_is_suggested_on_the_chart_is_a_draft_to_be_signed(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(suggesting(suggestion(create(LAB)))))
    scripted.offer("select", "order-select", cards())
    visit.open()
    before = len(ehr.fhir.store.all("ServiceRequest"))
    assert _accept(visit).state == "accepted"
    (draft,) = visit.drafts.values()
    assert draft["code"] == LAB["code"]
    assert draft["status"] == "draft"
    assert len(ehr.fhir.store.all("ServiceRequest")) == before
    # An order was added, so order-select was fired for it.
    assert scripted.calls("select")[0].body["context"]["selections"] == [
        f"ServiceRequest/{draft['id']}"
    ]


def test_an_order_does_not_become_active_by_being_suggested(
    visit: Visit, scripted: Scripted
) -> None:
    active = {**LAB, "status": "active"}
    scripted.offer("view", "patient-view", cards(suggesting(suggestion(create(active)))))
    visit.open()
    _accept(visit)
    assert [draft["status"] for draft in visit.drafts.values()] == ["draft"]


def test_the_application_suggests_a_test_and_it_is_ordered(both: Both) -> None:
    opened = both.visit("sandbox-diabetes")
    assert _accept(opened).feedback == "stored"
    (draft,) = opened.drafts.values()
    assert draft["resourceType"] == "ServiceRequest"
    signing = opened.sign()
    assert [each["status"] for each in signing.signed] == ["active"]
    assert both.ehr.fhir.store.read("ServiceRequest", draft["id"]) == signing.signed[0]


def test_a_problem_that_is_suggested_is_written_into_the_chart(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards(suggesting(suggestion(create(PROBLEM)))))
    visit.open()
    _accept(visit)
    written = ehr.fhir.store.all("Condition")[-1]
    assert written["code"] == PROBLEM["code"]
    assert written["id"]
    ehr.fhir.store.delete("Condition", written["id"])


def test_a_record_of_the_patient_is_updated(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    known = ehr.fhir.store.search("Condition", [("patient", "sandbox-renal")])[0]
    changed = {**known, "note": [{"text": "Seen"}]}
    scripted.offer("view", "patient-view", cards(suggesting(suggestion(update(changed)))))
    visit.open()
    _accept(visit)
    assert ehr.fhir.store.read("Condition", known["id"])["note"] == [{"text": "Seen"}]  # type: ignore[index]
    ehr.fhir.store.update(known)


def test_accepting_deletes_the_draft(visit: Visit, scripted: Scripted) -> None:
    _drafting(scripted, lambda draft: delete(f"MedicationRequest/{draft['id']}"))
    visit.add(METFORMIN)
    assert _accept(visit).told == "Accepted: Do it"
    assert visit.drafts == {}
    # What was said about an order that is gone has gone with it, but for the answer.
    assert [(each.state, each.current) for each in visit.cards] == [("accepted", False)]


def test_a_deletion_may_be_written_as_in_version_1(visit: Visit, scripted: Scripted) -> None:
    def old(draft: Json) -> Json:
        place = f"MedicationRequest/{draft['id']}"
        return {"type": "delete", "description": "Delete it", "resource": place}

    _drafting(scripted, old)
    visit.add(METFORMIN)
    _accept(visit)
    assert visit.drafts == {}


def test_accepting_changes_the_draft(visit: Visit, scripted: Scripted) -> None:
    _drafting(scripted, lambda draft: update({**draft, "note": [{"text": "done"}]}))
    draft = visit.add(METFORMIN)
    _accept(visit)
    changed = visit.drafts[draft["id"]]
    assert changed == {**draft, "note": [{"text": "done"}]}
    selections = scripted.calls("orders")[-1].body["context"]["selections"]
    assert selections == [f"MedicationRequest/{draft['id']}"]


def test_a_draft_is_replaced_by_another(visit: Visit, scripted: Scripted) -> None:
    new = {**GLIPIZIDE, "status": "draft", "intent": "order", "subject": OWN, "id": "theirs"}
    new["note"] = [{"text": "done"}]
    _drafting(scripted, create(new), lambda draft: delete(f"MedicationRequest/{draft['id']}"))
    old = visit.add(METFORMIN)
    _accept(visit)
    (draft,) = visit.drafts.values()
    assert draft["medicationCodeableConcept"] == GLIPIZIDE["medicationCodeableConcept"]
    assert draft["id"] not in (old["id"], "theirs")


def test_the_application_has_the_order_removed(both: Both) -> None:
    opened = both.visit("sandbox-renal")
    opened.add(METFORMIN)
    critical = opened.cards[0]
    assert (critical.card.indicator, critical.draft_ids) == ("critical", tuple(opened.drafts))
    assert opened.accept(critical.id, critical.card.suggestions[0].id).feedback == "stored"
    assert opened.drafts == {}
    with pytest.raises(Refused, match="no order to sign"):
        opened.sign()


# How many of them.


def test_of_at_most_one_only_the_first_is_taken(visit: Visit, scripted: Scripted) -> None:
    both = suggesting(suggestion(label="First"), suggestion(label="Second"))
    scripted.offer("view", "patient-view", cards(both))
    visit.open()
    shown = _accept(visit)
    assert not shown.may_accept(shown.card.suggestions[1].id)
    with pytest.raises(Refused, match="no longer be accepted"):
        _accept(visit, which=1)
    assert len(scripted.reports()) == 1


def test_of_any_several_are_taken_but_each_once(visit: Visit, scripted: Scripted) -> None:
    both = suggesting(suggestion(label="First"), suggestion(label="Second"), behaviour="any")
    scripted.offer("view", "patient-view", cards(both))
    visit.open()
    _accept(visit, which=1)
    shown = _accept(visit, which=0)
    assert shown.accepted == ("1", "0")
    with pytest.raises(Refused, match="no longer be accepted"):
        _accept(visit, which=1)
    ids = [item["acceptedSuggestions"][0]["id"] for item in scripted.reports()]
    assert ids == [both["suggestions"][1]["uuid"], both["suggestions"][0]["uuid"]]


# What they are kept from.


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (create({**PROBLEM, "subject": OTHER}), "names another patient"),
        (create({**LAB, "subject": OTHER}), "names another patient"),
        (create({**LAB, "subject": {"reference": "https://x.test/fhir/Patient/p"}}), "another"),
        (create({**LAB, "basedOn": [OTHER]}), "names another patient"),
        (create({**LAB, "subject": {"display": "Rena"}}), "names no patient"),
        (create({**LAB, "subject": "Patient/sandbox-renal"}), "names no patient"),
        (create({"resourceType": "Patient", "id": "sandbox-renal"}), "names another patient"),
        (create({**PROBLEM, "resourceType": "Nonsense"}), "no resource type"),
        (create({**PROBLEM, "code": "x", "category": "y", "clinicalStatus": 7}), "Condition"),
        (create({**PROBLEM, "meta": 7, "subject": {**OWN, "reference": 7}}), "names no patient"),
        (create({**LAB, "intent": "dare"}), "intent"),
        (create({**METFORMIN, "subject": OWN, "medicationCodeableConcept": 7}), "Medication"),
        ({"type": "create", "description": "Without"}, "has no resource"),
        ({"type": "create", "description": "Text", "resource": "Condition/1"}, "has no resource"),
        (create({}), "has no resource"),
        (update({**PROBLEM, "id": "not-there"}), "not there"),
        (update(PROBLEM), "not there"),
        (update({"resourceType": "Patient", "id": "sandbox-diabetes"}), "names another patient"),
        (delete("Condition/any"), "no unsigned order"),
        (delete("Patient/sandbox-renal"), "no unsigned order"),
        (delete("../x"), "no unsigned order"),
        ({"type": "delete", "description": "Without"}, "something that it does not name"),
    ],
)
def test_what_reaches_too_far_is_refused_and_said(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted, action: Json, words: str
) -> None:
    # All of a suggestion is applied, or nothing: the good half has to wait, too.
    good = create({**PROBLEM, "code": {"text": "Good half"}})
    scripted.offer("view", "patient-view", cards(suggesting(suggestion(good, action))))
    visit.open()
    before = _snapshot(ehr)
    with pytest.raises(Refused, match=words):
        _accept(visit)
    assert _snapshot(ehr) == before
    assert visit.drafts == {}
    assert visit.cards[0].state == "open"
    assert scripted.reports() == []


def test_a_record_of_another_patient_is_not_taken_over(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    theirs = ehr.fhir.store.search("Condition", [("patient", "sandbox-diabetes")])[0]
    scripted.offer(
        "view",
        "patient-view",
        cards(
            suggesting(suggestion(update({**theirs, "subject": OWN}))),
            suggesting(suggestion(update(theirs))),
            suggesting(suggestion(delete(f"Condition/{theirs['id']}"))),
        ),
    )
    visit.open()
    for number in range(3):
        with pytest.raises(Refused):
            _accept(visit, number)
    assert ehr.fhir.store.read("Condition", theirs["id"]) == theirs


def test_a_draft_of_another_visit_is_out_of_reach(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    other = ehr.visits.start("sandbox-renal", USER)
    draft = other.add(METFORMIN)
    scripted.offer(
        "view",
        "patient-view",
        cards(
            suggesting(suggestion(delete(f"MedicationRequest/{draft['id']}"))),
            suggesting(suggestion(update(draft))),
        ),
    )
    ehr.cds.rediscover()
    visit.open()
    for number in (0, 1):
        with pytest.raises(Refused):
            _accept(visit, number)
    assert other.drafts == {draft["id"]: draft}


@pytest.mark.parametrize("status", ["active", "completed", None])
def test_a_suggestion_does_not_sign(visit: Visit, scripted: Scripted, status: Any) -> None:
    _drafting(scripted, lambda draft: update({**draft, "status": status}))
    draft = visit.add(METFORMIN)
    with pytest.raises(Refused, match="sign the order"):
        _accept(visit)
    assert visit.drafts[draft["id"]]["status"] == "draft"


def test_an_order_stays_of_its_kind_and_patient(visit: Visit, scripted: Scripted) -> None:
    draft = visit.add(METFORMIN)
    with pytest.raises(Refused, match="another kind"):
        visit.change(draft["id"], LAB)
    changed = visit.change(draft["id"], {**GLIPIZIDE, "subject": OTHER, "status": "active"})
    assert (changed["subject"], changed["status"]) == (OWN, "draft")


@pytest.mark.parametrize(
    "actions",
    [
        [create(PROBLEM), *[create(LAB)] * 60],
        [create(PROBLEM), *[lambda draft: delete(f"MedicationRequest/{draft['id']}")] * 2],
        [lambda draft: delete(f"MedicationRequest/{draft['id']}"), update],
    ],
    ids=["too many orders", "deleted twice", "deleted and changed"],
)
def test_what_fails_half_way_changes_nothing(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted, actions: list[Any]
) -> None:
    _drafting(scripted, *actions)
    visit.add(METFORMIN)
    before, drafts = _snapshot(ehr), visit.drafts
    with pytest.raises(Refused):
        _accept(visit)
    assert _snapshot(ehr) == before
    assert visit.drafts == drafts
    assert visit.cards[0].state == "open"


# Without being asked.


def test_system_actions_change_drafts(visit: Visit, scripted: Scripted) -> None:
    def says(body: Json) -> Json:
        draft = body["context"]["draftOrders"]["entry"][0]["resource"]
        changed = update({**draft, "note": [{"text": "Covered"}]})
        return cards(card(indicator="info"), systemActions=[changed])

    scripted.offer("sign", "order-sign", says)
    visit.add(METFORMIN)
    signing = visit.sign()
    assert [order["note"] for order in signing.signed] == [[{"text": "Covered"}]]
    assert len(scripted.calls("sign")) == 1
    assert list(visit.exchanges)[-1].applied == ("Done: Change it.",)


def test_system_actions_of_one_service_do_not_silence_another(
    visit: Visit, scripted: Scripted
) -> None:
    def says(body: Json) -> Json:
        draft = body["context"]["draftOrders"]["entry"][0]["resource"]
        return cards(systemActions=[update({**draft, "note": [{"text": "Covered"}]})])

    scripted.offer("a", "order-sign", says)
    scripted.offer("b", "order-sign", cards(card("Dangerous", "critical")))
    visit.add(METFORMIN)
    assert [each.card.summary for each in visit.sign().held_by] == ["Dangerous"]
    assert len(scripted.calls("b")) == 1


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([create(PROBLEM)], "unsigned orders only"),
        ([create({**LAB, "subject": OTHER})], "names another patient"),
        ([delete("MedicationRequest/none")], "no unsigned order"),
    ],
)
def test_system_actions_reach_nothing_else(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted, actions: list[Json], words: str
) -> None:
    scripted.offer("sign", "order-sign", cards(systemActions=actions))
    draft = visit.add(METFORMIN)
    before = ehr.fhir.store.all("Condition")
    assert [each["id"] for each in visit.sign().signed] == [draft["id"]]
    assert ehr.fhir.store.all("Condition") == before
    (told,) = list(visit.exchanges)[-1].applied
    assert told.startswith("Not done: ")
    assert words in told


def test_system_actions_wait_for_an_order_hook(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(systemActions=[create(LAB)]))
    visit.open()
    assert visit.drafts == {}
    assert next(iter(visit.exchanges)).applied == ("Not done: Create it. Nobody is ordering.",)
