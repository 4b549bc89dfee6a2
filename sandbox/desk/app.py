"""The app in an opened chart: which one, with what it is told, and the launch when it is drawn.

SMART App Launch 2.2, "Launch App: EHR Launch"; CDS Hooks 2.0, "Link". A launch is made when the
frame is really loaded, so that a page which is read again does not use one up.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Unpack
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from sandbox.auth.clients import Client
from sandbox.auth.launches import Context
from sandbox.cds.visit import Refused, Visit


class Launching(Protocol):
    """What makes launches: the EHR."""

    def launch(
        self, client_id: str, *, patient: str | Sequence[str] | None, **context: Unpack[Context]
    ) -> str:
        """The value of a new launch."""

    def launch_url(self, app_launch_url: str, launch: str) -> str:
        """Where the EHR opens the app."""


@dataclass(frozen=True)
class Opened:
    """The app in a chart. `number` is another one whenever it is opened anew."""

    number: int
    client: Client
    url: str
    app_context: str | None


class Apps:
    """The app that each visit has open, one at most."""

    def __init__(self, clients: Mapping[str, Client], ehr: Launching) -> None:
        self._clients = clients
        self._ehr = ehr
        self._lock = threading.Lock()
        self._number = 0
        self._open: WeakKeyDictionary[Visit, Opened] = WeakKeyDictionary()

    @property
    def launch_urls(self) -> frozenset[str]:
        """Those of all registered apps."""
        return frozenset(u for client in self._clients.values() for u in client.launch_urls)

    @property
    def origins(self) -> str:
        """Those of all registered apps, for a page that has one in a frame."""
        parts = map(urlsplit, self.launch_urls)
        return " ".join(sorted({f"{each.scheme}://{each.netloc}" for each in parts}))

    def registered(self, url: str | None) -> tuple[Client, str] | None:
        """The client with this launch URL, the first of all if it is None."""
        every = [(client, u) for client in self._clients.values() for u in client.launch_urls]
        return next(((client, u) for client, u in every if url in (None, u)), None)

    def open(self, visit: Visit, url: str | None, app_context: str | None) -> Opened:
        """Opens the app at this launch URL; Refused if none is registered with it."""
        found = self.registered(url)
        if found is None:
            raise Refused(f"No app is registered with the launch URL {url}.")
        with self._lock:
            self._number += 1
            self._open[visit] = Opened(self._number, *found, app_context)
            return self._open[visit]

    def shown(self, visit: Visit) -> Opened | None:
        """The app that is open in this chart."""
        return self._open.get(visit)

    def close(self, visit: Visit) -> None:
        """Takes the app away from this chart."""
        self._open.pop(visit, None)

    def launched(self, visit: Visit, number: str) -> str | None:
        """The address of a new launch of the app, if it is still the one of this number."""
        opened = self.shown(visit)
        if opened is None or str(opened.number) != number:
            return None
        value = self._ehr.launch(
            opened.client.id,
            patient=visit.patient_id,
            user=visit.user,
            encounter=visit.encounter_id,
            app_context=opened.app_context,
            visit=visit.id,
        )
        return self._ehr.launch_url(opened.url, value)
