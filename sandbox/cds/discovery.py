"""Which services a CDS server has. CDS Hooks 2.0, "Discovery"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of the CDS server at the base URL `server`."""

    server: str
    hook: str
    id: str
    description: str
    title: str = ""
    prefetch: Mapping[str, str] = field(default_factory=dict)
    usage: str = ""

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"{self.server}/cds-services/{quote(self.id, safe='')}"

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or self.id


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """What the CDS server at `url`, a base URL, said of itself.

    `document` is the JSON that it sent, None if it sent none, `status` None if it did not answer.
    `error` says in words what is wrong; `services` are those that can be used all the same.
    """

    url: str
    services: tuple[Service, ...] = ()
    document: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ms: float = 0.0
    error: str | None = None


def discover(url: str, authorization: str | None = None) -> Discovered:
    """What is at this CDS server, given by its base URL or its discovery address. Never raises."""
    raise NotImplementedError
