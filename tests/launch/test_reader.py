"""What is read of a chart: in parallel, of this patient only, and never more than was granted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from fhir.bundle import Refused
from fhir.display import Condition, Observation
from launch.errors import LaunchError
from launch.reader import Chart, Empty, NotPermitted, PatientUnread, Shown
from sandbox.fhir.server import FhirServer
from sandbox.http import faults
from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Piece
from tests.launch import charts
from tests.launch.made import ALL, TOKEN, always, reader_of


class First(Fault):
    """A fault in the first answer only."""

    def __init__(self, fault: Fault) -> None:
        self._left = [fault]

    def change(self, answer: Answer) -> Answer:
        return self._left.pop().change(answer) if self._left else answer

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield 0.0, answer.head + answer.body


def asked(server: FhirServer) -> set[str]:
    return {seen.path.removeprefix("/fhir/").split("/")[0] for seen in server.seen}


def test_everything_is_read_once_and_with_the_token(server: FhirServer) -> None:
    chart = reader_of(server).read()
    assert chart.patient.id == charts.ID
    assert chart.user == "Ada Example"
    assert {name: type(section) for name, section in chart.sections.items()} == dict.fromkeys(
        charts.SECTIONS, Shown
    )
    assert {seen.authorization for seen in server.seen} == {f"Bearer {TOKEN}"}
    assert len(server.seen) == 7


def test_the_reads_run_side_by_side() -> None:
    with FhirServer([charts.chart()], delay=0.4) as slow:
        started = time.monotonic()
        reader_of(slow).read()
        assert time.monotonic() - started < 1.2


@pytest.mark.req("T-27")
def test_the_page_keeps_its_time_and_what_arrived(server: FhirServer) -> None:
    server.plant("Observation", faults.Drip(3600))
    started = time.monotonic()
    chart = reader_of(server, seconds=1.0).read()
    assert time.monotonic() - started < 2.0
    assert isinstance(chart.sections["problems"], Shown)
    late = chart.sections["laboratory"]
    assert isinstance(late, Refused)
    assert late.failure == "slow"


@pytest.mark.req("SL-056")
@pytest.mark.parametrize(
    ("granted", "shown"),
    [
        ("patient/Patient.r", set()),
        ("patient/Patient.rs patient/Condition.rs", {"problems"}),
        ("patient/Patient.read patient/Condition.read", {"problems"}),
        ("patient/Patient.r user/AllergyIntolerance.s", {"allergies"}),
        ("patient/Patient.r patient/Condition.r", set()),
        (
            "patient/Patient.r patient/Observation.rs?category=http://terminology.hl7.org/"
            "CodeSystem/observation-category|laboratory",
            {"laboratory"},
        ),
        ("patient/*.rs", set(charts.SECTIONS)),
    ],
)
def test_only_what_was_granted_is_asked(server: FhirServer, granted: str, shown: set[str]) -> None:
    chart = reader_of(server, granted, user=None).read()
    kept = {name for name, each in chart.sections.items() if not isinstance(each, NotPermitted)}
    assert kept == shown
    assert asked(server) == {"Patient", *(charts.SECTIONS[name] for name in shown)}


@pytest.mark.req("SL-056")
def test_without_the_patient_nothing_is_asked(server: FhirServer) -> None:
    with pytest.raises(PatientUnread) as unread:
        reader_of(server, "patient/Condition.rs").read()
    assert unread.value.why == NotPermitted()
    assert server.seen == []


# --- whose record it is ------------------------------------------------------------------------


@pytest.mark.req("T-15", "SL-111")
@pytest.mark.parametrize("fault", [faults.OtherPatient(), faults.WrongId()])
def test_another_patient_ends_the_launch(server: FhirServer, fault: Fault) -> None:
    server.plant("Patient", fault)
    with pytest.raises(LaunchError) as ended:
        reader_of(server).read()
    assert ended.value.kind == "wrong-patient"


@pytest.mark.req("SL-111")
@pytest.mark.parametrize(
    "fault", [faults.WrongType(), faults.NotJson(), faults.Outcome(), faults.Truncated()]
)
def test_what_is_no_patient_is_nobodys_chart(server: FhirServer, fault: Fault) -> None:
    server.plant("Patient", fault)
    with pytest.raises(PatientUnread):
        reader_of(server).read()


@pytest.mark.req("T-15", "SL-110")
@pytest.mark.parametrize(("name", "type"), charts.SECTIONS.items())
def test_a_search_with_another_patients_records_is_withheld(
    server: FhirServer, name: str, type: str
) -> None:
    server.plant(type, faults.OtherPatient())
    chart = reader_of(server).read()
    section = chart.sections[name]
    assert isinstance(section, Refused)
    assert section.failure == "foreign"
    others = {each for each, other in charts.SECTIONS.items() if other != type}
    assert all(isinstance(chart.sections[each], Shown) for each in others)


@pytest.mark.req("SL-110")
def test_one_foreign_record_among_many_is_enough() -> None:
    foreign = charts.problem("x", "Epilepsy", subject={"reference": "Patient/another"})

    class Mixed(Fault):
        def change(self, answer: Answer) -> Answer:
            page = answer.resource
            entry = [*page["entry"], {"resource": foreign, "search": {"mode": "match"}}]
            return answer.carrying({**page, "entry": entry})

    with FhirServer([charts.chart()]) as server:
        server.plant("Condition", Mixed())
        section = reader_of(server).read().sections["problems"]
    assert isinstance(section, Refused)
    assert section.failure == "foreign"


@pytest.mark.req("SL-110")
def test_records_that_do_not_say_whose_they_are_are_counted_and_not_shown() -> None:
    about_a_child = charts.result(
        "x", "Weight of the child", "1", 3, "kg", None, focus=[{"reference": "Patient/child"}]
    )
    with FhirServer([charts.bundle(*charts.records(), about_a_child)]) as server:
        section = reader_of(server).read().sections["laboratory"]
    assert isinstance(section, Shown)
    assert section.unnamed == 1
    assert not section.complete
    assert "x" not in {each.id for each in section.records}


@pytest.mark.req("SL-110")
def test_records_under_a_merged_id_are_the_patients_own() -> None:
    merged = charts.patient(link=[{"other": {"reference": "Patient/old"}, "type": "replaces"}])
    old = charts.problem("x", "Gout", subject={"reference": "Patient/old"})

    class Merged(Fault):
        def change(self, answer: Answer) -> Answer:
            return answer.carrying({**answer.resource, "entry": [{"resource": old}], "total": 1})

    with FhirServer([charts.bundle(merged)]) as server:
        server.plant("Condition", Merged())
        section = reader_of(server).read().sections["problems"]
    assert isinstance(section, Shown)
    assert [each.id for each in section.records] == ["x"]


def test_included_medicines_come_along_and_are_no_matches(server: FhirServer) -> None:
    section = reader_of(server).read().sections["medications"]
    assert isinstance(section, Shown)
    assert set(section.medicines) == {"Medication/glipizide"}
    assert section.complete


# --- what is not known -------------------------------------------------------------------------

REFUSALS = [
    (faults.Status(403), "forbidden"),
    (faults.Status(404), "not-found"),
    (faults.Status(410), "gone"),
    (faults.Throttled(60), "throttled"),
    (faults.Status(429), "throttled"),
    (faults.Status(500), "broken"),
    (faults.Status(503), "broken"),
    (faults.Redirect("http://127.0.0.1:9/"), "redirect"),
    (faults.Truncated(), "unreachable"),
    (faults.NotJson(), "unreadable"),
    (faults.WrongType(), "unreadable"),
    (faults.Outcome(), "broken"),
    (faults.Huge(6_000_000), "too-large"),
    (faults.GzipBomb(1_000_000), "broken"),
    (faults.OtherPatient(), "foreign"),
    (faults.ForeignReferences("elsewhere.example"), "foreign"),
]


@pytest.mark.req("SL-108", "SL-109", "T-27")
@pytest.mark.parametrize(("fault", "failure"), REFUSALS, ids=lambda each: str(each))
@pytest.mark.parametrize("type", ["Condition", "AllergyIntolerance", "MedicationRequest"])
def test_a_failure_keeps_its_name_and_costs_its_section_only(
    server: FhirServer, type: str, fault: Fault, failure: str
) -> None:
    server.plant(type, fault)
    chart = reader_of(server).read()
    for name, other in charts.SECTIONS.items():
        section = chart.sections[name]
        if other == type:
            assert isinstance(section, Refused)
            assert section.failure == failure
        else:
            assert isinstance(section, Shown)
            assert section.complete


@pytest.mark.req("SL-109")
@pytest.mark.parametrize(
    "fault",
    [faults.Partial(), faults.OutcomeEntry(), faults.Unreadable()],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("type", ["Condition", "AllergyIntolerance", "MedicationRequest"])
def test_an_answer_with_a_doubt_is_never_whole(server: FhirServer, type: str, fault: Fault) -> None:
    server.plant(type, fault)
    chart = reader_of(server).read()
    (name,) = [name for name, other in charts.SECTIONS.items() if other == type]
    section = chart.sections[name]
    assert isinstance(section, Shown)
    assert not section.complete


@pytest.mark.req("SL-109")
def test_empty_is_said_only_of_a_whole_answer() -> None:
    with FhirServer([charts.bundle(charts.patient())]) as server:
        chart = reader_of(server, user=None).read()
        assert chart.sections == dict.fromkeys(charts.SECTIONS, Empty())


@pytest.mark.req("SL-107", "T-23")
def test_a_foreign_next_page_is_not_asked_and_the_first_is_kept(server: FhirServer) -> None:
    with FhirServer([charts.chart()]) as attacker:
        server.plant("Condition", faults.ForeignNext(attacker.base + "/Condition?page=2"))
        section = reader_of(server).read().sections["problems"]
        assert attacker.seen == []
    assert isinstance(section, Shown)
    assert len(section.records) == 5
    assert section.rest
    assert section.rest.failure == "elsewhere"


@pytest.mark.req("SL-107")
def test_pages_without_end_are_cut_and_said() -> None:
    with FhirServer([charts.chart()], page_size=2) as server:
        server.plant("Condition", faults.Endless())
        section = reader_of(server).read().sections["problems"]
        assert isinstance(section, Shown)
        assert section.rest
        assert section.rest.failure == "too-large"
        assert len([seen for seen in server.seen if "Condition" in seen.path]) <= 20


def test_all_pages_of_a_long_search_are_read() -> None:
    with FhirServer([charts.chart()], page_size=2) as server:
        section = reader_of(server).read().sections["problems"]
    assert isinstance(section, Shown)
    assert section.complete
    assert [each.id for each in section.records if isinstance(each, Condition)] == [
        "p1",
        "p2",
        "p3",
        "p4",
        "p5",
    ]


# --- 401 and 429 -------------------------------------------------------------------------------


class Tokens:
    """Gives the good token when the first is refused, and counts."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.asked: list[str | None] = []

    def __call__(self, refused: str | None) -> str:
        self.asked.append(refused)
        if not self._tokens:
            raise LaunchError("ended", "there is nothing to renew with")
        return self._tokens.pop(0)


@pytest.mark.req("SL-108")
def test_a_refused_token_is_renewed_once_and_everything_read_again(server: FhirServer) -> None:
    tokens = Tokens("stale", TOKEN)
    chart = reader_of(server, token=tokens).read()
    assert tokens.asked == [None, "stale"]
    assert all(isinstance(each, Shown) for each in chart.sections.values())
    assert len(server.seen) == 14


@pytest.mark.req("SL-108")
@pytest.mark.parametrize("tokens", [("stale", "stale too"), ("stale",)])
def test_a_second_refusal_ends_the_launch(server: FhirServer, tokens: tuple[str, ...]) -> None:
    with pytest.raises(LaunchError) as ended:
        reader_of(server, token=Tokens(*tokens)).read()
    assert ended.value.kind == "ended"
    assert len(server.seen) <= 14


@pytest.mark.req("SL-108")
def test_a_section_that_expires_alone_is_asked_once_more(server: FhirServer) -> None:
    server.plant("Condition", First(faults.Status(401)))
    tokens = Tokens(TOKEN, TOKEN)
    chart = reader_of(server, token=tokens).read()
    assert isinstance(chart.sections["problems"], Shown)
    assert len(server.seen) == 8


@pytest.mark.req("SL-108")
def test_a_section_that_stays_refused_says_so(server: FhirServer) -> None:
    server.plant("Condition", faults.Status(401))
    for tokens in (Tokens(TOKEN, TOKEN), Tokens(TOKEN)):
        section = reader_of(server, token=tokens).read().sections["problems"]
        assert isinstance(section, Refused)
        assert section.failure == "expired"


@pytest.mark.req("SL-108")
def test_a_short_wait_is_kept_and_the_search_asked_again(server: FhirServer) -> None:
    server.plant("Condition", First(faults.Throttled(1)))
    started = time.monotonic()
    chart = reader_of(server).read()
    assert time.monotonic() - started >= 1.0
    assert isinstance(chart.sections["problems"], Shown)


@pytest.mark.req("SL-108")
def test_a_longer_wait_is_told_and_kept(server: FhirServer) -> None:
    server.plant("Condition", faults.Throttled(3600))
    reader = reader_of(server)
    first = reader.read().sections["problems"]
    server.clear()
    server.seen.clear()
    second = reader.read().sections["problems"]
    for section in (first, second):
        assert isinstance(section, Refused)
        assert section.failure == "throttled"
    assert isinstance(second, Refused)
    assert second.wait is not None
    assert 25 <= second.wait <= 30
    assert "Condition" not in asked(server)
    assert "AllergyIntolerance" in asked(server)


# --- who is signed in --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (charts.USER, "Ada Example"),
        ({**charts.USER, "name": [{"text": "Dr. A. Example"}]}, "Dr. A. Example"),
        ({**charts.USER, "name": [{"use": "old", "family": "Former"}]}, None),
        ({**charts.USER, "name": []}, None),
        (
            {
                "resourceType": "PractitionerRole",
                "id": "role",
                "practitioner": {"display": "Ada Example"},
            },
            "Ada Example",
        ),
        ({"resourceType": "RelatedPerson", "id": "r", "name": [{"family": "Kin"}]}, "Kin"),
    ],
)
def test_the_user_has_the_name_of_their_record(resource: charts.Json, name: str | None) -> None:
    user = (resource["resourceType"], resource["id"])
    with FhirServer([charts.bundle(charts.patient(), resource)]) as server:
        assert reader_of(server, user=user).read().user == name


@pytest.mark.req("SL-076", "SL-106", "T-23")
@pytest.mark.parametrize(
    "user",
    [
        ("Patient", "another"),
        ("Organization", "o"),
        ("Practitioner", ".."),
        ("Practitioner", "../Patient/another"),
        ("Practitioner", "x" * 65),
        "https://elsewhere.example/Practitioner/1",
        None,
    ],
)
def test_nothing_else_is_read_as_a_user(server: FhirServer, user: object) -> None:
    assert reader_of(server, user=user).read().user is None
    assert asked(server) == {"Patient", *charts.SECTIONS.values()}


def test_a_patient_who_signs_in_has_their_own_name(server: FhirServer) -> None:
    chart = reader_of(server, user=("Patient", charts.ID)).read()
    assert chart.user == "Ruth Adelheid Sample"
    assert len([seen for seen in server.seen if "Patient" in seen.path]) == 1


@pytest.mark.parametrize(
    "fault", [faults.Status(403), faults.NotJson(), faults.WrongId(), faults.WrongType()]
)
def test_a_name_that_cannot_be_had_costs_nothing_else(server: FhirServer, fault: Fault) -> None:
    server.plant("Practitioner", fault)
    chart: Chart = reader_of(server).read()
    assert chart.user is None
    assert all(isinstance(each, Shown) for each in chart.sections.values())


@pytest.mark.req("SL-106")
def test_searches_go_by_post_and_name_this_patient_only(server: FhirServer) -> None:
    reader_of(server, ALL, always).read()
    searches = [seen for seen in server.seen if seen.path.endswith("/_search")]
    assert len(searches) == 5
    for seen in searches:
        assert ("patient", charts.ID) in seen.params
        assert charts.ID not in seen.target
    categories = {dict(seen.params).get("category") for seen in searches}
    assert categories == {None, "laboratory", "vital-signs"}


def test_results_have_the_fields_of_a_page(server: FhirServer) -> None:
    section = reader_of(server).read().sections["laboratory"]
    assert isinstance(section, Shown)
    ranges = {
        each.id: each.reference_range for each in section.records if isinstance(each, Observation)
    }
    assert ranges["o1"][0].high is not None
    assert str(ranges["o1"][0].high.value) == "1.1"
