"""Who is calling: the EHR whose token this is (CDS Hooks 2.0, Trusting CDS Clients).

A token is judged in a fixed order, cheap and certain things first: its form, its header, its
issuer, where its keys are, the signature, the claims, and last that it is new, so that nobody can
use up the `jti` of another. Nothing in a token is believed before its signature, and no address in
it is called: its issuer only picks a trust record, and `jku` has to be the one of that record.
"""

from __future__ import annotations

import re
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from msgspec import UNSET, Meta, Struct, UnsetType

from hooks.keys import ALGORITHMS, PUBLISHED, Keys, Limits, Unreachable
from store import StoreError
from web.errors import Problem
from web.trust import Cds, Ehr, Trust

LONGEST = 8192
"""The most characters of a token. The specification's own sample has 700."""

LEEWAY = 60.0
LONGEST_LIFE = 3600.0
"""Seconds; policy, since the specification sets none. Epic's tokens live 900, others 300."""

PUBLISHED_ISSUERS = frozenset({"https://sandbox.cds-hooks.org"})
"""Whoever can read the sandbox's repository can sign as this issuer."""


class Caller(Struct, frozen=True):
    """The EHR that calls. `jti` names its token; None if it came without one, in development.

    `tenant`: whose part of the EHR. Two tenants may use one id for two patients.
    """

    ehr: Ehr
    cds: Cds
    jti: str | None
    tenant: str | None = None

    @property
    def realm(self) -> str:
        """Within which ids of patients, users and cards mean one thing."""
        return self.ehr.id if self.tenant is None else f"{self.ehr.id}/{self.tenant}"


class Unknown(Problem):
    """The caller does not prove who it is. Every cause gives the same answer; the log gets more.

    `reason` says what is wrong, in our words. `ehr_id` is whose token it claims to be, if listed.
    """

    def __init__(self, reason: str, ehr_id: str | None = None) -> None:
        super().__init__(
            401,
            "login",
            "Send one valid Bearer token of a registered EHR.",
            headers={"WWW-Authenticate": "Bearer"},
        )
        self.reason = reason
        self.ehr_id = ehr_id


class Replay(Protocol):
    """The memory of all tokens that were used, common to all threads, processes and hosts."""

    def first_use(self, issuer: str, jti: str, expires: float) -> bool:
        """Whether this token was never seen, to be kept until it `expires`. Raises StoreError."""


class Callers:
    """Tells callers by their tokens. Safe to share between threads.

    `now` tells the time to which tokens refer, `clock` the age of keys. `public_url` is the
    audience of records that name none.
    """

    def __init__(
        self,
        trust: Trust,
        replay: Replay,
        development: bool,
        now: Callable[[], float] = time.time,
        *,
        public_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        self._trust = trust
        self._replay = replay
        self._development = development
        self._now = now
        audience = (public_url or "").rstrip("/")
        # This machine has two names, and a developer may call it by either.
        other = audience.replace("://localhost", "://127.0.0.1", 1) if development else audience
        self._audiences = tuple({audience, other} - {""})
        limits = limits or Limits()
        waiting = threading.Semaphore(limits.waiting)
        published = () if development else PUBLISHED
        self._keys = {
            ehr.id: Keys(ehr.id, ehr.cds.keys, ehr.cds.jku, published, limits, waiting, clock)
            for ehr in trust.ehrs
            if ehr.cds and ehr.cds.issuer is not None
        }

    def warm(self) -> None:
        """Asks for the keys of all EHRs, so that the first calls need not wait. Does not wait."""
        for keys in self._keys.values():
            keys.warm()

    def identify(
        self, authorization: Sequence[str], paths: Sequence[str], certificate: str | None
    ) -> Caller:
        """The caller whose token these `Authorization` headers hold. Raises Unknown or Problem 503.

        `paths` are those that the audience may name, such as "/cds-services/x", and `certificate`
        the client certificate that the proxy saw.
        """
        if not authorization and self._development:
            return self._nameless(certificate)
        token = _token(authorization)
        ehr = self._trust.of_issuer(token.issuer)
        if ehr is None and self._development:
            return self._nameless(certificate)
        if ehr is None or ehr.cds is None:
            raise Unknown("the issuer is not listed")
        try:
            return self._proven(token, ehr, ehr.cds, paths, certificate)
        except Unknown as unknown:
            unknown.ehr_id = ehr.id
            raise

    def _nameless(self, certificate: str | None) -> Caller:
        ehr = self._trust.nameless
        if ehr is None or ehr.cds is None:
            raise Unknown("there is no record for callers without a token of a listed issuer")
        _check_certificate(ehr.cds, certificate)
        return Caller(ehr, ehr.cds, None)

    def _proven(
        self, token: _Token, ehr: Ehr, cds: Cds, paths: Sequence[str], certificate: str | None
    ) -> Caller:
        kid, jku = token.header.kid, token.header.jku
        if not self._development and (
            token.issuer in PUBLISHED_ISSUERS or kid in PUBLISHED.values()
        ):
            raise Unknown("the key is published, so anybody can sign with it")
        _check_certificate(cds, certificate)
        # Keys that are pinned need no address, but clients that have one send it all the same.
        if jku is not UNSET and cds.jku is not None and jku != cds.jku:
            raise Unknown("the jku is not the one of the issuer")
        self._check_signature(token, ehr)
        claims = _decoded(token.payload, _Claims, "a claim is missing or malformed")
        self._check_time(claims)
        _check_audience(claims, cds.audiences or self._audiences, paths)
        _check_tenant(claims, cds)
        if not claims.jti.isprintable() or claims.jti.isspace():
            raise Unknown("the jti is blank or not printable")
        self._check_use(token.issuer, claims)
        return Caller(ehr, cds, claims.jti, claims.tenant)

    def _check_signature(self, token: _Token, ehr: Ehr) -> None:
        try:
            key = self._keys[ehr.id].find(token.header.kid)
        except Unreachable:
            raise Problem(
                503,
                "timeout",
                "The keys of this EHR cannot be fetched now. Try again later.",
                headers={"Retry-After": "30"},
            ) from None
        if key is None:
            raise Unknown("the kid is unknown")
        algorithm = _ALGORITHMS[token.header.alg]
        try:
            algorithm.check_key(key)
        except JoseError:
            raise Unknown("the key is not for this algorithm") from None
        if not algorithm.verify(token.signed, token.signature, key):
            raise Unknown("the signature is wrong")

    def _check_time(self, claims: _Claims) -> None:
        now = self._now()
        if now >= claims.exp + LEEWAY:
            raise Unknown("the token is expired")
        if claims.iat > now + LEEWAY or (claims.nbf or 0.0) > now + LEEWAY:
            raise Unknown("the token is not valid yet")
        if not 0 < claims.exp - claims.iat <= LONGEST_LIFE:
            raise Unknown("the token lives too long, or ends before it begins")

    def _check_use(self, issuer: str, claims: _Claims) -> None:
        try:
            first = self._replay.first_use(issuer, claims.jti, claims.exp + LEEWAY)
        except StoreError:
            raise Problem(
                503,
                "exception",
                "The memory of used tokens cannot be reached. Try again later.",
                headers={"Retry-After": "5"},
            ) from None
        if not first:
            raise Unknown("the token was used before")


_registry = JWSRegistry(algorithms=list(ALGORITHMS))
_ALGORITHMS = {name: _registry.get_alg(name) for name in ALGORITHMS}

# The year 5138: nothing later is meant, and sums of such numbers are exact.
_Time = Annotated[float, Meta(ge=0, le=1e11)]


class _Header(Struct):
    """`jwk`, `x5c` and other members that bring a key along are not even read."""

    alg: str
    typ: str
    kid: Annotated[str, Meta(min_length=1)]
    jku: str | UnsetType = UNSET
    crit: Any = UNSET


class _Issued(Struct):
    iss: str


class _Claims(Struct):
    """255 characters of a `jti` fit into the index of every database."""

    aud: str | list[str]
    exp: _Time
    iat: _Time
    jti: Annotated[str, Meta(min_length=1, max_length=255)]
    nbf: _Time | None = None
    tenant: str | None = None


class _Token(Struct, frozen=True):
    """A token whose form and header are in order; who wrote it is not known yet."""

    header: _Header
    issuer: str
    signed: bytes
    payload: bytes
    signature: bytes


_SEGMENT = re.compile("[A-Za-z0-9_-]+")


def _token(authorization: Sequence[str]) -> _Token:
    if len(authorization) != 1:
        raise Unknown("there is not one Authorization header")
    scheme, _, text = authorization[0].partition(" ")
    text = text.lstrip(" ")
    if scheme.lower() != "bearer":
        raise Unknown("the scheme is not Bearer")
    if len(text) > LONGEST:
        raise Unknown("the token is too long")
    segments = text.split(".")
    if len(segments) != 3 or not all(map(_SEGMENT.fullmatch, segments)):
        raise Unknown("the token has not three base64url segments")
    try:
        head, payload, signature = map(_from_base64, segments)
    except ValueError:
        raise Unknown("the token is not base64url") from None
    header = _decoded(head, _Header, "the header lacks alg, typ or kid, or is malformed")
    if header.alg not in ALGORITHMS:
        raise Unknown("the algorithm is not accepted")
    if header.typ != "JWT":
        raise Unknown("the type is not JWT")
    if header.crit is not UNSET:
        raise Unknown("the header asks for an extension")
    issuer = _decoded(payload, _Issued, "the issuer is missing, or the claims are malformed").iss
    return _Token(header, issuer, text.rpartition(".")[0].encode(), payload, signature)


def _from_base64(segment: str) -> bytes:
    return b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)


_Read = TypeVar("_Read")


def _decoded(json: bytes, kind: type[_Read], otherwise: str) -> _Read:
    try:
        return msgspec.json.decode(json, type=kind)
    except (ValueError, RecursionError):
        raise Unknown(otherwise) from None


def _check_certificate(cds: Cds, certificate: str | None) -> None:
    if cds.certificate not in (None, certificate):
        raise Unknown("the client certificate is not the one of the issuer")


def _check_audience(claims: _Claims, bases: Sequence[str], paths: Sequence[str]) -> None:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if not any(base + path in audience for base in bases for path in paths):
        raise Unknown("the audience is not the address that was called")


def _check_tenant(claims: _Claims, cds: Cds) -> None:
    if claims.tenant is None and cds.tenants is not None:
        raise Unknown("the tenant is missing")
    if claims.tenant is not None and claims.tenant not in (cds.tenants or ()):
        raise Unknown("the tenant is not listed")
