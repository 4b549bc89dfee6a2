"""A card's detail as HTML. GitHub Flavored Markdown, of which only what is harmless is drawn.

Paragraphs, lists, bold, emphasis, code and links to http(s) are drawn; a table or a heading is
shown as it is written, an image or HTML as text. Whatever the text, the result has no other
element, no attribute but the address of a link, and is made in time linear to the length.
"""

import html
import re
from collections.abc import Iterator

from markupsafe import Markup, escape

LONGEST = 20_000

_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])\s+(.*)")
# Each alternative is bounded, so that no unclosed mark makes the rest of the text be read again.
_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|`(?P<code>[^`\n]{1,200})`"
    r"|\*\*(?P<bold>(?:\\.|[^\\*]){1,400})\*\*"
    r"|(?<!\w)(?P<mark>[*_])(?P<em>(?=\S)(?:\\.|[^\\*_]){1,400}(?<=\S))(?P=mark)(?!\w)"
    r"|\[(?P<label>(?:\\.|[^\\\[\]<]){1,400})\]\((?P<url>https?://[^\s()<>]{1,1000})\)"
    r"|<(?P<auto>https?://[^\s<>]{1,1000})>",
    re.DOTALL,
)


def drawn(text: str) -> Markup:
    """The HTML of this Markdown, cut after `LONGEST` characters."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    blocks = re.split(r"\n[ \t]*\n", cut.replace("\r\n", "\n").strip("\n"))
    return Markup("").join(_block(lines) for block in blocks for lines in _apart(block))


def _apart(block: str) -> Iterator[list[str]]:
    """The lines of a block, cut where a list begins or ends."""
    group: list[str] = []
    for line in block.split("\n"):
        if group and bool(_ITEM.fullmatch(line)) != bool(_ITEM.fullmatch(group[0])):
            # A line that is indented belongs to the item above.
            if line.startswith("  ") and _ITEM.fullmatch(group[0]):
                group[-1] += f" {line.strip()}"
                continue
            yield group
            group = []
        group.append(line)
    if any(line.strip() for line in group):
        yield group


def _block(lines: list[str]) -> Markup:
    items = [_ITEM.fullmatch(line) for line in lines]
    if items[0]:
        drawn_items = (Markup("<li>%s</li>") % _inline(item[1]) for item in items if item)
        return Markup("<ul>%s</ul>") % Markup("").join(drawn_items)
    if all(line.lstrip().startswith("|") for line in lines):
        return Markup('<pre class="wrap">%s</pre>') % "\n".join(lines)
    parts = []
    for line in lines:
        parts.append(_inline(line.strip()))
        hard = line.endswith(("  ", "\\"))
        parts.append(Markup("<br>") if hard else Markup(" "))
    return Markup("<p>%s</p>") % Markup("").join(parts[:-1])


def _inline(text: str) -> Markup:
    made, end = [], 0
    for found in _INLINE.finditer(text):
        made += [_plain(text[end : found.start()]), _element(found)]
        end = found.end()
    made.append(_plain(text[end:]))
    return Markup("").join(made)


def _element(found: re.Match[str]) -> Markup:
    if found["escaped"]:
        return escape(found["escaped"])
    if found["code"]:
        return Markup("<code>%s</code>") % found["code"]
    if found["bold"]:
        return Markup("<b>%s</b>") % _inline(found["bold"])
    if found["em"]:
        return Markup("<em>%s</em>") % _inline(found["em"])
    url = html.unescape(found["url"] or found["auto"])
    link = Markup('<a href="%s" target="_blank" rel="noopener noreferrer">%s</a>')
    return link % (url, _inline(found["label"]) if found["label"] else found["auto"])


def _plain(text: str) -> Markup:
    # Entities are part of Markdown: they are read, then written anew.
    return escape(html.unescape(text))
