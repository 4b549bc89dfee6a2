"""What was overridden stays away, and what brings it back (design decision 14), over HTTP.

One service warns of each draft medicine by the last eGFR of the chart: below 45 info, below 30
warning, below 15 critical. Users override its cards as EHRs tell it, by feedback.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import uuid4

import pytest

from fhir.records import Observation
from hooks import Finding, Source, service
from hooks.contexts import OrderDispatch, OrderSelect, OrderSign
from store import tables
from tests.demo.bodies import Json, bundle
from tests.demo.client import Client
from tests.demo.server import NOON, new_database
from tests.demo.services import drug
from tests.demo.signing import NORTH, SOUTH, Signer, opened, production, stored

SERVICE = "probe-kidney"
SOURCE = Source("Demo handbook, 2026")
EGFR = "Observation?patient={{context.patientId}}&code=http://loinc.org|98979-8"


@service(
    "order-select",
    "order-sign",
    id=SERVICE,
    title="Probe",
    description="Speaks of each draft medicine by the eGFR.",
    prefetch={"labs": EGFR},
)
def probe(labs: list[Observation], context: OrderSelect | OrderSign) -> Iterator[Finding]:
    (egfr,) = [lab.value_quantity.value for lab in labs if lab.value_quantity]
    assert egfr is not None
    for draft in context.draft_orders:
        yield Finding(
            rule="probe.kidney",
            summary=f"eGFR {egfr}",
            indicator="critical" if egfr < 15 else "warning" if egfr < 30 else "info",
            source=SOURCE,
            drug=drug(draft.resource),
            severity=-float(egfr),
            about=(draft.reference,),
            overrides=("will-monitor",),
        )


@service("order-dispatch", id="probe-dispatch", title="Probe", description="Always warns.")
def probe_dispatch(context: OrderDispatch) -> Iterator[Finding]:
    yield Finding(rule="probe.dispatch", summary="Look", indicator="warning", source=SOURCE)


@service("order-sign", id="probe-gaps", title="Probe", description="A gap for each draft.")
def probe_gaps(context: OrderSign) -> Iterator[Finding]:
    for draft in context.draft_orders:
        name = drug(draft.resource)
        yield Finding(
            rule=f"gap.{name}",
            summary=f"{name} may be due",
            indicator="info",
            source=SOURCE,
            gap=name,
            overrides=("patient-declined",),
        )


@dataclass(frozen=True)
class Visit:
    """One call: who, about whom, on what values, with which drafts."""

    ehr: Signer = NORTH
    user: str = "Practitioner/ruiz"
    patient: str = "zofie"
    egfr: float = 27.0
    drugs: tuple[str, ...] = ("metformin",)
    hook: str = "order-sign"
    order: str = "draft"

    def body(self) -> Json:
        subject = {"reference": f"Patient/{self.patient}"}
        drafts = [
            {
                "resourceType": "MedicationRequest",
                "id": f"{self.order}-{number}",
                "status": "draft",
                "intent": "order",
                "subject": subject,
                "medicationCodeableConcept": {"text": name},
            }
            for number, name in enumerate(self.drugs)
        ]
        lab = {
            "resourceType": "Observation",
            "id": "egfr",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "98979-8"}]},
            "subject": subject,
            "effectiveDateTime": "2026-11-20",
            "valueQuantity": {"value": self.egfr, "unit": "mL/min/1.73 m2"},
        }
        context: Json = {
            "userId": self.user,
            "patientId": self.patient,
            "draftOrders": {**bundle(*drafts), "type": "collection"},
        }
        if self.hook == "order-select":
            context["selections"] = [f"MedicationRequest/{each['id']}" for each in drafts]
        return {
            "hook": self.hook,
            "hookInstance": str(uuid4()),
            "context": context,
            "prefetch": {"labs": bundle(lab)},
        }


VISIT = Visit()


@dataclass
class Site:
    client: Client
    url: str
    now: datetime

    def cards(self, visit: Visit) -> list[Json]:
        return visit.ehr.call(self.client, SERVICE, visit.body()).cards

    def tell(self, visit: Visit, card: Json, **told: Any) -> None:
        item = {
            "card": card["uuid"],
            "outcome": "overridden",
            "outcomeTimestamp": self.now.isoformat(),
            **told,
        }
        assert visit.ehr.feedback(self.client, SERVICE, item).status == 200

    def override(self, visit: Visit, **told: Any) -> None:
        """This user sees the cards of this visit and overrides them all."""
        cards = self.cards(visit)
        assert len(cards) == len(visit.drugs)
        for card in cards:
            self.tell(visit, card, **told)

    def hidden(self) -> list[str | None]:
        """What the last call recorded of each of its findings."""
        calls = stored(self.url, tables.calls)
        last = max(calls, key=lambda call: call.at)
        return [card.hidden for card in stored(self.url, tables.cards) if card.call == last.id]


@pytest.fixture
def site() -> Iterator[Site]:
    """Two EHRs, and a clock that a test may set."""
    url = new_database()
    made: Site

    def clock(zone: tzinfo) -> datetime:
        return made.now.astimezone(zone)

    with production(services=[probe, probe_dispatch, probe_gaps], clock=clock, url=url) as client:
        made = Site(client, url, NOON.replace(tzinfo=UTC))
        yield made


# What another call may change without bringing the card back, and what brings it back.
AWAY: dict[str, Visit] = {
    "the same": VISIT,
    "another draft of the same drug": replace(VISIT, order="other"),
    "a better value": replace(VISIT, egfr=29.5),
    "a value so much better that it is info": replace(VISIT, egfr=40.0),
    "the same value, written otherwise": replace(VISIT, egfr=27),
    "the other hook of the service": replace(VISIT, hook="order-select"),
    "twice the same drug": replace(VISIT, drugs=("metformin", "metformin")),
}
BACK: dict[str, Visit] = {
    "another user": replace(VISIT, user="Practitioner/okafor"),
    "another role of perhaps the same user": replace(VISIT, user="PractitionerRole/ruiz"),
    "another patient": replace(VISIT, patient="zofia"),
    "another EHR": replace(VISIT, ehr=SOUTH),
    "a worse value": replace(VISIT, egfr=26.9),
    "a critical value": replace(VISIT, egfr=14.0),
    "another drug": replace(VISIT, drugs=("lithium",)),
}


@pytest.mark.parametrize("visit", AWAY.values(), ids=AWAY)
def test_an_overridden_warning_stays_away(site: Site, visit: Visit) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    assert site.cards(visit) == []
    reasons = ["overridden"] * len(visit.drugs)
    if visit.egfr >= 30 and visit.hook == "order-select":
        reasons = ["quiet"]
    assert site.hidden() == reasons


@pytest.mark.parametrize("visit", BACK.values(), ids=BACK)
def test_it_comes_back_when_something_is_new(site: Site, visit: Visit) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    assert len(site.cards(visit)) == 1
    assert site.hidden() == [None]


def test_only_the_new_drug_speaks(site: Site) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    visit = replace(VISIT, drugs=("metformin", "lithium"))
    (card,) = site.cards(visit)
    assert card["source"]["topic"]["display"] == "probe.kidney"
    assert sorted(map(str, site.hidden())) == ["None", "overridden"]


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        (timedelta(days=89, hours=23, minutes=59), 0),
        (timedelta(days=90), 1),
        (timedelta(days=400), 1),
    ],
)
def test_it_comes_back_after_ninety_days(site: Site, later: timedelta, shown: int) -> None:
    site.override(VISIT)
    site.now += later
    assert len(site.cards(VISIT)) == shown


def test_an_ehr_whose_clock_is_ahead_does_not_hide_a_card_for_longer(site: Site) -> None:
    site.override(VISIT, outcomeTimestamp="2031-01-01T00:00:00Z")
    site.now += timedelta(days=90)
    assert len(site.cards(VISIT)) == 1


def test_feedback_that_comes_late_hides_from_when_the_user_acted(site: Site) -> None:
    site.override(VISIT, outcomeTimestamp=(site.now - timedelta(days=60)).isoformat())
    site.now += timedelta(days=29)
    assert site.cards(VISIT) == []
    site.now += timedelta(days=1)
    assert len(site.cards(VISIT)) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_a_critical_card_is_never_hidden(site: Site, times: int) -> None:
    grave = replace(VISIT, egfr=9.0)
    for _ in range(times):
        site.override(grave)
        site.now += timedelta(minutes=1)
    (card,) = site.cards(grave)
    assert card["indicator"] == "critical"
    assert site.hidden() == [None]


def test_an_overridden_critical_card_hides_the_milder_one(site: Site) -> None:
    site.override(replace(VISIT, egfr=9.0))
    site.now += timedelta(minutes=1)
    assert site.cards(replace(VISIT, egfr=20.0)) == []


def test_accepting_it_afterwards_brings_it_back(site: Site) -> None:
    (card,) = site.cards(VISIT)
    site.tell(VISIT, card)
    site.now += timedelta(minutes=1)
    assert site.cards(VISIT) == []
    site.tell(VISIT, card, outcome="accepted", acceptedSuggestions=[{"id": str(uuid4())}])
    site.now += timedelta(minutes=1)
    assert len(site.cards(VISIT)) == 1


def test_a_worse_value_that_is_overridden_too_stays_away(site: Site) -> None:
    site.override(VISIT)
    site.now += timedelta(days=1)
    site.override(replace(VISIT, egfr=22.0))
    site.now += timedelta(days=1)
    assert site.cards(replace(VISIT, egfr=22.0)) == []
    assert len(site.cards(replace(VISIT, egfr=21.9))) == 1


@pytest.mark.req("CH-126")
def test_an_override_that_another_ehr_reports_hides_nothing(site: Site) -> None:
    (card,) = site.cards(VISIT)
    site.tell(replace(VISIT, ehr=SOUTH), card)
    site.now += timedelta(minutes=1)
    assert len(site.cards(VISIT)) == 1
    assert len(site.cards(replace(VISIT, ehr=SOUTH))) == 1


def test_a_card_that_was_only_shown_or_accepted_is_not_hidden(site: Site) -> None:
    (card,) = site.cards(VISIT)
    assert len(site.cards(VISIT)) == 1
    site.tell(VISIT, card, outcome="accepted", acceptedSuggestions=[{"id": str(uuid4())}])
    assert len(site.cards(VISIT)) == 1


@pytest.mark.req("CH-123")
def test_feedback_on_a_hidden_card_counts_for_nothing(site: Site) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    assert site.cards(VISIT) == []
    (hidden,) = [each for each in stored(site.url, tables.cards) if each.hidden]
    before = stored(site.url, tables.feedback)
    site.tell(VISIT, {"uuid": hidden.card})
    assert stored(site.url, tables.feedback) == before


def test_what_was_hidden_is_recorded_with_its_reason_and_no_word_of_the_chart(site: Site) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    site.cards(VISIT)
    (hidden,) = [each for each in stored(site.url, tables.cards) if each.hidden]
    assert (hidden.hidden, hidden.rule, hidden.indicator) == (
        "overridden",
        "probe.kidney",
        "warning",
    )
    assert (hidden.drug, hidden.severity, hidden.ehr) == ("metformin", -27.0, "north")
    calls = {call.id: call for call in stored(site.url, tables.calls)}
    assert calls[hidden.call].at == site.now
    assert "zofie" not in repr((hidden, calls))


def test_what_is_over_the_limit_is_recorded_too(site: Site) -> None:
    drugs = tuple(f"drug {letter}" for letter in "abcdefg")
    assert len(site.cards(replace(VISIT, drugs=drugs))) == 5
    assert site.hidden().count("limit") == 2
    assert site.hidden().count(None) == 5


def test_info_is_not_told_while_the_user_selects_and_that_is_recorded(site: Site) -> None:
    assert site.cards(replace(VISIT, egfr=40.0, hook="order-select")) == []
    assert site.hidden() == ["quiet"]


def test_an_override_by_nobody_hides_nothing(site: Site) -> None:
    """order-dispatch names no user; else the override of one would hide the card from all."""
    for _ in range(2):
        sent: Json = {
            "hook": "order-dispatch",
            "hookInstance": str(uuid4()),
            "context": {
                "patientId": "zofie",
                "dispatchedOrders": ["ServiceRequest/x"],
                "performer": "Organization/lab",
            },
        }
        card = NORTH.call(site.client, "probe-dispatch", sent).card
        site.tell(VISIT, card)
        site.now += timedelta(minutes=1)
    assert len(stored(site.url, tables.feedback)) == 2


def test_when_past_overrides_cannot_be_read_the_card_is_shown(site: Site) -> None:
    site.override(VISIT)
    site.now += timedelta(minutes=1)
    with opened(site.url) as engine, engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE feedback RENAME TO away")
    assert len(site.cards(VISIT)) == 1
    with opened(site.url) as engine, engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO feedback")
    site.now += timedelta(minutes=1)
    assert site.cards(VISIT) == []


def _gaps(site: Site, *names: str) -> list[str]:
    body = replace(VISIT, drugs=names).body()
    return [card["summary"] for card in NORTH.call(site.client, "probe-gaps", body).cards]


def test_gaps_of_one_card_that_was_overridden_stay_away_and_a_new_one_speaks(site: Site) -> None:
    body = replace(VISIT, drugs=("colon", "aorta", "zoster")).body()
    (card,) = NORTH.call(site.client, "probe-gaps", body).cards
    assert card["summary"] == "3 care gaps: colon, aorta, zoster"
    site.tell(VISIT, card)
    site.now += timedelta(days=1)
    assert _gaps(site, "colon", "aorta", "zoster") == []
    assert site.hidden() == ["overridden"] * 3
    assert _gaps(site, "aorta") == []
    assert _gaps(site, "colon", "aorta", "breast") == ["breast may be due"]
    assert _gaps(site, "colon", "breast", "lung") == ["2 care gaps: breast, lung"]
    site.now += timedelta(days=90)
    assert _gaps(site, "aorta", "colon") == ["2 care gaps: aorta, colon"]
