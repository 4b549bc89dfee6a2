"""Several findings of one medicine in one card."""

from typing import Any

from clinical.curate import curate
from clinical.drug_card import merge
from clinical.finding import Finding, Source, Suggestion
from clinical.text import markdown


def finding(rule: str, indicator: Any = "warning", drug: str | None = "x", **changes: Any) -> Any:
    defaults = {
        "summary": f"{rule} is so",
        "source": Source(f"Source of {rule}", f"https://example.org/{rule}"),
        "detail": markdown("Detail of {rule}.", rule=rule),
        "about": ("MedicationRequest/d1",),
    }
    return Finding(rule=rule, indicator=indicator, drug=drug, **defaults | changes)


def shown(*findings: Finding) -> list[str]:
    return [each.rule for each in merge(findings)[0]]


def test_findings_of_one_order_and_medicine_are_one_card_led_by_the_gravest() -> None:
    info = finding("a", "info", suggestions=(Suggestion("A"),), overrides=("will-monitor",))
    warning = finding("b", suggestions=(Suggestion("B"), Suggestion("A")), overrides=("tapering",))
    (card,), left_out = merge([info, warning])
    assert (card.rule, card.indicator) == ("b", "warning")
    assert card.summary == "b is so; 1 more on this order"
    assert card.detail == (
        "Detail of b.\n\nAlso, of this order:\n\n"
        "- **a is so** Detail of a. [Source of a](https://example.org/a)"
    )
    assert [each.label for each in card.suggestions] == ["B", "A"]
    assert card.overrides == ("tapering", "will-monitor")
    assert left_out == [(info, "merged")]


def test_a_summary_without_room_stays_as_it_is() -> None:
    long = "s" * 130
    (card,), _ = merge([finding("a", summary=long), finding("b")])
    assert card.summary == long


def test_another_medicine_another_order_or_no_medicine_is_another_card() -> None:
    other = ("MedicationRequest/d2",)
    assert shown(finding("a"), finding("b", drug="y"), finding("c", about=other)) == list("abc")
    assert shown(finding("a", drug=None), finding("b", drug=None)) == ["a", "b"]
    assert shown(finding("a", about=()), finding("b", about=())) == ["a", "b"]


def test_a_critical_finding_keeps_its_card_and_drops_information_on_its_medicine() -> None:
    critical, other = finding("a", "critical"), finding("b", "critical")
    info, warning = finding("c", "info", about=()), finding("d")
    merged, left_out = merge([critical, other, info, warning])
    assert [each.rule for each in merged] == ["a", "b", "d"]
    assert left_out == [(info, "graver")]
    assert shown(critical, finding("c", "info", drug="y")) == ["a", "c"]


def test_what_is_hidden_joins_no_card() -> None:
    def hides(each: Finding) -> str | None:
        return "overridden" if each.rule == "b" else None

    curated = curate([finding("a", "info"), finding("b")], 5, hides=hides)
    assert [each.summary for each in curated.findings] == ["a is so"]
    assert [why for _, why in curated.left_out] == ["overridden"]
