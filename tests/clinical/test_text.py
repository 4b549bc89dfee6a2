"""Record text cannot become markup, and a summary stays short and readable."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.text import ago, bullets, day, join, listed, markdown, summary

# What gives a character a meaning in GitHub Flavored Markdown when no backslash stands before it.
ACTIVE = re.compile(
    r"(?<!\\)(?:\\\\)*[#$*:@\[\]_`{|}~]|^[-+=]|^\d+[.)](?=\s|$)|[<>]|&(?!(amp|lt|gt);)"
)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        "[x]: https://evil.example",
        "<https://evil.example>",
        "https://evil.example/path?a=b",
        "HTTP://evil.example",
        "www.evil.example",
        "someone@evil.example",
        "mailto:someone@evil.example",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "# heading\n\n- item\n1. item\n> quote\n---",
        "`code` ``` fence ~~~",
        "**bold** __bold__ ~~gone~~",
        "&lt;script&gt; &#60;b&#62; &colon;",
        "\\[x\\](y)",
        "ends with a backslash \\",
        "[^1] :smile: $x$ {{x}} {x}",
        "=====",
        "\u202etxt.exe \u200b\u2066x",
    ],
)
def test_text_of_a_record_is_inert(text: str) -> None:
    made = markdown("{text}", text=text)
    assert not ACTIVE.search(made)
    assert "\n" not in made
    # No renderer that looks for addresses after the escapes are gone finds one.
    plain = made.replace("\\", "")
    assert not re.search(r"://|www\.|@\w", plain, re.IGNORECASE)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", plain)


@given(st.text(max_size=300))
def test_any_text_of_a_record_is_inert(text: str) -> None:
    made = markdown("{text}", text=text)
    assert not ACTIVE.search(made)
    assert "\n" not in made


def test_text_is_still_the_same_to_read() -> None:
    assert markdown("{name}", name="Žofie 李, MD") == "Žofie 李, MD"
    assert markdown("{x}", x="7.1 %") == "7.1 %"
    assert markdown("{x}", x="co-trimoxazole 2.5 % (oral)") == "co-trimoxazole 2.5 % (oral)"
    assert markdown("{x}", x="5 < 6 & 7") == "5 &lt; 6 &amp; 7"


def test_numbers_and_dates_need_no_escape() -> None:
    made = markdown("{a} {b} {c} {d}", a=28, b=1.5, c=Decimal("28.0"), d=date(2026, 1, 2))
    assert made == "28 1.5 28.0 02 Jan 2026"


def test_markdown_of_ours_is_not_escaped_again() -> None:
    assert markdown("{x}", x=markdown("**{y}**", y="*")) == "**\\***"


def test_a_long_text_is_cut() -> None:
    assert len(markdown("{x}", x="x" * 5000)) == 200
    assert markdown("{x}", x="x" * 5000).endswith("…")


def test_parts_are_put_together() -> None:
    one, two = markdown("one"), markdown("two")
    assert join(one, markdown(""), two) == "one\n\ntwo"
    assert bullets([one, two]) == "- one\n- two"
    assert listed([one, two]) == "one; two"


@pytest.mark.parametrize("month", range(1, 13))
def test_a_day_has_the_name_of_its_month(month: int) -> None:
    assert day(date(2026, month, 2)) == date(2026, month, 2).strftime("%d %b %Y")


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (91, "91 days ago"),
        (730, "730 days ago"),
        (731, "2 years ago"),
        (1095, "2 years ago"),
        (1096, "3 years ago"),
        (5644, "15 years ago"),
    ],
)
def test_how_long_ago(days: int, told: str) -> None:
    assert ago(days) == told


def test_a_summary_keeps_names_whole() -> None:
    assert summary("Allergy of Žofie 李") == "Allergy of Žofie 李"


@given(st.text(max_size=600))
def test_a_summary_is_one_short_line_without_tags(text: str) -> None:
    made = summary(text)
    assert len(made) <= 139
    assert not re.search(r"[<>\n\r\t\u202e]", made)
