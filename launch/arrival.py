"""A launch on its way: the EHR is asked, and what it answers becomes a session.

SMART App Launch 2.2, Obtain authorization code and Obtain access token. The endpoints that a
launch began with are those that it ends with, whatever the discovery document says by then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from launch import authorize, tokens
from launch.authorize import Authorizer, Pending
from launch.discovery import Discovery, Endpoints
from launch.errors import Kind, LaunchError
from launch.identity import Identities, Identity
from launch.scopes import choose
from launch.session import Created, Sessions
from launch.tokens import Grant
from launch.waiting import Found, Waiting, new_state
from web.settings import Settings
from web.trust import Ehr, Smart

LONGEST_CODE = 4096

_ERRORS: dict[str, Kind] = {
    "access_denied": "denied",
    "login_required": "denied",
    "interaction_required": "denied",
    "consent_required": "denied",
    "account_selection_required": "denied",
    "temporarily_unavailable": "ehr-unavailable",
    "server_error": "ehr-unavailable",
    # All others say that what we ask is not what the EHR was set up for.
    "invalid_scope": "ehr-setup",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Where to send the user, and the endpoints that are asked."""

    url: str
    endpoints: Endpoints


class Arrivals:
    """Takes launches from their beginning to their session."""

    def __init__(
        self,
        settings: Settings,
        waiting: Waiting,
        discovery: Discovery,
        authorizer: Authorizer,
        identities: Identities,
        sessions: Sessions,
    ) -> None:
        self.waiting = waiting
        self._public_url = settings.public_url.rstrip("/")
        self._discovery = discovery
        self._authorizer = authorizer
        self._identities = identities
        self._sessions = sessions

    def ask(self, id: str, found: Found, ehr: Ehr, jar: str) -> Question:
        """What to ask the EHR for this launch; it is asked with a state of its own each time."""
        assert ehr.smart
        arrival = found.arrival
        endpoints = self._discovery.endpoints(ehr, arrival.iss)
        asked = Pending(
            ehr_id=ehr.id,
            iss=arrival.iss,
            launch=arrival.launch,
            endpoints=endpoints,
            redirect_uri=f"{self._public_url}/smart/callback/{ehr.id}",
            scopes=choose(ehr.smart, endpoints.capabilities, arrival.launch is None),
            state=new_state(id),
            verifier=secrets.token_urlsafe(48),
            nonce=secrets.token_urlsafe(32),
        )
        url = authorize.authorization_url(ehr, endpoints, asked)
        self.waiting.ask(id, found, asked, jar)
        return Question(url, endpoints)

    def finish(self, ehr: Ehr, asked: Pending, answer: MultiDict[str, str], jar: str) -> Created:
        """The session that the EHR's answer to the callback gives. Raises LaunchError."""
        assert ehr.smart
        code = _code(asked, answer)
        try:
            body = self._authorizer.exchange(ehr, asked, code)
        except LaunchError as error:
            if error.kind == "ehr-setup":
                # The next launch reads the document again: the endpoint may be another one now.
                self._discovery.forget(ehr, asked.iss)
            raise
        try:
            grant = tokens.parse(body)
            patient, user = self._checked(ehr, ehr.smart, asked, grant)
            return self._sessions.create(ehr, asked.iss, asked.endpoints, grant, patient, user, jar)
        except BaseException:
            # There are tokens, and nobody is going to use them.
            self._sessions.drop(ehr, asked.endpoints, tokens.tokens_in(body))
            raise

    def _checked(
        self, ehr: Ehr, smart: Smart, asked: Pending, grant: Grant
    ) -> tuple[str, Identity | None]:
        if smart.tenant is not None and grant.tenant != smart.tenant:
            raise LaunchError("not-verified", "the token is of another tenant")
        user = None
        if grant.id_token is not None and "openid" in asked.scopes:
            user = self._identities.verify(ehr, asked.endpoints, grant, asked.nonce)
        elif smart.needs_user:
            raise LaunchError("user-unknown", "there is no id_token")
        if grant.patient is None:
            raise LaunchError("no-patient", "there is no patient in context")
        return grant.patient, user


def _code(asked: Pending, answer: MultiDict[str, str]) -> str:
    """The code of an answer that is one to what was asked."""
    issuers = answer.getlist("iss")
    endpoints = asked.endpoints
    expected = endpoints.issuer or asked.iss
    if issuers not in ([], [expected]):
        raise LaunchError("not-verified", "the answer is of another issuer")
    if not issuers and endpoints.iss_parameter:
        raise LaunchError("not-verified", "the issuer is missing in the answer")
    codes, errors = answer.getlist("code"), answer.getlist("error")
    if len(codes) + len(errors) != 1:
        raise LaunchError("not-verified", "the answer has not one code or one error")
    if errors:
        known = errors[0] if errors[0] in _ERRORS else "another one"
        raise LaunchError(_ERRORS.get(errors[0], "ehr-setup"), f"the EHR's error: {known}")
    if not codes[0] or len(codes[0]) > LONGEST_CODE:
        raise LaunchError("not-verified", "the code is empty or too long")
    return codes[0]
