"""Which medicine an order is for."""

from typing import Any

import pytest

from clinical import codes, medicines
from fhir.records import (
    Contained,
    DispenseRequest,
    Draft,
    Ingredient,
    Medication,
    Period,
    Records,
    Reference,
)
from tests.clinical.build import (
    METFORMIN_500,
    RXNORM,
    ago,
    chart,
    concept,
    draft,
    medication,
    unreadable,
)

METFORMIN = codes.load("metformin")
NDC = "http://hl7.org/fhir/sid/ndc"
LISINOPRIL = (RXNORM, "314076", "lisinopril 10 MG Oral Tablet")
INCLUDED = {
    "Medication/met": Medication("met", concept(METFORMIN_500)),
    "Medication/lis": Medication("lis", concept(LISINOPRIL)),
    "Medication/bare": Medication("bare", None),
}


def matched(order: Any) -> medicines.Match:
    return medicines.match(chart(medications=Records(included=INCLUDED)), order, METFORMIN)


@pytest.mark.parametrize(
    ("codings", "text", "match"),
    [
        ([METFORMIN_500], None, "by code"),
        ([(RXNORM, "6809", None)], None, "by code"),
        ([("urn:oid:2.16.840.1.113883.6.88", "6809", None)], None, "by code"),
        ([(NDC, "1", "Lisinopril"), (RXNORM, "6809", None)], "lisinopril", "by code"),
        ([(RXNORM, "378730", "glipizide / metformin Oral Tablet")], None, "by code"),
        ([LISINOPRIL], None, "another"),
        ([(NDC, "60687-155", "MetFORMIN HCl 500 mg tab")], None, "by name"),
        ([(RXNORM, "99999999", None)], "metformin ER", "by name"),
        ([], "Glipizide-Metformin 2.5/500", "by name"),
        ([], "JANUMET XR 50/1000", "by name"),
        ([], "actoplus  met", "by name"),
        ([], "Glucovance 5-500", "by name"),
        ([], "Zituvimet", "by name"),
        # The beginning of a word: other languages, salts, and what systems write together.
        ([], "Metformine 500", "by name"),
        ([], "METFORMINA", "by name"),
        ([], "Metforminhydrochlorid", "by name"),
        ([], "METFORMIN_500", "by name"),
        ([], "TAB_METFORMIN", "by name"),
        ([], "actoplus", "another"),
        ([], "xmetformin", "another"),
        # Where RxNorm names another medicine, a text that speaks of metformin is not asked.
        ([LISINOPRIL], "lisinopril (continue metformin)", "another"),
        ([(RXNORM, "99999999", "Metformin 500 MG")], "lisinopril", "by name"),
        ([(RXNORM, "314076", None)], "lisinopril, metformin", "by name"),
        ([(RXNORM + "/", " 6809 ", None)], None, "by code"),
        ([(NDC, "60687-155", None)], None, "unknown"),
        ([(RXNORM, "314076", None)], " ", "unknown"),
        ([], None, "unknown"),
    ],
)
def test_an_order_with_a_concept(codings: Any, text: str | None, match: str) -> None:
    assert matched(medication(medication_codeable_concept=concept(*codings, text=text))) == match


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        (Reference("Medication/met"), "by code"),
        (Reference("https://ehr.example/fhir/Medication/met"), "by code"),
        (Reference("https://ehr.example/fhir/Medication/met/_history/2"), "by code"),
        (Reference("Medication/lis"), "another"),
        (Reference("Medication/lis", "Metformin 500"), "by name"),
        (Reference("Medication/bare"), "unknown"),
        (Reference("Medication/gone"), "unknown"),
        (Reference("Medication/gone", "Metformin 500"), "by name"),
        (Reference("NotMedication/met"), "unknown"),
        (Reference("Medication/met/extra"), "unknown"),
        (Reference(None, "Metformin 500"), "by name"),
        (Reference(None, "Lisinopril"), "another"),
        (Reference("#in"), "by code"),
        (Reference("#marked"), "by code"),
        (Reference("#made"), "by code"),
        (Reference("#out"), "unknown"),
        (Reference("#out", "Metformin 500"), "by name"),
        (Reference(), "unknown"),
    ],
)
def test_an_order_with_a_reference(reference: Reference, match: str) -> None:
    contained = [
        Contained("other", concept(LISINOPRIL)),
        Contained("in", concept(METFORMIN_500)),
        Contained("#marked", concept(METFORMIN_500)),
        Contained("made", None, [Ingredient(concept((RXNORM, "6809", "metformin")))]),
    ]
    assert matched(medication(medication_reference=reference, contained=contained)) == match


def test_without_the_list_of_medications_nothing_is_included() -> None:
    order = medication(medication_reference=Reference("Medication/met"))
    assert medicines.match(chart(medications=None), order, METFORMIN) == "unknown"


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ("Medication/x", "by code"),
        ("https://ehr.example/fhir/Medication/x", "by code"),
        ("urn:uuid:x", "by code"),
        ("Medication/y", "unknown"),
        ("urn:uuid:y", "unknown"),
        ("urn:oid:x", "unknown"),
    ],
)
@pytest.mark.parametrize(
    "medications", [None, Records(included={"Medication/x": INCLUDED["Medication/lis"]})]
)
def test_a_medicine_that_stands_among_the_drafts_is_found(
    reference: str, match: str, medications: Any
) -> None:
    order = draft(medication_reference=Reference(reference))
    new = Draft("Medication/x", Medication("x", concept(METFORMIN_500)), b"{}")
    known = chart(medications=medications, drafts=[order, new])
    assert medicines.match(known, order.resource, METFORMIN) == match


@pytest.mark.parametrize(
    ("codings", "text", "own_name"),
    [
        ([METFORMIN_500], None, ""),
        ([METFORMIN_500], "Glucophage 500", ""),
        (
            [(RXNORM, "861731", None)],
            None,
            "glipizide 2.5 MG / metformin hydrochloride 250 MG Oral Tablet",
        ),
        ([(RXNORM, "861731", None)], "Metaglip", "Metaglip"),
        ([(RXNORM, "860976", None)], None, "metformin hydrochloride 500 MG [Glucophage]"),
        ([], "Glucovance 5-500", "Glucovance 5-500"),
    ],
)
def test_an_order_of_more_than_metformin_goes_by_its_own_name(
    codings: Any, text: str | None, own_name: str
) -> None:
    order = medication(medication_codeable_concept=concept(*codings, text=text))
    assert medicines.own_name(chart(), order, METFORMIN) == own_name


def written(when: str) -> Any:
    return medication(METFORMIN_500, authored_on=when)


def valid_until(end: str) -> Any:
    return medication(METFORMIN_500, dispense_request=DispenseRequest(Period(None, end)))


UNNAMED = {"medication_reference": Reference("Medication/gone")}


@pytest.mark.parametrize(
    ("active", "new", "answer"),
    [
        ([], draft(), False),
        ([medication(METFORMIN_500)], draft(), True),
        ([medication(METFORMIN_500, status=None)], draft(), True),
        ([medication(METFORMIN_500, status="stopped")], draft(), False),
        ([medication(METFORMIN_500, do_not_perform=True)], draft(), False),
        ([medication(LISINOPRIL)], draft(), False),
        # The list is known and does not hold it, so it becomes active by this signature.
        ([], draft(status="active"), False),
        ([medication(METFORMIN_500, id="d1")], draft(status="active"), True),
        (None, draft(status="active"), None),
        # Called active, and over, or so old that it may have been forgotten.
        ([written(ago(456))], draft(), True),
        ([written(ago(457))], draft(), None),
        ([written("2024")], draft(), None),
        ([written("2026")], draft(), True),
        ([valid_until(ago(0))], draft(), True),
        ([valid_until(ago(1))], draft(), None),
        ([valid_until("2010")], draft(), None),
        ([written(ago(457)), medication(METFORMIN_500)], draft(), True),
        (None, draft(), None),
        (unreadable("MedicationRequest"), draft(), None),
        (unreadable("MedicationRequest", medication(METFORMIN_500)), draft(), True),
        ([medication(**UNNAMED)], draft(), None),
        ([medication(**UNNAMED)], draft(id="m1"), True),
        (
            [medication(**UNNAMED)],
            draft(prior_prescription=Reference("MedicationRequest/m1")),
            True,
        ),
        (
            [medication(**UNNAMED)],
            draft(prior_prescription=Reference("https://ehr.example/MedicationRequest/m1")),
            True,
        ),
        # The order that it replaces is of another medicine: a switch to metformin is a start.
        (
            [medication(LISINOPRIL)],
            draft(prior_prescription=Reference("MedicationRequest/m1")),
            False,
        ),
        # The order that it replaces is not in the list of active ones: nobody can tell.
        ([], draft(prior_prescription=Reference("MedicationRequest/m1")), None),
        (
            [medication(LISINOPRIL)],
            draft(prior_prescription=Reference("MedicationRequest/x")),
            None,
        ),
    ],
)
def test_whether_an_order_continues(active: Any, new: Any, answer: bool | None) -> None:
    known = chart(medications=active)
    assert medicines.continues(known, new, new.resource, METFORMIN) is answer


@pytest.mark.parametrize(
    ("new", "removable"),
    [
        (draft(id="d1"), True),
        (draft(id="m1"), False),
        *((draft(status=status), False) for status in ("active", "on-hold", "unknown", None)),
        (Draft("MedicationRequest/#1", draft(id="").resource, b"{}", addressable=False), False),
    ],
)
def test_only_a_draft_of_this_session_is_removed(new: Any, removable: bool) -> None:
    known = chart(medications=[medication(METFORMIN_500, id="m1")])
    assert medicines.is_removable(known, new, new.resource) is removable
