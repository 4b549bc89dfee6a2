"""The document for a clinical committee."""

from pathlib import Path

from clinical.document import document
from clinical.known import FINDINGS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "clinical.md"


def test_it_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run: make docs"


def test_each_finding_stands_in_it_once_with_what_it_rests_on() -> None:
    text = document()
    for rule, rests_on in FINDINGS.items():
        assert text.count(f"### {rule}\n") == 1
        assert all(" ".join(each.says.split()) in text for each in rests_on)
