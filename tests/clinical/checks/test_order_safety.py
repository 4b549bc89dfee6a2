"""What the cards on ordered medicines offer, and how they say where something is from."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from clinical.chart import Chart
from clinical.checks.allergy import allergy
from clinical.checks.duplicates import duplicates
from clinical.checks.interactions import interactions
from clinical.checks.opioids import opioids
from clinical.checks.pregnancy import pregnancy_orders
from clinical.checks.qt import qt_pairs
from clinical.finding import Create, Delete, Finding, MedicineOrder, Result
from fhir.records import Draft, Reference
from tests.clinical import build
from tests.clinical.build import (
    RXNORM,
    ago,
    chart,
    concept,
    draft,
    findings,
    gaps,
    medication,
    order_of,
    patient,
    said,
    unreadable,
)

SERTRALINE = (RXNORM, "312941", "Sertraline 50 MG Oral Tablet")
PHENELZINE = (RXNORM, "312347", "Phenelzine 15 MG Oral Tablet")
AMOXICILLIN = (RXNORM, "308191", "Amoxicillin 500 MG Oral Capsule")
OXYCODONE = (RXNORM, "1049621", "oxycodone hydrochloride 5 MG Oral Tablet")
ALPRAZOLAM = (RXNORM, "308048", "alprazolam 0.5 MG Oral Tablet")
ISOTRETINOIN = (RXNORM, "197845", "Isotretinoin 40 MG Oral Capsule")
AZITHROMYCIN = {"medication_codeable_concept": concept(text="azithromycin")}
CITALOPRAM = {"medication_codeable_concept": concept(text="citalopram")}
OF_30 = patient(birth_date="1996-03-01")


def one(results: Iterable[Result]) -> Finding:
    (found,) = findings(results)
    return found


def offered(found: Finding) -> list[str]:
    return [each.label for each in found.suggestions]


def test_a_pair_offers_to_remove_either_order_of_the_session() -> None:
    both = [draft(SERTRALINE), draft(PHENELZINE, id="d2")]
    found = one(interactions(chart(drafts=both)))
    assert offered(found) == [
        "Remove this order of sertraline",
        "Remove this order of phenelzine",
    ]
    removed = [action.draft.reference for each in found.suggestions for action in each.actions]  # type: ignore[union-attr]
    assert removed == ["MedicationRequest/d1", "MedicationRequest/d2"]


def test_what_is_active_is_told_how_to_end_and_not_changed() -> None:
    active = medication(PHENELZINE, authored_on="2026-05-01")
    found = one(interactions(chart(drafts=[draft(SERTRALINE)], medications=[active])))
    assert offered(found) == ["Remove this order of sertraline"]
    assert found.summary == (
        "Do not combine sertraline with phenelzine (ordered on 01 May 2026): serotonin syndrome"
    )
    assert "To end phenelzine instead, stop it in the medication list." in said(found)
    assert found.source.url
    assert found.source.label.endswith("2012")


@pytest.mark.parametrize(
    "order",
    [
        draft(medication_codeable_concept=concept(text="hold sertraline")),
        draft(SERTRALINE, status="active"),
    ],
)
def test_what_was_matched_by_name_or_is_no_draft_is_not_offered_to_be_removed(order: Draft) -> None:
    found = one(interactions(chart(drafts=[order], medications=[medication(PHENELZINE)])))
    assert offered(found) == []


def test_several_pairs_of_a_rule_are_one_card() -> None:
    active = [medication(PHENELZINE), medication(PHENELZINE, id="m2")]
    found = one(interactions(chart(drafts=[draft(SERTRALINE)], medications=active)))
    assert found.summary.endswith("serotonin syndrome; 1 more")
    assert said(found).count("with **phenelzine**") == 2


def test_an_allergy_is_told_with_reaction_and_date_and_is_not_ours_to_change() -> None:
    known = build.allergy(
        code=concept(text="penicillin V"),
        reactions=[concept(text="Hives")],
        recorded_date="2019-03-04",
        criticality="high",
    )
    found = one(allergy(chart(drafts=[draft(AMOXICILLIN)], allergies=[known])))
    assert found.summary == (
        "Amoxicillin: allergy to penicillin V on record (Hives, recorded 04 Mar 2019); "
        "same class, penicillins"
    )
    assert "criticality high; matched by name, not by code" in said(found)
    assert offered(found) == ["Remove this order of amoxicillin"]
    assert "tolerated-before" in found.overrides


def test_the_text_of_an_allergy_cannot_become_markup() -> None:
    known = build.allergy(
        code=concept(text="penicillin [x](javascript:1) <b>"), reactions=[concept(text="**rash**")]
    )
    found = one(allergy(chart(drafts=[draft(AMOXICILLIN)], allergies=[known])))
    assert "<" not in (found.detail or "")
    assert r"\[x\](javascript\:1)" in (found.detail or "")
    assert r"\*\*rash\*\*" in (found.detail or "")
    assert "<" not in found.summary


def test_naloxone_is_offered_as_a_draft_and_a_renewal_is_not_offered_to_be_removed() -> None:
    order = draft(OXYCODONE, prior_prescription=Reference("MedicationRequest/m9"))
    found = findings(opioids(chart(drafts=[order], medications=[medication(ALPRAZOLAM)])))
    by_rule = {each.rule: each for each in found}
    assert offered(by_rule["opioid.benzodiazepine"]) == []
    (suggestion,) = by_rule["opioid.naloxone"].suggestions
    (action,) = suggestion.actions
    assert isinstance(action, Create)
    assert isinstance(action.order, MedicineOrder)
    assert action.order.code.code == "1725059"


def test_a_pregnancy_test_is_offered_unless_one_is_ordered() -> None:
    order = {"drafts": [draft(ISOTRETINOIN)], "patient": OF_30}
    found = one(pregnancy_orders(chart(**order)))
    assert offered(found) == ["Remove this order of isotretinoin", "Order a pregnancy test"]
    ordered = one(pregnancy_orders(chart(**order, orders=[order_of("2106-3")])))
    assert offered(ordered) == ["Remove this order of isotretinoin"]


def test_potassium_is_offered_beside_a_qt_pair_unless_it_is_ordered() -> None:
    pair: dict[str, Any] = {
        "drafts": [draft(**AZITHROMYCIN)],
        "medications": [medication(**CITALOPRAM)],
    }
    assert offered(one(qt_pairs(chart(**pair)))) == ["Order potassium"]
    assert offered(one(qt_pairs(chart(**pair, orders=[order_of("24320-4")])))) == []


def test_a_duplicate_names_the_order_that_is_there() -> None:
    order = {"drafts": [draft(AMOXICILLIN)]}
    there = medication(AMOXICILLIN, authored_on=ago(3))
    found = one(duplicates(chart(**order, medications=[there])))
    assert found.summary == (
        "Duplicate? Amoxicillin 500 MG Oral Capsule is already active (ordered on 12 Jun 2026)"
    )
    assert found.source.url is None


@pytest.mark.parametrize(
    "check", [interactions, qt_pairs, allergy, duplicates, opioids, pregnancy_orders]
)
def test_what_is_not_known_of_the_medicines_is_told_once_an_order(
    check: Callable[[Chart], Iterable[Result]],
) -> None:
    unread = Draft("MedicationRequest/d2", None, b"{}")
    local = ("http://example.org", "1", "Abc")
    known = chart(
        drafts=[draft(SERTRALINE), unread],
        medications=unreadable("MedicationRequest", medication(local)),
        statements=unreadable("MedicationStatement"),
    )
    told = gaps(check(known))
    assert "orders of this session that could not be read (1)" in told
    assert "active medicines that could not be obtained or read (1)" in told
    assert "reported medicines that could not be obtained or read (1)" in told
    assert "medicines that no table here knows (1)" in told
    assert gaps(check(chart())) == ""


def test_a_removal_is_a_delete_of_the_draft() -> None:
    found = one(
        interactions(chart(drafts=[draft(SERTRALINE)], medications=[medication(PHENELZINE)]))
    )
    (action,) = found.suggestions[0].actions
    assert isinstance(action, Delete)
    assert action.draft.reference == "MedicationRequest/d1"
