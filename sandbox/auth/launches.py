"""Launches: what the EHR keeps of a chart that an app was opened on, under a value of no meaning.

SMART App Launch 2.2, "Launch App: EHR Launch". The value lives five minutes, works once, and for
the app it was made for.
"""

import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What an authorization is about.

    Of several `patients` the user picks one. `encounter` is an id, "AUTO" for the latest, "MANUAL"
    for one that the user picks, or None. `visit` is the opened chart, whose orders the app may
    change by SMART Web Messaging. `scope` limits what is granted. `faults` are names of
    `sandbox.auth.faults`; `user` None is whoever signs in.
    """

    client_id: str
    user: str | None = None
    patients: tuple[str, ...] = ()
    encounter: str | None = None
    visit: str | None = None
    app_context: str | None = None
    need_patient_banner: bool | None = None
    intent: str | None = None
    tenant: str | None = None
    style: bool = False
    fhir_context: Sequence[Mapping[str, Any] | str] | None = None
    skip_login: bool = False
    skip_auth: bool = False
    scope: str | None = None
    faults: Collection[str] = frozenset()

    def members(self, style_url: str) -> dict[str, Any]:
        """The launch context of a token response, without patient and encounter."""
        given = {
            "need_patient_banner": self.need_patient_banner,
            "intent": self.intent,
            "tenant": self.tenant,
            "smart_style_url": style_url if self.style else None,
            "fhirContext": list(self.fhir_context) if self.fhir_context is not None else None,
            "appContext": self.app_context,
        }
        return {name: value for name, value in given.items() if value is not None}


class Context(TypedDict, total=False):
    """What may be said of a launch: the members of `Launch`."""

    user: str | None
    encounter: str | None
    visit: str | None
    app_context: str | None
    need_patient_banner: bool | None
    intent: str | None
    tenant: str | None
    style: bool
    fhir_context: Sequence[Mapping[str, Any] | str] | None
    skip_login: bool
    skip_auth: bool
    scope: str | None
    faults: Collection[str]


class Launches:
    """The launches that no app has taken up yet."""

    def __init__(self, clock: Callable[[], float], lifetime: float) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[float, Launch]] = {}

    def add(self, launch: Launch) -> str:
        """The value under which the app may take it up."""
        value, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._waiting = {v: kept for v, kept in self._waiting.items() if now < kept[0]}
            self._waiting[value] = (now + self._lifetime, launch)
        return value

    def take(self, value: str, client_id: str) -> Launch | None:
        """The launch of a value that this app may take up, once."""
        with self._lock:
            until, launch = self._waiting.get(value, (0.0, None))
            if launch is None or launch.client_id != client_id:
                return None
            del self._waiting[value]
        return launch if self._clock() < until else None
