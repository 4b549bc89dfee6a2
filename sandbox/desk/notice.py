"""What an act did, told once on the page that comes next."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakKeyDictionary

from sandbox.cds.visit import Visit


@dataclass(frozen=True)
class Notice:
    """A bold word and a sentence. `about` is the id of the card or the field that it is about.

    `form` is what was written into the form of that field, `card` the id of a card to read first.
    """

    severity: Literal["done", "info", "warning", "critical"]
    word: str
    text: str = ""
    about: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    card: str = ""


class Notices:
    """The notices that no page has shown yet, one for each visit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Visit, Notice] = WeakKeyDictionary()

    def keep(self, visit: Visit, notice: Notice) -> None:
        """For the next page of this visit."""
        with self._lock:
            self._kept[visit] = notice

    def take(self, visit: Visit) -> Notice | None:
        """The notice for this page; the next one does not tell it again."""
        with self._lock:
            return self._kept.pop(visit, None)
