"""What an EHR is told, and how grave."""

from typing import Any

import pytest
from msgspec import structs

from clinical.finding import Finding, Gap, Result, Source
from clinical.text import markdown
from hooks.policy import Policy, unknown
from web.trust import Cds

NOT_RE_READ, READ, OWN = "dup.class.ppi", "dm.a1c-overdue", "house.rule"


def finding(rule: str, indicator: Any = "warning", **changes: Any) -> Finding:
    return Finding(rule=rule, summary="s", indicator=indicator, source=Source("S"), **changes)


def policy(production: bool = True, **record: Any) -> Policy:
    return Policy(Cds(**record), production)


def graded(policy: Policy, *results: Result) -> list[Any]:
    return [getattr(each, "indicator", None) for each in policy.graded(results)]


@pytest.mark.parametrize("grade", ["info", "warning"])
@pytest.mark.parametrize("indicator", ["info", "warning", "critical"])
def test_a_finding_is_told_as_grave_as_agreed(grade: str, indicator: str) -> None:
    site = policy(grades={READ: grade})
    gap = Gap(READ, markdown("not known"))
    assert graded(site, finding(READ, indicator), finding(OWN, indicator), gap) == [
        grade,
        indicator,
        None,
    ]


def test_a_finding_is_told_unless_it_is_off_or_not_among_those_allowed() -> None:
    assert policy().hides(finding(READ)) is None
    assert policy(grades={READ: "off"}).hides(finding(READ)) == "not-enabled"
    allowed = policy(findings=frozenset({READ}), grades={OWN: "info"})
    assert allowed.hides(finding(READ)) is None
    assert allowed.hides(finding(OWN)) == "not-enabled"


def test_what_nobody_has_read_again_is_told_in_production_only_if_it_is_named() -> None:
    assert policy().hides(finding(NOT_RE_READ)) == "not-re-read"
    assert policy(production=False).hides(finding(NOT_RE_READ)) is None
    assert policy(findings=frozenset({NOT_RE_READ})).hides(finding(NOT_RE_READ)) is None
    assert policy(grades={NOT_RE_READ: "info"}).hides(finding(NOT_RE_READ)) is None
    assert policy().hides(finding(OWN)) is None


def test_a_card_of_gaps_holds_what_was_told_and_is_told() -> None:
    card = structs.replace(finding("care.gaps", "info"), parts=(READ,))
    assert policy(findings=frozenset()).hides(card) is None


def test_ids_that_no_finding_of_this_project_has_are_found() -> None:
    cds = Cds(findings=frozenset({READ, "dm.a1c-overdu"}), grades={OWN: "off"})
    assert unknown(cds) == ["dm.a1c-overdu", OWN]
    assert unknown(Cds()) == []
