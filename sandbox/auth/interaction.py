"""What the user settles before an app gets its code: who they are, which patient, and consent.

A launch may settle any of it beforehand. What it leaves open is asked for, one page at a time.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any

from sandbox.answer import Answer, Resource
from sandbox.auth.authorize import Asked, Authorize, Decided
from sandbox.auth.refusal import Refusal
from sandbox.auth.scopes import granted
from sandbox.listener import Request
from sandbox.pages import page
from sandbox.records import Store

DEFAULT_USER = "Practitioner/sandbox-ada"
COOKIE = "__Host-development-ehr"
_LIFETIME = 600.0


@dataclass(frozen=True, kw_only=True)
class _Open:
    """An authorization that waits for the user. What is None is not settled yet."""

    asked: Asked
    until: float
    user: str | None = None
    patients: tuple[str, ...] = ()
    encounters: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None


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
        user = self._session(request)
        if launch.skip_login:
            user = launch.user or DEFAULT_USER
        elif launch.user not in (None, user):
            # A launch is its user's: somebody else who is signed in here has to sign in anew.
            user = None
        waiting = _Open(
            asked=asked,
            until=self._clock() + _LIFETIME,
            user=user,
            patients=self._patients(asked),
            scopes=self._consented(asked) if launch.skip_auth else None,
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
        return self._settled(waiting, form, [v for n, v in request.form if n == "scope"])

    def sign_in(self, user: str) -> Mapping[str, str]:
        """The header that makes this the user of a browser."""
        session = secrets.token_urlsafe(32)
        self.signed_in[session] = user
        flags = "Path=/; Secure; HttpOnly; SameSite=None"
        return {"Set-Cookie": f"{COOKIE}={session}; {flags}"}

    def sign_out(self, user: str) -> None:
        """Ends all sessions of a user."""
        self.signed_in = {s: u for s, u in self.signed_in.items() if u != user}

    def users(self) -> list[Resource]:
        """Who can sign in."""
        return self._store.all("Practitioner")

    def _settled(self, waiting: _Open, form: Mapping[str, str], scopes: list[str]) -> Answer:
        launch = waiting.asked.launch
        if waiting.user is None:
            user = form.get("user", "")
            if self._store.read(*user.partition("/")[::2]) is None:
                return page("refused.html", 400, reason="Nobody of this name works here.")
            if launch.user not in (None, user):
                return self._back(
                    waiting.asked, "access_denied", "This is a launch of another user."
                )
            answer = self._proceed(replace(waiting, user=user))
            return replace(answer, headers={**answer.headers, **self.sign_in(user)})
        if len(waiting.patients) > 1:
            if form.get("patient") not in waiting.patients:
                return page("refused.html", 400, reason="There is no such patient to choose.")
            return self._proceed(replace(waiting, patients=(form["patient"],)))
        if self._wants_encounter(waiting):
            if form.get("encounter") not in self._encounters(waiting.patients[0]):
                return page("refused.html", 400, reason="There is no such encounter to choose.")
            return self._proceed(replace(waiting, encounters=(form["encounter"],)))
        consented = granted(self._consented(waiting.asked), scopes)
        return self._proceed(replace(waiting, scopes=consented))

    def _proceed(self, waiting: _Open) -> Answer:
        asked = waiting.asked
        if waiting.user is None:
            return self._page(waiting, "login.html", users=self.users())
        if len(waiting.patients) > 1:
            if asked.launch.skip_auth and not asked.launch.patients:
                return self._back(asked, "invalid_scope", "There is no patient in context.")
            patients = [self._store.read("Patient", p) for p in waiting.patients]
            return self._page(waiting, "patients.html", patients=patients)
        if self._wants_encounter(waiting):
            encounters = self._encounters(waiting.patients[0])
            return self._page(waiting, "encounters.html", encounters=encounters)
        if waiting.scopes is None:
            scopes = self._consented(asked)
            return self._page(waiting, "consent.html", scopes=scopes)
        if not waiting.scopes:
            return self._back(asked, "invalid_scope", "Nothing of the scope is granted.")
        patient = next(iter(waiting.patients), None)
        decided = Decided(
            user=waiting.user,
            patient=patient,
            encounter=self._encounter(waiting, patient),
            scopes=waiting.scopes,
        )
        return self._authorize.finish(asked, decided)

    def _page(self, waiting: _Open, name: str, **values: Any) -> Answer:
        number = secrets.token_urlsafe(32)
        self._waiting[number] = waiting
        client = waiting.asked.client
        origin = "/".join(waiting.asked.redirect_uri.split("/")[:3])
        return page(name, form_action=origin, id=number, client=client.id, **values)

    def _back(self, asked: Asked, error: str, description: str) -> Answer:
        return self._authorize.back(asked.redirect_uri, Refusal(error, description), asked.state)

    def _session(self, request: Request) -> str | None:
        try:
            found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return self.signed_in.get(found.value) if found else None

    def _consented(self, asked: Asked) -> tuple[str, ...]:
        limit = asked.launch.scope
        return asked.scopes if limit is None else granted(asked.scopes, limit.split(" "))

    def _patients(self, asked: Asked) -> tuple[str, ...]:
        needs = any(s == "launch/patient" or s.startswith("patient/") for s in asked.scopes)
        if asked.launch.patients or not needs:
            return asked.launch.patients
        everybody = tuple(patient["id"] for patient in self._store.all("Patient"))
        # A choice, even of one: nobody is put into context without being chosen.
        return everybody if len(everybody) > 1 else (*everybody, *everybody)

    def _encounters(self, patient: str) -> list[str]:
        found = self._store.search("Encounter", [("patient", patient), ("_sort", "-date")])
        return [encounter["id"] for encounter in found]

    def _wants_encounter(self, waiting: _Open) -> bool:
        manual = waiting.asked.launch.encounter == "MANUAL"
        chosen = waiting.encounters or not waiting.patients
        return manual and not chosen and bool(self._encounters(waiting.patients[0]))

    def _encounter(self, waiting: _Open, patient: str | None) -> str | None:
        kind = waiting.asked.launch.encounter
        if kind == "MANUAL":
            return next(iter(waiting.encounters), None)
        if kind == "AUTO":
            return next(iter(self._encounters(patient)), None) if patient else None
        return kind
