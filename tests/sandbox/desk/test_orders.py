"""Order entry: a form becomes a draft, is changed, answered, signed."""

import re
from typing import Any

import pytest

from sandbox.desk import orders
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import send
from tests.sandbox.cds.scripted import (
    Raw,
    Scripted,
    card,
    cards,
    delete,
    suggesting,
    suggestion,
)
from tests.sandbox.desk.conftest import Chart, opened, words

METFORMIN, IBUPROFEN, HBA1C = "861007", "197806", "4548-4"
REASONS = [{"code": "benefit", "system": "urn:test", "display": "Benefit outweighs risk"}]


@pytest.fixture
def chart(ehr: DevelopmentEhr, scripted: Scripted) -> Chart:
    return opened(ehr)


def drafts(chart: Chart) -> list[str]:
    chart.open("/orders")
    return chart.ids("/drafts/", "/remove")


def test_a_medication_is_drafted_with_its_usual_dose(chart: Chart) -> None:
    page = words(chart.act("/drafts", code=METFORMIN))
    assert "metformin 500 mg tablet is in the order session, not signed" in page
    assert "1 tablet twice a day" in page
    visit = chart.ehr.visits.find(chart.base.rpartition("/")[2])
    assert visit
    (draft,) = visit.drafts.values()
    assert draft["status"] == "draft"
    assert draft["subject"] == {"reference": "Patient/sandbox-renal"}
    dosage = draft["dosageInstruction"][0]
    assert dosage["timing"]["repeat"] == {"frequency": 2, "period": 1, "periodUnit": "d"}
    assert dosage["doseAndRate"][0]["doseQuantity"]["code"] == "{tbl}"


def test_dose_days_and_reason_are_the_ones_of_the_form(chart: Chart) -> None:
    form = {"amount": "2", "how_often": "once a day", "days": "10", "reason": "Type 2 diabetes"}
    page = words(chart.act("/drafts", code=METFORMIN, **form))
    assert "2 tablets once a day, for 10 days; Type 2 diabetes" in page
    (draft,) = drafts(chart)
    form = {"amount": "1", "how_often": "twice a day", "days": "", "reason": "", "if_needed": "on"}
    assert "1 tablet twice a day if needed" in words(chart.act(f"/drafts/{draft}", **form))
    assert "for 10 days" not in chart.page.text


def test_a_laboratory_test_is_drafted_and_taken_away(chart: Chart) -> None:
    assert "HbA1c" in chart.act("/drafts", code=HBA1C, reason="control")
    (draft,) = drafts(chart)
    page = words(chart.act(f"/drafts/{draft}/remove"))
    assert "HbA1c is no longer in the order session" in page
    assert drafts(chart) == []


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"code": "0"}, "Choose a medication or a test"),
        ({"code": METFORMIN, "amount": "-1"}, "number above 0"),
        ({"code": METFORMIN, "amount": "nan"}, "number above 0"),
        ({"code": METFORMIN, "days": "1e9"}, "number above 0, at most 366"),
        ({"code": METFORMIN, "how_often": "hourly"}, "Choose how often"),
        ({"code": METFORMIN, "reason": "x" * 201}, "Shorten the reason"),
        ({"renew": "sandbox-warfarin-warfarin"}, "no such order in this chart"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words(
    chart: Chart, form: dict[str, str], says: str
) -> None:
    assert says in words(chart.act("/drafts", **form))
    assert drafts(chart) == []


def field(chart: Chart, id: str) -> str:
    """A field of a form with its label and what is said of it."""
    found = re.search(rf'<div class="field[^>]*><label for="{id}".*?</div>', chart.page.text, re.S)
    assert found
    return found[0]


def test_what_was_written_is_still_there_beside_what_is_wrong(chart: Chart) -> None:
    given = {"code": METFORMIN, "amount": "lots", "days": "7", "reason": "sugar"}
    chart.act("/drafts", **given, how_often="once a day")
    assert "number above 0" in field(chart, "add-amount")
    assert 'value="lots"' in field(chart, "add-amount")
    assert 'aria-invalid="true" aria-describedby="wrong-amount"' in field(chart, "add-amount")
    assert f'value="{METFORMIN}" selected' in field(chart, "medication")
    assert "selected>once a day" in field(chart, "add-often")
    assert 'value="7"' in field(chart, "add-days")
    assert 'value="sugar"' in field(chart, "add-reason")
    assert 'value=""' in field(chart, "test-reason")
    assert 'value=""' in (chart.open("/orders") and field(chart, "add-amount"))


def test_a_change_that_is_wrong_is_put_right_where_it_was_written(chart: Chart) -> None:
    chart.act("/drafts", code=METFORMIN)
    (draft,) = drafts(chart)
    form = {"amount": "2", "how_often": "once a day", "days": "soon", "reason": ""}
    chart.act(f"/drafts/{draft}", **form)
    assert 'value="2"' in field(chart, "edit-amount")
    assert "number above 0" in field(chart, "edit-days")
    assert "wrong-days" not in field(chart, "add-days")


def test_the_notice_of_a_draft_says_what_came_of_it(chart: Chart, scripted: Scripted) -> None:
    scripted.offer("safety", "order-select", cards(card("Do not", "critical"), card("Hm", "info")))
    chart.ehr.cds.rediscover()
    page = chart.act("/drafts", code=METFORMIN)
    assert "Drafted. metformin 500 mg tablet is in the order session" in chart.said
    assert "Critical: Do not" in chart.said
    assert 'class="notice state sev-critical"' in page
    link = re.search(r'href="#(card-[^"]+)">Go to the card', page)
    assert link
    assert f'<h3 id="{link[1]}"' in page


def test_a_renewal_says_what_it_renews(chart: Chart) -> None:
    page = chart.open("/medications")
    assert 'value="sandbox-renal-metformin"' in page
    page = words(chart.act("/drafts", renew="sandbox-renal-metformin"))
    assert "renewal" in page
    # By the name that the catalogue has for it, not the one of the record.
    assert "metformin 500 mg tablet is in the order session" in page
    assert "metformin hydrochloride 500 MG Oral Tablet" not in page


def test_a_renewal_is_of_an_order_however_it_names_the_patient(chart: Chart) -> None:
    store = chart.ehr.fhir.store
    subject = {"reference": f"{chart.ehr.base}/Patient/sandbox-renal", "display": "Somebody"}
    order = {
        "resourceType": "MedicationRequest",
        "id": "from-elsewhere",
        "status": "active",
        "intent": "order",
        "subject": subject,
        "medicationCodeableConcept": {"text": "amlodipine 5 mg"},
    }
    store.create(order)
    assert 'value="from-elsewhere"' in chart.open("/medications")
    assert "amlodipine 5 mg is in the order session" in words(
        chart.act("/drafts", renew="from-elsewhere")
    )
    store.delete("MedicationRequest", "from-elsewhere")


def test_what_is_answered_is_one_line_and_no_open_card(chart: Chart, scripted: Scripted) -> None:
    said = card("Think", overrideReasons=REASONS, detail="A long story")
    scripted.offer("safety", "order-select", cards(said))
    chart.ehr.cds.rediscover()
    page = chart.act("/drafts", code=METFORMIN)
    assert "1 open card" in words(page)
    assert "A long story" in page
    (shown,) = chart.ids("/cards/", "/override")
    page = chart.act(f"/cards/{shown}/override", reason="0")
    row = next(each for each in re.findall("<tr>.*?</tr>", page, re.S) if "metformin" in each)
    assert "Warning, overridden" in words(row)
    page = chart.act("/sign")
    assert "0 open cards, 1 answered" in words(page)
    assert "A long story" not in page


def test_signing_waits_for_each_critical_card(chart: Chart, scripted: Scripted) -> None:
    scripted.offer("safety", "order-select", cards(*[card(f"{n}", "critical") for n in (1, 2)]))
    chart.ehr.cds.rediscover()
    chart.act("/drafts", code=METFORMIN)
    chart.act("/sign")
    assert "Signing waits: 2 critical cards need an answer" in chart.said


def test_what_was_not_checked_is_signed_by_a_second_press(chart: Chart, scripted: Scripted) -> None:
    scripted.offer("safety", "order-sign", Raw(500))
    chart.ehr.cds.rediscover()
    chart.act("/drafts", code="617310")
    chart.act("/sign")
    assert "safety did not check these orders" in chart.said
    assert "Not checked by safety. order-sign: It answered 500" in words(chart.page.text)
    chart.act("/sign")
    assert "Signed." in chart.said


def test_signing_makes_the_drafts_part_of_the_chart(chart: Chart) -> None:
    chart.act("/drafts", code="617310")
    assert "Signed." in words(chart.act("/sign"))
    assert drafts(chart) == []
    assert "atorvastatin 20 mg tablet" in chart.open("/medications")


def test_a_critical_card_holds_signing_until_it_is_overridden_with_a_reason(
    chart: Chart, scripted: Scripted
) -> None:
    grave = card("Do not", "critical", overrideReasons=REASONS)
    scripted.offer("safety", "order-select", cards(grave))
    chart.ehr.cds.rediscover()
    page = chart.act("/drafts", code=METFORMIN)
    assert "1 critical card needs an answer" in words(page)
    assert 'aria-disabled="true"' in page
    (shown,) = chart.ids("/cards/", "/override")
    page = chart.act(f"/cards/{shown}/override")
    assert "overridden with a reason or a comment" in words(page)
    assert f'aria-describedby="wrong-{shown}"' in page
    page = words(chart.act(f"/cards/{shown}/override", reason="0", comment="as <b>discussed</b>"))
    assert "Overridden" in page
    assert "Benefit outweighs risk; as <b>discussed</b>" in page
    assert "<b>discussed" not in chart.page.text
    assert "Feedback stored." in page
    (report,) = scripted.reports()
    assert report["card"] == grave["uuid"]
    assert report["outcome"] == "overridden"
    assert report["overrideReason"]["reason"]["code"] == "benefit"
    assert "Signed." in words(chart.act("/sign"))


def test_a_critical_card_holds_signing_while_another_draft_is_added(
    chart: Chart, scripted: Scripted
) -> None:
    def says(body: Any) -> Any:
        (selected,) = body["context"]["selections"]
        orders = [each["resource"] for each in body["context"]["draftOrders"]["entry"]]
        order = next(each for each in orders if selected.endswith(each["id"]))
        grave = METFORMIN in str(order["medicationCodeableConcept"])
        return cards(card("Do not", "critical")) if grave else cards()

    scripted.offer("safety", "order-select", says)
    chart.ehr.cds.rediscover()
    chart.act("/drafts", code=METFORMIN)
    page = words(chart.act("/drafts", code=IBUPROFEN))
    rows = [words(row) for row in re.findall("<tr>.*?</tr>", chart.page.text, re.S)]
    assert "Critical" in next(row for row in rows if "metformin" in row)
    assert "no card" in next(row for row in rows if "ibuprofen" in row)
    assert "1 critical card needs an answer" in page
    assert "Signing waits" in words(chart.act("/sign"))


def test_an_accepted_suggestion_changes_the_drafts(chart: Chart, scripted: Scripted) -> None:
    def says(body: dict) -> dict:  # type: ignore[type-arg]
        (entry,) = body["context"]["draftOrders"]["entry"]
        place = f"MedicationRequest/{entry['resource']['id']}"
        offer = suggestion(delete(place), label="Remove metformin", isRecommended=True)
        return cards(suggesting(offer, indicator="critical"))

    scripted.offer("safety", "order-select", says)
    chart.ehr.cds.rediscover()
    page = chart.act("/drafts", code=METFORMIN)
    assert 'class="little main"' in page
    assert page.count("Critical") > 1  # on the card and in the row of the draft
    (shown,) = chart.ids("/cards/", "/accept")
    visit = chart.ehr.visits.find(chart.base.rpartition("/")[2])
    assert visit
    offer = visit.cards[0].card.suggestions[0]
    page = words(chart.act(f"/cards/{shown}/accept", suggestion=offer.id))
    assert "Remove metformin" in page
    assert drafts(chart) == []
    (report,) = scripted.reports()
    assert report["acceptedSuggestions"] == [{"id": offer.uuid}]


def test_failed_feedback_is_said_and_sent_again(chart: Chart, scripted: Scripted) -> None:
    scripted.offer("safety", "order-select", cards(card("Think", overrideReasons=REASONS)))
    scripted.feedback = Raw(500)
    chart.ehr.cds.rediscover()
    chart.act("/drafts", code=METFORMIN)
    (shown,) = chart.ids("/cards/", "/override")
    assert "Feedback failed" in words(chart.act(f"/cards/{shown}/override", reason="0"))
    scripted.feedback = Raw(200)
    assert chart.ids("/cards/", "/report") == [shown]
    assert "Feedback stored." in words(chart.act(f"/cards/{shown}/report"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_page_does_nothing(chart: Chart, headers: dict[str, str]) -> None:
    url = f"{chart.ehr.origin}{chart.base}/drafts"
    assert send(url, {"code": METFORMIN}, headers).status == 403
    assert drafts(chart) == []
    before = chart.ehr.cds.settings
    url = f"{chart.ehr.origin}/settings"
    assert send(url, {"servers": "http://evil.example"}, headers).status == 403
    assert chart.ehr.cds.settings is before


def test_a_form_leads_to_pages_of_its_chart_only(chart: Chart) -> None:
    url = f"{chart.ehr.origin}{chart.base}/drafts"
    for to in ("https://evil.example", "//evil.example", "/settings", f"{chart.base}x", "a\r\nb"):
        reply = send(url, {"code": METFORMIN, "to": to})
        assert reply.headers["Location"] == chart.base


def test_the_catalogue_has_what_the_stories_order() -> None:
    from sandbox.desk.patients import stories

    wanted = {each.code for story in stories().values() for each in story.orders}
    assert len(stories()) == 24
    assert len(wanted) > 25
    assert {code for code in wanted if orders.catalogue().find(code) is None} == set()
