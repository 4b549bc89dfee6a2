"""Public keys as EHRs publish them (RFC 7517): for signatures, and no others."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

Key = ECKey | RSAKey

_SMALLEST_RSA = 2048
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class Unusable(Exception):
    """Why a key is not used."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may be used. `kind`: RSA, or the curve. `alg`: the only one it is for, if it says
    so.
    """

    kid: str | None
    kind: str
    alg: str | None
    key: Key


class _Jwk(Struct):
    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    key_ops: list[str] | None = None
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


def public_key(entry: Any, algorithms: Mapping[str, str], largest_rsa: int) -> PublicKey:
    """The key in an entry of a JWK set. `algorithms`: those it may be for, each with the kind of
    its keys. `largest_rsa`: bits. Raises Unusable.
    """
    try:
        jwk = msgspec.convert(entry, _Jwk)
    except msgspec.ValidationError:
        raise Unusable("is no key with a kid, a type and numbers as texts") from None
    if _PRIVATE & entry.keys():
        raise Unusable("is not public")
    if jwk.use not in (None, "sig") or "verify" not in (jwk.key_ops or ("verify",)):
        raise Unusable("is not for signatures")
    kind = jwk.crv if jwk.kty == "EC" else jwk.kty
    fitting = [algorithm for algorithm, its_kind in algorithms.items() if its_kind == kind]
    if not fitting or jwk.alg not in (None, *fitting):
        raise Unusable("is not for an algorithm that is accepted")
    named = {"alg": jwk.alg} if jwk.alg else {}
    try:
        if jwk.kty == "EC":
            members = {"kty": "EC", "crv": jwk.crv, "x": jwk.x, "y": jwk.y}
            return PublicKey(jwk.kid, kind, jwk.alg, ECKey.import_key({**members, **named}))
        # joserfc warns of short keys only, and a very long one costs seconds a signature.
        if not _SMALLEST_RSA <= _bits(jwk.n) <= largest_rsa:
            raise Unusable(f"is not of {_SMALLEST_RSA} to {largest_rsa} bits")
        members = {"kty": "RSA", "n": jwk.n, "e": jwk.e}
        return PublicKey(jwk.kid, kind, jwk.alg, RSAKey.import_key({**members, **named}))
    except (ValueError, JoseError):
        raise Unusable("cannot be read") from None


def _bits(number: str) -> int:
    padded = number.encode() + b"=" * (-len(number) % 4)
    return int.from_bytes(b64decode(padded, b"-_", validate=True)).bit_length()
