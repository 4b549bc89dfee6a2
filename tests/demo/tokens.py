"""Tokens as EHRs send them, and as attackers do: any member may be changed, any key may sign."""

import json
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from store import StoreDown
from tests.demo.bodies import DROP, Json

ISSUER = "https://ehr.test"
PUBLIC_BASE = "https://cds.test"
SERVICE = "demo-patient-view"
PATH = f"/cds-services/{SERVICE}"
NOW = 1_795_000_000.0

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Pair:
    """A key pair and the name it has in a JWK set."""

    kid: str
    key: ECKey | RSAKey

    @property
    def alg(self) -> str:
        """The algorithm it signs with if nobody says otherwise."""
        if isinstance(self.key, RSAKey):
            return "RS384"
        return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[self.key.curve_name]

    def jwk(self, **edits: Any) -> Json:
        """Its public half, as a key host publishes it, with these members changed."""
        return edited({**self.key.as_dict(private=False), "kid": self.kid, "use": "sig"}, edits)

    def sign(self, signed: bytes, alg: str | None = None) -> bytes:
        """The bytes of its signature."""
        algorithm = JWSRegistry(algorithms=[alg or self.alg]).get_alg(alg or self.alg)
        return algorithm.sign(signed, self.key)


@cache
def pair(kid: str, kind: str = "P-384") -> Pair:
    """The pair of this name: on a curve, or RSA of so many bits ("RSA-2048")."""
    family, _, size = kind.partition("-")
    if family == "RSA":
        # joserfc would warn of a short one.
        raw = rsa.generate_private_key(65537, int(size))
        return Pair(kid, RSAKey(raw, raw))
    return Pair(kid, ECKey.generate_key(kind))


def edited(value: Json, edits: Json) -> Json:
    """The members with others in their place; DROP takes one away."""
    return {name: new for name, new in {**value, **edits}.items() if new is not DROP}


def token(
    by: Pair,
    header: Json | None = None,
    claims: Json | None = None,
    *,
    now: float = NOW,
    sign: Sign | None = None,
) -> str:
    """A good token signed by this pair, but for what is edited."""
    head = edited({"alg": by.alg, "typ": "JWT", "kid": by.kid}, header or {})
    payload = edited(
        {
            "iss": ISSUER,
            "aud": PUBLIC_BASE + PATH,
            "iat": int(now),
            "exp": int(now) + 300,
            "jti": str(uuid.uuid4()),
        },
        claims or {},
    )
    return compact(json.dumps(head).encode(), json.dumps(payload).encode(), sign or by.sign)


def compact(head: bytes, payload: bytes, sign: Sign) -> str:
    """RFC 7515, compact serialization, of any bytes at all."""
    signed = f"{base64(head)}.{base64(payload)}"
    return f"{signed}.{base64(sign(signed.encode()))}"


def base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class UsedTokens:
    """The used tokens of one process; `down` makes it fail as a database that cannot be reached."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], float] = {}
        self.down = False
        self._lock = threading.Lock()

    def first_use(self, issuer: str, jti: str, expires: float) -> bool:
        if self.down:
            raise StoreDown
        with self._lock:
            first = (issuer, jti) not in self.used
            self.used.setdefault((issuer, jti), expires)
            return first


@dataclass
class Clock:
    """A clock that stands until it is set."""

    time: float = NOW

    def __call__(self) -> float:
        return self.time
