"""The chart on a page: nothing shown that is not known, nothing missing that is not said."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from clinical.checks.metformin_cards import MONITOR, RULE
from clinical.finding import Indicator
from launch import cards, overview
from launch.context import NotOpened, Opened, Reason
from launch.reader import Reader
from sandbox.fhir.server import FhirServer
from sandbox.http import faults
from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from store.shown import ShownCard
from tests.launch import charts
from tests.launch.made import ALL, NOW, TOKEN, Shown, flask_app, reader_of

FORM = overview.Form("/app/general.handle/", "form-token", charts.ID)


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
        "Medications 4 listed, 1 past "
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
        "Vitamin D no range sent 21.44444 ng/mL date not known"
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
    assert banner == "Sample, Ruth Adelheid born 03 Mar 1956 70 years, female MRN TEST-0042"


@pytest.mark.req("SL-088")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"birthDate": "1961"}, "born 1961 (day and month not known) 64–65 years, female"),  # noqa: RUF001
        ({"birthDate": "1961-05"}, "born May 1961 (day not known) 65 years, female"),
        ({"birthDate": None}, "birth date not recorded female"),
        ({"birthDate": "2026-11-01"}, "born 01 Nov 2026 23 days"),
        ({"birthDate": "2026-11-23"}, "born 23 Nov 2026 1 day,"),
        ({"birthDate": "2026-10-24"}, "born 24 Oct 2026 1 month,"),
        ({"birthDate": "2024-11-25"}, "born 25 Nov 2024 23 months,"),
        ({"birthDate": "2024-11-24"}, "born 24 Nov 2024 2 years,"),
        ({"active": False}, "this record is not in use"),
        (
            {"link": [{"type": "replaced-by", "other": {"reference": "Patient/x"}}]},
            "this record was replaced by another",
        ),
        (
            {"identifier": [{"type": {"text": "Social Security Number"}, "value": "9"}]},
            "no MRN sent",
        ),
        (
            {
                "name": [
                    {"use": "official", "family": "Old", "period": {"end": "2010"}},
                    {"use": "official", "family": "MacNew", "given": ["A"], "suffix": ["Jr"]},
                ]
            },
            "MacNew, A Jr born",
        ),
        ({"name": [{"family": "Only", "period": {"end": "2010"}}]}, "Only born"),
        (
            {
                "name": [
                    {"use": "official", "family": "Next", "period": {"start": "2027"}},
                    {"use": "usual", "family": "Now", "period": {"start": "2026"}},
                ]
            },
            "Now born",
        ),
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
    head = page.part("header", "head")
    assert "Sample, Ruth Adelheid , born 03 Mar 1956 , 70 years, female, MRN TEST-0042" in head


def test_without_a_banner_a_death_is_said_too() -> None:
    died = charts.patient(deceasedDateTime="2026-02-01")
    with FhirServer([charts.bundle(died)]) as server:
        head = shown(server, user=None, banner=False).part("header", "head")
    assert "female, MRN TEST-0042, died 01 Feb 2026" in head


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
    # The one script is a file of ours.
    assert html.replace('<script src="/static/fresh.js">', "").count("<script") == 0
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
    assert "<script>" not in page.html
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
@pytest.mark.parametrize("type", dict.fromkeys(charts.SECTIONS.values()))
def test_a_fault_is_explained_where_it_is_and_is_never_an_empty_list(
    server: FhirServer, type: str, fault: Fault, words: str
) -> None:
    server.plant(type, fault)
    page = shown(server, seconds=1.0 if isinstance(fault, faults.Slow) else 8.0)
    assert page.status == 200
    assert "None recorded" not in page.text
    assert "Sample, Ruth Adelheid" in page.part("header", "patient")
    for name, other in charts.SECTIONS.items():
        if other == type:
            assert words in page.section(name)
        else:
            assert 'class="state' not in page.section(name)
            assert "date" in page.section(name) or "2026" in page.section(name)


@pytest.mark.req("SL-109")
def test_none_recorded_is_said_where_the_ehr_answered_in_full() -> None:
    page = chart_of()
    for name in charts.SECTIONS:
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
    for name, said in {
        "problems": "1 problem in the record is past.",
        "medications": "1 order in the record is past.",
        "allergies": "1 allergy in the record is refuted or entered in error.",
    }.items():
        assert page.section(name).endswith(f"None active. {said}")
    assert page.section("laboratory").endswith(
        "No result. 1 result in the record is awaited, cancelled or entered in error."
    )
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
        (faults.Unreadable(), 502, "Not readable."),
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
    assert "no the" not in page.text
    assert re.search(r"Reference [0-9a-f]{16}\b", page.text)
    assert "so nothing of the chart is shown" in page.text
    for told in ("Penicillin", "metformin", "Sample", "Hypertension", "None recorded"):
        assert told not in page.html


_LONG = f"Resistant to {'much, ' * 40}not to meropenem"


def ranged(**more: Any) -> list[charts.Json]:
    return [{**charts.between(1, 2, "g")[0], **more}]


# --- results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "row"),
    [
        ({"valueQuantity": {"value": 168.80253764416227, "unit": "cm"}}, "168.80253764416227 cm"),
        ({"valueQuantity": {"value": 1.005}}, "1.005"),
        ({"valueQuantity": {"value": 7.345, "unit": "pH"}}, "7.345 pH"),
        ({"valueQuantity": {"value": 1234.5, "unit": "U/L"}}, "1,234.5 U/L"),
        ({"valueQuantity": {"value": 0.00045, "unit": "g"}}, "0.00045 g"),
        ({"valueQuantity": {"value": 1e300, "unit": "g"}}, "1E+300 g"),
        ({"valueInteger": 123456}, "123,456"),
        ({"valueDateTime": "2026-01-02T03:04:05Z"}, "02 Jan 2026, 04:04"),
        ({"valuePeriod": {"start": "2026-01"}}, "Jan 2026 – ?"),  # noqa: RUF001
        ({"valueSampledData": {"dimensions": 1}}, "a curve, not shown here"),
        ({"valueString": f"Resistant to {'much, ' * 40}not to meropenem"}, _LONG),
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
        ({"referenceRange": ranged(appliesTo=[{"text": "children"}])}, ""),
        ({"referenceRange": ranged(age={"high": {"value": 1, "unit": "a"}})}, ""),
        ({"referenceRange": ranged(type={"text": "therapeutic"})}, ""),
        ({"referenceRange": ranged(type={"coding": [{"code": "normal"}]})}, "↑ high"),
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


@pytest.mark.parametrize(
    ("code", "word", "alarm"),
    [
        ("NEG", "negative", False),
        ("S", "susceptible", False),
        ("A", "abnormal", True),
        ("H", "↑ high", True),
    ],
)
def test_a_negative_result_is_told_and_is_no_alarm(code: str, word: str, alarm: bool) -> None:
    said = charts.flagged(code)
    page = chart_of(charts.result("x", "Test", "1", 5, "g", "2026-01-02", interpretation=said))
    assert f'<span class="{"flag" if alarm else "tag"}">{word}</span>' in page.html
    assert ('class="flag"' in page.html) == alarm


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


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        ("7.40", "7.35", "7.45", "7.35–7.45 7.40 g 02"),  # noqa: RUF001
        ("1.005", "1.010", "1.030", "1.010–1.030 1.005 g ↓ low 02"),  # noqa: RUF001
        ("7.4500000001", "7.350", "7.45", "7.350–7.45 7.4500000001 g ↑ high 02"),  # noqa: RUF001
        ("2.50e1", "0", "25", "0–25 25.0 g 02"),  # noqa: RUF001
    ],
)
def test_every_digit_of_the_record_is_shown_and_compared(
    value: str, low: str, high: str, said: str
) -> None:
    text = (
        '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", '
        f'"id": "o", "status": "final", "subject": {{"reference": "Patient/{charts.ID}"}}, '
        '"code": {"text": "Test"}, "effectiveDateTime": "2026-01-02", '
        f'"valueQuantity": {{"value": {value}, "unit": "g"}}, '
        f'"referenceRange": [{{"low": {{"value": {low}, "unit": "g"}}, '
        f'"high": {{"value": {high}, "unit": "g"}}}}]}}}}]}}'
    )

    class Written(Fault):
        """The answer in this text: to parse and to write a number would change it."""

        def change(self, answer: Answer) -> Answer:
            return replace(answer, body=text.encode())

    with FhirServer([charts.bundle(charts.patient())]) as server:
        server.plant("Observation", Written())
        assert f"Test {said}" in shown(server, user=None).section("laboratory")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "many"])
def test_a_value_that_is_no_number_is_said_not_to_be_readable(value: str) -> None:
    page = chart_of(charts.result("x", "Test", "1", value, "g", "2026-01-02"))
    assert "1 record could not be read" in page.section("laboratory")


def test_a_range_says_whom_it_is_for() -> None:
    ranges = [
        *ranged(appliesTo=[{"text": "female"}]),
        *ranged(appliesTo=[{"text": "male"}], low={"value": 3}, high={"value": 4}),
        *ranged(age={"high": {"value": 1, "unit": "a"}}),
        *ranged(type={"text": "therapeutic"}) * 3,
    ]
    page = chart_of(charts.result("x", "Test", "1", 1, "g", "2026-01-02", referenceRange=ranges))
    assert (
        "Test female: 1–2; male: 3–4; age ≤ 1 a: 1–2; therapeutic: 1–2; and 2 more 1 g"  # noqa: RUF001
    ) in page.section("laboratory")


def test_a_remark_on_a_result_is_shown_beside_it() -> None:
    note = [{"text": "specimen haemolysed"}]
    page = chart_of(charts.result("x", "Test", "1", 1, "g", "2026-01-02", note=note))
    assert "Test no range sent Note: specimen haemolysed 1 g" in page.section("laboratory")


@pytest.mark.parametrize(
    ("on", "said"), [("2026", "2026"), ("2027-01-01", "date to come 01 Jan 2027")]
)
def test_a_day_that_is_not_sure_hides_no_other_result(on: str, said: str) -> None:
    section = chart_of(
        charts.result("a", "Test", "1", 1, "g", on),
        charts.result("b", "Test", "1", 2, "g", "2026-03-01"),
        charts.result("c", "Test", "1", 3, "g", "2026-02-01"),
    ).section("laboratory")
    assert f"1 g {said}" in section
    assert "2 g 01 Mar 2026" in section
    assert "3 g" not in section


def test_a_local_code_makes_no_other_test() -> None:
    local = charts.result("b", "Test", "1", 2, "g", "2026-01-03")
    local["code"]["coding"].insert(0, {"system": "local", "code": "T"})
    older = charts.result("a", "Test", "1", 1, "g", "2026-01-02")
    section = chart_of(older, local).section("laboratory")
    assert "2 g" in section
    assert "1 g" not in section


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


@pytest.mark.parametrize(
    ("type", "reason"),
    [
        ("Patient", "patient record unread: forbidden"),
        ("AllergyIntolerance", "not read: allergies forbidden"),
    ],
)
def test_the_log_tells_what_was_not_read_and_why(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch, type: str, reason: str
) -> None:
    noted: list[dict[str, str]] = []
    monkeypatch.setattr(overview, "note", lambda **values: noted.append(values))
    server.plant(type, faults.Status(403))
    shown(server)
    assert noted == [{"reason": reason}]


# --- lists -------------------------------------------------------------------------------------


NOT_TOLD = "dose not shown here, see the order"
QD = {"code": {"coding": [{"code": "QD"}]}}


def amount(**quantity: Any) -> charts.Json:
    return {"doseAndRate": [{"doseQuantity": quantity}]}


MG_5 = amount(value=5, unit="mg") | {"timing": QD}


@pytest.mark.parametrize(
    ("doses", "said"),
    [
        ([amount(value=5)], NOT_TOLD),
        ([{"sequence": 2, "text": "one"}, {"sequence": 1, "text": "two"}], "two then: one"),
        ([{"sequence": 1, "text": "one"}, {"sequence": 1, "text": "two"}], "one two"),
        ([{"text": "one"}, {"text": "two"}], "one two"),
        (
            [{"sequence": 2, "text": "b"}, {"sequence": 1, "text": "a"}, {"text": "c"}],
            "a then: b c",
        ),
        (
            [{"sequence": 2, **MG_5}, {"sequence": 1, "text": "first"}],
            "first then: 5 mg, once a day",
        ),
        ([amount(value=5.0, unit="mg") | {"timing": QD}], "5 mg, once a day"),
        (
            [
                amount(value=500, unit="mg")
                | {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}
            ],
            "500 mg, 2 times a day",
        ),
        (
            [
                amount(value=10, code="U")
                | {"timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}}
            ],
            "10 units, once every 8 hours",
        ),
        ([amount(value=5, unit="mg")], "5 mg; see the order for the rest"),
        ([amount(value=5, unit="mg", comparator="<") | {"timing": QD}], NOT_TOLD),
        ([amount(value=0, unit="mg") | {"timing": QD}], NOT_TOLD),
        ([{"timing": QD}], NOT_TOLD),
        ([{"patientInstruction": "1 tablet a day"}], "1 tablet a day"),
        ([MG_5 | {"patientInstruction": "with food"}], "5 mg, once a day; with food"),
        ([{"doseAndRate": MG_5["doseAndRate"] * 2, "timing": QD}], NOT_TOLD),
        ([MG_5 | {"modifierExtension": [{"url": "x", "valueBoolean": True}]}], NOT_TOLD),
        (
            [MG_5 | {"maxDosePerPeriod": {"numerator": {"value": 3}}}],
            "5 mg, once a day; see the order for the rest",
        ),
        (
            [MG_5 | {"timing": {**QD, "repeat": {"boundsDuration": {"value": 7, "code": "d"}}}}],
            "5 mg, once a day; see the order for the rest",
        ),
        (
            [MG_5 | {"route": {"text": "oral"}, "asNeededCodeableConcept": {"text": "pain"}}],
            "5 mg, oral, once a day, as needed for pain",
        ),
        (
            [
                {
                    "doseAndRate": [
                        {
                            "doseRange": {
                                "low": {"value": 5, "unit": "mg"},
                                "high": {"value": 10, "unit": "mg"},
                            }
                        }
                    ],
                    "timing": {"code": {"text": "at bedtime"}},
                    "asNeededBoolean": True,
                }
            ],
            "5 mg to 10 mg, at bedtime, as needed",
        ),
        ([{"text": f"{'units ' * 60}at most 10"}], f"{'units ' * 60}at most 10"),
        ([], "dose not recorded"),
    ],
)
def test_doses_are_those_of_the_order(doses: list[charts.Json], said: str) -> None:
    page = chart_of(charts.order("x", "Medicine", dosageInstruction=doses))
    assert page.section("medications") == f"Medications 1 listed Medicine {said} date not known"


def doubt(code: str) -> charts.Json:
    return {"verificationStatus": {"coding": [{"code": code}]}}


def test_what_never_was_is_not_called_past() -> None:
    page = chart_of(
        charts.problem("x1", "Live"),
        charts.problem("x2", "Over", "resolved"),
        charts.problem("x3", "Refuted", **doubt("refuted")),
        charts.problem("x4", "Mistake", **doubt("entered-in-error")),
        charts.order("x5", "Live"),
        charts.order("x6", "Over", "completed"),
        charts.order("x7", "Idea", intent="proposal"),
        charts.order("x8", "Mistake", "entered-in-error"),
        charts.allergy("x9", "Mistake", **doubt("entered-in-error")),
    )
    assert page.section("problems").startswith("Active problems 1 active, 1 past, 2 not counted ")
    assert page.section("medications").startswith("Medications 1 listed, 1 past, 2 not counted ")
    assert page.section("allergies") == (
        "Allergies None active. 1 allergy in the record is refuted or entered in error."
    )


@pytest.mark.parametrize(
    "ended",
    [
        {"abatementAge": {"value": 40, "unit": "a"}},
        {"abatementPeriod": {"end": "2019"}},
        {"abatementString": "long ago"},
    ],
)
def test_a_problem_that_ended_without_a_status_is_past(ended: charts.Json) -> None:
    page = chart_of(charts.problem("x", "Ended", clinicalStatus=None, **ended))
    assert "Ended" not in page.section("problems")
    page = chart_of(charts.problem("x", "Ended", **ended))
    assert "Ended" in page.section("problems")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (
            {"criticality": "high", **doubt("unconfirmed")},
            "reaction not recorded high risk, unconf",
        ),
        ({"reaction": [{"description": "whole-body rash"}]}, "Egg whole-body rash date"),
        ({"code": None, "reaction": [{"substance": {"text": "Yolk"}}]}, "Yolk reaction not"),
        (
            {"onsetString": "childhood", "recordedDate": "2020"},
            "since childhood date of recording 2020",
        ),
        ({"recordedDate": "2020"}, "date of recording, onset not known 2020"),
        ({"onsetAge": {"value": 4, "unit": "years"}}, "since the age of 4 years date not known"),
    ],
)
def test_an_allergy_keeps_what_is_known_of_it(members: charts.Json, said: str) -> None:
    assert said in chart_of(charts.allergy("x", "Egg", **members)).section("allergies")


def test_no_known_allergy_is_none() -> None:
    none = {"coding": [{"code": "716186003", "display": "No known allergy (situation)"}]}
    page = chart_of(charts.allergy("x", "", code=none, recordedDate="2020"))
    assert page.section("allergies") == "Allergies No known allergy (situation) 2020"


# --- from a card -------------------------------------------------------------------------------


def card(indicator: Indicator, drug: str | None, hook: str, rule: str = "r") -> Opened:
    return Opened(
        ShownCard(
            card="c",
            ehr_id="general",
            at=NOW,
            patient_hash="p",
            service="s",
            hook=hook,
            rule=rule,
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
            card("info", None, "patient-view", "dm.a1c-overdue"),
            "Opened from a card. Information about HbA1c that may be due, shown on 24 Nov 2026",
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


@pytest.mark.parametrize(
    "rule",
    [
        "dm.a1c-uncontrolled",
        "dm.a1c-overdue",
        f"{RULE}.contraindicated",
        f"{RULE}.esrd",
        f"{RULE}.continue-review",
        f"{RULE}.start",
        MONITOR,
    ],
)
def test_a_card_is_named_by_what_its_rule_is_about(rule: str) -> None:
    said = cards.notice(card("info", "a drug", "patient-view", rule), UTC).text
    assert said.startswith("Information about ")
    assert "a drug" not in said


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
