"""The chart on a page: nothing shown that is not known, nothing missing that is not said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clinical.finding import Indicator
from launch import overview
from launch.context import NotOpened, Opened, Reason
from launch.reader import Reader
from sandbox import faults
from sandbox.answer import Answer
from sandbox.faults import Fault
from sandbox.fhir import FhirServer
from store.shown import ShownCard
from tests.launch import charts
from tests.launch.made import ALL, NOW, TOKEN, Shown, flask_app, reader_of

SECTIONS = {
    "allergies": "AllergyIntolerance",
    "medications": "MedicationRequest",
    "laboratory": "Observation",
    "problems": "Condition",
    "vital-signs": "Observation",
}
FORM = overview.Form("/app/general.handle/", "form-token", charts.ID)


@pytest.fixture(scope="module")
def running() -> Iterator[FhirServer]:
    with FhirServer([charts.chart()], token=TOKEN) as server:
        yield server


@pytest.fixture
def server(running: FhirServer) -> FhirServer:
    running.clear()
    return running


def drawn(reader: Reader, opened: Opened | NotOpened | None = None) -> Shown:
    with flask_app():
        return Shown(*overview.page(reader.launch, reader, opened, FORM, NOW))


def shown(server: FhirServer, granted: str = ALL, **members: Any) -> Shown:
    return drawn(reader_of(server, granted, **members))


def chart_of(*records: charts.Json) -> Shown:
    """The page of a chart with these records beside the patient's."""
    with FhirServer([charts.bundle(charts.patient(), *records)]) as server:
        return shown(server, user=None)


def test_the_page_shows_the_chart(server: FhirServer) -> None:
    page = shown(server)
    assert page.status == 200
    assert page.section("problems") == (
        "Active problems 4 active, 1 past "
        "Chronic kidney disease, stage 3b 16 Jun 2025 "
        "Osteoarthritis of the knee date of recording, onset not known 11 Oct 2021 "
        "Type 2 diabetes mellitus 2014 "
        "Hypertension Apr 2012"
    )
    assert page.section("allergies") == (
        "Allergies 2 recorded "
        "Penicillin anaphylaxis, severe high risk 14 May 2009 "
        "Sulfonamide antibiotic reaction not recorded date not known"
    )
    assert page.section("medications") == (
        "Medications 4 current, 1 past "
        "naproxen 500 mg tablet dose not recorded on hold 01 Oct 2026 "
        "metformin 500 mg tablet 1 tablet twice daily with meals 02 Apr 2026 "
        "empagliflozin 10 mg tablet dose not recorded 11 Feb 2026 "
        "glipizide 5 mg tablet dose not recorded 18 Dec 2023"
    )
    assert page.section("laboratory") == (
        "Laboratory results newest of each test "
        "Laboratory results, newest of each test Test, range Value Unit Date "
        "Creatinine 0.5–1.1 1.9 mg/dL ↑ high 01 Oct 2026 "  # noqa: RUF001
        "Potassium 3.5–5.1 4.9 mmol/L 01 Oct 2026 "  # noqa: RUF001
        "Hemoglobin A1c no range sent 8.1 % ↑ high 26 May 2026 "
        "Platelets no range sent 1,234,567 /mL preliminary 26 May 2026 "
        "Urine culture no range sent No growth 01 Mar 2026 "
        "Vitamin D no range sent 21.44 ng/mL date not known"
    )
    assert page.section("vital-signs") == (
        "Vital signs newest of each test "
        "Vital signs, newest of each test Measurement Value Unit Date "
        "Blood pressure 152/86 mmHg 01 Oct 2026 Body weight 81.25 kg 01 Oct 2026"
    )


# --- whose chart it is -------------------------------------------------------------------------


@pytest.mark.req("SL-088", "T-17")
def test_the_banner_says_whose_chart_it_is(server: FhirServer) -> None:
    banner = shown(server).part("header", "patient")
    assert banner == "SAMPLE, Ruth Adelheid born 03 Mar 1956 70 years, female MRN TEST-0042"


@pytest.mark.req("SL-088")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"birthDate": "1961"}, "born 1961 (day not known) 64–65 years, female"),  # noqa: RUF001
        ({"birthDate": "1961-05"}, "born May 1961 (day not known) 65 years, female"),
        ({"birthDate": None}, "birth date not recorded female"),
        ({"birthDate": "2026-11-01"}, "born 01 Nov 2026 0 years"),
        ({"gender": None}, "70 years, sex not recorded"),
        ({"gender": "unknown"}, "70 years, sex unknown"),
        ({"gender": "female or so"}, "70 years, sex not recorded"),
        ({"identifier": []}, "no MRN sent"),
        ({"identifier": [{"type": {"coding": [{"code": "SS"}]}, "value": "9"}]}, "no MRN sent"),
        ({"identifier": [{"use": "old", "value": "9"}]}, "no MRN sent"),
        ({"identifier": [{"value": "A-17"}]}, "ID A-17"),
        ({"name": []}, "Name not recorded born"),
        ({"name": [{"text": "Ruth S."}]}, "Ruth S. born"),
        ({"name": [{"use": "old", "family": "Former"}]}, "Name not recorded born"),
        ({"deceasedBoolean": True}, "died, date not known female"),
        ({"deceasedDateTime": "2026-01-02"}, "died 02 Jan 2026 female"),
    ],
)
def test_the_banner_makes_nothing_up(changes: charts.Json, said: str) -> None:
    changed = charts.patient(**changes)
    patient = {name: value for name, value in changed.items() if value is not None}
    with FhirServer([charts.bundle(patient)]) as server:
        assert said in shown(server).part("header", "patient")


@pytest.mark.req("SL-060", "SL-088")
def test_without_a_banner_the_page_still_says_whose_it_is(server: FhirServer) -> None:
    page = shown(server, banner=False)
    assert page.part("header", "patient") == ""
    assert "SAMPLE, Ruth Adelheid , born 03 Mar 1956" in page.part("header", "head")


@pytest.mark.req("SL-088", "T-22")
def test_title_and_addresses_tell_nobody_who_it_is(server: FhirServer) -> None:
    page = shown(server)
    assert page.title == "RS – Chartside"  # noqa: RUF001
    for line in page.html.split("<"):
        for attribute in ("href=", "src=", "action="):
            if attribute in line:
                assert charts.ID not in line
                assert "Ruth" not in line
                assert "TEST-0042" not in line


@pytest.mark.req("T-21")
def test_no_token_and_no_private_number_reaches_the_page(server: FhirServer) -> None:
    page = shown(server)
    assert TOKEN not in page.html
    assert "999-00-0000" not in page.html
    assert "Former" not in page.html


@pytest.mark.req("SL-084", "T-20")
def test_the_form_carries_what_it_was_drawn_for(server: FhirServer) -> None:
    page = shown(server)
    assert '<form method="post" action="/app/general.handle/sign-out">' in page.html
    assert '<input type="hidden" name="form_token" value="form-token">' in page.html
    assert f'<input type="hidden" name="patient" value="{charts.ID}">' in page.html


@pytest.mark.req("SL-091", "SL-093")
def test_there_is_no_script_no_style_and_nothing_foreign_in_it(server: FhirServer) -> None:
    html = shown(server).html
    assert "<script" not in html
    assert "style=" not in html
    assert "<style" not in html
    assert "http" not in html.replace("http-equiv", "")


@pytest.mark.req("T-11")
def test_record_text_is_no_markup() -> None:
    bad = "<script>alert(1)</script>"
    page = chart_of(
        charts.problem("x1", bad),
        charts.allergy("x2", bad, reaction=[{"manifestation": [{"text": bad}]}]),
        charts.order("x3", bad, dosageInstruction=[{"text": bad}]),
        charts.result("x4", bad, "1", None, bad, "2026-01-01", valueString=bad),
        charts.result("x5", "Line\u202ebreak\r\n\x00", "2", 1, bad, "2026-01-01"),
    )
    assert "<script" not in page.html
    assert page.html.count("&lt;script&gt;") >= 6
    assert "\u202e" not in page.html


# --- who is signed in, and what was granted ----------------------------------------------------


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (("Practitioner", "ada"), "Signed in: Ada Example"),
        (("Practitioner", "nobody"), "Signed in: name not given by the EHR"),
        ("https://elsewhere.example/Practitioner/1", "Signed in: name not given by the EHR"),
        (None, "Signed in: user not identified by the EHR"),
    ],
)
def test_the_user_is_named_or_said_to_be_unknown(
    server: FhirServer, user: object, said: str
) -> None:
    assert said in shown(server, user=user).text


@pytest.mark.req("SL-056")
def test_what_was_granted_is_said_in_plain_words(server: FhirServer) -> None:
    page = shown(server, "patient/Patient.r patient/Condition.rs", user=None)
    granted = page.part("ul", "granted")
    assert granted == (
        "Who the patient is Allergies: not granted Medications: not granted "
        "Laboratory results: not granted Active problems Vital signs: not granted"
    )
    assert page.section("allergies") == (
        "Allergies Not permitted. This EHR did not grant allergies to this launch. They may exist."
    )


# --- sections that fail ------------------------------------------------------------------------

FAULTS: list[tuple[Fault, str]] = [
    (faults.Status(401), "Session over."),
    (faults.Status(403), "Not permitted."),
    (faults.Status(404), "Not found."),
    (faults.Status(410), "Removed."),
    (faults.Throttled(20), "EHR busy. This EHR asks to wait 20 seconds before the next try."),
    (faults.Status(429), "EHR busy. This EHR asks for fewer requests."),
    (faults.Status(500), "EHR error. This EHR reported an error of its own (500)."),
    (faults.Slow(3600), "No answer in 1 second."),
    (faults.NotJson(), "Not readable."),
    (faults.OtherPatient(), "Withheld. This EHR’s answer holds records of another patient"),  # noqa: RUF001
    (faults.ForeignReferences("elsewhere.example"), "Withheld."),
    (faults.Redirect("http://127.0.0.1:9/"), "Not followed."),
    (faults.Partial(), "Partial."),
    (faults.OutcomeEntry(), "Nothing to show."),
    (faults.Outcome(), "EHR error."),
    (faults.ForeignNext("http://127.0.0.1:9/"), "Partial. Only 1 page of"),
    (faults.Truncated(), "No connection."),
    (faults.Unreadable(), "Not all readable. 1 record could not be read."),
]


@pytest.mark.req("SL-108", "SL-109")
@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("type", dict.fromkeys(SECTIONS.values()))
def test_a_fault_is_explained_where_it_is_and_is_never_an_empty_list(
    server: FhirServer, type: str, fault: Fault, words: str
) -> None:
    server.plant(type, fault)
    page = shown(server, seconds=1.0 if isinstance(fault, faults.Slow) else 8.0)
    assert page.status == 200
    assert "None recorded" not in page.text
    assert "SAMPLE, Ruth Adelheid" in page.part("header", "patient")
    for name, other in SECTIONS.items():
        if other == type:
            assert words in page.section(name)
        else:
            assert 'class="state' not in page.section(name)
            assert "date" in page.section(name) or "2026" in page.section(name)


@pytest.mark.req("SL-109")
def test_none_recorded_is_said_where_the_ehr_answered_in_full() -> None:
    page = chart_of()
    for name in SECTIONS:
        assert "None recorded. The EHR answered with no entries at 15:05" in page.section(name)
    assert "no allergy, and no statement that there is none" in page.section("allergies")


@pytest.mark.req("SL-109")
def test_a_list_of_past_records_is_not_called_empty() -> None:
    page = chart_of(
        charts.problem("x1", "Bronchitis", "resolved"),
        charts.order("x2", "amoxicillin", "stopped"),
        charts.allergy("x3", "Latex", verificationStatus={"coding": [{"code": "refuted"}]}),
        charts.result("x4", "Sodium", "1", 140, "mmol/L", "2026-01-01", status="cancelled"),
    )
    for name in ("problems", "medications", "allergies"):
        assert "None active. 1 " in page.section(name)
        assert "in the record, none of them current" in page.section(name)
    assert "No result. 1 result" in page.section("laboratory")
    assert "Bronchitis" not in page.text


@pytest.mark.req("SL-109")
def test_unknown_words_for_a_status_hide_nothing() -> None:
    page = chart_of(
        charts.problem("x1", "Odd problem", "who-knows"),
        charts.order("x2", "Odd medicine", "who-knows"),
        charts.allergy("x3", "Odd allergy", "who-knows"),
        charts.result("x4", "Odd result", "1", 1, "g", "2026-01-01", status="who-knows"),
    )
    for word in ("problem", "medicine", "allergy", "result"):
        assert f"Odd {word}" in page.text


@pytest.mark.req("SL-108")
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (faults.Status(403), 502, "Not permitted. This EHR does not let you read"),
        (faults.Status(404), 502, "Not found."),
        (faults.Status(410), 502, "Removed."),
        (faults.Throttled(20), 503, "EHR busy."),
        (faults.Status(500), 502, "EHR error."),
        (faults.Slow(3600), 504, "No answer in 1 second."),
        (faults.NotJson(), 502, "Not readable."),
        (faults.Redirect("http://127.0.0.1:9/"), 502, "Not followed."),
    ],
    ids=lambda each: str(each)[:40],
)
def test_without_the_patient_record_there_is_no_chart(
    server: FhirServer, fault: Fault, status: int, words: str
) -> None:
    server.plant("Patient", fault)
    page = shown(server, seconds=1.0 if isinstance(fault, faults.Slow) else 8.0)
    assert page.status == status
    assert words in page.text
    assert "so nothing of the chart is shown" in page.text
    for told in ("Penicillin", "metformin", "SAMPLE", "Hypertension", "None recorded"):
        assert told not in page.html


# --- results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "row"),
    [
        ({"valueQuantity": {"value": 168.80253764416227, "unit": "cm"}}, "168.8 cm"),
        ({"valueQuantity": {"value": 0.0042, "unit": "ng/mL"}}, "0.0042 ng/mL"),
        ({"valueQuantity": {"value": 0.0000042, "unit": "ng/mL"}}, "0.0000042 ng/mL"),
        ({"valueQuantity": {"value": -3.5, "unit": "mmol/L"}}, "−3.5 mmol/L"),  # noqa: RUF001
        ({"valueQuantity": {"value": 5, "comparator": "<", "code": "mg/L"}}, "<5 mg/L"),
        ({"valueQuantity": {"value": 5, "comparator": ">=", "code": "mg/L"}}, "≥5 mg/L"),
        ({"valueInteger": 3}, "3"),
        ({"valueBoolean": False}, "no"),
        ({"valueCodeableConcept": {"text": "Positive"}}, "Positive"),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 64}}},
            "1 : 64",
        ),
        (
            {"valueRange": {"low": {"value": 1, "unit": "g"}, "high": {"value": 2, "unit": "g"}}},
            "1 g – 2 g",  # noqa: RUF001
        ),
        ({"dataAbsentReason": {"text": "haemolysed"}}, "not available: haemolysed"),
        ({}, "no value recorded"),
        (
            {"component": [{"code": {"text": "Colour"}, "valueString": "amber"}]},
            "Colour amber",
        ),
    ],
)
def test_values_are_shown_as_they_are(members: charts.Json, row: str) -> None:
    page = chart_of(charts.result("x", "Test", "1", None, "", "2026-01-02", **members))
    assert f"Test no range sent {row} 02 Jan 2026" in page.section("laboratory")


@pytest.mark.parametrize(
    ("members", "flag"),
    [
        ({"referenceRange": charts.between(1, 2, "g")}, "↑ high"),
        ({"referenceRange": charts.between(9, None, "g")}, "↓ low"),
        ({"referenceRange": charts.between(1, 9, "g")}, ""),
        ({"referenceRange": charts.between(1, 2, "mg")}, ""),
        ({"referenceRange": charts.between(1, 2, "g") * 2}, ""),
        ({"referenceRange": charts.between(1, 2, "g"), "interpretation": charts.flagged("N")}, ""),
        ({"interpretation": charts.flagged("LL")}, "↓↓ critically low"),
        ({"interpretation": [{"text": "Panic"}]}, "Panic"),
    ],
)
def test_high_and_low_are_the_laboratorys_word_or_its_range(
    members: charts.Json, flag: str
) -> None:
    page = chart_of(charts.result("x", "Test", "1", 5, "g", "2026-01-02", **members))
    section = page.section("laboratory")
    assert f"5 g {flag} 02 Jan 2026".replace("  ", " ") in section


def test_the_newest_result_of_a_test_is_the_one_that_counts() -> None:
    page = chart_of(
        charts.result("a", "Test", "1", 1, "g", "2025-01-02"),
        charts.result("b", "Test", "1", 2, "g", "2026-01-02T08:00:00Z", status="preliminary"),
        charts.result("c", "Test", "1", 3, "g", "2026-01-02T08:00:00Z"),
        charts.result("d", "Test", "1", 4, "g", None),
    )
    section = page.section("laboratory")
    assert "3 g 02 Jan 2026" in section
    assert section.count("Test no range sent") == 1


def test_many_tests_are_a_click_away() -> None:
    tests = [
        charts.result(f"x{n}", f"Test {n:02d}", str(n), n, "g", f"2026-01-{n + 1:02d}")
        for n in range(20)
    ]
    section = chart_of(*tests).section("laboratory")
    assert "8 more tests" in section
    assert all(f"Test {n:02d}" in section for n in range(20))


def test_a_part_of_the_results_is_not_called_all(server: FhirServer) -> None:
    class Cut(Fault):
        def change(self, answer: Answer) -> Answer:
            page = answer.resource
            return answer.carrying({**page, "total": page["total"] + 40})

    server.plant("Observation", Cut())
    section = shown(server).section("laboratory")
    assert "newest of each test that arrived" in section
    assert "This EHR counts 40 more laboratory results than it sent" in section


# --- from a card -------------------------------------------------------------------------------


def card(indicator: Indicator, drug: str | None, hook: str) -> Opened:
    return Opened(
        ShownCard(
            card="c",
            ehr_id="general",
            at=NOW,
            patient_hash="p",
            service="s",
            hook=hook,
            rule="r",
            indicator=indicator,
            drug=drug,
            severity=None,
        ),
        None,
    )


@pytest.mark.req("SL-064")
@pytest.mark.parametrize(
    ("opened", "said"),
    [
        (
            card("critical", "metformin", "order-sign"),
            "Opened from a card. Critical about metformin, shown on 24 Nov 2026 at 15:05 "
            "when orders were signed.",
        ),
        (
            card("info", None, "patient-view"),
            "Opened from a card. Information, shown on 24 Nov 2026 at 15:05 "
            "when the chart was opened.",
        ),
    ],
)
def test_a_card_that_was_opened_is_named(server: FhirServer, opened: Opened, said: str) -> None:
    page = drawn(reader_of(server), opened)
    assert said in page.text


@pytest.mark.req("SL-064")
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("malformed", "no card of Chartside"),
        ("unknown", "Chartside has no such card"),
        ("foreign", "not shown in this EHR"),
        ("other-patient", "not shown for this patient"),
        ("too-old", "more than 24 hours ago"),
        ("unavailable", "own store did not answer"),
    ],
)
def test_a_card_that_could_not_be_opened_says_why_and_the_chart_is_there(
    server: FhirServer, reason: Reason, said: str
) -> None:
    page = drawn(reader_of(server), NotOpened(reason))
    assert "The card could not be opened." in page.text
    assert said in page.text
    assert "Penicillin" in page.section("allergies")


def test_without_a_card_there_is_no_word_of_one(server: FhirServer) -> None:
    assert "card" not in shown(server).text
