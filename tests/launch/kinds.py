"""Which error page a page is."""

from __future__ import annotations

import html

from launch.errors import Kind
from launch.pages import _WORDS
from tests.launch.browser import Page


def shows(page: Page, kind: Kind) -> bool:
    """Whether this is the error page of this kind, with its status."""
    words = _WORDS[kind]
    return page.status == words.status and html.escape(words.happened[:30]) in page.text


def kind_of(page: Page) -> str:
    """The kind of an error page; "chart" if it is none."""
    found = [kind for kind in _WORDS if shows(page, kind)]  # type: ignore[arg-type]
    return found[0] if found else "chart" if page.status == 200 else str(page.status)
