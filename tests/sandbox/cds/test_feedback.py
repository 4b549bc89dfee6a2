"""What services are told of their cards. CDS Hooks 2.0, "Feedback"."""

from datetime import datetime

import pytest

from sandbox.cds.visit import Refused, Visit
from store import tables
from tests.demo.signing import stored
from tests.sandbox.cds.conftest import METFORMIN, Both
from tests.sandbox.cds.scripted import Json, Raw, Scripted, card, cards, suggesting, suggestion

REASON = {"code": "will-monitor", "system": "urn:test", "display": "Will monitor"}


def _open(visit: Visit, scripted: Scripted, *each: Json) -> None:
    scripted.offer("view", "patient-view", cards(*each))
    visit.open()


def _of(both: Both, uuid: str | None) -> list[str]:
    return [row.outcome for row in stored(both.database, tables.feedback) if row.card == uuid]


@pytest.mark.req("CH-118")
def test_the_application_stores_what_was_overridden(both: Both) -> None:
    opened = both.visit("sandbox-renal")
    opened.add(METFORMIN)
    critical = opened.cards[0]
    reason = critical.card.override_reasons[1]
    given = {"code": reason.code, "system": reason.system or "", "display": reason.display or ""}
    answered = opened.override(critical.id, given, "Dialysis next week")
    assert (answered.feedback, answered.feedback_reason) == ("stored", "")
    assert answered.told == f"Overridden: {reason.display}; Dialysis next week"
    assert _of(both, critical.card.uuid) == ["overridden"]
    (row,) = [r for r in stored(both.database, tables.feedback) if r.card == critical.card.uuid]
    assert row.reason_code == reason.code
    assert list(opened.exchanges)[-1].kind == "feedback"


@pytest.mark.req("CH-118")
def test_the_application_stores_what_was_accepted(both: Both) -> None:
    opened = both.visit("sandbox-diabetes")
    (shown,) = opened.cards
    opened.accept(shown.id, shown.card.suggestions[0].id)
    assert _of(both, shown.card.uuid) == ["accepted"]


def test_an_override_tells_reason_and_comment(visit: Visit, scripted: Scripted) -> None:
    asked = card(overrideReasons=[REASON])
    _open(visit, scripted, asked)
    answered = visit.override(visit.cards[0].id, REASON, " Seen <b>twice</b> ")
    assert (answered.state, answered.reason) == ("overridden", "Will monitor")
    (item,) = scripted.reports()
    stamp = item.pop("outcomeTimestamp")
    assert datetime.fromisoformat(stamp.replace("Z", "+00:00")).tzinfo
    assert stamp.endswith("Z")
    assert item == {
        "card": asked["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": REASON, "userComment": "Seen <b>twice</b>"},
    }


def test_an_override_without_a_reason_has_none(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    visit.override(visit.cards[0].id)
    assert scripted.reports()[0].keys() == {"card", "outcome", "outcomeTimestamp"}


def test_an_acceptance_names_the_suggestion(visit: Visit, scripted: Scripted) -> None:
    asked = suggesting(suggestion(label="No"), suggestion(label="Yes"))
    _open(visit, scripted, asked)
    visit.accept(visit.cards[0].id, "1")
    (item,) = scripted.reports()
    assert item["outcome"] == "accepted"
    assert item["acceptedSuggestions"] == [{"id": asked["suggestions"][1]["uuid"]}]
    assert item["card"] == asked["uuid"]


def test_feedback_that_fails_is_sent_again(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    scripted.feedback = Raw(503, b'{"error": "Come back later"}')
    failed = visit.override(visit.cards[0].id)
    assert (failed.state, failed.feedback) == ("overridden", "failed")
    assert "503 (Service Unavailable): Come back later" in failed.feedback_reason
    scripted.feedback = Raw(200)
    assert visit.report(failed.id).feedback == "stored"
    first, second = scripted.reports()
    # The very same item, so that it counts once.
    assert first == second


def test_failed_feedback_can_be_sent_again_from_the_log(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    scripted.feedback = Raw(500)
    failed = visit.override(visit.cards[0].id)
    scripted.feedback = Raw(200, b"any text at all", "text/plain")
    old = list(visit.exchanges)[-1]
    assert visit.again(old.id).error is None
    assert visit.cards[0].feedback == "stored"
    assert visit.cards[0].id == failed.id


@pytest.mark.parametrize("status", [404, 405])
def test_a_service_may_do_without_feedback(visit: Visit, scripted: Scripted, status: int) -> None:
    scripted.feedback = Raw(status)
    _open(visit, scripted, card())
    answered = visit.override(visit.cards[0].id)
    assert answered.feedback == "none"
    assert f"takes no feedback: it answered {status}" in answered.feedback_reason


def test_feedback_of_a_service_that_is_gone_fails(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    scripted.feedback = Raw(302, location="/elsewhere")
    assert visit.override(visit.cards[0].id).feedback == "failed"
    assert len(scripted.reports()) == 1


def test_a_comment_has_an_end(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    with pytest.raises(Refused, match="1000 characters"):
        visit.override(visit.cards[0].id, comment="x" * 1001)


def test_there_is_nothing_to_report_of_an_open_card(visit: Visit, scripted: Scripted) -> None:
    _open(visit, scripted, card())
    with pytest.raises(Refused, match="nothing to report"):
        visit.report(visit.cards[0].id)
