"""Which ordered medicines no table knows, told without a word of the record."""

from dataclasses import replace

import pytest

from hooks.unmapped import unmapped
from tests.clinical.build import RXNORM, chart, concept, draft, lab_draft

INSULIN = (RXNORM, "1992169", "insulin glargine")
NDC = "http://hl7.org/fhir/sid/ndc"


def ordered(*codings, text=None, **changes):
    return draft(medication_codeable_concept=concept(*codings, text=text), **changes)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (ordered(INSULIN), ["rxnorm 1992169"]),
        (ordered((NDC, "0002-7510-01", None)), ["ndc 0002-7510-01"]),
        (ordered(("urn:oid:2.16.840.1.113883.6.88", "1992169", None)), ["rxnorm 1992169"]),
        (ordered(text="something for Mrs. Jones"), ["no known code"]),
        (ordered(("http://hospital.example/Jones", "JONES", None)), ["no known code"]),
        (ordered((RXNORM, "for Mrs. Jones", None)), ["no known code"]),
        (ordered((RXNORM, "5640", "ibuprofen")), []),
        (ordered(text="ibuprofen"), []),
        (replace(ordered(INSULIN), selected=False), []),
        (lab_draft("4548-4"), []),
        (draft(medication_reference=None), []),
    ],
)
def test_what_is_told_of_an_order(order, told):
    assert unmapped([order]) == told


def test_one_medicine_is_told_once_and_many_are_cut():
    assert unmapped([ordered(INSULIN), ordered(INSULIN, id="d2")]) == ["rxnorm 1992169"]
    many = [ordered((RXNORM, f"99{n:05}", None), id=f"d{n}") for n in range(30)]
    assert len(unmapped(many)) == 20
    assert unmapped(chart().drafts) == []
