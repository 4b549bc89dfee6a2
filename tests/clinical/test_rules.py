"""Tables of rules: what they rest on, and what stops the start."""

from pathlib import Path

import pytest

from clinical.rules import Rule, Rules, read

EVIDENCE = """
checked = 2026-11-24

[evidence.label]
title = "Label"
year = 2020
url = "https://example.org/label"
level = "primary"
says = "Not together."

[evidence.unread]
title = "Collected"
level = "not-re-read"
says = "Nobody has read it again."
"""
RULE = """
[[rules]]
id = "ddi.a-b"
indicator = "critical"
rests-on = ["label", "unread"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "group.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rule_names_its_first_document_with_its_year(tmp_path: Path) -> None:
    group = read(write(tmp_path, EVIDENCE + RULE), Rules[Rule])
    source = group.source(group["ddi.a-b"])
    assert (source.label, source.url) == ("Label, 2020", "https://example.org/label")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace('"label", "unread"', '"unread"'), "nothing read says so"),
        (lambda text: text.replace('"label", "unread"', '"label"'), "no rule rests on"),
        (lambda text: text.replace('"label", "unread"', '"label", "unread", "x"'), "not cited"),
        (lambda text: text + RULE, "stands there twice"),
        (lambda text: text.replace("ddi.a-b", "DDI a"), "not a rule id"),
        (lambda text: text.replace('"critical"', '"grave"'), "group.toml"),
        (lambda text: text + "surprise = 1\n", "group.toml"),
    ],
)
def test_a_wrong_table_stops_the_start(tmp_path: Path, change, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=reason):
        read(write(tmp_path, change(EVIDENCE + RULE)), Rules[Rule])


def test_what_nobody_has_read_again_may_be_a_warning(tmp_path: Path) -> None:
    text = (EVIDENCE + RULE).replace('"critical"', '"warning"')
    assert read(write(tmp_path, text), Rules[Rule])["ddi.a-b"].indicator == "warning"
