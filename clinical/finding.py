"""What a check finds: the clinical content of a card, before any EHR's way of showing it.

A Finding is evidence about this chart with an indicator, a source, and what could be done. A Gap
is what a check could not judge and why. Values that break a rule of CDS Hooks cards cannot be
made: the constructors raise ValueError, in the author's tests and not in front of a clinician.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from clinical.text import LONGEST_VALUE, Markdown, one_line, summary
from fhir.records import Coding, Draft

Indicator = Literal["info", "warning", "critical"]
INDICATORS: tuple[Indicator, ...] = get_args(Indicator)

# Local code system; displays are what the clinician picks from.
OVERRIDE_REASONS: Mapping[str, str] = {
    "acted-on": "Already acted on",
    "already-ordered": "Already ordered",
    "benefit-outweighs-risk": "Benefit outweighs the risk",
    "clinical-change": "The condition has changed",
    "data-wrong": "The record is wrong",
    "done-elsewhere": "Done elsewhere",
    "dose-change": "The dose is being changed",
    "ecg-reviewed": "ECG reviewed",
    "end-of-life-care": "End-of-life care",
    "intended-combination": "Combined on purpose",
    "limited-life-expectancy": "Limited life expectancy",
    "monitoring-therapy": "A treatment is being monitored",
    "not-appropriate": "Not appropriate for this patient",
    "not-pregnant": "Not pregnant",
    "patient-declined": "Patient declined",
    "patient-requested": "The patient asks for it",
    "result-doubtful": "The last result is doubtful",
    "short-term-only": "For a short time only",
    "specialist-advice": "On specialist advice",
    "tapering": "Being tapered",
    "tolerated-before": "Tolerated before",
    "will-monitor": "Will monitor",
}

RULE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class Source(Struct, frozen=True):
    """The guideline or label that a finding rests on, with its year, and where to read it."""

    label: str
    url: str | None = None

    def __post_init__(self) -> None:
        _one_line(self, "label")
        _needs(self.url is None or _is_web(self.url), "a source's url is absolute http(s)")


class LabOrder(Struct, frozen=True):
    """A new laboratory order to offer, as a draft."""

    code: Coding

    def __post_init__(self) -> None:
        _needs(self.code.system and self.code.code, "an order needs a code with its system")


class MedicineOrder(Struct, frozen=True):
    """A new order of a medicine to offer, as a draft without a dose: the clinician gives it."""

    code: Coding

    def __post_init__(self) -> None:
        _needs(self.code.system and self.code.code, "an order needs a code with its system")


class Create(Struct, frozen=True):
    """Offer a new draft order."""

    description: str
    order: LabOrder | MedicineOrder

    def __post_init__(self) -> None:
        _one_line(self, "description")
        _typed(self, order=_ANY_ORDER)


class Update(Struct, frozen=True):
    """Offer to change an order of this session: top-level members of its JSON to replace."""

    description: str
    draft: Draft
    changes: Mapping[str, Any]

    def __post_init__(self) -> None:
        _one_line(self, "description")
        _typed(self, draft=Draft)
        _needs(self.changes, "an update changes something")
        msgspec.json.encode(dict(self.changes))  # raises TypeError for what is no JSON
        _needs(
            not {"id", "resourceType", "subject"} & set(self.changes),
            "an update keeps id, type and patient",
        )


class Delete(Struct, frozen=True):
    """Offer to remove an order of this session."""

    description: str
    draft: Draft

    def __post_init__(self) -> None:
        _one_line(self, "description")
        _typed(self, draft=Draft)


Action = Create | Update | Delete


class Suggestion(Struct, frozen=True):
    """One thing the clinician can accept; all its actions apply together."""

    label: str
    actions: tuple[Action, ...] = ()
    recommended: bool = False

    def __post_init__(self) -> None:
        _one_line(self, "label")
        _all_typed(self, actions=Action)


class Link(Struct, frozen=True):
    """A link to a web page."""

    label: str
    url: str

    def __post_init__(self) -> None:
        _one_line(self, "label")
        _needs(_is_web(self.url), "a link's url is absolute http(s)")


class AppLink(Struct, frozen=True):
    """A link into our SMART app, at this very finding. `autolaunch` is a hint to the EHR."""

    label: str
    autolaunch: bool = False

    def __post_init__(self) -> None:
        _one_line(self, "label")


class Finding(Struct, frozen=True, kw_only=True):
    """One card's worth of evidence.

    `rule` is the stable id that statistics and suppression key on, e.g.
    "renal.metformin.contraindicated"; so are `drug`, the ingredient it is about, and `severity`,
    a number that grows as things get worse (an eGFR of 27 is -27): a card that was overridden
    comes back for another drug and for a worse value. `about` are the references (Type/id) that it
    speaks of, so that one rule can speak of two orders. `pick`: whether suggestions exclude each
    other. `gap`: what a care gap is called in a list; `parts`: the rules of the gaps in one card,
    whose `drug` names them all.
    """

    rule: str
    summary: str
    indicator: Indicator
    source: Source
    detail: Markdown | None = None
    drug: str | None = None
    severity: float | None = None
    about: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    pick: Literal["at-most-one", "any"] = "at-most-one"
    overrides: tuple[str, ...] = ()
    links: tuple[Link | AppLink, ...] = ()
    gap: str | None = None
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _needs(RULE.fullmatch(self.rule), "{!r} is not a rule id", self.rule)
        _needs(self.indicator in INDICATORS, "{!r} is not an indicator", self.indicator)
        force_setattr(self, "summary", summary(self.summary))
        _needs(self.summary, "a finding needs a summary")
        _typed(self, source=Source, detail=_OPTIONAL_MARKDOWN)
        _all_typed(self, about=str, suggestions=Suggestion, overrides=str, links=_ANY_LINK)
        _typed(self, gap=_OPTIONAL_TEXT)
        _all_typed(self, parts=str)
        _needs(self.pick in ("at-most-one", "any"), "{!r} is no way to pick", self.pick)
        for reason in self.overrides:
            _needs(reason in OVERRIDE_REASONS, "unknown override reason {}", reason)
        _needs(len(set(self.overrides)) == len(self.overrides), "an override reason stands twice")
        recommended = sum([suggestion.recommended for suggestion in self.suggestions])
        _needs(
            self.pick == "any" or recommended <= 1, "at-most-one allows one recommended suggestion"
        )

    @property
    def key(self) -> str:
        """Tells this finding from the others of the same answer."""
        return "|".join((self.rule, *self.about))


class Gap(Struct, frozen=True):
    """What a check could not judge, in words that can follow "Not checked: "."""

    rule: str
    text: Markdown

    def __post_init__(self) -> None:
        _typed(self, rule=str, text=Markdown)


class SystemAction(Struct, frozen=True):
    """Something the EHR applies without asking, only where a site has agreed to it."""

    action: Action

    def __post_init__(self) -> None:
        _typed(self, action=Action)


Result = Finding | Gap | SystemAction

_OPTIONAL_MARKDOWN = Markdown | None
_OPTIONAL_TEXT = str | None
_ANY_LINK = Link | AppLink
_ANY_ORDER = LabOrder | MedicineOrder


def _needs(holds: object, otherwise: str, *named: object) -> None:
    if not holds:
        raise ValueError(otherwise.format(*named))


def _typed(value: object, **types: Any) -> None:
    """Types hold at run time too: whoever saves a service and restarts runs no type checker. Text
    in particular is not Markdown before `markdown()` has escaped it.
    """
    for name, type_ in types.items():
        _needs(isinstance(getattr(value, name), type_), "{} is a {}", name, type_)


def _all_typed(value: object, **types: Any) -> None:
    for name, type_ in types.items():
        items = getattr(value, name)
        _needs(isinstance(items, tuple), "{} is a tuple of {}", name, type_)
        for each in items:
            _needs(isinstance(each, type_), "{} is a tuple of {}", name, type_)


def _one_line(value: Struct, name: str) -> None:
    """Labels and descriptions are plain text, and may name something from the record."""
    text = one_line(getattr(value, name), LONGEST_VALUE)
    _needs(text, "a {} needs a {}", type(value).__name__, name)
    force_setattr(value, name, text)


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and "@" not in parts.netloc
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


# Shown where the EHR launches our app.
OPEN_CHART = (AppLink("Open the chart in Chartside"),)
