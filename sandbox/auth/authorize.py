"""The authorization endpoint. RFC 6749, section 4.1; RFC 7636; RFC 9207; SMART App Launch 2.2.

What cannot be trusted to be the client's own is answered with a page. Everything else goes back
to the redirect URI, with the state and `iss`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from sandbox.auth.clients import Client
from sandbox.auth.launches import Launch, Launches
from sandbox.auth.refusal import Refusal
from sandbox.auth.site import Site
from sandbox.auth.vault import Grant, Vault
from sandbox.fhir.scopes import CONTEXT, granted, resource_scope
from sandbox.http.answer import Answer, json_answer, redirect
from sandbox.http.listener import Pairs, Request
from sandbox.pages.page import page

_SHORTEST_STATE = 22  # 128 bits in base64url
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A sound authorization request."""

    client: Client
    launch: Launch
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str | None


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What the user, or the launch, has settled."""

    user: str
    patient: str | None
    encounter: str | None
    scopes: tuple[str, ...]


class _NoWayBack(Exception):
    """The request may not even be answered to the redirect URI."""


class Authorize:
    """Reads authorization requests, and sends the browser back.

    `standalone` gives the launch of a request that has none of the EHR, `complain` gets the
    reason of each refusal.
    """

    def __init__(
        self,
        site: Site,
        clients: Mapping[str, Client],
        launches: Launches,
        vault: Vault,
        standalone: Callable[[str], Launch],
        complain: Callable[[str], None],
    ) -> None:
        self._site = site
        self._clients = clients
        self._launches = launches
        self._vault = vault
        self._standalone = standalone
        self._complain = complain

    def read(self, request: Request) -> Asked | Answer:
        """The request, or the answer to one that is not sound."""
        pairs = request.query + request.form
        given = dict(pairs)
        try:
            client, redirect_uri = self._whose(pairs)
        except _NoWayBack as reason:
            self._complain(str(reason))
            return page("refused.html", 400, reason=str(reason))
        try:
            return self._asked(client, redirect_uri, pairs, given)
        except Refusal as refusal:
            self._complain(str(refusal))
            return self.back(redirect_uri, refusal, given.get("state"))

    def back(self, redirect_uri: str, refusal: Refusal, state: str | None) -> Answer:
        """A refusal that the app gets to know."""
        members = {"error": refusal.error, "error_description": refusal.description}
        if state is not None:
            members["state"] = state
        return redirect(_with_query(redirect_uri, {**members, "iss": self._site.iss}))

    def finish(self, asked: Asked, decided: Decided) -> Answer:
        """Back to the app with a code."""
        code = self._vault.code(
            Grant(
                client=asked.client,
                launch=asked.launch,
                user=decided.user,
                patient=decided.patient,
                encounter=decided.encounter,
                scopes=decided.scopes,
                redirect_uri=asked.redirect_uri,
                challenge=asked.challenge,
                nonce=asked.nonce,
            )
        )
        return self._sent(asked, {"code": code, "state": asked.state, "iss": self._site.iss})

    def refused(self, asked: Asked) -> Answer | None:
        """The answer that the launch asks for in place of a sound one."""
        faults = asked.launch.faults
        if "auth_invalid_client_id" in faults:
            return page("refused.html", 400, reason="No client has this id.")
        if "auth_invalid_redirect_uri" in faults:
            return page("refused.html", 400, reason="The redirect URI is not registered.")
        if "no_redirect_401" in faults:
            return json_answer({"error": "access_denied"}, 401)
        for fault, error in _ERRORS.items():
            if fault in faults:
                return self.back(
                    asked.redirect_uri, Refusal(error, "A planted fault."), asked.state
                )
        if "error_markup" in faults:
            markup = "<script>alert(1)</script>"
            url = {
                "error": "server_error",
                "error_description": markup,
                "error_uri": "javascript:1",
            }
            url |= {"state": asked.state, "iss": self._site.iss}
            return redirect(_with_query(asked.redirect_uri, url))
        return None

    def _whose(self, pairs: Pairs) -> tuple[Client, str]:
        given = dict(pairs)
        if any(n in ("client_id", "redirect_uri") and k > 1 for n, k in _counts(pairs)):
            raise _NoWayBack("client_id or redirect_uri is given twice.")
        client = self._clients.get(given.get("client_id", ""))
        if client is None:
            raise _NoWayBack("No client has this id.")
        if given.get("redirect_uri") not in client.redirect_uris:
            raise _NoWayBack("The redirect URI is not registered for this client.")
        return client, given["redirect_uri"]

    def _asked(
        self, client: Client, redirect_uri: str, pairs: Pairs, given: Mapping[str, str]
    ) -> Asked:
        if twice := [name for name, count in _counts(pairs) if count > 1]:
            raise Refusal("invalid_request", f"{', '.join(twice)}: given twice.")
        if given.get("response_type") != "code":
            kind = "unsupported_response_type" if "response_type" in given else "invalid_request"
            raise Refusal(kind, "response_type is not code.")
        if len(given.get("state", "")) < _SHORTEST_STATE:
            raise Refusal("invalid_request", "The state is missing or can be guessed.")
        if given.get("aud") != self._site.iss:
            raise Refusal("invalid_request", f"aud is not {self._site.iss}.")
        if given.get("code_challenge_method") != "S256":
            raise Refusal("invalid_request", "code_challenge_method is not S256.")
        if not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
            raise Refusal("invalid_request", "code_challenge is not a SHA-256 in base64url.")
        scopes = [s for s in given.get("scope", "").split(" ") if s in CONTEXT or resource_scope(s)]
        if not scopes:
            raise Refusal("invalid_scope", "The scope has nothing that can be granted.")
        if "openid" in scopes and not given.get("nonce"):
            raise Refusal("invalid_request", "openid is asked for without a nonce.")
        return Asked(
            client=client,
            launch=self._launch(client, scopes, given),
            redirect_uri=redirect_uri,
            state=given["state"],
            scopes=granted(scopes, client.scopes),
            challenge=given["code_challenge"],
            nonce=given.get("nonce") or None,
        )

    def _launch(self, client: Client, scopes: list[str], given: Mapping[str, str]) -> Launch:
        if ("launch" in scopes) != ("launch" in given):
            raise Refusal("invalid_request", "Scope and parameter launch go together only.")
        if "launch" not in given:
            return self._standalone(client.id)
        launch = self._launches.take(given["launch"], client.id)
        if launch is None:
            raise Refusal("invalid_request", "The launch value is unknown, used, or too old.")
        return launch

    def _sent(self, asked: Asked, members: dict[str, str]) -> Answer:
        faults = asked.launch.faults
        for fault, change in _CHANGED.items():
            if fault in faults:
                members |= change
        if "iss_wrong" in faults:
            members["iss"] = f"{self._site.elsewhere}/fhir"
        for fault, name in _ABSENT.items():
            if fault in faults:
                members.pop(name, None)
        if "callback_post" in faults:
            origin = "/".join(asked.redirect_uri.split("/")[:3])
            return page("post.html", form_action=origin, url=asked.redirect_uri, members=members)
        answer = redirect(_with_query(asked.redirect_uri, members))
        if "code_twice" in faults:
            return redirect(f"{answer.headers['Location']}&code=another")
        return answer


_ERRORS = {
    "auth_invalid_scope": "invalid_scope",
    "access_denied": "access_denied",
    "login_required": "login_required",
    "server_error": "server_error",
    "temporarily_unavailable": "temporarily_unavailable",
}
_CHANGED = {
    "state_changed": {"state": "a-state-that-nobody-has-sent-0123456789"},
    "code_and_error": {"error": "server_error"},
    "code_wrong": {"code": "never-issued"},
}
_ABSENT = {"state_missing": "state", "iss_missing": "iss", "code_missing": "code"}


def _counts(pairs: Pairs) -> list[tuple[str, int]]:
    return list(Counter(name for name, _ in pairs).items())


def _with_query(url: str, members: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(members)}"
