"""The document that says what the rules' numbers mean."""

from pathlib import Path

from sandbox.lint.document import RULES, document

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "lint.md"


def test_it_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run: make docs"


def test_each_number_stands_in_it_once() -> None:
    rows = [line.split(" | ")[0] for line in document().splitlines() if line.startswith("| CH-")]
    assert rows == [f"| {number}" for number in sorted({rule.number for rule in RULES})]
