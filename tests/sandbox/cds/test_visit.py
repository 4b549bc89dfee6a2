"""An opened chart: orders from draft to record, cards that come, stay and go, two charts at once.

Hook library: order-select, order-sign.
"""

import threading
from datetime import datetime
from typing import Any

import pytest

from sandbox.cds.settings import CdsSettings
from sandbox.cds.visit import Refused, Visit
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.cds.conftest import GLIPIZIDE, METFORMIN, USER, Both
from tests.sandbox.cds.scripted import (
    Json,
    Raw,
    Scripted,
    card,
    cards,
    delete,
    suggesting,
    suggestion,
)


def _summaries(visit: Visit) -> list[str]:
    return [each.card.summary for each in visit.cards if each.current]


# Signing.


def test_drafts_become_active_records(ehr: DevelopmentEhr, visit: Visit) -> None:
    draft = visit.add(GLIPIZIDE)
    assert (draft["status"], draft["intent"]) == ("draft", "order")
    assert draft["subject"] == {"reference": "Patient/sandbox-renal"}
    assert ehr.fhir.store.read("MedicationRequest", draft["id"]) is None
    signing = visit.sign()
    (record,) = signing.signed
    assert signing
    assert record == ehr.fhir.store.read("MedicationRequest", draft["id"])
    assert (record["status"], record["intent"]) == ("active", "order")
    assert record["requester"] == {"reference": USER}
    assert datetime.fromisoformat(record["authoredOn"]).tzinfo
    assert record["meta"]["versionId"] == "1"
    assert visit.drafts == {}
    with pytest.raises(Refused, match="no order to sign"):
        visit.sign()


def test_a_critical_card_holds_signing_until_it_is_answered(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("sign", "order-sign", cards(card("Dangerous", "critical")))
    visit.add(METFORMIN)
    for _ in range(2):
        signing = visit.sign()
        assert not signing
        assert [each.card.summary for each in signing.held_by] == ["Dangerous"]
    assert visit.held == 1
    (shown,) = visit.cards
    with pytest.raises(Refused, match="accept or override"):
        visit.dismiss(shown.id)
    with pytest.raises(Refused, match="with a reason"):
        visit.override(shown.id, comment="  ")
    visit.override(shown.id, comment="Discussed with her")
    assert visit.sign()
    # Nothing had changed, so nobody was asked again.
    assert len(scripted.calls("sign")) == 1


def test_the_application_holds_metformin_until_it_is_overridden(both: Both) -> None:
    opened = both.visit("sandbox-renal")
    opened.add(METFORMIN)
    (held,) = opened.sign().held_by
    assert "Metformin is contraindicated" in held.card.summary
    reason = held.card.override_reasons[0]
    opened.override(held.id, {"code": reason.code, "system": reason.system or ""}, "")
    # order-sign says the same again, and it was answered.
    assert [each["status"] for each in opened.sign().signed] == ["active"]
    signing = [each for each in opened.exchanges if each.hook == "order-sign"]
    assert any(card.summary == held.card.summary for each in signing for card in each.cards)


def test_a_warning_is_read_before_it_is_signed_over(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("sign", "order-sign", cards(card("Careful"), card("Know this", "info")))
    visit.add(METFORMIN)
    signing = visit.sign()
    assert not signing
    assert [each.card.summary for each in signing.to_read] == ["Careful"]
    assert visit.sign()


def test_information_does_not_stop_anyone_and_stays(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("select", "order-select", cards(card("Of the draft", "info")))
    scripted.offer("sign", "order-sign", cards(card("Know this", "info")))
    visit.add(METFORMIN)
    assert visit.sign()
    assert _summaries(visit) == ["Know this"]


def test_a_changed_order_is_checked_anew(visit: Visit, scripted: Scripted) -> None:
    def says(body: Json) -> Json:
        ordered = body["context"]["draftOrders"]["entry"][0]["resource"]
        if ordered["medicationCodeableConcept"]["text"] == "metformin 500 mg":
            return cards(card("Dangerous", "critical"))
        return cards()

    scripted.offer("sign", "order-sign", says)
    draft = visit.add(METFORMIN)
    assert not visit.sign()
    visit.change(draft["id"], GLIPIZIDE)
    assert visit.held == 0
    assert visit.sign()
    assert len(scripted.calls("sign")) == 2


def test_what_a_service_has_not_checked_is_signed_knowingly(
    visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", Raw(500))
    scripted.offer("sign", "order-sign", Raw(500))
    visit.add(METFORMIN)
    assert [each.service_id for each in visit.unchecked] == ["select"]
    signing = visit.sign()
    assert not signing
    assert [each.service_id for each in signing.unchecked] == ["sign"]
    assert "500" in (signing.unchecked[0].error or "")
    assert visit.sign()
    assert visit.unchecked == []


def test_what_was_not_checked_of_a_draft_is_still_not_checked(
    visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", Raw(500))
    draft = visit.add(METFORMIN)
    scripted.says["select"] = cards()
    visit.add(GLIPIZIDE)
    (failed,) = visit.unchecked
    new = visit.again(failed.id)
    assert new.request["context"]["selections"] == [f"MedicationRequest/{draft['id']}"]
    assert len(new.request["context"]["draftOrders"]["entry"]) == 2
    assert visit.unchecked == []


def test_orders_that_change_while_they_are_checked_are_not_signed(
    visit: Visit, scripted: Scripted
) -> None:
    def says(_: Json) -> Json:
        visit.add(GLIPIZIDE)
        return cards()

    scripted.offer("sign", "order-sign", says)
    visit.add(METFORMIN)
    with pytest.raises(Refused, match="Sign again"):
        visit.sign()
    assert len(visit.drafts) == 2


def test_all_drafts_are_signed_or_none(ehr: DevelopmentEhr, visit: Visit) -> None:
    first, second = visit.add(GLIPIZIDE), visit.add(METFORMIN)
    # Services are told the ids of drafts, and may write records.
    squatter = ehr.fhir.store.create({**METFORMIN, "id": second["id"], "status": "stopped"})
    with pytest.raises(Refused, match="Remove that draft"):
        visit.sign()
    assert ehr.fhir.store.read("MedicationRequest", first["id"]) is None
    assert ehr.fhir.store.read("MedicationRequest", second["id"]) == squatter
    visit.remove(second["id"])
    assert [each["id"] for each in visit.sign().signed] == [first["id"]]


def test_two_presses_sign_once(ehr: DevelopmentEhr, visit: Visit, scripted: Scripted) -> None:
    meeting = threading.Barrier(2)

    def says(_: Json) -> Json:
        meeting.wait(5)
        return cards()

    scripted.offer("sign", "order-sign", says)
    visit.add(GLIPIZIDE)
    before = len(ehr.fhir.store.all("MedicationRequest"))
    outcomes: list[Any] = []

    def press() -> None:
        try:
            outcomes.append(bool(visit.sign()))
        except Refused:
            outcomes.append(False)

    presses = [threading.Thread(target=press) for _ in range(2)]
    for each in presses:
        each.start()
    for each in presses:
        each.join()
    assert sorted(outcomes) == [False, True]
    assert len(ehr.fhir.store.all("MedicationRequest")) == before + 1


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"resourceType": "Condition", "code": {"text": "x"}}, "cannot be ordered"),
        ({}, "cannot be ordered"),
        ({"resourceType": "MedicationRequest"}, "medicationCodeableConcept is required"),
        ({**METFORMIN, "intent": "hope"}, "intent"),
    ],
)
def test_what_cannot_be_ordered_is_refused(visit: Visit, order: Json, words: str) -> None:
    with pytest.raises(Refused, match=words):
        visit.add(order)


def test_an_order_that_is_not_there_is_refused(visit: Visit) -> None:
    for act in (lambda: visit.remove("x"), lambda: visit.change("x", METFORMIN)):
        with pytest.raises(Refused, match="no such order"):
            act()


# Cards.


def test_what_is_said_again_stands_for_what_was_said_before(
    visit: Visit, scripted: Scripted
) -> None:
    said = iter(["First", "Second", "Third"])
    scripted.offer("view", "patient-view", cards(card("Of the chart", "info")))
    scripted.offer("both", "order-select", lambda _: cards(card(next(said))))
    scripted.offer("both", "order-sign", lambda _: cards(card(next(said))))
    visit.open()
    draft = visit.add(METFORMIN)
    assert _summaries(visit) == ["First", "Of the chart"]
    visit.change(draft["id"], GLIPIZIDE)
    assert _summaries(visit) == ["Second", "Of the chart"]
    visit.sign()
    assert _summaries(visit) == ["Third", "Of the chart"]


def _of_selected(body: Json) -> Json:
    """A critical card for each selected draft, and no word of the others."""
    context = body["context"]
    orders = [each["resource"] for each in context["draftOrders"]["entry"]]
    selected = [o for o in orders if f"{o['resourceType']}/{o['id']}" in context["selections"]]
    return cards(*(card(o["medicationCodeableConcept"]["text"], "critical") for o in selected))


def test_what_was_said_of_a_draft_holds_while_another_is_added(
    visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", _of_selected)
    first = visit.add(METFORMIN)
    (about_first,) = visit.cards
    second = visit.add(GLIPIZIDE)
    assert sorted(_summaries(visit)) == ["glipizide 5 mg", "metformin 500 mg"]
    assert len(visit.sign().held_by) == 2
    # What is said of a draft anew stands for what was said of it before, and of no other.
    (about_second,) = [each for each in visit.cards if each.draft_ids == (second["id"],)]
    visit.change(first["id"], METFORMIN)
    assert len(visit.cards) == 2
    assert about_first not in visit.cards
    assert about_second in visit.cards
    visit.remove(first["id"])
    assert _summaries(visit) == ["glipizide 5 mg"]


def test_a_card_about_two_drafts_is_said_anew_with_either(visit: Visit, scripted: Scripted) -> None:
    def says(body: Json) -> Json:
        orders = [each["resource"] for each in body["context"]["draftOrders"]["entry"]]
        if len(orders) < 2:
            return cards()
        return cards(suggesting(suggestion(delete(f"MedicationRequest/{orders[0]['id']}"))))

    scripted.offer("select", "order-select", says)
    first, second = visit.add(METFORMIN), visit.add(GLIPIZIDE)
    (shown,) = visit.cards
    assert set(shown.draft_ids) == {first["id"], second["id"]}
    visit.change(first["id"], GLIPIZIDE)
    assert len(visit.cards) == 1
    assert shown not in visit.cards


def test_a_critical_card_is_answered_before_order_sign_is_fired(
    visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", cards(card("Only here", "critical")))
    scripted.offer("sign", "order-sign", cards())
    visit.add(METFORMIN)
    (held,) = visit.sign().held_by
    assert held.card.summary == "Only here"
    assert scripted.calls("sign") == []
    visit.override(held.id, comment="Discussed")
    assert visit.sign()


def test_order_sign_stands_for_all_that_its_server_said_before(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", lambda body: cards(card(str(body["hookInstance"]))))
    scripted.offer("sign", "order-sign", cards(card("Of both")))
    with Scripted() as other:
        other.offer("select", "order-select", cards(card("Of another server", "info")))
        ehr.cds.settings = CdsSettings(servers=(scripted.url, other.url))
        visit.add(METFORMIN)
        visit.add(GLIPIZIDE)
        assert len(visit.cards) == 4
        visit.sign()
        told = ["Of both", "Of another server", "Of another server"]
        assert _summaries(visit) == told


def test_a_server_that_fails_at_order_sign_has_taken_nothing_back(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("select", "order-select", cards(card("Said before")))
    scripted.offer("sign", "order-sign", Raw(500))
    with Scripted() as other:
        other.offer("sign", "order-sign", cards(card("Said now")))
        ehr.cds.settings = CdsSettings(servers=(scripted.url, other.url))
        visit.add(METFORMIN)
        assert not visit.sign()
        assert _summaries(visit) == ["Said before", "Said now"]


@pytest.mark.parametrize("indicator", ["critical", "warning"])
def test_what_was_answered_is_not_asked_again_when_it_is_signed(
    visit: Visit, scripted: Scripted, indicator: str
) -> None:
    def says(body: Json) -> Json:
        orders = [each["resource"] for each in body["context"]["draftOrders"]["entry"]]
        return cards(
            *(
                suggesting(
                    suggestion(delete(f"MedicationRequest/{order['id']}")),
                    summary=order["medicationCodeableConcept"]["text"],
                    indicator=indicator,
                )
                for order in orders
            )
        )

    scripted.offer("select", "order-select", says)
    scripted.offer("sign", "order-sign", says)
    draft = visit.add(METFORMIN)
    visit.override(visit.cards[0].id, comment="Discussed")
    # Of a draft that has changed since, it is asked again.
    visit.change(draft["id"], GLIPIZIDE)
    assert bool(visit.held) == (indicator == "critical")
    answered = visit.override(visit.cards[0].id, comment="Discussed")
    assert visit.sign()
    (shown,) = [each for each in visit.cards if each.id == answered.id]
    assert (shown.state, shown.feedback) == ("overridden", "stored")
    assert len(scripted.reports()) == 2


def test_two_drafts_of_one_kind_are_two_cards_to_answer(visit: Visit, scripted: Scripted) -> None:
    grave = card("Dangerous", "critical", uuid=None)
    scripted.offer("select", "order-select", cards(grave))
    scripted.offer("sign", "order-sign", cards(grave, grave))
    visit.add(METFORMIN)
    scripted.says["select"] = cards()
    visit.add(METFORMIN)
    visit.override(visit.cards[0].id, comment="Discussed")
    (held,) = visit.sign().held_by
    assert held.hook == "order-sign"


def test_what_was_answered_stays_to_be_seen(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("select", "order-select", lambda _: cards(card("Think again")))
    draft = visit.add(METFORMIN)
    answered = visit.override(visit.cards[0].id)
    visit.change(draft["id"], GLIPIZIDE)
    assert [(each.state, each.current) for each in visit.cards] == [
        ("open", True),
        ("overridden", False),
    ]
    with pytest.raises(Refused, match="answered already"):
        visit.override(answered.id)


def test_a_removed_order_takes_its_cards_along(visit: Visit, scripted: Scripted) -> None:
    def says(body: Json) -> Json:
        orders = [each["resource"] for each in body["context"]["draftOrders"]["entry"]]
        return cards(*(card(o["medicationCodeableConcept"]["text"]) for o in orders))

    scripted.offer("select", "order-select", says)
    first, second = visit.add(METFORMIN), visit.add(GLIPIZIDE)
    visit.remove(first["id"])
    assert _summaries(visit) == ["glipizide 5 mg"]
    visit.remove(second["id"])
    assert visit.cards == []
    assert len(scripted.calls("select")) == 3


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(
    visit: Visit, scripted: Scripted
) -> None:
    called, go_on = threading.Event(), threading.Event()

    def says(body: Json) -> Json:
        count = len(body["context"]["draftOrders"]["entry"])
        if count == 1:
            called.set()
            assert go_on.wait(5)
        return cards(card(f"{count} orders"))

    scripted.offer("select", "order-select", says)
    slow = threading.Thread(target=lambda: visit.add(METFORMIN))
    slow.start()
    assert called.wait(5)
    visit.add(GLIPIZIDE)
    go_on.set()
    slow.join()
    assert _summaries(visit) == ["2 orders"]
    assert len(visit.exchanges) == 2


def test_cards_are_put_away_without_being_reported(visit: Visit, scripted: Scripted) -> None:
    offered = suggesting(suggestion())
    scripted.offer("view", "patient-view", cards(offered))
    visit.open()
    (shown,) = visit.cards
    assert visit.dismiss(shown.id).state == "dismissed"
    assert scripted.reports() == []
    # Put away is not answered.
    assert visit.accept(shown.id, "0").state == "accepted"


def test_a_card_of_nowhere_is_refused(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("view", "patient-view", cards(card()))
    visit.open()
    for act in (visit.override, visit.dismiss, visit.report):
        with pytest.raises(Refused, match="no such card"):
            act("nothing")
    with pytest.raises(Refused, match="no such suggestion"):
        visit.accept(visit.cards[0].id, "0")


# Sent again.


def test_a_request_is_sent_again_with_what_holds_now(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    said = iter(["Before", "After"])
    scripted.offer("view", "patient-view", lambda _: cards(card(next(said))))
    scripted.offer("quiet", "patient-view", cards(card("Untouched", "info")))
    visit.open()
    old = next(each for each in visit.exchanges if each.service_id == "view")
    new = visit.again(old.id)
    assert new.id != old.id
    assert new.request["hookInstance"] != old.request["hookInstance"]
    assert _summaries(visit) == ["After", "Untouched"]
    assert len(visit.exchanges) == 3


def test_an_old_request_sent_again_brings_no_old_cards(visit: Visit, scripted: Scripted) -> None:
    scripted.offer("select", "order-select", lambda _: cards(card("Now")))
    visit.add(METFORMIN)
    (old,) = visit.exchanges
    visit.remove(next(iter(visit.drafts)))
    visit.add(GLIPIZIDE)
    (now,) = visit.cards
    new = visit.again(old.id)
    assert len(new.cards) == 1
    assert [each.id for each in visit.cards] == [now.id]


def test_what_is_not_there_any_more_is_not_sent_again(
    ehr: DevelopmentEhr, visit: Visit, scripted: Scripted
) -> None:
    scripted.offer("view", "patient-view", cards())
    visit.open()
    (old,) = visit.exchanges
    scripted.services.clear()
    ehr.cds.rediscover()
    with pytest.raises(Refused, match="any more"):
        visit.again(old.id)
    with pytest.raises(Refused, match="no longer kept"):
        visit.again("nothing")


# More than one chart.


def test_visits_are_found_by_ids_that_nobody_guesses(ehr: DevelopmentEhr) -> None:
    one, two = (ehr.visits.start("sandbox-renal", USER) for _ in range(2))
    assert ehr.visits.all()[:2] == [two, one]
    assert ehr.visits.find(one.id) is one
    assert ehr.visits.all()[:2] == [one, two]
    assert ehr.visits.find("sandbox-renal") is None
    assert len(one.id) >= 32
    with pytest.raises(LookupError):
        ehr.visits.start("nobody", USER)


def test_opening_charts_closes_none_that_is_worked_in(ehr: DevelopmentEhr) -> None:
    ordering, forgotten, used = (ehr.visits.start("sandbox-renal", USER) for _ in range(3))
    ordering.add(GLIPIZIDE)
    for _ in range(60):
        ehr.visits.start("sandbox-renal", USER)
        assert ehr.visits.find(used.id) is used
    assert ehr.visits.find(ordering.id) is ordering
    assert ehr.visits.find(forgotten.id) is None
    assert len(ehr.visits.all()) == 50


@pytest.mark.req("CH-145")
def test_two_charts_at_once_never_mix(both: Both) -> None:
    both.ehr.cds.settings = CdsSettings(servers=(both.origin,))
    patients = ["sandbox-renal", "sandbox-diabetes"] * 4
    visits = [both.ehr.visits.start(patient, USER) for patient in patients]

    def use(visit: Visit) -> None:
        visit.open()
        visit.add(METFORMIN)
        visit.sign()

    threads = [threading.Thread(target=use, args=(visit,)) for visit in visits]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for visit, patient in zip(visits, patients, strict=True):
        assert {each.request["context"]["patientId"] for each in visit.exchanges} == {patient}
        assert all(each.error is None for each in visit.exchanges)
        for each in visit.exchanges:
            assert each.request["prefetch"]["patient"]["id"] == patient
        # He may have his metformin, she may not.
        assert visit.held == (1 if patient == "sandbox-renal" else 0)
        assert len(visit.drafts) == visit.held
