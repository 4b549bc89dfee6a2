"""Who signed in: the id_token, and the key it is signed with. OpenID Connect Core 1.0."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from sandbox.auth.assertions import public
from sandbox.auth.site import Site
from sandbox.auth.vault import Grant

_LIFETIME = 300
# Faults put members into the header that the registry's default would refuse.
_LENIENT = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
_LENIENT.max_header_length = 8192

Claims = dict[str, Any]


class Signer:
    """Signs id_tokens. `keys` is the JWK set, made anew each time the EHR starts."""

    def __init__(self, site: Site, clock: Callable[[], float]) -> None:
        self._site = site
        self._clock = clock
        self._key = _new_key()

    @property
    def keys(self) -> Claims:
        """The JWK set with the public key."""
        return {"keys": [public(self._key, alg="RS256")]}

    def rotate(self) -> None:
        """Replaces the key at once."""
        self._key = _new_key()

    def id_token(self, grant: Grant, access_token: str) -> str:
        """The id_token of a grant, spoilt as its launch asks."""
        if grant.has("jwks_rotated"):
            self.rotate()
        claims = self._claims(grant, access_token)
        for fault, change in _CLAIM_FAULTS.items():
            if grant.has(fault):
                claims = change(claims, self._site)
        return self._signed(claims, grant)

    def _claims(self, grant: Grant, access_token: str) -> Claims:
        now = int(self._clock())
        half = sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self._site.iss,
            "sub": subject(grant.user),
            "aud": grant.client.id,
            "iat": now,
            "exp": now + _LIFETIME,
            "at_hash": urlsafe_b64encode(half).decode().rstrip("="),
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        if "fhirUser" in grant.scopes:
            claims["fhirUser"] = f"{self._site.fhir}/{grant.user}"
        return claims

    def _signed(self, claims: Claims, grant: Grant) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.thumbprint()}
        if grant.has("idt_alg_none"):
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if grant.has("idt_hs256"):
            return hs256({**header, "alg": "HS256"}, claims, self._key.as_pem(private=False))
        key = self._key
        if grant.has("idt_bad_sig") or grant.has("idt_unknown_kid"):
            key = _new_key()
        if grant.has("idt_unknown_kid"):
            header["kid"] = key.thumbprint()
        if grant.has("idt_no_kid"):
            del header["kid"]
        if grant.has("idt_jku"):
            header["jku"] = f"{self._site.elsewhere}/jwks.json"
        if grant.has("idt_big_header"):
            header["x5t"] = "x" * 2000
        if grant.has("idt_garbage"):
            return "not.a.token"
        return jwt.encode(header, claims, key, algorithms=["RS256"], registry=_LENIENT)


def subject(user: str) -> str:
    """The `sub` of a user, who is `Practitioner/id` or the like."""
    return sha256(f"development EHR {user}".encode()).hexdigest()[:32]


def hs256(header: Claims, claims: Claims, secret: bytes) -> str:
    """A token with a secret that is none. By hand: joserfc knows a public key when it sees one."""
    signed = f"{_part(header)}.{_part(claims)}"
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def _with(**members: Any) -> Callable[[Claims, Site], Claims]:
    return lambda claims, _: {**claims, **members}


def _without(*names: str) -> Callable[[Claims, Site], Claims]:
    return lambda claims, _: {n: v for n, v in claims.items() if n not in names}


def _moved(seconds: int) -> Callable[[Claims, Site], Claims]:
    return lambda claims, _: {
        **claims,
        "iat": claims["iat"] + seconds,
        "exp": claims["exp"] + seconds,
    }


def _relative(claims: Claims, site: Site) -> Claims:
    return {**claims, "fhirUser": claims["fhirUser"].removeprefix(f"{site.fhir}/")}


_CLAIM_FAULTS: dict[str, Callable[[Claims, Site], Claims]] = {
    "idt_wrong_iss": lambda claims, site: {**claims, "iss": f"{site.elsewhere}/fhir"},
    "idt_wrong_aud": _with(aud="another-app"),
    "idt_azp_trick": lambda claims, _: {**claims, "aud": "another-app", "azp": claims["aud"]},
    "idt_aud_list": lambda claims, _: {
        **claims,
        "aud": [claims["aud"], "another-app"],
        "azp": claims["aud"],
    },
    "idt_aud_no_azp": lambda claims, _: {**claims, "aud": [claims["aud"], "another-app"]},
    "idt_expired": _moved(-3600),
    "idt_future": _moved(3600),
    "idt_no_exp": _without("exp"),
    "idt_no_sub": _without("sub"),
    "idt_blank_sub": _with(sub=" "),
    "idt_long_sub": _with(sub="s" * 256),
    "idt_no_nonce": _without("nonce"),
    "idt_wrong_nonce": _with(nonce="of-another-launch"),
    "idt_bad_at_hash": _with(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "idt_foreign_fhiruser": lambda claims, site: {
        **claims,
        "fhirUser": f"{site.elsewhere}/fhir/Practitioner/1",
    },
    "idt_relative_fhiruser": _relative,
    "idt_fhiruser_organization": lambda claims, site: {
        **claims,
        "fhirUser": f"{site.fhir}/Organization/1",
    },
    "idt_no_fhiruser": _without("fhirUser"),
    "idt_profile_claim": lambda claims, _: {
        **_without("fhirUser")(claims, _),
        "profile": claims["fhirUser"],
    },
}


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048)


def _part(members: Claims) -> str:
    return urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
