"""Which diagnoses are live, and how sure the record is."""

from typing import Any

import pytest

from clinical import codes, problems
from clinical.problems import is_live
from fhir.records import CodeableConcept, Coding, Condition
from tests.clinical.build import (
    ICD,
    ON_DIALYSIS,
    TYPE_2,
    chart,
    concept,
    condition,
)

HL7 = "http://terminology.hl7.org/CodeSystem/condition-clinical"
KIDNEY_FAILURE = codes.load("esrd")


@pytest.mark.parametrize(
    ("changes", "live"),
    [
        ({}, True),
        ({"clinical_status": None}, True),
        ({"clinical_status": "active"}, True),
        ({"clinical_status": "recurrence"}, True),
        ({"clinical_status": "remission"}, False),
        ({"clinical_status": "In Remission"}, False),
        ({"clinical_status": concept(text="in remission")}, False),
        ({"verification_status": "Entered in Error"}, False),
        ({"clinical_status": "resolved"}, False),
        ({"clinical_status": "Resolved"}, False),
        ({"clinical_status": concept(text="Inactive")}, False),
        ({"clinical_status": concept((HL7, "resolved", None))}, False),
        ({"clinical_status": concept(("http://local", "A", None), (HL7, "resolved", None))}, False),
        # HL7's word is the one that counts, whatever a local one displays.
        (
            {"clinical_status": concept(("http://local", "1", "Inactive"), (HL7, "active", None))},
            True,
        ),
        ({"clinical_status": concept(("http://local", "1", "Active"), text="Active")}, True),
        ({"clinical_status": concept(("http://local", "2", "Inactive"))}, False),
        # A word that nobody knows silences nothing.
        ({"clinical_status": concept(("http://local", "A", None))}, True),
        ({"clinical_status": concept((HL7, "unknown", None))}, True),
        ({"clinical_status": CodeableConcept([Coding(HL7)])}, True),
        ({"verification_status": "provisional"}, True),
        ({"verification_status": "refuted"}, False),
        ({"verification_status": concept((None, "entered-in-error", None))}, False),
        # R4 allows an end only with a status; older servers send it without.
        ({"clinical_status": None, "abatement_date_time": "2015"}, False),
        ({"clinical_status": "active", "abatement_date_time": "2015"}, True),
    ],
)
def test_a_live_condition(changes: dict[str, Any], live: bool) -> None:
    assert is_live(condition(TYPE_2, **changes)) == live


def test_the_surest_diagnosis_speaks() -> None:
    sure = condition(ON_DIALYSIS, id="sure")
    unsure = condition((ICD, "N18.6", ""), verification_status="differential")
    for order in ([sure, unsure], [unsure, sure]):
        found = problems.live(chart(conditions=order), KIDNEY_FAILURE)
        assert found
        assert (found.code.code, found.doubt) == (ON_DIALYSIS[1], "")
    (found,) = problems.all_live(chart(conditions=[unsure]), KIDNEY_FAILURE)
    assert found.name == "End stage renal disease, differential"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "End stage renal failure on dialysis"),
        ({"onset_date_time": "2019-03"}, "End stage renal failure on dialysis, since 2019-03"),
        (
            {"recorded_date": "2019-03-01T10:00:00Z"},
            "End stage renal failure on dialysis, recorded 01 Mar 2019",
        ),
        (
            {"onset_date_time": "2018", "recorded_date": "2019-03-01"},
            "End stage renal failure on dialysis, since 2018",
        ),
        ({"onset_date_time": "long ago"}, "End stage renal failure on dialysis"),
    ],
)
def test_a_diagnosis_is_told_with_its_date(changes: dict[str, Any], told: str) -> None:
    found = problems.live(chart(conditions=[condition(ON_DIALYSIS, **changes)]), KIDNEY_FAILURE)
    assert found
    assert found.told == told


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        (concept(TYPE_2), 0),
        (concept((ICD, "E11.9", None)), 0),
        (concept(("urn:oid:2.16.840.1.113883.6.90", "E11.9", None)), 0),
        (concept(("urn:local", "T2", None)), 1),
        (concept(("urn:local", "T2", None), TYPE_2), 0),
        (concept(text="Type 2 diabetes mellitus"), 1),
        (None, 1),
    ],
)
def test_a_diagnosis_without_a_code_that_is_known_is_counted(code: Any, counted: int) -> None:
    assert problems.uncoded(chart(conditions=[Condition(code=code)])) == counted
    resolved = Condition(code=code, clinical_status="resolved")
    assert problems.uncoded(chart(conditions=[resolved])) == 0
