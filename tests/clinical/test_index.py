"""The records of a list by their codes."""

from msgspec.structs import replace

from clinical import codes
from clinical.index import Index
from fhir.records import Condition
from tests.clinical.build import LOINC, a1c, chart, concept, creatinine, egfr

CREATININE, EGFR = codes.load("creatinine"), codes.load("egfr")


def test_it_finds_what_a_look_at_each_record_finds():
    def result(*codings):
        return replace(creatinine(1), code=concept(*codings) if codings else None)

    records = [
        creatinine(1),
        a1c(7),
        result(("urn:oid:2.16.840.1.113883.6.1", "2160-0 ", None)),
        egfr(60),
        result((LOINC, "4548-4", None), (LOINC, "2160-0", None)),
        result(),
        result((LOINC, "38483-4", None), (LOINC, "2160-0", None)),
        result((None, "2160-0", None), (LOINC, None, None)),
    ]
    for wanted in (CREATININE, EGFR, codes.load("hba1c"), codes.load("diabetes")):
        assert Index(records).among(wanted) == list(wanted.among(records))
    assert len(Index(records).among(CREATININE)) == 4


def test_a_chart_keeps_one_for_each_of_its_lists():
    known = chart(labs=[creatinine(1)], conditions=[Condition("c")])
    assert known.among(known.labs, CREATININE) == known.among(known.labs, CREATININE)
    assert known.among(known.conditions, CREATININE) == []
    assert known.among(None, CREATININE) == []


def test_what_is_made_of_a_part_of_a_chart_is_made_once():
    made = []

    def count(records):
        made.append(records)
        return len(records)

    known = chart(labs=[creatinine(1)])
    assert known.once(count, known.labs) == known.once(count, known.labs) == 1
    assert len(made) == 1
    assert chart(labs=known.labs).once(count, known.labs) == 1
    assert len(made) == 2
