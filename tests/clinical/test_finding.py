"""A finding that would make a wrong card cannot be built."""

from typing import Any

import pytest

from clinical.finding import (
    AppLink,
    Create,
    Delete,
    Finding,
    LabOrder,
    Link,
    Source,
    Suggestion,
    Update,
)
from clinical.text import markdown
from fhir.records import Coding
from tests.clinical.build import draft

SOUND: dict[str, Any] = {
    "rule": "renal.metformin.start",
    "summary": "A summary",
    "indicator": "warning",
    "source": Source("FDA, 2016", "https://www.fda.gov/x"),
}
ORDER = LabOrder(Coding("http://loinc.org", "4548-4"))


def test_a_sound_finding() -> None:
    found = Finding(**SOUND, about=("MedicationRequest/1",), overrides=("data-wrong",))
    assert found.key == "renal.metformin.start|MedicationRequest/1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": ""},
        {"rule": "Renal"},
        {"rule": "renal..x"},
        {"rule": "renal x"},
        {"summary": ""},
        {"summary": " \n"},
        {"indicator": "hard-stop"},
        {"indicator": ""},
        {"detail": "plain text"},
        {"overrides": ("because",)},
        {"suggestions": (Suggestion("a", recommended=True), Suggestion("b", recommended=True))},
    ],
)
def test_a_wrong_finding_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Finding(**SOUND | wrong)


def test_two_recommended_suggestions_may_stand_where_any_may_be_picked() -> None:
    both = (Suggestion("a", recommended=True), Suggestion("b", recommended=True))
    assert Finding(**SOUND, suggestions=both, pick="any").suggestions == both


@pytest.mark.parametrize(
    "build",
    [
        lambda: Source(" "),
        lambda: Source("S", "fda.gov"),
        lambda: Source("S", "javascript:alert(1)"),
        lambda: Link("", "https://example.org"),
        lambda: Link("L", "/relative"),
        lambda: Link("L", "data:text/html,x"),
        lambda: AppLink(""),
        lambda: LabOrder(Coding(None, "4548-4")),
        lambda: LabOrder(Coding("http://loinc.org", "")),
        lambda: Suggestion(""),
        lambda: Suggestion("s", (Create(" ", ORDER),)),
        lambda: Suggestion("s", (Delete("", draft()),)),
        lambda: Update("d", draft(), {}),
        lambda: Update("d", draft(), {"id": "other"}),
        lambda: Update("d", draft(), {"subject": {}}),
    ],
)
def test_wrong_parts_are_refused(build: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        build()


def test_the_summary_is_cut_and_the_detail_is_markdown() -> None:
    found = Finding(**SOUND | {"summary": "x" * 500, "detail": markdown("**{x}**", x="*")})
    assert len(found.summary) == 139
    assert found.detail == "**\\***"
