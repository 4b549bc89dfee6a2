"""From all results to the few worth showing."""

from typing import Any

import pytest
from msgspec import structs

from clinical.curate import Curated, curate
from clinical.finding import Create, Finding, Gap, LabOrder, Source, SystemAction
from clinical.text import markdown
from fhir.records import Coding


def finding(rule: str, indicator: Any = "warning", *about: str, summary: str = "s") -> Finding:
    return Finding(rule=rule, summary=summary, indicator=indicator, source=Source("S"), about=about)


def rules(*results: Any, limit: int = 5, quiet: bool = False) -> list[str]:
    return [each.rule for each in curate(results, limit, quiet).findings]


def reasons(curated: Curated) -> list[str]:
    return [reason for _, reason in curated.left_out]


def test_what_is_hidden_is_left_out_with_the_reason() -> None:
    curated = curate(
        [finding("a"), finding("b")],
        5,
        hides=lambda each: "overridden" if each.rule == "a" else None,
    )
    assert [each.rule for each in curated.findings] == ["b"]
    assert [(each.rule, why) for each, why in curated.left_out] == [("a", "overridden")]


def test_graver_findings_come_first_and_equals_keep_their_order() -> None:
    assert rules(
        finding("a", "info"),
        finding("b"),
        finding("c", "critical"),
        finding("d"),
        finding("e", "critical"),
    ) == ["c", "e", "b", "d", "a"]


@pytest.mark.parametrize(
    ("limit", "shown"), [(0, "cd"), (1, "cd"), (2, "cd"), (3, "cda"), (4, "cdab"), (9, "cdab")]
)
def test_the_cap_never_drops_a_critical_one(limit: int, shown: str) -> None:
    results = (
        finding("a"),
        finding("b", "info"),
        finding("c", "critical"),
        finding("d", "critical"),
    )
    assert rules(*results, limit=limit) == list(shown)
    left_out = 4 - len(shown)
    assert reasons(curate(results, limit)) == ["limit"] * left_out


def test_the_first_of_two_with_one_key_speaks() -> None:
    curated = curate(
        [finding("a", summary="1"), finding("a", summary="2"), finding("a", "warning", "X/1")], 5
    )
    assert [each.summary for each in curated.findings] == ["1", "s"]
    assert reasons(curated) == ["same"]


def test_a_graver_one_is_not_hidden_by_the_first_of_its_key() -> None:
    assert curate([finding("a", "info"), finding("a", "critical")], 5).findings == [
        finding("a", "critical")
    ]


def test_while_ordering_information_is_left_out() -> None:
    curated = curate([finding("a", "info"), finding("b")], 5, quiet=True)
    assert [each.rule for each in curated.findings] == ["b"]
    assert reasons(curated) == ["quiet"]


def test_equal_gaps_are_told_once_and_system_actions_pass() -> None:
    action = Create("d", LabOrder(Coding("http://loinc.org", "4548-4")))
    gap, other = Gap("a", markdown("one")), Gap("a", markdown("two"))
    curated = curate([gap, SystemAction(action), gap, other], 5)
    assert curated.gaps == [gap, other]
    assert curated.system_actions == [action]
    assert reasons(curated) == []


def test_care_gaps_are_one_card_and_told_apart_where_one_is_hidden() -> None:
    gaps = [
        structs.replace(finding(f"gap.{name}", "info"), gap=name)
        for name in ("one", "two", "three")
    ]
    curated = curate(gaps, 4)
    assert [each.parts for each in curated.findings] == [("gap.one", "gap.two", "gap.three")]
    assert [reason for _, reason in curated.left_out] == ["folded"] * 3

    def hides(each: Finding) -> str | None:
        return "not-enabled" if each.rule == "gap.two" else None

    curated = curate(gaps, 4, hides=hides)
    assert [each.parts for each in curated.findings] == [("gap.one", "gap.three")]
