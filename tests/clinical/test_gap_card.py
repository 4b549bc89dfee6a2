"""Several care gaps become one card, and each keeps its id, its words and its source."""

from typing import Any

from clinical.finding import Finding, Source
from clinical.gap_card import fold, lists, subject
from clinical.text import markdown


def gap(name: str, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": f"gap.{name}",
        "summary": f"{name} may be due",
        "indicator": "info",
        "source": Source(f"Guideline of {name}, 2021", f"https://example.org/{name}"),
        "detail": markdown("Last {name} too long ago.\n\nNot used:\n\n- one\n- two", name=name),
        "gap": f"{name} test",
        "overrides": ("done-elsewhere", "data-wrong"),
    }
    return Finding(**given | changes)


def test_a_single_gap_is_its_own_card() -> None:
    assert fold([gap("one")]) == [gap("one")]
    assert fold([]) == []


def test_several_are_one_where_the_first_stood() -> None:
    other = gap("other", gap=None)
    warning = gap("grave", indicator="warning")
    folded = fold([other, gap("one"), warning, gap("two"), gap("three"), gap("four")])
    assert [each.rule for each in folded] == ["gap.other", "care.gaps", "gap.grave"]
    card = folded[1]
    assert card.summary == "4 care gaps: one test, two test, three test and 1 more"
    assert card.indicator == "info"
    assert card.parts == ("gap.one", "gap.two", "gap.three", "gap.four")
    assert card.overrides == ("data-wrong", "done-elsewhere")
    assert card.pick == "any"


def test_each_is_told_in_one_paragraph_with_its_source() -> None:
    (card,) = fold([gap("one"), gap("two")])
    assert card.detail is not None
    first, second, *_ = card.detail.split("\n")
    assert first == (
        "- **One test**: Last one too long ago. Not used: one two "
        "[Guideline of one, 2021](https://example.org/one)"
    )
    assert second.startswith("- **Two test**: ")


def test_a_summary_names_as_many_as_there_is_room_for() -> None:
    names = ["a" * 60, "b" * 60, "c" * 60]
    (card,) = fold([gap(name, rule=f"gap.{name[0]}", gap=name) for name in names])
    assert card.summary == f"3 care gaps: {names[0]} and 2 more"


def test_which_card_told_of_a_gap() -> None:
    told = subject(["gap.b", "gap.a"])
    assert lists(told, "gap.a")
    assert not lists(told, "gap")
    assert not lists(None, "gap.a")
