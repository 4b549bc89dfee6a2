"""One answer, sorted by whose it is and whether it can be read (FHIR R4, searchset)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fhir.bundle import Given, Missing, Page, Refused, read_page, read_resource, searchset
from fhir.owner import Owner
from fhir.records import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Medication,
    MedicationRequest,
    Observation,
    Patient,
    PatientLink,
    Procedure,
    Records,
    Reference,
    Resource,
    ServiceRequest,
)

pytestmark = pytest.mark.req("CH-072", "CH-074", "CH-075", "CH-076", "CH-077", "CH-078")

BASE = "https://ehr.test/fhir"
OTHER_BASE = "https://second.test/r4"
OWNER = Owner("p1", (BASE, OTHER_BASE))

Json = dict[str, Any]
Read = Callable[..., Any]


def lab(**members: Any) -> Json:
    found = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": 1.9},
    }
    return found | members


def searched(*resources: Any, mode: str | None = "match", **members: Any) -> Json:
    search = {"search": {"mode": mode}} if mode else {}
    entries = [{"resource": resource, **search} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **members}


def page(value: Any, wanted: type[Resource] = Observation) -> Page:
    found = read_page(encoded(value), wanted, OWNER)
    assert isinstance(found, Page), found
    return found


def encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def silent(value: Any) -> bool:
    """Whether the answer to a search for Observations passes without a word of what it lacks."""
    found = read_page(encoded(value), Observation, OWNER)
    return isinstance(found, Page) and not searchset([found], Observation).gaps


def ids(found: Page) -> list[str]:
    return [record.id for record in found.records]


# --- whose it is -------------------------------------------------------------------------------

OWN = [
    "Patient/p1",
    "Patient/p1/_history/2",
    f"{BASE}/Patient/p1",
    f"{BASE}/Patient/p1/_history/2",
    f"{OTHER_BASE}/Patient/p1",
]
FOREIGN = [
    "Patient/p2",
    "Patient/p10",
    "Patient/p",
    "Patient/P1",
    "patient/p1",
    "Patient/p1/",
    "Patient/p1 ",
    " Patient/p1",
    "Patient/p1\n",
    "Patient//p1",
    "/Patient/p1",
    "p1",
    "",
    "Patient/",
    "#p1",
    "Group/p1",
    "RelatedPerson/p1",
    "Patient/p2/_history/p1",
    "Patient/p1#x",
    "Patient/p1?x=y",
    "Patient/p1/_history",
    "Patient/x/../p1",
    "urn:uuid:p1",
    f"{BASE}/Patient/p2",
    f"{BASE}x/Patient/p1",
    f"{BASE}/x/Patient/p1",
    f"{BASE.upper()}/Patient/p1",
    "http://ehr.test/fhir/Patient/p1",
    "https://ehr.test/Patient/p1",
    "https://evil.example/fhir/Patient/p1",
    "https://evil.example/?https://ehr.test/fhir/Patient/p1",
]


@pytest.mark.parametrize("reference", OWN)
def test_an_own_reference_is_known(reference: str) -> None:
    assert OWNER.owns(Reference(reference))
    assert ids(page(searched(lab(subject={"reference": reference})))) == ["o1"]


@pytest.mark.parametrize("reference", FOREIGN, ids=repr)
def test_a_foreign_reference_is_not_taken_for_an_own_one(reference: str) -> None:
    assert not OWNER.owns(Reference(reference))
    found = read_page(encoded(searched(lab(subject={"reference": reference}))), Observation, OWNER)
    assert not isinstance(found, Page) or ids(found) == []


@pytest.mark.parametrize("subject", [None, {}, {"display": "p1"}, {"identifier": {"value": "p1"}}])
def test_a_record_without_a_subject_is_counted_and_not_used(subject: Any) -> None:
    found = page(searched(lab(), lab(id="o2", subject=subject)))
    assert (ids(found), found.unowned) == (["o1"], 1)
    given = searchset([found], Observation)
    assert given.gaps == ("1 Observation without a subject of this chart not used",)


def test_one_record_of_another_patient_spoils_the_search() -> None:
    other = lab(id="o9", subject={"reference": "Patient/p2"})
    for resources in ([other], [lab(), other], [other, lab()], [lab()] * 300 + [other]):
        found = read_page(encoded(searched(*resources)), Observation, OWNER)
        assert found == Missing("holds the record of another patient")


@pytest.mark.parametrize(
    "links",
    [
        ["Patient/old"],
        ["Patient/other", "Patient/old"],
        [f"{BASE}/Patient/old"],
        [f"{OTHER_BASE}/Patient/old"],
        ["Patient/old/_history/4"],
        [None, "Patient/old"],
    ],
)
def test_the_ids_that_the_patient_links_to_are_theirs(links: list[str | None]) -> None:
    patient = Patient(
        id="p1", link=[PatientLink(Reference(each) if each else None) for each in links]
    )
    owner = OWNER.linked(patient)
    for reference in ("Patient/old", "Patient/old/_history/1", f"{BASE}/Patient/old", *OWN):
        assert owner.owns(Reference(reference)), reference
    assert not owner.owns(Reference("Patient/older"))
    assert not OWNER.owns(Reference("Patient/old"))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/fhir/Patient/old",
        "RelatedPerson/old",
        "https://evil.example/?x=Patient/old",
        "urn:uuid:old",
        "old",
        "",
    ],
)
def test_a_link_elsewhere_makes_nobody_this_patient(link: str) -> None:
    owner = OWNER.linked(Patient(id="p1", link=[PatientLink(Reference(link))]))
    assert not owner.owns(Reference("Patient/old"))
    assert not owner.owns(Reference("Patient/"))


@pytest.mark.parametrize(
    ("focus", "used"),
    [
        ([], True),
        ([{"reference": "Patient/p1"}], True),
        ([{"reference": "Patient/p1"}, {"reference": f"{BASE}/Patient/p1"}], True),
        ([{"reference": "Patient/unborn"}], False),
        ([{"reference": "Patient/p1"}, {"reference": "RelatedPerson/donor"}], False),
        ([{"reference": "Device/pump"}], False),
        ([{"display": "the donor"}], False),
        ([{}], False),
    ],
)
def test_a_result_about_something_else_is_counted_and_not_used(focus: Json, used: bool) -> None:
    found = page(searched(lab(focus=focus)))
    assert (len(found.records), found.unowned) == ((1, 0) if used else (0, 1))


READS: list[tuple[type[Resource], Json, bool]] = [
    (Patient, {"resourceType": "Patient", "id": "p1"}, True),
    (Patient, {"resourceType": "Patient", "id": "p2"}, False),
    (Patient, {"resourceType": "Patient"}, False),
    (Encounter, {"resourceType": "Encounter", "id": "e", "subject": {"reference": OWN[0]}}, True),
    (Encounter, {"resourceType": "Encounter", "id": "e", "subject": {"reference": OWN[3]}}, True),
    (Encounter, {"resourceType": "Encounter", "subject": {"reference": "Patient/p2"}}, False),
    (Encounter, {"resourceType": "Encounter", "id": "p1"}, False),
    (Medication, {"resourceType": "Medication", "id": "m"}, True),
    (AllergyIntolerance, {"resourceType": "AllergyIntolerance", "patient": {}}, False),
    (
        AllergyIntolerance,
        {"resourceType": "AllergyIntolerance", "patient": {"reference": OWN[0]}},
        True,
    ),
    (
        AllergyIntolerance,
        {"resourceType": "AllergyIntolerance", "subject": {"reference": OWN[0]}},
        False,
    ),
]


@pytest.mark.parametrize(("wanted", "value", "own"), READS)
def test_a_single_resource_is_used_if_it_is_of_this_patient(
    wanted: type[Resource], value: Json, own: bool
) -> None:
    found = read_resource(encoded(value), wanted, OWNER)
    assert isinstance(found, Given if own else Missing)


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        (Observation, "subject"),
        (Condition, "subject"),
        (Procedure, "subject"),
        (Encounter, "subject"),
        (MedicationRequest, "subject"),
        (ServiceRequest, "subject"),
        (AllergyIntolerance, "patient"),
    ],
)
def test_every_type_says_whose_it_is(wanted: type[Resource], subject: str) -> None:
    own = {"resourceType": wanted.__name__, "id": "x", subject: {"reference": "Patient/p1"}}
    assert ids(page(searched(own), wanted)) == ["x"]
    other = {**own, subject: {"reference": "Patient/p2"}}
    assert isinstance(read_page(encoded(searched(other)), wanted, OWNER), Missing)


# --- what came along ---------------------------------------------------------------------------

ORDER = {"resourceType": "MedicationRequest", "id": "r", "subject": {"reference": "Patient/p1"}}
MEDICINE = {"resourceType": "Medication", "id": "m1", "code": {"text": "aspirin"}}


@pytest.mark.parametrize("mode", ["include", "match", None])
def test_medicines_come_along(mode: str | None) -> None:
    value = searched(ORDER)
    value["entry"].append({"resource": MEDICINE} | ({"search": {"mode": mode}} if mode else {}))
    found = page(value, MedicationRequest)
    assert ids(found) == ["r"]
    assert found.included["Medication/m1"].code is not None
    given = searchset(
        [found, page(searched(MEDICINE | {"id": "m2"}), MedicationRequest)], Medication
    )
    assert isinstance(given.value, Records)
    assert set(given.value.included) == {"Medication/m1", "Medication/m2"}


@pytest.mark.parametrize("type_", ["Practitioner", "Patient", "Provenance", "Foo"])
def test_what_came_by_include_is_passed_over(type_: str) -> None:
    value = searched(lab())
    value["entry"].append({"resource": {"resourceType": type_}, "search": {"mode": "include"}})
    assert ids(page(value)) == ["o1"]


@pytest.mark.parametrize("type_", ["Practitioner", "Patient", "Condition", "Foo"])
@pytest.mark.parametrize("mode", ["match", None])
def test_another_type_among_the_matches_spoils_the_search(type_: str, mode: str | None) -> None:
    value = searched(lab(), {"resourceType": type_, "id": "p1"}, mode=mode)
    assert isinstance(read_page(encoded(value), Observation, OWNER), Missing)


def test_an_own_record_is_not_dropped_for_its_mode() -> None:
    found = page(searched(lab(), lab(id="o2"), mode="include"))
    assert ids(found) == ["o1", "o2"] or found.unreadable or found.unowned == 2


# --- unreadable --------------------------------------------------------------------------------

ODD: dict[str, Any] = {
    "number for an id": lab(id=7),
    "text for a value": lab(valueQuantity="1.9"),
    "text for a number": lab(valueQuantity={"value": "1.9"}),
    "array for a code": lab(code=[]),
    "null for a list": lab(focus=None),
    "number for a status": lab(status=1),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_unreadable_entry_costs_itself_only_and_is_named(odd: Json, place: int) -> None:
    entries = [lab(id="a"), lab(id="b")]
    entries.insert(place, odd)
    found = page(searched(*entries))
    assert ids(found) == ["a", "b"]
    assert [each.type for each in found.unreadable] == ["Observation"]
    given = searchset([found], Observation)
    assert isinstance(given.value, Records)
    assert given.value.unreadable == tuple(found.unreadable)
    assert given.gaps == (f"Observation/{found.unreadable[0].id} could not be read",)


@pytest.mark.parametrize(
    "entry",
    [{}, {"resource": None}, {"fullUrl": f"{BASE}/Observation/o1"}, {"resource": {"id": "o1"}}],
    ids=["empty", "null", "address only", "no type"],
)
def test_an_entry_without_a_resource_is_not_nothing(entry: Json) -> None:
    value = searched(lab())
    value["entry"].append(entry)
    assert not silent(value)


def test_a_server_that_counts_more_than_it_sends_has_not_found_nothing() -> None:
    counted = {"resourceType": "Bundle", "type": "searchset", "total": 5}
    assert not silent(counted)
    assert silent(counted | {"total": 0})


def test_an_unreadable_record_of_another_patient_spoils_the_search_too() -> None:
    other = lab(id="secret-9", subject={"reference": "Patient/p2"}, code="x")
    assert isinstance(read_page(encoded(searched(lab(), other)), Observation, OWNER), Missing)


def test_very_many_unreadable_entries_make_a_short_gap() -> None:
    found = page(searched(*[lab(id=f"o{number}", code="x") for number in range(2000)]))
    given = searchset([found], Observation)
    assert given.gaps
    assert len("".join(given.gaps)) < 1000


# --- not a searchset ---------------------------------------------------------------------------

NO_BUNDLE: dict[str, Any] = {
    "empty object": {},
    "error message": {"error": "invalid_token", "status": 401},
    "no resourceType": {"type": "searchset", "total": 0, "entry": []},
    "resourceType null": {"resourceType": None},
    "resourceType in other case": {"resourceType": "bundle"},
    "another resource": {"resourceType": "Parameters"},
    "a single record": lab(),
    "entry null": {"resourceType": "Bundle", "entry": None},
    "entry object": {"resourceType": "Bundle", "entry": {}},
    "entry of texts": {"resourceType": "Bundle", "entry": ["x"]},
    "entry of nulls": {"resourceType": "Bundle", "entry": [None]},
    "link text": {"resourceType": "Bundle", "link": "next"},
    "array": [],
    "text": '"Bundle"',
    "number": 1,
    "true": True,
    "nothing": b"",
    "a page": b"<html>",
    "half": b'{"resourceType":"Bundle","entry":[',
    "NaN": b'{"resourceType":"Bundle","total":NaN}',
    "deep": b'{"resourceType":"Bundle","x":' + b"[" * 20_000,
    "deep and closed": b'{"resourceType":"Bundle","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "deep in an entry": b'{"resourceType":"Bundle","entry":[{"resource":' + b'{"a":' * 20_000,
    "UTF-16": json.dumps(searched()).encode("utf-16"),
}


@pytest.mark.parametrize("value", NO_BUNDLE.values(), ids=NO_BUNDLE)
@pytest.mark.parametrize("wanted", [Observation, MedicationRequest])
def test_what_is_no_searchset_is_not_an_empty_one(value: Any, wanted: type[Resource]) -> None:
    found = read_page(encoded(value), wanted, OWNER)
    assert isinstance(found, Missing | Refused)


@pytest.mark.parametrize("value", NO_BUNDLE.values(), ids=NO_BUNDLE)
def test_what_is_no_patient_is_none(value: Any) -> None:
    assert isinstance(read_resource(encoded(value), Patient, OWNER), Missing | Refused)


def test_an_unreadable_patient_is_refused_and_not_asked_for_again() -> None:
    odd = {"resourceType": "Patient", "id": "p1", "name": "Zoe"}
    assert isinstance(read_resource(encoded(odd), Patient, OWNER), Refused)


# --- outcomes ----------------------------------------------------------------------------------


def outcome(*severities: Any) -> Json:
    issues = [{"severity": each, "code": "x"} for each in severities]
    return {"resourceType": "OperationOutcome", "issue": issues}


@pytest.mark.parametrize(
    ("severities", "failed"),
    [
        (("warning",), False),
        (("information",), False),
        (("warning", "information"), False),
        (("error",), True),
        (("fatal",), True),
        (("information", "error"), True),
        (("success",), True),
        ((None,), True),
        ((), True),
    ],
)
def test_an_outcome_in_place_of_an_answer(severities: tuple[Any, ...], failed: bool) -> None:
    value = encoded(outcome(*severities))
    found = read_page(value, Observation, OWNER)
    assert isinstance(found, Refused if failed else Page)
    assert isinstance(read_resource(value, Patient, OWNER), Refused if failed else Missing)


@pytest.mark.parametrize(
    ("severity", "failed"),
    [("warning", False), ("information", False), ("error", True), ("fatal", True), (None, True)],
)
@pytest.mark.parametrize("mode", ["outcome", "match", None])
def test_an_outcome_among_the_entries(severity: Any, failed: bool, mode: str | None) -> None:
    found = page(searched(outcome(severity), mode=mode))
    given = searchset([found], Observation)
    assert given.value == []
    told = ("the EHR reported an error while it searched Observation",) if failed else ()
    assert given.gaps == told


@pytest.mark.parametrize("mode", ["outcome", "match", None])
def test_an_outcome_that_cannot_be_read_is_taken_for_an_error(mode: str | None) -> None:
    odd = {"resourceType": "OperationOutcome", "issue": [{"severity": 5}]}
    assert silent(searched(lab()))
    assert not silent(searched(lab(), odd, mode=mode))


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "Bundle", "entry": []},
    ],
)
def test_nothing_found_is_an_answer(value: Any) -> None:
    given = searchset([page(value)], Observation)
    assert (given.value, given.gaps) == ([], ())


def test_null_for_a_read_is_a_refusal() -> None:
    found = read_resource(b"null", Patient, OWNER)
    assert isinstance(found, Refused)
    assert found.code == "not-found"


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("links", "more"),
    [
        ([], False),
        ([{"relation": "self", "url": "x"}], False),
        ([{"relation": "previous", "url": "x"}], False),
        ([{"relation": "next", "url": "x"}], True),
        ([{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}], True),
        ([{"relation": "next"}], True),
        ([{"relation": "next", "url": ""}], True),
        ([{"relation": "next", "url": None}], True),
        ([{"url": "x"}], False),
    ],
)
def test_a_further_page_is_noticed(links: list[Json], more: bool) -> None:
    assert (page(searched(lab(), link=links)).next is not None) == more
    # With an entry that cannot be read the page takes another way through the decoder.
    assert (page(searched(lab(code="x"), link=links)).next is not None) == more


def test_the_records_of_all_pages_are_one_list() -> None:
    pages = [page(searched(lab(id="a"), lab(id="b"))), page(searched(lab(id="c")))]
    given = searchset(pages, Observation)
    assert isinstance(given.value, Records)
    assert [record.id for record in given.value] == ["a", "b", "c"]


def test_unknown_members_are_skipped() -> None:
    odd = lab(component=[{"x": None}], foo={"bar": [[]]}, _status={"id": "x"}, subjectX=1)
    assert ids(page(searched(odd, signature={"when": 1}))) == ["o1"]


def test_a_long_chart_is_read_whole() -> None:
    many = [lab(id=str(number)) for number in range(10_000)]
    assert len(page(searched(*many)).records) == 10_000
