"""What a CDS service answered, as far as it can be shown. CDS Hooks 2.0, "CDS Service Response".

Other people's servers write this. What a clinician could not read or use is left out and told in
words; the lint (`sandbox.lint`) names the rules that were broken.
"""

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct, field

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
    """`id` is ours: its place on the card, since `uuid` may be missing."""

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
