"""CDS Hooks checklist G: what clinicians did with our cards (CDS Hooks, Feedback; since 1.1).

Cards come from real calls, and what was kept is read from the database by another connection.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from store import tables
from store.hashes import Hashes
from store.sealing import Seal
from tests.demo.bodies import DROP, PATIENT_ID, Json, body, edit, encoded
from tests.demo.client import Client, Reply
from tests.demo.server import NOON, nameless, new_database, serving
from tests.demo.signing import JSON, NORTH, SOUTH, opened, production, stored
from web.settings import Settings

SERVICE = "demo-order-sign"
PATH = f"/cds-services/{SERVICE}/feedback"
AT = "2026-11-24T11:58:30Z"
NOWHERE = "4849ac4f-1193-40bd-93c8-05896e83b06e"
SECRET = Settings().secret


@dataclass
class Site:
    """A server, what it keeps, and the one card that it has given."""

    client: Client
    url: str
    card: Json
    now: datetime

    def send(self, sent: bytes | Json, **headers: str) -> Reply:
        return self.client.request("POST", PATH, sent, {**JSON, **headers})

    def give(self, *items: Json) -> Reply:
        return self.send({"feedback": list(items)})

    def kept(self) -> list[Any]:
        return stored(self.url, tables.feedback)

    def overridden(self, **edits: Any) -> Json:
        """The user overrode the card; a `__` in a name is a step into a member."""
        return changed(
            {"card": self.card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT}, edits
        )

    def accepted(self, *numbers: int, **edits: Any) -> Json:
        """The user accepted the suggestions with these numbers, or the first."""
        ids = [{"id": self.card["suggestions"][number]["uuid"]} for number in numbers or (0,)]
        return self.overridden(outcome="accepted", acceptedSuggestions=ids, **edits)


def changed(item: Json, edits: Json) -> Json:
    for path, new in edits.items():
        edit(item, path.replace("__", "."), new)
    return item


@pytest.fixture
def site() -> Iterator[Site]:
    """A site whose clock is set by the test."""
    url = new_database()
    made = Site.__new__(Site)

    def clock(zone: tzinfo) -> datetime:
        return made.now.astimezone(zone)

    made.url, made.now = url, NOON.replace(tzinfo=UTC)
    with serving(ehr=nameless("north"), clock=clock, database=url) as client:
        made.client = client
        made.card = client.call(SERVICE, body("order-sign")).card
        yield made


# --- what is taken, and what is kept of it -----------------------------------------------------


@pytest.mark.req("CH-118")
def test_an_accepted_suggestion_is_kept_with_what_the_card_was_about(site: Site) -> None:
    reply = site.give(site.accepted(1))
    assert reply.status == 200
    # An empty object would break the JSON rules of CDS Hooks 2.0.
    assert reply.json
    (row,) = site.kept()
    (call,) = stored(site.url, tables.calls)
    hashes = Hashes(SECRET)
    told = {
        "ehr": "north",
        "at": site.now,
        "service": SERVICE,
        "hook": "order-sign",
        "call": call.id,
        "card": site.card["uuid"],
        "outcome": "accepted",
        "outcome_at": datetime(2026, 11, 24, 11, 58, 30, tzinfo=UTC),
        "suggestions": [site.card["suggestions"][1]["uuid"]],
        "reason_code": None,
        "patient_hash": hashes.of("north", "patient", PATIENT_ID),
        "user_hash": hashes.of("north", "user", "PractitionerRole/ruiz-clinic-3"),
        "rule": "demo.nsaid-anticoagulant",
        "indicator": "warning",
    }
    assert {name: getattr(row, name) for name in told} == told


@pytest.mark.req("CH-118")
def test_feedback_that_is_not_agreed_is_not_there(site: Site) -> None:
    record = NORTH.record()
    assert record.cds
    silent = NORTH.record(profile=type(record.cds.profile)(feedback=False))
    url = new_database()
    with production(silent, SOUTH.record(), url=url) as client:
        card = NORTH.call(client, SERVICE, body("order-sign")).card
        item = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT}
        assert NORTH.feedback(client, SERVICE, item).status == 404
        assert SOUTH.feedback(client, SERVICE, item).status == 200
    assert stored(url, tables.feedback) == []


@pytest.mark.req("CH-118")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/cds-services/nobody/feedback", 404),
        ("POST", "/cds-services/feedback", 404),
        ("POST", PATH + "/more", 404),
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("DELETE", PATH, 405),
    ],
)
def test_other_addresses_and_methods_are_refused(
    site: Site, method: str, path: str, status: int
) -> None:
    sent = encoded({"feedback": [site.overridden()]}) if method != "GET" else None
    reply = site.client.request(method, path, sent, JSON)
    assert reply.status == status
    if status == 405:
        assert set(reply.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert site.kept() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "application/fhir+json"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_feedback_is_json(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.send({"feedback": [site.overridden()]}, **headers).status == status
    assert len(site.kept()) == (status == 200)


# --- its form ----------------------------------------------------------------------------------

BODIES: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "cut off": (b'{"feedback":[', None),
    "not UTF-8": (b'{"feedback":[{"card":"\xff"}]}', None),
    "a number": (b"7", None),
    "null": (b"null", None),
    "an array at the top": (b"[]", None),
    "nested without end": (b'{"feedback":' + b"[" * 100_000, None),
    "nested, and closed": (b'{"feedback":' + b"[" * 50_000 + b"]" * 50_000 + b"}", None),
    "an item without its array": (b'{"card":"x","outcome":"accepted"}', "feedback"),
    "no feedback": (b'{"extension":{"x":1}}', "feedback"),
    "feedback null": (b'{"feedback":null}', "feedback"),
    "feedback an object": (b'{"feedback":{"card":"x"}}', "feedback"),
    "feedback a text": (b'{"feedback":"[]"}', "feedback"),
    "an item null": (b'{"feedback":[null]}', "feedback[0]"),
    "an item an array": (b'{"feedback":[[]]}', "feedback[0]"),
    "an item empty": (b'{"feedback":[{}]}', "feedback[0]"),
    "feedback twice": (b'{"feedback":[],"feedback":[]}', None),
}


@pytest.mark.req("CH-119")
@pytest.mark.parametrize(("sent", "field"), BODIES.values(), ids=BODIES)
def test_a_body_is_an_object_with_an_array(site: Site, sent: bytes, field: str | None) -> None:
    reply = site.send(sent)
    assert reply.status == 400
    assert (reply.field or "").startswith(field or "")
    assert site.kept() == []


ITEMS: dict[str, tuple[Json, str]] = {
    "card missing": ({"card": DROP}, ""),
    "card null": ({"card": None}, ".card"),
    "card number": ({"card": 1}, ".card"),
    "card empty": ({"card": ""}, ".card"),
    "card with urn": ({"card": "urn:uuid:" + NOWHERE}, ".card"),
    "card not a UUID": ({"card": "first-card"}, ".card"),
    "card with a line": ({"card": NOWHERE + "\n"}, ".card"),
    "outcome missing": ({"outcome": DROP}, ""),
    "outcome null": ({"outcome": None}, ".outcome"),
    "outcome ignored": ({"outcome": "ignored"}, ".outcome"),
    "outcome in capitals": ({"outcome": "Overridden"}, ".outcome"),
    "outcome array": ({"outcome": ["overridden"]}, ".outcome"),
    "time missing": ({"outcomeTimestamp": DROP}, ""),
    "time null": ({"outcomeTimestamp": None}, ".outcomeTimestamp"),
    "time number": ({"outcomeTimestamp": 1795000000}, ".outcomeTimestamp"),
    "time local": ({"outcomeTimestamp": "2026-06-24T08:07:40"}, ".outcomeTimestamp"),
    "date only": ({"outcomeTimestamp": "2026-06-24"}, ".outcomeTimestamp"),
    "time of no day": ({"outcomeTimestamp": "2026-02-30T08:07:40Z"}, ".outcomeTimestamp"),
    "time in words": ({"outcomeTimestamp": "yesterday"}, ".outcomeTimestamp"),
    "time empty": ({"outcomeTimestamp": ""}, ".outcomeTimestamp"),
    "accepted without suggestions": ({"outcome": "accepted"}, ".acceptedSuggestions"),
    "accepted with none": (
        {"outcome": "accepted", "acceptedSuggestions": []},
        ".acceptedSuggestions",
    ),
    "accepted with null": (
        {"outcome": "accepted", "acceptedSuggestions": None},
        ".acceptedSuggestions",
    ),
    "suggestions not an array": (
        {"outcome": "accepted", "acceptedSuggestions": {"id": NOWHERE}},
        ".acceptedSuggestions",
    ),
    "suggestion without id": (
        {"outcome": "accepted", "acceptedSuggestions": [{"label": "x"}]},
        ".acceptedSuggestions",
    ),
    "suggestion a text": (
        {"outcome": "accepted", "acceptedSuggestions": [NOWHERE]},
        ".acceptedSuggestions",
    ),
    "suggestion's id no UUID": (
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "first"}]},
        ".acceptedSuggestions",
    ),
    "reason empty": ({"overrideReason": {}}, ".overrideReason"),
    "reason a text": ({"overrideReason": "no"}, ".overrideReason"),
    "reason's coding a text": ({"overrideReason": {"reason": "no"}}, ".overrideReason"),
    "reason without code": (
        {"overrideReason": {"reason": {"system": "urn:x"}}},
        ".overrideReason.reason",
    ),
    "reason's code empty": (
        {"overrideReason": {"reason": {"code": "", "system": "urn:x"}}},
        ".overrideReason.reason.code",
    ),
    "comment a number": ({"overrideReason": {"userComment": 1}}, ".overrideReason.userComment"),
    "comment empty": ({"overrideReason": {"userComment": ""}}, ".overrideReason.userComment"),
    "comment without end": (
        {"overrideReason": {"userComment": "x" * 5000}},
        ".overrideReason.userComment",
    ),
}


@pytest.mark.req("CH-120")
@pytest.mark.parametrize(("edits", "field"), ITEMS.values(), ids=ITEMS)
def test_an_item_that_breaks_a_rule_is_named(site: Site, edits: Json, field: str) -> None:
    reply = site.give(site.overridden(), site.overridden(**edits))
    assert reply.status == 400
    assert (reply.field or "").startswith("feedback[1]" + field)
    assert site.kept() == []


GOOD: dict[str, tuple[Json, Json]] = {
    # edits of an override -> what is kept
    "no reason": ({}, {"reason_code": None, "reason_system": None}),
    "a reason of the card": (
        {
            "overrideReason": {
                "reason": {
                    "code": "specialist-advice",
                    "system": "urn:chartside:override-reasons",
                    "display": "As a specialist advised",
                }
            }
        },
        {"reason_code": "specialist-advice", "reason_system": "urn:chartside:override-reasons"},
    ),
    "code only": (
        {"overrideReason": {"reason": {"code": "patient-refuses"}}},
        {"reason_code": "patient-refuses", "reason_system": None},
    ),
    "made by the client": (
        {"overrideReason": {"reason": {"code": "7", "system": "https://ehr.test/reasons"}}},
        {"reason_code": "7", "reason_system": "https://ehr.test/reasons"},
    ),
    "reason and comment": (
        {"overrideReason": {"reason": {"code": "x"}, "userComment": "later"}},
        {"reason_code": "x"},
    ),
    "comment only": ({"overrideReason": {"userComment": "later"}}, {"reason_code": None}),
    "null for what may be absent": (
        {"overrideReason": None, "acceptedSuggestions": None},
        {"reason_code": None, "suggestions": []},
    ),
    "members unknown here": (
        {"extension": {"test.x": {"deep": [[[]]]}}, "note": "x"},
        {"outcome": "overridden"},
    ),
    "fractions": (
        {"outcomeTimestamp": "2026-11-24T11:58:30.250Z"},
        {"outcome_at": datetime(2026, 11, 24, 11, 58, 30, 250_000, UTC)},
    ),
    "an offset": (
        {"outcomeTimestamp": "2026-11-24T13:58:30+02:00"},
        {"outcome_at": datetime(2026, 11, 24, 11, 58, 30, tzinfo=UTC)},
    ),
    "an offset of half an hour, another day": (
        {"outcomeTimestamp": "2026-11-25T00:28:30.000+12:30"},
        {"outcome_at": datetime(2026, 11, 24, 11, 58, 30, tzinfo=UTC)},
    ),
    "letters in lower case": (
        {"outcomeTimestamp": "2026-11-24t11:58:30z"},
        {"outcome_at": datetime(2026, 11, 24, 11, 58, 30, tzinfo=UTC)},
    ),
    # .NET writes seven digits.
    "more digits than a clock has": (
        {"outcomeTimestamp": "2026-11-24T11:58:30.1234567Z"},
        {"outcome_at": datetime(2026, 11, 24, 11, 58, 30, 123_457, UTC)},
    ),
    "the first year": (
        {"outcomeTimestamp": "0001-01-01T00:00:00+14:00"},
        {"outcome_at": datetime(1970, 1, 1, tzinfo=UTC)},
    ),
    "the last year": (
        {"outcomeTimestamp": "9999-12-31T23:59:59-12:00"},
        {"outcome_at": datetime(9999, 1, 1, tzinfo=UTC)},
    ),
}


@pytest.mark.req("CH-120", "CH-124")
@pytest.mark.parametrize(("edits", "kept"), GOOD.values(), ids=GOOD)
def test_what_real_clients_send_is_taken(site: Site, edits: Json, kept: Json) -> None:
    assert site.give(site.overridden(**edits)).status == 200
    (row,) = site.kept()
    assert {name: getattr(row, name) for name in kept} == kept


def test_an_accepted_item_may_come_with_a_reason(site: Site) -> None:
    item = site.accepted(0, 2, overrideReason={"userComment": "in part"})
    assert site.give(item).status == 200
    (row,) = site.kept()
    assert len(row.suggestions) == 2


# --- batches, repeats, strangers ---------------------------------------------------------------


@pytest.mark.req("CH-121")
def test_a_batch_that_comes_twice_adds_nothing(site: Site) -> None:
    other = site.client.call(SERVICE, body("order-sign", edits={"hookInstance": str(uuid4())})).card
    batch = [
        site.accepted(0, 1),
        site.overridden(card=other["uuid"]),
        site.accepted(0),
        site.accepted(0),
    ]
    assert site.give(*batch).status == 200
    first = site.kept()
    assert len(first) == 3
    site.now += timedelta(hours=1)
    assert site.give(*batch).status == 200
    assert site.kept() == first


REPEATS: dict[str, Json] = {
    "the same": {},
    "with another offset": {"outcomeTimestamp": "2026-11-24T12:58:30.000+01:00"},
    "with a comment": {"overrideReason": {"userComment": "now with words"}},
}


@pytest.mark.req("CH-121")
@pytest.mark.parametrize("edits", REPEATS.values(), ids=REPEATS)
def test_an_item_is_told_by_card_outcome_time_and_suggestions(site: Site, edits: Json) -> None:
    assert site.give(site.accepted(1, 0)).status == 200
    again = site.accepted(0, 1, card=site.card["uuid"].upper(), **edits)
    again["acceptedSuggestions"] = [{"id": e["id"].upper()} for e in again["acceptedSuggestions"]]
    assert site.give(again).status == 200
    assert len(site.kept()) == 1


@pytest.mark.req("CH-121")
def test_another_act_on_the_same_card_is_another_item(site: Site) -> None:
    site.give(site.overridden())
    site.give(site.overridden(outcomeTimestamp="2026-11-24T11:58:31Z"))
    site.give(site.accepted(0), site.accepted(1))
    assert sorted(row.outcome for row in site.kept()) == ["accepted"] * 2 + ["overridden"] * 2


@pytest.mark.req("CH-121")
def test_one_batch_may_tell_of_cards_of_other_services(site: Site) -> None:
    other = site.client.call("demo-patient-view", body("patient-view")).card
    assert site.give(site.overridden(), site.overridden(card=other["uuid"])).status == 200
    assert {row.service for row in site.kept()} == {SERVICE, "demo-patient-view"}


@pytest.mark.req("CH-122")
@pytest.mark.parametrize("place", [0, 1, 499])
def test_one_wrong_item_refuses_the_batch(site: Site, place: int) -> None:
    batch = [site.overridden(outcomeTimestamp=f"2026-11-24T11:00:00.{n:03}Z") for n in range(500)]
    batch[place] = site.overridden(outcome="maybe")
    reply = site.give(*batch)
    assert reply.status == 400
    assert (reply.field or "").startswith(f"feedback[{place}]")
    assert site.kept() == []


def test_a_batch_has_an_end(site: Site) -> None:
    batch = [site.overridden(outcomeTimestamp=f"2026-11-24T11:00:00.{n:03}Z") for n in range(1000)]
    assert site.give(*batch, site.overridden()).status == 400
    assert site.kept() == []
    assert site.give(*batch).status == 200
    assert len(site.kept()) == 1000


@pytest.mark.req("CH-123")
def test_feedback_on_a_card_that_is_not_known_is_dropped(site: Site) -> None:
    assert site.give(site.overridden(card=NOWHERE)).status == 200
    assert site.kept() == []
    assert site.give(site.overridden(card=NOWHERE), site.overridden()).status == 200
    assert [row.card for row in site.kept()] == [site.card["uuid"]]


@pytest.mark.req("CH-123")
def test_feedback_may_come_months_later(site: Site) -> None:
    site.now += timedelta(days=200)
    assert site.give(site.overridden()).status == 200
    (row,) = site.kept()
    assert row.at == site.now


@pytest.mark.req("CH-125")
def test_an_empty_array_is_taken(site: Site) -> None:
    assert site.give().status == 200
    assert site.kept() == []


@pytest.mark.req("CH-126")
def test_only_the_ehr_that_got_the_card_counts() -> None:
    url = new_database()
    with production(url=url) as client:
        card = NORTH.call(client, SERVICE, body("order-sign")).card
        item = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT}
        refused = SOUTH.feedback(client, SERVICE, item)
        unknown = SOUTH.feedback(client, SERVICE, {**item, "card": NOWHERE})
        # Nor does the answer tell that there is such a card.
        assert (refused.status, refused.body) == (unknown.status, unknown.body)
        assert refused.status == 200
        assert stored(url, tables.feedback) == []
        assert NORTH.feedback(client, SERVICE, item).status == 200
    (row,) = stored(url, tables.feedback)
    assert row.ehr == "north"


@pytest.mark.req("CH-126")
def test_two_ehrs_never_get_the_same_card() -> None:
    with production() as client:
        cards = [ehr.call(client, SERVICE, body("order-sign")).card for ehr in (NORTH, SOUTH)]
    assert cards[0]["uuid"] != cards[1]["uuid"]
    ids = [{each["uuid"] for each in card["suggestions"]} for card in cards]
    assert ids[0].isdisjoint(ids[1])


# --- secrecy and faults ------------------------------------------------------------------------

COMMENT = "Zofie said she would rather not, see note of 3 May — 李 <script>"


def test_a_comment_is_kept_encrypted_and_can_be_read_with_the_secret(site: Site) -> None:
    item = site.overridden(overrideReason={"userComment": COMMENT})
    reply = site.give(item)
    assert b"Zofie" not in reply.body
    (row,) = site.kept()
    (comment,) = stored(site.url, tables.comments)
    place = ("comment", "north", row.id)
    assert Seal(SECRET).open(comment.sealed, *place) == COMMENT.encode()
    path = Path(site.url.removeprefix("sqlite:///"))
    on_disk = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    assert b"rather not" not in on_disk
    assert PATIENT_ID.encode() not in on_disk
    assert b"ruiz-clinic-3" not in on_disk


def test_a_reason_in_somebodys_own_words_is_not_kept(site: Site) -> None:
    words = "she would rather not"
    reason = {"code": words, "system": "because " + words, "display": words}
    assert site.give(site.overridden(overrideReason={"reason": reason})).status == 200
    (row,) = site.kept()
    assert (row.reason_code, row.reason_system) == ("unfit", "unfit")


@pytest.mark.req("CH-122")
def test_feedback_that_cannot_be_stored_is_refused_and_can_be_sent_again(site: Site) -> None:
    item = site.overridden(overrideReason={"userComment": "x"})
    path = site.url.removeprefix("sqlite:///")

    def run(statement: str) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()

    run("ALTER TABLE comments RENAME TO away")
    reply = site.client.request("POST", PATH, {"feedback": [item]}, JSON, fails=True)
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert site.kept() == []
    run("ALTER TABLE away RENAME TO comments")
    assert site.give(item).status == 200
    assert len(site.kept()) == 1


def test_a_card_goes_out_without_its_app_link_when_the_call_cannot_be_recorded(site: Site) -> None:
    sent = body("order-sign", edits={"hookInstance": str(uuid4())})
    with opened(site.url) as engine, engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE cards RENAME TO away")
    links = site.client.call(SERVICE, sent).card["links"]
    assert [link["type"] for link in links] == ["absolute"]
    with opened(site.url) as engine, engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO cards")
    links = site.client.call(SERVICE, sent).card["links"]
    assert [link["type"] for link in links] == ["absolute", "smart"]


@pytest.mark.req("CH-118")
def test_a_repeated_call_has_the_same_cards_and_is_recorded_once(site: Site) -> None:
    card = site.client.call(SERVICE, body("order-sign")).card
    assert card == site.card
    assert len(stored(site.url, tables.calls)) == 1
    assert site.give(site.overridden()).status == 200
    assert len(site.kept()) == 1
