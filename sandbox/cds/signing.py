"""The JWT by which a CDS service knows the EHR. CDS Hooks 2.0, "Trusting CDS Clients"."""

import secrets
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.auth.assertions import public

_LIFETIME = 300


class Signer:
    """Signs for the EHR at an origin, with a key that is made anew each time it starts."""

    def __init__(self, origin: str, clock: Callable[[], float]) -> None:
        self._origin = origin
        self._clock = clock
        self._key = ECKey.generate_key("P-384")

    @property
    def keys(self) -> dict[str, Any]:
        """The JWK set with the public key, to be published at `jku`."""
        return {"keys": [public(self._key, alg="ES384")]}

    @property
    def jku(self) -> str:
        """Where services find the key."""
        return f"{self._origin}/cds/jwks.json"

    def token(self, audience: str) -> str:
        """A new token for a request to this URL."""
        now = int(self._clock())
        header = {"alg": "ES384", "typ": "JWT", "kid": self._key.thumbprint(), "jku": self.jku}
        claims = {
            "iss": self._origin,
            "aud": audience,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(header, claims, self._key, algorithms=["ES384"])
