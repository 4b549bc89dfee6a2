"""Thresholds: every number that a check compares with, and the document that it rests on.

One TOML file a topic under `data/thresholds`, read once, when the check that uses it is imported.
A citation's level is `primary` (the document itself was read), `secondary` (read through pages
that restate it), `local` (a choice of this project) or `not-re-read` (nobody has read it again).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from clinical.finding import Source

_FOLDER = Path(__file__).with_name("data") / "thresholds"


class Table(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of a TOML file."""


class Evidence(Table, frozen=True):
    """A document, what it says in our words, and where it was read if not at `url`."""

    title: str
    level: Literal["primary", "secondary", "local", "not-re-read"]
    says: str
    year: int | None = None
    url: str | None = None
    read: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """As a card names it."""
        return Source(f"{self.title}, {self.year}" if self.year else self.title, self.url)


class Value(Table, frozen=True):
    """A number with its unit and the evidence that it rests on."""

    value: int | float
    unit: str
    rests_on: Annotated[tuple[str, ...], Meta(min_length=1)]


class Thresholds(Table, frozen=True):
    """The numbers of one topic, by name."""

    checked: date
    evidence: dict[str, Evidence]
    values: dict[str, Value]

    def __getitem__(self, name: str) -> int | float:
        return self.values[name].value

    def source(self, name: str) -> Source:
        """What a card names as its source."""
        return self.evidence[name].source


T = TypeVar("T", bound=Thresholds)


def load(topic: str, type: type[T]) -> T:
    """The thresholds of a topic of this project."""
    return read(_FOLDER / f"{topic}.toml", type)


def read(path: Path, type: type[T]) -> T:
    """The thresholds of a file; raises ValueError with its name when anything in it is wrong."""
    try:
        topic: T = msgspec.toml.decode(path.read_bytes(), type=type)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path.name}: {error}") from None
    for name, value in topic.values.items():
        missing = set(value.rests_on) - set(topic.evidence)
        if missing:
            raise ValueError(f"{path.name}: {name} rests on {missing}, which is not cited")
    return topic
