"""One request to a CDS service and what came of it, as the inspector shows it."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.cds.cards import Action, Card
from sandbox.lint import LintFinding

MASKED = "•••"
"""Stands for the value of a token."""

Json = dict[str, Any]
Outcome = Literal["given", "empty", "left out", "not filled", "refused"]


@dataclass(frozen=True)
class FetchedBack:
    """A FHIR request that the service made with the token of its call.

    `target` is path and query, `ms` how long it took, `entries` the resources of the answer if it
    was a search that succeeded.
    """

    method: str
    target: str
    status: int
    ms: float
    entries: int | None = None


@dataclass(frozen=True)
class Prefetched:
    """What became of one prefetch key.

    `query` is the template with its tokens filled, None if it was not; `entries` the resources
    that were given, `reason` says in words why it is not "given". `fetched` is what the service
    then read of the same itself.
    """

    key: str
    template: str
    query: str | None
    outcome: Outcome
    entries: int | None = None
    reason: str = ""
    fetched: tuple[FetchedBack, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A service call, the feedback about a card, or a discovery that failed as a hook was fired.

    Tokens are masked in `request` and `request_headers`. `status` is None if there was no answer;
    `answer` is its JSON, None if it is not JSON; `answer_text` its text, cut where it is long.
    `error` says in words what went wrong, None if nothing did. `ms` is the time from sending to the
    whole answer. `fetched` are all requests that came back with the token of this call. `lint` are
    findings of `sandbox.lint`, beside `rules_kept` rules without any. `firing` counts the firings
    of a visit. `applied` tells what system actions have changed, or why not.
    """

    id: str
    at: datetime
    kind: Literal["call", "feedback", "discovery"]
    hook: str
    server: str
    service_id: str
    url: str
    request: Json
    request_headers: Mapping[str, str]
    status: int | None = None
    answer: Any = None
    answer_text: str = ""
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    ms: float = 0.0
    prefetched: tuple[Prefetched, ...] = ()
    fetched: tuple[FetchedBack, ...] = ()
    lint: tuple[LintFinding, ...] = ()
    rules_kept: int = 0
    cards: tuple[Card, ...] = ()
    system_actions: tuple[Action, ...] = ()
    firing: int = 0
    applied: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What kind of request it was, for people."""
        return self.hook if self.kind == "call" else self.kind

    @property
    def method(self) -> str:
        """That of HTTP."""
        return "GET" if self.kind == "discovery" else "POST"


class Log:
    """The newest exchanges of one visit, the oldest first. Safe to share between threads."""

    def __init__(self, most: int = 200) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Exchange] = deque(maxlen=most)

    def add(self, exchange: Exchange) -> None:
        """Keeps it, and lets go of the oldest one if there are too many."""
        with self._lock:
            self._kept.append(exchange)

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, exchange_id: str) -> Exchange | None:
        """The exchange of this id, if it is still kept."""
        return next((each for each in self if each.id == exchange_id), None)
