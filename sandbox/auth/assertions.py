"""Clients that authenticate with a signed assertion.

SMART App Launch 2.2, "Client Authentication: Asymmetric"; RFC 7523, section 3. Stricter than many
servers: `typ` and `kid` must be there, `aud` is one string, and a key set is kept as long as its
`Cache-Control` says, so that a client which changes its keys in a hurry notices.
"""

import http.client
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from sandbox.auth.clients import Client
from sandbox.auth.refusal import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
_SHORTEST_JTI = 22  # 128 bits in base64url
_KEY_TYPES = {"ES384": ("EC", "P-384"), "RS384": ("RSA", None)}
_CLOCKS_APART = 5


class Assertions:
    """Checks assertions and remembers each `jti` until its assertion has expired.

    With `refetch`, a key set is fetched again for the sake of an unknown `kid`.
    """

    def __init__(self, clock: Callable[[], float], refetch: bool = False) -> None:
        self._clock = clock
        self._refetch = refetch
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}
        self._fetched: dict[str, tuple[float, dict[str, Any]]] = {}

    @staticmethod
    def subject(assertion: str) -> str:
        """Which client an assertion claims to be of. Nothing is checked by this."""
        subject = _parts(assertion)[1].get("sub")
        return subject if isinstance(subject, str) else ""

    def check(self, client: Client, assertion: str, audiences: tuple[str, ...]) -> None:
        """Returns if this client made the assertion, for one of these endpoints, just now."""
        header, _ = _parts(assertion)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in client.algorithms:
            raise _no(f"It is not signed with {' or '.join(client.algorithms)}.")
        if header.get("typ") != "JWT":
            raise _no("Its typ is not JWT.")
        if not isinstance(kid, str):
            raise _no("It has no kid.")
        if "jku" in header and header["jku"] != client.jwks_url:
            raise _no("Its jku is not the registered JWKS URL.")
        keys = KeySet.import_key_set({"keys": [self._key(client, algorithm, kid)]})
        registry = JWSRegistry(algorithms=[algorithm])
        try:
            claims = jwt.decode(assertion, keys, algorithms=[algorithm], registry=registry).claims
        except (JoseError, ValueError) as error:
            raise _no(f"Its signature is not good: {error}") from None
        self._check_claims(client, claims, audiences)

    def _check_claims(
        self, client: Client, claims: Mapping[str, Any], audiences: tuple[str, ...]
    ) -> None:
        now = self._clock()
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise _no("Its iss and sub are not the client id.")
        if claims.get("aud") not in audiences:
            raise _no("Its aud is not this endpoint, or not one string.")
        expires, issued, jti = claims.get("exp"), claims.get("iat", now), claims.get("jti")
        if not _is_number(expires) or not _is_number(issued):
            raise _no("Its exp or iat is not a number.")
        if expires <= now:
            raise _no("It has expired.")
        if expires > now + LONGEST_LIFE + 1:
            raise _no("It lives longer than five minutes.")
        if issued > now + _CLOCKS_APART:
            raise _no("Its iat is in the future.")
        if not isinstance(jti, str) or len(jti) < _SHORTEST_JTI:
            raise _no("Its jti is missing or can be guessed.")
        with self._lock:
            self._seen = {known: until for known, until in self._seen.items() if until > now}
            if (client.id, jti) in self._seen:
                raise _no("Its jti was seen before.")
            self._seen[client.id, jti] = expires

    def _key(self, client: Client, algorithm: str, kid: str) -> dict[str, Any]:
        key_type, curve = _KEY_TYPES[algorithm]
        for fresh in (False, True):
            fitting = [
                key
                for key in self._keys(client, fresh).get("keys", ())
                if key.get("kid") == kid and key.get("kty") == key_type and key.get("crv") == curve
            ]
            if fitting or client.jwks_url is None or not self._refetch:
                break
        if len(fitting) != 1:
            raise _no("Not exactly one of the client's keys has this kid and type.")
        if set(fitting[0]) & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}:
            raise _no("The client has published a private key.")
        return dict(fitting[0])

    def _keys(self, client: Client, fresh: bool) -> Mapping[str, Any]:
        if client.jwks is not None:
            return client.jwks
        url = client.jwks_url or ""
        until, kept = self._fetched.get(url, (0.0, {}))
        if fresh or self._clock() >= until:
            try:
                lifetime, kept = _fetch(url)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _no(f"The JWKS URL {url} does not answer with keys: {error}") from None
            self._fetched[url] = (self._clock() + lifetime, kept)
        return kept


def public(key: ECKey | RSAKey, **members: Any) -> dict[str, Any]:
    """The public JWK of a key, with the members that a published key has."""
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", **members}


def _no(reason: str) -> Refusal:
    return Refusal("invalid_client", f"The client assertion is refused. {reason}")


def _parts(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        found = extract_compact(assertion.encode())
        claims = json.loads(found.payload or b"")
    except (JoseError, ValueError) as error:
        raise _no(f"It is not a JWT: {error}") from None
    if not isinstance(claims, dict):
        raise _no("Its claims are no object.")
    return found.headers(), claims


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fetch(url: str) -> tuple[float, dict[str, Any]]:
    """The key set, and the seconds it may be kept. Follows no redirect, uses no proxy."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", address.path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(1 << 16)
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    found = json.loads(body)
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("no JWK set")
    lifetime = re.search(r"max-age=(\d+)", response.headers.get("Cache-Control", ""))
    return float(lifetime[1]) if lifetime else 0.0, found
