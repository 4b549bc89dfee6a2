"""What a CDS service answered, as far as it can be shown. CDS Hooks 2.0, "CDS Service Response".

Other people's servers write this. What a clinician could not read or use is left out and told in
words; the lint (`sandbox.lint`) names the rules that were broken.
"""

from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

Json = dict[str, Any]


class Coding(Struct, frozen=True):
    code: str
    system: str | None = None
    display: str | None = None


class Source(Struct, frozen=True):
    label: str
    url: str | None = None
    icon: str | None = None
    topic: Coding | None = None


class Action(Struct, frozen=True, rename="camel"):
    """`resource_id` is `Type/id`; services of CDS Hooks 1 have that text in `resource`."""

    type: Literal["create", "update", "delete"]
    description: str = ""
    resource: Json | str | None = None
    resource_id: str | None = None


class Suggestion(Struct, frozen=True, rename="camel"):
    """`id` is ours, its place on the card, since `uuid` may be missing."""

    label: str
    uuid: str | None = None
    is_recommended: bool = False
    actions: tuple[Action, ...] = ()
    id: str = field(name="-", default="")


class Link(Struct, frozen=True, rename="camel"):
    label: str
    url: str
    type: Literal["absolute", "smart"]
    app_context: str | None = None
    autolaunchable: bool = False


class Card(Struct, frozen=True, rename="camel"):
    """`detail` is GitHub Markdown of somebody else: nothing in it is safe to show as it is."""

    summary: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    uuid: str | None = None
    detail: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: Literal["at-most-one", "any"] = "at-most-one"
    override_reasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Answered:
    """What can be shown and applied; `unusable` tells of the rest, a sentence each."""

    cards: tuple[Card, ...] = ()
    system_actions: tuple[Action, ...] = ()
    unusable: tuple[str, ...] = ()


_Read = TypeVar("_Read", Card, Action)
_MOST = 100


def read(document: Any) -> Answered:
    """The cards and system actions of an answer."""
    if not isinstance(document, dict) or not isinstance(document.get("cards"), list):
        return Answered(unusable=("The answer is no object with an array of cards.",))
    unusable: list[str] = []
    cards = [_safe(card, unusable) for card in _each(document, "cards", Card, unusable)]
    actions = tuple(_each(document, "systemActions", Action, unusable))
    return Answered(tuple(cards), actions, tuple(unusable))


def _each(document: Json, name: str, kind: type[_Read], unusable: list[str]) -> Iterator[_Read]:
    members = document.get(name)
    if members is None:
        return
    if not isinstance(members, list):
        unusable.append(f"{name} is no array.")
        return
    if len(members) > _MOST:
        unusable.append(f"Only the first {_MOST} {name} are used.")
    for number, member in enumerate(members[:_MOST]):
        try:
            yield msgspec.convert(member, kind)
        except msgspec.ValidationError as error:
            unusable.append(f"{name}[{number}] is left out: {_told(str(error))}.")


def _told(error: str) -> str:
    what, _, path = error.partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    return f"{place}: {what}" if place else what


def _safe(card: Card, unusable: list[str]) -> Card:
    """The card without addresses that a page must not link to, such as `javascript:`."""
    links = []
    for link in card.links[:_MOST]:
        if _is_web(link.url):
            links.append(link)
        else:
            unusable.append(f"The link {link.label!r} is left out: its address is not http(s).")
    source = card.source
    for name in ("url", "icon"):
        url = getattr(source, name)
        if url is not None and not _is_web(url):
            source = replace(source, **{name: None})
    several: Mapping[str, Sized] = {
        "links": card.links,
        "suggestions": card.suggestions,
        "overrideReasons": card.override_reasons,
    }
    unusable += [
        f"Only the first {_MOST} {name} of a card are used."
        for name, members in several.items()
        if len(members) > _MOST
    ]
    return replace(
        card,
        links=tuple(links),
        source=source,
        suggestions=_named(card.suggestions[:_MOST]),
        override_reasons=card.override_reasons[:_MOST],
    )


def _named(suggestions: Sequence[Suggestion]) -> tuple[Suggestion, ...]:
    return tuple(replace(each, id=str(number)) for number, each in enumerate(suggestions))


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
