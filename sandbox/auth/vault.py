"""Codes and tokens: random strings that mean something here only. RFC 6749, sections 1.4 to 1.5.

Everything issued on one authorization belongs to one Grant and ends with it: a code or a refresh
token that comes a second time was stolen from somebody, so it ends them all.
"""

import secrets
import threading
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sandbox.auth.clients import Client
from sandbox.auth.launches import Launch
from sandbox.auth.refusal import Refusal

_REMEMBERED = 500


@dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """Seconds from issue to expiry."""

    launch: float = 300.0
    code: float = 60.0
    access: int = 300
    refresh: float = 8 * 3600.0


@dataclass(kw_only=True, eq=False)
class Grant:
    """One authorization: who may do what, for whom, as what was asked."""

    client: Client
    launch: Launch
    user: str
    patient: str | None
    encounter: str | None
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    nonce: str | None
    revoked: bool = False
    refreshed: int = 0
    handle: str | None = None

    def has(self, fault: str) -> bool:
        """Whether this fault was asked for."""
        return fault in self.launch.faults


@dataclass(frozen=True, eq=False)
class Token:
    """An access token, a refresh token or a code, without its value."""

    grant: Grant
    expires: float
    scopes: tuple[str, ...]
    number: int = 0


class Vault:
    """All that was issued and is good. `revoked` has the newest values that a client had ended, in
    order.
    """

    def __init__(self, clock: Callable[[], float], lifetimes: Lifetimes) -> None:
        self._clock = clock
        self._lifetimes = lifetimes
        self._lock = threading.Lock()
        self._codes: dict[str, Token] = {}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._spent: dict[str, Token] = {}
        self._handles: dict[str, Grant] = {}
        self.revoked: deque[str] = deque(maxlen=_REMEMBERED)

    def code(self, grant: Grant) -> str:
        """A code for a grant."""
        until = self._clock() + self._lifetimes.code
        return self._add(self._codes, Token(grant, until, grant.scopes))

    def redeem(self, code: str, client: Client, redirect_uri: str, verifier: str) -> Grant:
        """The grant of a code, once; any attempt uses the code up."""
        with self._lock:
            token = self._spend(self._codes, code, client)
        if redirect_uri != token.grant.redirect_uri:
            raise Refusal("invalid_grant", "The redirect URI is not the one of the authorization.")
        if challenge_of(verifier) != token.grant.challenge:
            raise Refusal("invalid_grant", "The code verifier does not fit the challenge.")
        return token.grant

    def rotate(self, refresh: str, client: Client, keep: Callable[[Grant], bool]) -> Grant:
        """The grant of a refresh token, which is spent by it unless `keep` says otherwise."""
        with self._lock:
            known = self._refresh.get(refresh)
            if known and keep(known.grant) and not known.grant.revoked:
                token = known
            else:
                token = self._spend(self._refresh, refresh, client)
            token.grant.refreshed += 1
        return token.grant

    def access(self, grant: Grant, scopes: tuple[str, ...], seconds: float | None = None) -> str:
        """A new access token, good for so many seconds if they are given."""
        until = self._clock() + (self._lifetimes.access if seconds is None else seconds)
        return self._add(self._access, Token(grant, until, scopes, grant.refreshed))

    def refresh(self, grant: Grant) -> str:
        """A new refresh token."""
        until = self._clock() + self._lifetimes.refresh
        return self._add(self._refresh, Token(grant, until, grant.scopes))

    def handle(self, grant: Grant) -> str:
        """The messaging handle of a grant. It lives in the browser, and is no token."""
        with self._lock:
            if grant.handle is None:
                grant.handle = secrets.token_urlsafe(32)
                self._handles[grant.handle] = grant
            return grant.handle

    def of_handle(self, handle: str) -> Grant | None:
        """The grant of a messaging handle, until it ends or its user signs out."""
        grant = self._handles.get(handle)
        return grant if grant and not grant.revoked else None

    def active(self, value: str) -> Token | None:
        """The access or refresh token that this value is, if it is good."""
        token = self._access.get(value) or self._refresh.get(value)
        return token if token and self._good(token) else None

    def active_access(self, value: str) -> Token | None:
        """The access token that this value is, if it is good."""
        token = self._access.get(value)
        return token if token and self._good(token) else None

    def values(self) -> list[str]:
        """The access and refresh tokens that are good, in order of issue."""
        with self._lock:
            every = {**self._access, **self._refresh}
        return [value for value, token in every.items() if self._good(token)]

    def revoke(self, value: str, client: Client) -> None:
        """Ends a token of this client; a refresh token takes all of its grant with it."""
        with self._lock:
            token = self._access.get(value) or self._refresh.get(value)
            if token is None or token.grant.client is not client:
                return
            self.revoked.append(value)
            if self._access.pop(value, None) is None:
                token.grant.revoked = True

    def end(self, value: str) -> None:
        """Ends an access token that the EHR gave out by itself."""
        with self._lock:
            self._access.pop(value, None)

    def sign_out(self, user: str) -> None:
        """Ends what lasts only while this user is signed in to the EHR."""
        with self._lock:
            for token in [*self._access.values(), *self._refresh.values()]:
                if token.grant.user == user and "online_access" in token.scopes:
                    token.grant.revoked = True
            for handle, grant in list(self._handles.items()):
                if grant.user == user:
                    del self._handles[handle]

    def _add(self, shelf: dict[str, Token], token: Token) -> str:
        value = secrets.token_urlsafe(32)
        with self._lock:
            self._put(shelf, value, token)
        return value

    def _put(self, shelf: dict[str, Token], value: str, token: Token) -> None:
        for old in [each for each, kept in shelf.items() if not self._good(kept)]:
            del shelf[old]
        shelf[value] = token

    def _good(self, token: Token) -> bool:
        return not token.grant.revoked and self._clock() < token.expires

    def _spend(self, shelf: dict[str, Token], value: str, client: Client) -> Token:
        if known := self._spent.get(value):
            known.grant.revoked = True
            raise Refusal("invalid_grant", "It was used before: all that came of it has ended.")
        token = shelf.get(value)
        if token is None or token.grant.client is not client:
            raise Refusal("invalid_grant", "This client has no such code or refresh token.")
        del shelf[value]
        # Remembered for as long as anything may have come of it that is good.
        until = self._clock() + self._lifetimes.refresh
        self._put(self._spent, value, Token(token.grant, until, ()))
        if not self._good(token):
            raise Refusal("invalid_grant", "It has expired, or was ended.")
        return token


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a code verifier. RFC 7636, section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
