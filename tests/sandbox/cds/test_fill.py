"""Prefetch templates, filled: what is asked of the FHIR server, or why nothing is.

CDS Hooks 2.0, "Prefetch tokens"; 3.0 (ballot), "Prefetch tokens containing Simpler FHIRPath".
"""

import time
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from sandbox.cds.fill import Unfillable, filled

TODAY = date(2026, 11, 24)
CONTEXT: dict[str, Any] = {
    "patientId": "p1",
    "userId": "Practitioner/ada",
    "encounterId": "",
    "dispatchedOrders": ["ServiceRequest/s1", "ServiceRequest/s2"],
    "draftOrders": {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "MedicationRequest",
                    "id": "m1",
                    "medicationReference": {"reference": "Medication/x1"},
                    "requester": {"reference": "Practitioner/ada"},
                }
            },
            {
                "resource": {
                    "resourceType": "MedicationRequest",
                    "id": "m2",
                    "medicationReference": {"reference": "Medication/x2"},
                    "note": [{"text": "a&patient=p2"}],
                }
            },
            {"resource": {"resourceType": "ServiceRequest", "id": "s1", "priority": "stat"}},
        ],
    },
}
EARLIER = {"roles": {"entry": [{"resource": {"practitioner": {"reference": "Practitioner/b"}}}]}}
DRAFTS = "context.draftOrders.entry.resource"


def fill(template: str, user: str = "Practitioner/ada", **how: Any) -> str:
    return filled(template, CONTEXT, user, TODAY, EARLIER, **how)


@pytest.mark.parametrize(
    ("template", "query"),
    [
        ("Patient/{{context.patientId}}", "Patient/p1"),
        ("{{context.userId}}", "Practitioner/ada"),
        ("Practitioner/{{userPractitionerId}}", "Practitioner/ada"),
        ("Condition?patient={{ context.patientId }}&x=y", "Condition?patient=p1&x=y"),
        ("Observation?code=http://loinc.org|1-2,3-4", "Observation?code=http://loinc.org|1-2,3-4"),
        ("O?date=ge{{today()}}", "O?date=ge2026-11-24"),
        ("O?date=ge{{today() - 90 days}}", "O?date=ge2026-08-26"),
        ("O?date=lt{{today()+365 days}}", "O?date=lt2027-11-24"),
        ("O?date=ge{{today() - 2 weeks}}", "O?date=ge2026-11-10"),
        ("O?date=ge{{today() - 9 months}}", "O?date=ge2026-02-24"),
        ("O?date=ge{{today() - 1 year}}", "O?date=ge2025-11-24"),
        (f"M?_id={{{{{DRAFTS}.ofType(MedicationRequest).id}}}}", "M?_id=m1,m2"),
        (f"M?_id={{{{{DRAFTS}.medication.resolve().id}}}}", "M?_id=x1,x2"),
        (f"P?_id={{{{{DRAFTS}.requester.resolve().ofType(Practitioner).id}}}}", "P?_id=ada"),
        (f"S?priority={{{{{DRAFTS}.priority}}}}", "S?priority=stat"),
        ("S?_id={{context.dispatchedOrders.resolve().id}}", "S?_id=s1,s2"),
        ("P?_id={{%roles.entry.resource.practitioner.resolve().id}}", "P?_id=b"),
        (
            "P?_id={{%roles.entry.resource.practitioner.resolve().id|userPractitionerId}}",
            "P?_id=b,ada",
        ),
    ],
)
def test_a_template_is_filled(template: str, query: str) -> None:
    assert fill(template) == query


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("E/{{context.encounterId}}", "no value"),
        ("E/{{context.nothing}}", "no value"),
        ("P?_id={{userPatientId}}", "no value"),
        ("P/{{patientId}}", "no token"),
        ("P?_id={{%later.entry.resource.id}}", "no earlier key"),
        (f"M?_id={{{{{DRAFTS}.ofType(Device).id}}}}", "no value"),
        (f"M/{{{{{DRAFTS}.id}}}}", "3 values"),
        (f"M?x={{{{{DRAFTS}}}}}", "not a simple value"),
        (f"M?x={{{{{DRAFTS}.first().id}}}}", "not supported"),
        ("O?date=ge{{today() - 90}}", "no date"),
        ("O?date=ge{{today() - 99999 years}}", "no date"),
        ("O?date=ge{{now()}}", "no token"),
        ("P/{context.patientId}", "braces"),
    ],
)
def test_what_cannot_be_filled_is_not_asked_for(template: str, reason: str) -> None:
    # An unfilled token in a query would bring everybody's records.
    with pytest.raises(Unfillable, match=reason):
        fill(template)


def test_a_value_does_not_become_another_parameter() -> None:
    query = fill(f"M?text={{{{{DRAFTS}.note.text}}}}&patient={{{{context.patientId}}}}")
    assert query == "M?text=a%26patient%3Dp2&patient=p1"


def test_a_user_of_another_kind_has_their_own_token() -> None:
    assert fill("PractitionerRole?_id={{userPractitionerRoleId}}", "PractitionerRole/r") == (
        "PractitionerRole?_id=r"
    )


@pytest.mark.parametrize("newer", ["today()", f"{DRAFTS}.id", "%roles.id"])
def test_an_ehr_of_2_0_fills_nothing_newer(newer: str) -> None:
    with pytest.raises(Unfillable, match=r"newer than CDS Hooks 2\.0"):
        fill(f"M?x={{{{{newer}}}}}", tokens_only=True)
    assert fill("P/{{context.patientId}}", tokens_only=True) == "P/p1"


def test_a_reference_is_resolved_where_it_can_be() -> None:
    role = {"resourceType": "Practitioner", "id": "ada", "identifier": [{"value": "7"}]}
    template = f"X?who={{{{{DRAFTS}.requester.resolve().identifier.value}}}}"
    assert fill(template, resolve={"Practitioner/ada": role}.get) == "X?who=7"


@pytest.mark.parametrize("piece", ["{", "{{", "}}", "{{a", "{{a}", "{{today() ", "|"])
def test_a_template_is_given_up_in_time_whatever_its_length(piece: str) -> None:
    for length in (10_000, 1_000_000):
        start = time.perf_counter()
        with suppress(Unfillable):
            fill(piece * (length // len(piece)))
        assert time.perf_counter() - start < 0.5


def test_a_template_cannot_make_a_query_without_end() -> None:
    bundle = {"entry": [{"resource": {"id": "x" * 36 + str(n)}} for n in range(1000)]}
    template = "Observation?_id=" + "{{%all.entry.resource.id}}" * 300
    start = time.process_time()
    with pytest.raises(Unfillable, match="longer than 100,000"):
        filled(template, CONTEXT, "Practitioner/ada", TODAY, {"all": bundle})
    assert time.process_time() - start < 1


def test_resources_that_name_themselves_do_not_multiply_without_end() -> None:
    twice = {"id": "o1", "basedOn": [{"reference": "ServiceRequest/o1"}] * 2}
    template = "P/{{%order" + ".basedOn.resolve()" * 16 + ".id}}"
    with pytest.raises(Unfillable, match="more than 10,000"):
        filled(template, CONTEXT, "Practitioner/ada", TODAY, {"order": twice}, lambda _: twice)
