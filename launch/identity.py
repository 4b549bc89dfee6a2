"""Who signed in: the id_token, checked against keys that its issuer publishes.

OpenID Connect Core 1.0, 3.1.3.7; SMART App Launch 2.2, Scopes for requesting identity data. What a
token may be signed with stands in the trust record, and where keys are in the discovery document;
nothing is taken from the token before its signature is verified.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, NoReturn

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from msgspec import Struct

from launch.discovery import Endpoints
from launch.errors import LaunchError
from launch.issuer_keys import ALGORITHMS, IssuerKeys
from launch.tokens import Grant
from web.jwk import Key, PublicKey
from web.trust import Ehr, Smart, comparable

LEEWAY = 60  # seconds

_LONGEST_SUBJECT = 255
_LONGEST_LABEL = 255

_PERSON = re.compile(
    r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/([A-Za-z0-9.-]{1,64})"
)


class Identity(Struct, frozen=True, kw_only=True):
    """A user. Two are the same if both issuer and subject are.

    `fhir_user`: type and id of their record on the FHIR server of the launch; what the EHR said
    where it is no such record; None where it said nothing.
    """

    issuer: str
    subject: str
    fhir_user: tuple[str, str] | str | None = None


class _Unsigned(Exception):
    """No key that is known verifies the signature."""


class Identities:
    """Checks id_tokens. Safe to share between threads. `now`: in seconds since 1970.

    Without `keeping`, the keys are asked for each time.
    """

    def __init__(self, now: Callable[[], float] = time.time, *, keeping: bool = True) -> None:
        self._now = now
        self._keys = IssuerKeys(now, keeping=keeping)

    def verify(self, ehr: Ehr, endpoints: Endpoints, grant: Grant, nonce: str) -> Identity:
        """Who the id_token of this grant is about. Raises LaunchError."""
        smart = ehr.smart
        assert smart
        if grant.id_token is None:
            raise LaunchError("user-unknown", "there is no id_token")
        if endpoints.jwks is None:
            raise LaunchError("ehr-setup", "neither record nor discovery tells where keys are")
        # Before SMART 2 the issuer was not told, and was the FHIR server.
        issuer = smart.oidc_issuer or endpoints.issuer or endpoints.iss
        algorithm, kid = _header(grant.id_token, smart)
        claims = self._signed(ehr, endpoints.jwks, grant.id_token, algorithm, kid)
        _check(claims, smart, issuer, nonce, self._now())
        _check_hash(claims, algorithm, grant.access_token)
        return Identity(
            issuer=issuer,
            subject=claims["sub"],
            fhir_user=_fhir_user(claims.get("fhirUser"), endpoints.iss),
        )

    def _signed(
        self, ehr: Ehr, jwks: str, token: str, algorithm: str, kid: str | None
    ) -> dict[str, Any]:
        began = self._now()
        known = self._keys.at(ehr, jwks)
        try:
            return _claims(token, algorithm, _fitting(known.keys, algorithm, kid))
        except _Unsigned as unsigned:
            if known.asked >= began:
                _refuse(str(unsigned))
        newer = self._keys.at(ehr, jwks, but=known)
        try:
            return _claims(token, algorithm, _fitting(newer.keys, algorithm, kid))
        except _Unsigned as unsigned:
            _refuse(str(unsigned))


def _refuse(reason: str) -> NoReturn:
    raise LaunchError("not-verified", f"id_token: {reason}")


def _fitting(keys: tuple[PublicKey, ...], algorithm: str, kid: str | None) -> Key:
    kind = ALGORITHMS[algorithm]
    found = [
        each.key
        for each in keys
        if each.kind == kind and each.alg in (None, algorithm) and kid in (None, each.kid)
    ]
    if len(found) != 1:
        raise _Unsigned("not exactly one key fits")
    return found[0]


def _header(token: str, smart: Smart) -> tuple[str, str | None]:
    """What a token says of its key. Only a choice among what was agreed and published."""
    try:
        header = jws.extract_compact(token.encode(), registry=_registry(smart)).headers()
    except (JoseError, ValueError):
        _refuse("it cannot be read")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in smart.id_token_algorithms or algorithm not in ALGORITHMS:
        _refuse("its algorithm was not agreed")
    if kid is not None and not isinstance(kid, str):
        _refuse("its kid is no string")
    return algorithm, kid


def _registry(smart: Smart) -> JWSRegistry:
    # The size of the header (512 bytes) and of the content are bounded by the library.
    return JWSRegistry(algorithms=list(smart.id_token_algorithms), strict_check_header=False)


def _claims(token: str, algorithm: str, key: Key) -> dict[str, Any]:
    # Named here, since an empty list would mean what the library recommends.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        return jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, RecursionError):
        raise _Unsigned("its signature is not good") from None


def _check(claims: dict[str, Any], smart: Smart, issuer: str, nonce: str, now: float) -> None:
    registry = JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": smart.client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        _refuse(f"{type(error).__name__} of {_claim_of(error)}")
    subject, audience, party = claims["sub"], claims["aud"], claims.get("azp")
    if not subject.strip() or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        _refuse("its sub is blank or too long")
    if party is None and isinstance(audience, list) and len(audience) > 1:
        _refuse("it is for several, and azp is missing")
    if party not in (None, smart.client_id):
        _refuse("its azp is another app")
    given = claims.get("nonce")
    if given is None and smart.nonce == "if_present":
        return
    if given != nonce:
        _refuse("its nonce is missing or of another launch")


def _claim_of(error: JoseError) -> str:
    claim = getattr(error, "claim", None)
    return claim if claim in ("iss", "sub", "aud", "exp", "iat", "nbf") else "a claim"


def _check_hash(claims: dict[str, Any], algorithm: str, access_token: str) -> None:
    given = claims.get("at_hash")
    if given is None:
        return
    # The hash of the signature's own algorithm (OpenID Connect Core, 3.1.3.6): RS256, sha256.
    digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if (
        not isinstance(given, str)
        or not given.isascii()
        or not hmac.compare_digest(given.encode(), half)
    ):
        _refuse("it came with another access token")


def _fhir_user(value: Any, iss: str) -> tuple[str, str] | str | None:
    """The record that `fhirUser` names; a text only where it is on another server."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_LABEL:
        _refuse("its fhirUser cannot be read")
    absolute, base = comparable(value), comparable(iss)
    if absolute and not absolute.startswith(f"{base}/"):
        return value
    person = _PERSON.fullmatch(absolute.removeprefix(f"{base}/") if absolute else value)
    if not person or person[2] in (".", ".."):
        _refuse("its fhirUser is no person")
    return person[1], person[2]
