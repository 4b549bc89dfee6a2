"""The patient list and the record's tabs."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.pages.words import person, quantity
from tests.sandbox.apps import send
from tests.sandbox.desk.conftest import Chart, opened, words


@pytest.fixture
def quiet(ehr: DevelopmentEhr) -> DevelopmentEhr:
    """No CDS server is asked."""
    ehr.cds.settings = CdsSettings(servers=())
    return ehr


def listed(ehr: DevelopmentEhr, query: str = "") -> list[str]:
    page = send(f"{ehr.origin}/{query}")
    assert page.status == 200
    return re.findall(r'href="/patients/([\w-]+)"', page.text)


def test_everybody_in_use_is_listed_with_the_story(quiet: DevelopmentEhr) -> None:
    page = send(f"{quiet.origin}/").text
    assert len(listed(quiet)) == 24
    assert "sandbox-awkward-old" not in listed(quiet)
    assert "sandbox-awkward-old" in listed(quiet, "?inactive=1")
    assert "Nobody has stopped her metformin" in page
    # By family name, as lists of patients are.
    names = re.findall(r"<h3><a [^>]+>(.+?)</a>", page.partition('id="found"')[2])
    assert names == sorted(names, key=str.casefold)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("rena", ["sandbox-renal"]),
        ("SANDBOX, Rena", ["sandbox-renal"]),
        ("sandbox-renal", ["sandbox-renal"]),
        ("anaphylaxis", ["sandbox-penicillin"]),
        ("yildizhan", ["sandbox-awkward-old"]),
        ("<script>", []),
    ],
)
def test_a_search_looks_at_names_ids_and_stories(
    quiet: DevelopmentEhr, asked: str, found: list[str]
) -> None:
    everybody = listed(quiet, f"?inactive=1&q={asked.replace(' ', '+')}")
    assert set(found) <= set(everybody)
    if not found:
        assert everybody == []
        assert "<script>" not in send(f"{quiet.origin}/?q={asked}").text
    else:
        assert len(everybody) < 6


def test_a_chart_tells_whose_it_is_in_no_title_and_no_address(quiet: DevelopmentEhr) -> None:
    chart = opened(quiet)
    for path in ("", "/problems", "/results", "/orders"):
        page = chart.open(path)
        assert "<h1>SANDBOX, Rena</h1>" in page
        title = re.search("<title>(.+?)</title>", page)
        assert title
        assert "Rena" not in title[1]
        assert "SANDBOX" not in title[1]
    assert re.fullmatch(r"/visits/[\w-]{32}", chart.base)


def test_charts_that_are_open_are_listed_with_their_drafts(quiet: DevelopmentEhr) -> None:
    chart = opened(quiet)
    chart.act("/drafts", code="861007")
    page = send(f"{quiet.origin}/").text
    found = re.search(rf'<li>(?:(?!<li>).)*href="{chart.base}".*?</li>', page, re.S)
    assert found
    assert "SANDBOX, Rena" in words(found[0])
    assert "1 draft, not signed" in words(found[0])
    assert "by SANDBOX, Ada" in words(found[0])


def test_a_chart_is_opened_by_who_is_signed_in(quiet: DevelopmentEhr) -> None:
    reply = send(f"{quiet.origin}/user", {"user": "Practitioner/sandbox-ben"})
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    cookie = {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}
    page = send(f"{quiet.origin}/", headers=cookie).text
    assert '<option value="Practitioner/sandbox-ben" selected>' in page
    for headers, user in ((cookie, "ben"), ({}, "ada")):
        place = send(f"{quiet.origin}/patients/sandbox-well", headers=headers).headers["Location"]
        visit = quiet.visits.find(place.rpartition("/")[2])
        assert visit
        assert visit.user == f"Practitioner/sandbox-{user}"


@pytest.mark.parametrize("user", ["", "Practitioner/nobody", "Patient/sandbox-renal"])
def test_nobody_else_signs_in(quiet: DevelopmentEhr, user: str) -> None:
    reply = send(f"{quiet.origin}/user", {"user": user})
    assert reply.status == 404
    assert "Set-Cookie" not in reply.headers
    foreign = {"Sec-Fetch-Site": "cross-site"}
    form = {"user": "Practitioner/sandbox-ben"}
    assert send(f"{quiet.origin}/user", form, foreign).status == 403


@pytest.mark.parametrize(
    ("patient", "tab", "told"),
    [
        ("sandbox-renal", "problems", "Chronic kidney disease, stage 4"),
        ("sandbox-renal", "medications", "1 tablet twice a day with meals"),
        ("sandbox-penicillin", "allergies", "naphyla"),
        ("sandbox-renal", "results", "1.9 mg/dL high"),
        ("sandbox-pressure", "results?category=vital-signs", "158/96 mmHg"),
        ("sandbox-appointments", "appointments", "missed"),
        ("sandbox-awkward", "allergies", "refuted"),
    ],
)
def test_each_tab_tells_the_record(
    quiet: DevelopmentEhr, patient: str, tab: str, told: str
) -> None:
    assert told in words(opened(quiet, patient).open(f"/{tab}"))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"birthDate": "1922-06-01", "deceasedDateTime": "1985-01-28"}, "62 years at death, male"),
        ({"birthDate": "1922-06-01", "deceasedBoolean": True}, "male"),
        ({"birthDate": "2999-06-01"}, "male"),
        ({"birthDate": "1922-06-01", "deceasedDateTime": "soon"}, "male"),
        ({"birthDate": "1922-06-01"}, "104 years, male"),
    ],
)
def test_an_age_is_of_the_living(members: dict[str, Any], told: str) -> None:
    patient = {"resourceType": "Patient", "id": "p", "gender": "male", **members}
    assert person(patient, date(2026, 11, 24)).age_and_sex == told


@pytest.mark.parametrize(
    ("clinical", "verification", "is_there"),
    [
        ("active", "provisional", True),
        ("active", "differential", True),
        ("resolved", "provisional", False),
        ("active", "refuted", False),
    ],
)
def test_a_problem_that_is_not_confirmed_is_a_problem(
    quiet: DevelopmentEhr, clinical: str, verification: str, is_there: bool
) -> None:
    kept = quiet.fhir.store.create(
        {
            "resourceType": "Condition",
            "subject": {"reference": "Patient/sandbox-well"},
            "code": {"text": "Gout"},
            "clinicalStatus": {"coding": [{"code": clinical}]},
            "verificationStatus": {"coding": [{"code": verification}]},
        }
    )
    chart = opened(quiet, "sandbox-well")
    assert ("Gout" in chart.page.text) == is_there
    assert verification in words(chart.open("/problems"))
    quiet.fhir.store.delete("Condition", kept["id"])


def test_what_was_entered_in_error_is_struck_through(quiet: DevelopmentEhr) -> None:
    page = opened(quiet, "sandbox-awkward").open("/results")
    rows = [row for row in re.findall(r"<tr.*?</tr>", page, re.S) if "12.9" in row]
    assert len(rows) == 1
    assert "<s>12.9</s>" in rows[0]
    assert "entered in error" in rows[0]


def test_an_appointment_is_found_however_it_names_the_patient(quiet: DevelopmentEhr) -> None:
    actor = {"reference": f"{quiet.base}/Patient/sandbox-well", "display": "Somebody"}
    kept = quiet.fhir.store.create(
        {
            "resourceType": "Appointment",
            "status": "booked",
            "description": "Blood pressure check",
            "participant": [{"actor": actor, "status": "accepted"}],
        }
    )
    assert "Blood pressure check" in opened(quiet, "sandbox-well").open("/appointments")
    quiet.fhir.store.delete("Appointment", kept["id"])


@pytest.fixture
def many(quiet: DevelopmentEhr) -> Iterator[Chart]:
    """A chart with a thousand results."""
    patient = {"resourceType": "Patient", "id": "many", "name": [{"text": "Many"}]}
    quiet.fhir.store.create(patient)
    for number in range(1000):
        quiet.fhir.store.create(
            {
                "resourceType": "Observation",
                "id": f"many-{number}",
                "status": "final",
                "subject": {"reference": "Patient/many"},
                "code": {"text": "Sodium"},
                "effectiveDateTime": f"20{number // 50:02}-01-{number % 28 + 1:02}",
                "valueQuantity": {"value": 140, "unit": "mmol/L"},
            }
        )
    yield opened(quiet, "many")
    for number in range(1000):
        quiet.fhir.store.delete("Observation", f"many-{number}")
    quiet.fhir.store.delete("Patient", "many")


def test_of_a_thousand_results_the_newest_are_shown_first(many: Chart) -> None:
    page = many.open("/results")
    assert page.count("Sodium") == 50
    assert "Show all 1,000" in page
    assert many.open("/results?all=1").count("Sodium") == 1000


ODD: list[dict[str, Any]] = [
    {"resourceType": "Observation", "valueQuantity": "5", "code": ["x"], "category": "lab"},
    {"resourceType": "Observation", "component": [None, 3], "referenceRange": [{"low": 1}]},
    {"resourceType": "Observation", "effectivePeriod": [], "interpretation": {"coding": "H"}},
    {"resourceType": "Condition", "code": None, "clinicalStatus": "active", "onsetPeriod": 4},
    {"resourceType": "AllergyIntolerance", "reaction": [{"manifestation": "x"}], "code": 5},
    {"resourceType": "MedicationRequest", "medicationReference": "x", "dosageInstruction": {}},
    {"resourceType": "MedicationRequest", "medicationCodeableConcept": "metformin"},
    {"resourceType": "Appointment", "participant": [{"actor": 3}], "start": 7},
    {"resourceType": "Encounter", "class": [], "period": "2026", "type": 3},
    {"resourceType": "Immunization", "vaccineCode": [], "occurrenceDateTime": "soon"},
]


def test_a_record_with_wrong_types_is_still_shown(quiet: DevelopmentEhr) -> None:
    store = quiet.fhir.store
    own = {"reference": "Patient/sandbox-well"}
    made = [store.create({**each, "subject": own, "patient": own}) for each in ODD]
    try:
        chart = opened(quiet, "sandbox-well")
        for tab in ("", "/problems", "/medications", "/allergies", "/results", "/appointments"):
            chart.open(tab)
        chart.open("/orders")
    finally:
        for each in made:
            store.delete(each["resourceType"], each["id"])


@pytest.mark.parametrize("path", ["/patients/nobody", "/visits/none", "/visits/none/orders"])
def test_what_there_is_not_is_said_in_words(quiet: DevelopmentEhr, path: str) -> None:
    page = send(quiet.origin + path)
    assert page.status == 404
    assert "patient list" in page.text


@pytest.mark.parametrize(
    ("told", "unit", "shown"),
    [
        (84.74548816597073, "mg/dL", ("84.75", "mg/dL")),
        (0.0034567891, "ng/mL", ("0.003457", "ng/mL")),
        (1.0625, "1", ("1.0625", "1")),
        (12.5, "10*3/uL", ("12.5", "10³/uL")),
        (38, "mL/min/{1.73_m2}", ("38", "mL/min/1.73 m²")),
        (152, "mm[Hg]", ("152", "mmHg")),
        (0.0, "{score}", ("0.0", "score")),
        (37.1, "Cel", ("37.1", "°C")),
    ],
)
def test_a_value_and_its_unit_are_written_to_be_read(
    told: float, unit: str, shown: tuple[str, str]
) -> None:
    assert quantity({"value": told, "unit": unit}) == shown


def test_what_was_rounded_is_still_there(quiet: DevelopmentEhr) -> None:
    kept = _measured(quiet, "Glucose", 84.74548816597073, "2026-01-02")
    page = opened(quiet, "sandbox-well").open("/results")
    assert '<b title="84.74548816597073">84.75</b>' in page
    quiet.fhir.store.delete("Observation", kept)


def test_the_summary_has_the_newest_of_each_test(quiet: DevelopmentEhr) -> None:
    kept = [_measured(quiet, "Glucose", 90 + day, f"2999-01-0{day}") for day in range(1, 8)]
    kept.append(_measured(quiet, "Hemoglobin A1c", 6.1, "2998-01-01"))
    page = words(opened(quiet, "sandbox-well").page.text)
    assert page.count("Glucose") == 1
    assert "97 mg/dL" in page
    assert "Hemoglobin A1c" in page
    for each in kept:
        quiet.fhir.store.delete("Observation", each)


def test_a_vaccine_given_often_is_one_row_of_the_summary(quiet: DevelopmentEhr) -> None:
    kept = [
        quiet.fhir.store.create(
            {
                "resourceType": "Immunization",
                "status": status,
                "patient": {"reference": "Patient/sandbox-well"},
                "vaccineCode": {"text": "Yellow fever vaccine"},
                "occurrenceDateTime": f"{year}-05-01",
            }
        )["id"]
        for year, status in (
            (2001, "completed"),
            (2011, "completed"),
            (2012, "entered-in-error"),
        )
    ]
    page = words(opened(quiet, "sandbox-well").page.text)
    assert page.count("Yellow fever vaccine") == 1
    assert "Yellow fever vaccine 2 times 01 May 2011" in page
    for each in kept:
        quiet.fhir.store.delete("Immunization", each)


def _measured(ehr: DevelopmentEhr, what: str, value: float, day: str) -> str:
    kept = ehr.fhir.store.create(
        {
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{"code": "laboratory"}]}],
            "subject": {"reference": "Patient/sandbox-well"},
            "code": {"text": what},
            "effectiveDateTime": day,
            "valueQuantity": {"value": value, "unit": "mg/dL"},
        }
    )
    return str(kept["id"])
