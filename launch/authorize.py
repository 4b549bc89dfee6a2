"""What the app asks an EHR's authorization server for: a code, tokens, new tokens, their end.

SMART App Launch 2.2, Obtain authorization code, Obtain access token, Client Authentication;
RFC 6749, 7009, 7523, 7636. Authlib writes the requests and `fhir/documents.py` sends them, so that
Authlib's session neither follows a redirect nor finds a proxy or a .netrc. It does not read the
answers either: `launch/tokens.py` does.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from authlib.common.urls import add_params_to_qs  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct
from requests import Response

from fhir.documents import Reply, Unavailable
from launch.discovery import Endpoints
from launch.errors import Kind, LaunchError
from launch.way_out import WayOut
from web.errors import StartError
from web.logs import log
from web.trust import Ehr, Smart

# Seconds.
EXCHANGE = 10.0
REVOCATION = 3.0
_ASSERTION_LIFE = 240
_CLOCKS_APART = 60

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# The codes of RFC 6749, 5.2: what a log may repeat.
_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)


class Keys(Protocol):
    """Where the private keys of the app are (`launch/keys.py`)."""

    def signing(self, algorithm: Any, /) -> ECKey | RSAKey: ...


class Pending(Struct, frozen=True, kw_only=True):
    """What is remembered of a request for a code until it is answered. Its text shows no secret.

    `launch`: as the EHR sent it, None in a standalone launch. `endpoints`: those that the launch
    began with.
    """

    ehr_id: str
    iss: str
    launch: str | None
    endpoints: Endpoints
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    verifier: str
    nonce: str

    def __repr__(self) -> str:
        return f"Pending({self.ehr_id!r})"


def authorization_url(ehr: Ehr, endpoints: Endpoints, pending: Pending) -> str:
    """Where the browser asks the EHR for a code. Raises LaunchError."""
    assert ehr.smart
    asked = {"aud": pending.iss}
    if pending.launch is not None:
        asked["launch"] = pending.launch
    if "openid" in pending.scopes:
        asked["nonce"] = pending.nonce
    session = OAuth2Session(
        ehr.smart.client_id,
        redirect_uri=pending.redirect_uri,
        scope=" ".join(pending.scopes),
        code_challenge_method="S256",
    )
    url, _ = session.create_authorization_url(
        endpoints.authorization, pending.state, code_verifier=pending.verifier, **asked
    )
    names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    if len(set(names)) < len(names):
        # Which of the two would count is anybody's guess.
        raise LaunchError("ehr-setup", "the authorization endpoint has a parameter of ours")
    return str(url)


class Authorizer:
    """Asks token endpoints. Safe to share between threads. `now`: in seconds since 1970."""

    def __init__(self, keys: Keys, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now

    def exchange(self, ehr: Ehr, pending: Pending, code: str) -> bytes:
        """The answer to a code, not yet read. Sent once: a code is good for one request."""
        session = self._session(ehr, pending.endpoints, EXCHANGE)
        reply = self._asked(
            ehr,
            session,
            lambda: session.fetch_token(
                pending.endpoints.token,
                grant_type="authorization_code",
                code=code,
                redirect_uri=pending.redirect_uri,
                code_verifier=pending.verifier,
                allow_redirects=False,
            ),
        )
        return _granted(ehr, reply, spent="expired")

    def refresh(self, ehr: Ehr, endpoints: Endpoints, refresh_token: str) -> bytes:
        """The answer to a refresh token, not yet read.

        Raises LaunchError: "ended" if the token is no good any more, "ehr-setup" if it is us whom
        the server does not know, "ehr-unavailable" or "ehr-slow" if it is worth another attempt.
        """
        session = self._session(ehr, endpoints, EXCHANGE)
        reply = self._asked(
            ehr,
            session,
            lambda: session.refresh_token(
                endpoints.token, refresh_token=refresh_token, allow_redirects=False
            ),
        )
        return _granted(ehr, reply, spent="ended")

    def revoke(self, ehr: Ehr, endpoints: Endpoints, token: str, hint: str) -> bool:
        """Whether the server says that this token is revoked. `hint`: which of the two it is."""
        if endpoints.revocation is None:
            return False
        session = self._session(ehr, endpoints, REVOCATION)
        try:
            reply = self._asked(
                ehr,
                session,
                lambda: session.revoke_token(
                    endpoints.revocation, token=token, token_type_hint=hint, allow_redirects=False
                ),
            )
        except LaunchError:
            return False
        return reply.status == 200

    def _session(self, ehr: Ehr, endpoints: Endpoints, seconds: float) -> _Session:
        """A session for one request: of its record and of nothing that a server said."""
        smart = ehr.smart
        assert smart
        session = _Session(
            smart.client_id,
            smart.secret,
            token_endpoint_auth_method=smart.auth,
            revocation_endpoint_auth_method=smart.auth,
            trust_env=False,
        )

        def authenticate(
            auth: object, method: str, uri: str, headers: Mapping[str, str], body: str
        ) -> tuple[str, Mapping[str, str], str]:
            assertion = self._assertion(smart, endpoints.token)
            proof = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
            return uri, headers, add_params_to_qs(body, proof)

        session.register_client_auth_method(("private_key_jwt", authenticate))
        session.way_out = WayOut(seconds, smart.private_network)
        session.mount("https://", session.way_out)
        session.mount("http://", session.way_out)
        return session

    def _assertion(self, smart: Smart, token_endpoint: str) -> str:
        """Who we are, for this endpoint and this one request."""
        key = self._keys.signing(smart.algorithm)
        return jwt.encode(
            {"alg": smart.algorithm, "kid": key.kid, "typ": "JWT"},
            assertion_claims(smart.client_id, token_endpoint, self._now()),
            key,
            algorithms=[smart.algorithm],
        )

    def _asked(self, ehr: Ehr, session: _Session, ask: Callable[[], object]) -> Reply:
        try:
            ask()
        except Unavailable as failed:
            kind = _KINDS.get(failed.reason, "ehr-setup")
            raise LaunchError(kind, f"the token endpoint: {failed}") from None
        except StartError:
            log.error("key missing", ehr=ehr.id)
            raise LaunchError("broken", "there is no key to sign with") from None
        reply = session.way_out.reply
        assert reply
        self._compare_clocks(ehr, reply)
        return reply

    def _compare_clocks(self, ehr: Ehr, reply: Reply) -> None:
        try:
            theirs = parsedate_to_datetime(reply.headers.get("date", ""))
            apart = abs(theirs.timestamp() - self._now())
        except (ValueError, OverflowError):
            return
        if apart > _CLOCKS_APART:
            # Assertions and id_tokens are soon refused.
            log.warning("clock differs", ehr=ehr.id, reason=f"by {apart:.0f} s")


def assertion_claims(client_id: str, token_endpoint: str, now: float) -> dict[str, Any]:
    """What an assertion says. No two have the same `jti`, whoever makes them."""
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": token_endpoint,
        "iat": int(now),
        "exp": int(now) + _ASSERTION_LIFE,
        "jti": secrets.token_urlsafe(32),
    }


_KINDS: Mapping[str, Kind] = {
    "slow": "ehr-slow",
    "unreachable": "ehr-unavailable",
    "too-large": "not-verified",
}


def _granted(ehr: Ehr, reply: Reply, spent: Kind) -> bytes:
    """The body of an answer that grants. `spent`: what it means if the code or token is no good."""
    if reply.status == 200:
        return reply.body
    if reply.status >= 500 or reply.status == 429:
        raise LaunchError("ehr-unavailable", f"the token endpoint: status {reply.status}")
    error = _error(reply.body)
    reason = f"the token endpoint: {error or f'status {reply.status}'}"
    if error == "invalid_grant":
        raise LaunchError(spent, reason)
    # Whatever else it is, it will be the same next time: somebody has to look at the record.
    log.error("client refused", ehr=ehr.id, reason=reason)
    raise LaunchError("ehr-setup", reason)


def _error(body: bytes) -> str | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, str) and error in _CODES else None


class _Session(OAuth2Session):  # type: ignore[misc]
    """Authlib's session, without its reading of answers: it takes what they say for granted."""

    way_out: WayOut

    def parse_response_token(self, resp: Response) -> dict[str, None]:
        return {"refresh_token": None}
