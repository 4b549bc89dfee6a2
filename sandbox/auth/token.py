"""The token, revocation and introspection endpoints.

RFC 6749, sections 4.1.3 and 6; RFC 7009; RFC 7662; SMART App Launch 2.2, "Obtain access token".
A parameter that the request has no use for is refused, so that a client which sends too much
notices.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sandbox.auth.clients import Client
from sandbox.auth.credentials import MEMBERS, Credentials
from sandbox.auth.id_token import Signer, subject
from sandbox.auth.refusal import NOT_STORED, Refusal
from sandbox.auth.site import Site
from sandbox.auth.token_faults import refused, sent, spoilt, unrevoked
from sandbox.auth.vault import Grant, Lifetimes, Vault
from sandbox.http.answer import Answer, json_answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Request

_PARAMETERS = {
    "authorization_code": {"code", "redirect_uri", "code_verifier"},
    "refresh_token": {"refresh_token"},
}
_OPTIONAL: dict[str, set[str]] = {"authorization_code": set(), "refresh_token": {"scope"}}
_NOT_ROTATED = ("refresh_null", "refresh_not_rotated")
_NOT_SPENT = (*_NOT_ROTATED, "refresh_503", "refresh_invalid_client")

Answered = tuple[Answer, Fault]


class TokenEndpoint:
    """Issues, refreshes, revokes and explains tokens."""

    def __init__(
        self,
        site: Site,
        credentials: Credentials,
        vault: Vault,
        signer: Signer,
        lifetimes: Lifetimes,
        clock: Callable[[], float],
    ) -> None:
        self._site = site
        self._credentials = credentials
        self._vault = vault
        self._signer = signer
        self._lifetimes = lifetimes
        self._clock = clock

    def token(self, request: Request) -> Answered:
        """The answer to a request for tokens. Refusal for one that is not sound."""
        form = _once(request)
        client = self._credentials.client(request, form, (self._site.token,))
        kind = form.get("grant_type", "")
        if kind not in _PARAMETERS:
            raise Refusal("unsupported_grant_type", "It is authorization_code or refresh_token.")
        _exactly(form, client, {"grant_type", *_PARAMETERS[kind]}, _OPTIONAL[kind])
        if kind == "authorization_code":
            return self._exchange(client, form)
        return self._refresh(client, form)

    def revoke(self, request: Request) -> Answered:
        """Ends a token. 200 for an unknown one too."""
        form = _once(request)
        client = self._credentials.client(request, form, (self._site.token, self._site.revoke))
        _exactly(form, client, {"token"}, {"token_type_hint"})
        token = self._vault.active(form["token"])
        answer, fault = unrevoked(token.grant, self._site) if token else (None, Fault())
        if answer is None:
            self._vault.revoke(form["token"], client)
        return answer or json_answer({}, headers=NOT_STORED), fault

    def introspect(self, request: Request) -> Answer:
        """What a token of this client is good for."""
        form = _once(request)
        client = self._credentials.client(request, form, (self._site.token, self._site.introspect))
        _exactly(form, client, {"token"}, {"token_type_hint"})
        token = self._vault.active(form["token"])
        if token is None or token.grant.client is not client:
            return json_answer({"active": False}, headers=NOT_STORED)
        grant = token.grant
        members: dict[str, Any] = {
            "active": True,
            "scope": " ".join(token.scopes),
            "client_id": client.id,
            "exp": int(token.expires),
            **_context(grant, self._site),
        }
        if "openid" in token.scopes:
            user = f"{self._site.fhir}/{grant.user}"
            members |= {"iss": self._site.iss, "sub": subject(grant.user), "fhirUser": user}
        return json_answer(members, headers=NOT_STORED)

    def _exchange(self, client: Client, form: dict[str, str]) -> Answered:
        grant = self._vault.redeem(
            form["code"], client, form["redirect_uri"], form["code_verifier"]
        )
        if answer := refused("token", grant, self._site):
            return answer, Fault()
        members = self._issued(grant, grant.scopes)
        if {"online_access", "offline_access"}.intersection(grant.scopes):
            members["refresh_token"] = self._vault.refresh(grant)
        if "openid" in grant.scopes:
            members["id_token"] = self._signer.id_token(grant, members["access_token"])
        return self._sent("token", members, grant)

    def _refresh(self, client: Client, form: dict[str, str]) -> Answered:
        grant = self._vault.rotate(form["refresh_token"], client, _keeps)
        if answer := refused("refresh", grant, self._site):
            return answer, Fault()
        scopes = grant.scopes
        if "scope" in form:
            scopes = tuple(form["scope"].split(" "))
            if set(scopes) - set(grant.scopes):
                raise Refusal("invalid_scope", "A refresh does not widen what was granted.")
        members = self._issued(grant, scopes)
        if not any(map(grant.has, _NOT_ROTATED)):
            members["refresh_token"] = self._vault.refresh(grant)
        return self._sent("refresh", members, grant)

    def _sent(self, step: str, members: dict[str, Any], grant: Grant) -> Answered:
        changed = spoilt(step, members, grant, self._site)
        return sent(step, changed, grant, self._site, self._clock())

    def _issued(self, grant: Grant, scopes: tuple[str, ...]) -> dict[str, Any]:
        return {
            "access_token": self._vault.access(grant, scopes),
            "token_type": "Bearer",
            "expires_in": self._lifetimes.access,
            "scope": " ".join(scopes),
            **_context(grant, self._site),
            **self._messaging(grant),
        }

    def _messaging(self, grant: Grant) -> dict[str, str]:
        """How the app in the frame may speak to the page around it (SMART Web Messaging 1.0.0)."""
        granted = any(scope.startswith("messaging/") for scope in grant.scopes)
        if grant.launch.visit is None or not granted:
            return {}
        return {
            "smart_web_messaging_handle": self._vault.handle(grant),
            "smart_web_messaging_origin": self._site.origin,
        }


def _keeps(grant: Grant) -> bool:
    once = grant.has("refresh_503_once") and grant.refreshed == 0
    return once or any(map(grant.has, _NOT_SPENT))


def _context(grant: Grant, site: Site) -> dict[str, Any]:
    found = {"patient": grant.patient, "encounter": grant.encounter}
    given = {name: value for name, value in found.items() if value is not None}
    return {**given, **grant.launch.members(site.style)}


def _once(request: Request) -> dict[str, str]:
    if request.query:
        raise Refusal("invalid_request", "Parameters belong into the body.")
    form = request.form
    if twice := [name for name, count in Counter(n for n, _ in form).items() if count > 1]:
        raise Refusal("invalid_request", f"{', '.join(twice)}: given twice.")
    if not form:
        raise Refusal("invalid_request", "The body is not a form.")
    return dict(form)


def _exactly(form: dict[str, str], client: Client, needed: set[str], optional: set[str]) -> None:
    wanted = needed | MEMBERS[client.auth]
    if missing := {name for name in wanted if not form.get(name)}:
        raise Refusal("invalid_request", f"{', '.join(sorted(missing))}: missing.")
    if extra := form.keys() - wanted - optional:
        raise Refusal("invalid_request", f"{', '.join(sorted(extra))}: of no use here.")
