"""What the user settles before an app gets its code: who they are, which patient, and consent.

A launch may settle any of it beforehand. What it leaves open is asked for, one page at a time.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any

from sandbox.auth.authorize import Asked, Authorize, Decided
from sandbox.auth.launches import Launch
from sandbox.auth.refusal import Refusal
from sandbox.fhir.scopes import granted
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, Resource
from sandbox.http.listener import Request
from sandbox.pages.page import page
from sandbox.pages.record import Record

DEFAULT_USER = "Practitioner/sandbox-ada"
COOKIE = "__Host-development-ehr"
_LIFETIME = 600.0
_SESSIONS = 500


@dataclass(frozen=True, kw_only=True)
class _Open:
    """An authorization that waits for the user.

    `user` and `scopes` are None until they are settled. `patients` are those to choose from, none
    being left when one is chosen, or when there is no choice.
    """

    asked: Asked
    until: float
    user: str | None
    patient: str | None
    patients: tuple[str, ...]
    scopes: tuple[str, ...] | None
    encounter: str | None = None


class Interaction:
    """Leads the user through the pages. `signed_in` are the users of the EHR by their session."""

    def __init__(self, authorize: Authorize, store: Store, clock: Callable[[], float]) -> None:
        self._authorize = authorize
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, _Open] = {}
        self.signed_in: dict[str, str] = {}

    def start(self, request: Request) -> Answer:
        """The answer to an authorization request."""
        asked = self._authorize.read(request)
        if isinstance(asked, Answer):
            return asked
        if answer := self._authorize.refused(asked):
            return answer
        launch = asked.launch
        patients = self._choice(asked)
        if not launch.patients and patients and launch.skip_auth:
            return self._back(asked, "invalid_scope", "There is no patient in context.")
        waiting = _Open(
            asked=asked,
            until=self._clock() + _LIFETIME,
            user=self._user(request, launch),
            patient=launch.patients[0] if len(launch.patients) == 1 else None,
            patients=patients,
            scopes=self._limited(asked) if launch.skip_auth else None,
        )
        return self._proceed(waiting)

    def go_on(self, request: Request) -> Answer:
        """The answer to a form of one of the pages."""
        form = dict(request.form)
        with self._lock:
            waiting = self._waiting.pop(form.get("id", ""), None)
        if waiting is None or self._clock() >= waiting.until:
            return page("refused.html", 400, reason="This page is too old, or was sent before.")
        if form.get("answer") == "deny":
            return self._back(waiting.asked, "access_denied", "The user has refused.")
        if waiting.user is None:
            return self._sign_in(waiting, form.get("user", ""))
        if waiting.patients:
            if form.get("patient") not in waiting.patients:
                return page("refused.html", 400, reason="There is no such patient to choose.")
            return self._proceed(replace(waiting, patient=form["patient"], patients=()))
        if self._encounters(waiting):
            if form.get("encounter") not in self._encounters(waiting):
                return page("refused.html", 400, reason="There is no such encounter to choose.")
            return self._proceed(replace(waiting, encounter=form["encounter"]))
        chosen = [value for name, value in request.form if name == "scope"]
        consented = tuple(s for s in self._limited(waiting.asked) if s in chosen)
        return self._proceed(replace(waiting, scopes=consented))

    def sign_in(self, user: str) -> Mapping[str, str]:
        """The header that makes this the user of a browser."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            self.signed_in[session] = user
            for oldest in list(self.signed_in)[:-_SESSIONS]:
                del self.signed_in[oldest]
        flags = "Path=/; Secure; HttpOnly; SameSite=None"
        return {"Set-Cookie": f"{COOKIE}={session}; {flags}"}

    def user(self, request: Request) -> str:
        """Who is signed in at this browser, else whom launches are for by default."""
        return self.signed_in.get(_session(request), DEFAULT_USER)

    def sign_out(self, user: str) -> None:
        """Ends all sessions of a user."""
        with self._lock:
            self.signed_in = {s: u for s, u in self.signed_in.items() if u != user}

    def users(self) -> list[Resource]:
        """Who can sign in."""
        return self._store.all("Practitioner")

    def _sign_in(self, waiting: _Open, user: str) -> Answer:
        launch = waiting.asked.launch
        if user not in (f"Practitioner/{one['id']}" for one in self.users()):
            return page("refused.html", 400, reason="Nobody of this name works here.")
        if launch.user not in (None, user):
            return self._back(waiting.asked, "access_denied", "This launch is of another user.")
        answer = self._proceed(replace(waiting, user=user))
        return replace(answer, headers={**answer.headers, **self.sign_in(user)})

    def _proceed(self, waiting: _Open) -> Answer:
        if waiting.user is None:
            return self._page(waiting, "login.html", users=self.users())
        if waiting.patients:
            patients = [self._store.read("Patient", p) for p in waiting.patients]
            return self._page(waiting, "patients.html", patients=patients)
        if waiting.patient and self._encounters(waiting):
            rows = Record(self._store, waiting.patient).encounters()
            return self._page(waiting, "encounters.html", encounters=rows)
        if waiting.scopes is None:
            return self._page(waiting, "consent.html", scopes=self._limited(waiting.asked))
        if not waiting.scopes:
            return self._back(waiting.asked, "invalid_scope", "Nothing of the scope is granted.")
        decided = Decided(
            user=waiting.user,
            patient=waiting.patient,
            encounter=self._encounter(waiting),
            scopes=waiting.scopes,
        )
        return self._authorize.finish(waiting.asked, decided)

    def _page(self, waiting: _Open, name: str, **values: Any) -> Answer:
        number, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._waiting = {n: each for n, each in self._waiting.items() if now < each.until}
            self._waiting[number] = waiting
        client = waiting.asked.client
        origin = "/".join(waiting.asked.redirect_uri.split("/")[:3])
        return page(name, form_action=origin, id=number, client=client.id, **values)

    def _back(self, asked: Asked, error: str, description: str) -> Answer:
        return self._authorize.back(asked.redirect_uri, Refusal(error, description), asked.state)

    def _user(self, request: Request, launch: Launch) -> str | None:
        if launch.skip_login:
            return launch.user or DEFAULT_USER
        user = self.signed_in.get(_session(request))
        # A launch is its user's: somebody else who is signed in here has to sign in anew.
        return user if launch.user in (None, user) else None

    def _limited(self, asked: Asked) -> tuple[str, ...]:
        limit = asked.launch.scope
        return asked.scopes if limit is None else granted(asked.scopes, limit.split(" "))

    def _choice(self, asked: Asked) -> tuple[str, ...]:
        needed = any(s == "launch/patient" or s.startswith("patient/") for s in asked.scopes)
        if asked.launch.patients or not needed:
            return asked.launch.patients if len(asked.launch.patients) > 1 else ()
        return tuple(patient["id"] for patient in self._store.all("Patient"))

    def _encounters(self, waiting: _Open) -> list[str]:
        manual = waiting.asked.launch.encounter == "MANUAL"
        wanted = {"launch", "launch/encounter"}.intersection(waiting.asked.scopes)
        if not (manual and wanted and waiting.patient) or waiting.encounter:
            return []
        return self._of_patient(waiting.patient)

    def _encounter(self, waiting: _Open) -> str | None:
        kind = waiting.asked.launch.encounter
        if kind == "MANUAL":
            return waiting.encounter
        if kind == "AUTO":
            return next(iter(self._of_patient(waiting.patient)), None)
        return kind

    def _of_patient(self, patient: str | None) -> list[str]:
        found = self._store.search("Encounter", [("patient", patient or ""), ("_sort", "-date")])
        return [encounter["id"] for encounter in found]


def _session(request: Request) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
