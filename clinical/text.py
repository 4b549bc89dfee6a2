"""Texts of a card: Markdown in which record text cannot become markup, and plain one-liners.

Card detail is GitHub Flavored Markdown, which lets HTML through, and some clients render it
without a sanitiser. Whatever comes from a record, an EHR or a user is therefore escaped; numbers
and dates are formatted by us and need no escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

# A name or a note in a record may be of any length; a card is read in seconds.
LONGEST_VALUE = 200
_TWO_YEARS = 730
# CDS Hooks: "under 140 characters".
LONGEST_SUMMARY = 139

# What has a meaning anywhere in a line, and what has one at its beginning only: no more than that,
# so that a client that shows plain text stays readable.
_ACTIVE = re.compile(r"([#$*:@\[\\\]_`{|}~])")
_AT_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=]))")
# Words and numbers that mean nothing to Markdown wherever they stand: most of what is shown.
_PLAIN = re.compile(r"(?:[A-Za-z0-9%/]+|\d+\.\d+)(?: (?:[A-Za-z0-9%/(),]+|\d+\.\d+))*").fullmatch
# Some renderers look for addresses after the escapes are gone (GFM, Autolinks); a word joiner,
# which has no width, keeps them from being one.
_ADDRESS = re.compile(r"(:(?=//)|www(?=\.)|@)", re.IGNORECASE)
_WORD_JOINER = "\N{WORD JOINER}"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Markdown(str):
    """Markdown that is safe to show: made by `markdown`, never from record text."""

    __slots__ = ()


Value = str | int | float | Decimal | date


def markdown(template: str, /, **values: Value) -> Markdown:
    """Fill `{names}` of a template that we wrote; every text value is escaped.

    >>> markdown("eGFR **{egfr}** for {drug}", egfr=28, drug="[x](javascript:1)")
    'eGFR **28** for \\\\[x\\\\](javascript\\\\:1)'
    """
    return Markdown(template.format_map({name: _escape(value) for name, value in values.items()}))


def join(*parts: Markdown) -> Markdown:
    """Paragraphs."""
    return Markdown("\n\n".join(part for part in parts if part))


def bullets(items: list[Markdown]) -> Markdown:
    """A list."""
    return Markdown("\n".join(f"- {item}" for item in items))


def listed(items: Iterable[Markdown]) -> Markdown:
    """Several things in one sentence."""
    return Markdown("; ".join(items))


def day(when: date) -> str:
    """A date as every card and page shows it: 02 Jan 2026. Month names are never localised."""
    return f"{when.day:02d} {_MONTHS[when.month - 1]} {when.year:04d}"


def ago(days: int) -> str:
    """How long since: in days while that can be taken in."""
    return f"{days} days ago" if days <= _TWO_YEARS else f"{int(days / 365.25)} years ago"


def one_line(text: str, longest: int) -> str:
    """Record text without control and direction characters, on one line, cut with an ellipsis."""
    text = text[: longest * 4]
    # Printable is exactly: no control, format or separator character but the space.
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def summary(text: str) -> str:
    """A card's summary: plain text, one line, at most 139 characters, nothing like a tag."""
    # Single angle quotation marks.
    return one_line(text, LONGEST_SUMMARY).replace("<", "\u2039").replace(">", "\u203a")


def _escape(value: Value) -> str:
    if isinstance(value, Markdown):
        return value
    if isinstance(value, date):
        return day(value)
    if isinstance(value, str):
        if len(value) <= LONGEST_VALUE and _PLAIN(value):
            return value
        line = _ADDRESS.sub(rf"\1{_WORD_JOINER}", one_line(value, LONGEST_VALUE))
        line = _AT_START.sub(r"\1\\", _ACTIVE.sub(r"\\\1", line))
        return line.translate(_ENTITIES)
    if isinstance(value, float):
        return format(value, "g")
    if isinstance(value, int | Decimal):
        return str(value)
    raise TypeError(f"markdown() takes text, numbers and dates, not {type(value).__name__}")


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
