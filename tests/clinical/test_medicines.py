"""Which medicine an order is for."""

from typing import Any

import pytest

from clinical import codes, medicines
from fhir.records import Contained, Medication, Records, Reference
from tests.clinical.build import (
    METFORMIN_500,
    RXNORM,
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
        ([], "actoplus", "another"),
        ([], "metforminium", "another"),
        ([], "xmetformin", "another"),
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
        (Reference("#out"), "unknown"),
        (Reference("#out", "Metformin 500"), "by name"),
        (Reference(), "unknown"),
    ],
)
def test_an_order_with_a_reference(reference: Reference, match: str) -> None:
    contained = [Contained("other", concept(LISINOPRIL)), Contained("in", concept(METFORMIN_500))]
    assert matched(medication(medication_reference=reference, contained=contained)) == match


def test_without_the_list_of_medications_nothing_is_included() -> None:
    order = medication(medication_reference=Reference("Medication/met"))
    assert medicines.match(chart(medications=None), order, METFORMIN) == "unknown"


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
        ([], draft(status="active"), True),
        (None, draft(status="active"), True),
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
        ([], draft(prior_prescription=Reference("MedicationRequest/m1")), False),
    ],
)
def test_whether_an_order_continues(active: Any, new: Any, answer: bool | None) -> None:
    known = chart(medications=active)
    assert medicines.continues(known, new, new.resource, METFORMIN) is answer


def test_an_order_that_is_in_the_record_too_is_not_removed_from_it() -> None:
    known = chart(medications=[medication(METFORMIN_500, id="m1")])
    for new, removable in (
        (draft(id="d1"), True),
        (draft(id="m1"), False),
        (draft(status="active"), False),
        (draft(id=""), False),
    ):
        assert medicines.is_removable(known, new, new.resource) is removable
