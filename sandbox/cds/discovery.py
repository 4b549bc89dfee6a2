"""Which services a CDS server has. CDS Hooks 2.0, "Discovery"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from sandbox.cds.settings import base_url
from sandbox.http.document import NotJson, parsed, trouble
from sandbox.http.sending import NoReply, send

_MOST = 200


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


class _Entry(Struct, rename="camel"):
    hook: str
    id: str
    description: str = ""
    title: str | None = None
    prefetch: dict[str, str] | None = None
    usage_requirements: str | None = None


def discovery_url(base: str) -> str:
    """Where the CDS server of this base URL says what it has."""
    return f"{base}/cds-services"


def discover(url: str, authorization: str | None = None, seconds: float = 10.0) -> Discovered:
    """What is at this CDS server, given by its base URL or its discovery address.

    `authorization` is that header, if any. Nothing that the server does raises; ValueError if the
    URL is none.
    """
    base = base_url(url)
    headers = {"Accept": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    try:
        reply = send("GET", discovery_url(base), headers, seconds=seconds)
    except NoReply as none:
        return Discovered(url=base, ms=none.ms, error=str(none))
    wrong = trouble(reply)
    document: Any = None
    services: tuple[Service, ...] = ()
    try:
        document = parsed(reply.body)
    except NotJson as error:
        wrong = wrong or str(error)
    if wrong is None:
        services, wrong = _services(base, document)
    return Discovered(
        url=base,
        services=services,
        document=document,
        status=reply.status,
        headers=reply.headers,
        ms=reply.ms,
        error=wrong,
    )


def _services(base: str, document: Any) -> tuple[tuple[Service, ...], str | None]:
    entries = document.get("services") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return (), "The document is no object with an array of services."
    services: list[Service] = []
    wrong: list[str] = []
    for number, entry in enumerate(entries[:_MOST]):
        try:
            read = msgspec.convert(entry, _Entry)
        except msgspec.ValidationError as error:
            wrong.append(f"services[{number}] cannot be used: {error}.")
            continue
        if not read.id or not read.hook or read.id in (".", ".."):
            wrong.append(f"services[{number}] cannot be used: its id or hook is empty.")
            continue
        if any((each.id, each.hook) == (read.id, read.hook) for each in services):
            # Both would be called at one address, and neither could be told from the other.
            wrong.append(f"services[{number}] is left out: the id {read.id!r} is there before.")
            continue
        services.append(
            Service(
                server=base,
                hook=read.hook,
                id=read.id,
                description=read.description,
                title=read.title or "",
                prefetch=read.prefetch or {},
                usage=read.usage_requirements or "",
            )
        )
    return tuple(services), " ".join(wrong) or None
