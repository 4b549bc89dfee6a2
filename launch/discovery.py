"""Where an EHR's authorization server is: its discovery document, checked and remembered.

SMART App Launch 2.2, Conformance. The document may say where endpoints are and what the server
does, and nothing else: fields are copied by name, endpoints may be on hosts of the trust record
only, and no field reaches the way a request is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct

from fhir.documents import LOCAL, Reply, Unavailable, request
from launch.errors import Kind, LaunchError
from web.logs import log
from web.trust import Ehr, Smart, comparable

# Seconds.
KEPT = 3600.0
FAILURE_KEPT = 30.0

# Bytes. A CapabilityStatement lists every search parameter of every type.
_METADATA_LIMIT = 5_000_000

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

T = TypeVar("T")


class Endpoints(Struct, frozen=True, kw_only=True):
    """What the document of one FHIR base says. `iss`: that base, as the EHR wrote it.

    `methods` and `algorithms` of client authentication: empty where the document is silent.
    `iss_parameter`: answers to the callback name the issuer (RFC 9207); that of id_tokens may be
    another one.
    """

    iss: str
    authorization: str
    token: str
    issuer: str | None = None
    revocation: str | None = None
    jwks: str | None = None
    capabilities: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    iss_parameter: bool = False


class _Document(Struct):
    authorization_endpoint: str
    token_endpoint: str
    capabilities: list[str]
    code_challenge_methods_supported: list[str] = []
    issuer: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    token_endpoint_auth_signing_alg_values_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


class _OpenId(Struct):
    issuer: str
    jwks_uri: str


class _Extension(Struct):
    url: str = ""
    extension: list[_Extension] = []
    valueUri: str | None = None


class _Security(Struct):
    extension: list[_Extension] = []


class _Rest(Struct):
    security: _Security | None = None


class _Capability(Struct):
    rest: list[_Rest] = []


@dataclass(frozen=True, slots=True)
class _Known:
    found: Endpoints | LaunchError
    until: float


class Discovery:
    """The endpoints of every EHR. Safe to share between threads. `clock`: in seconds.

    Without `keeping`, each launch asks anew: an EHR in development changes between two launches.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, keeping: bool = True
    ) -> None:
        self._clock = clock
        self._keeping = keeping
        self._known: dict[tuple[str, str], _Known] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def endpoints(self, ehr: Ehr, iss: str) -> Endpoints:
        """The endpoints behind an issuer of this EHR. Raises LaunchError, also for a while after a
        failure, without asking again.
        """
        place = ehr.id, comparable(iss) or iss
        with self._lock:
            asking = self._asking.setdefault(place, threading.Lock())
        with asking:
            known = self._known.get(place)
            if known is None or not self._keeping or known.until <= self._clock():
                known = self._known[place] = self._ask(ehr, iss)
        if isinstance(known.found, LaunchError):
            raise LaunchError(known.found.kind, known.found.reason)
        return msgspec.structs.replace(known.found, iss=iss)

    def forget(self, ehr: Ehr, iss: str) -> None:
        """Ask again at the next launch: what the document said did not work."""
        self._known.pop((ehr.id, comparable(iss) or iss), None)

    def _ask(self, ehr: Ehr, iss: str) -> _Known:
        assert ehr.smart
        try:
            found = _found(ehr, ehr.smart, iss)
        except LaunchError as error:
            log.warning("discovery failed", ehr=ehr.id, reason=error.reason)
            return _Known(error, self._clock() + FAILURE_KEPT)
        return _Known(found, self._clock() + KEPT)


def _found(ehr: Ehr, smart: Smart, iss: str) -> Endpoints:
    base = iss.rstrip("/")
    private = smart.private_network
    reply = _get(f"{base}/.well-known/smart-configuration", "application/json", private)
    if reply.status == 404 and smart.legacy_metadata:
        reply = _get(f"{base}/metadata", "application/fhir+json", private, _METADATA_LIMIT)
        document = _legacy(_read(reply, _Capability))
    else:
        document = _read(reply, _Document)
    checked = _checked(ehr, smart, iss, document)
    provider = smart.oidc_issuer or checked.issuer
    if checked.jwks is None and provider is not None and "openid" in smart.scopes:
        jwks = _jwks_of(provider, ehr, smart, iss)
        checked = msgspec.structs.replace(checked, jwks=jwks)
    return checked


def _checked(ehr: Ehr, smart: Smart, iss: str, document: _Document) -> Endpoints:
    if "S256" not in document.code_challenge_methods_supported and not smart.s256_unlisted:
        raise LaunchError("ehr-setup", "the EHR does not offer S256")
    methods = tuple(document.token_endpoint_auth_methods_supported or ())
    if methods and smart.auth not in (*methods, "none"):
        raise LaunchError("ehr-setup", f"the EHR does not offer {smart.auth}")
    algorithms = tuple(document.token_endpoint_auth_signing_alg_values_supported or ())
    takes = algorithms or (smart.algorithm,)
    if smart.auth == "private_key_jwt" and smart.algorithm not in takes:
        raise LaunchError("ehr-setup", f"the EHR does not take {smart.algorithm}")
    capabilities = frozenset(document.capabilities)
    for wanted in _WANTED:
        if not any(each.startswith(wanted) for each in capabilities):
            log.warning("capability missing", ehr=ehr.id, reason=wanted)

    def address(value: str) -> str:
        return _address(value, smart, iss)

    return Endpoints(
        iss=iss,
        authorization=address(document.authorization_endpoint),
        token=address(document.token_endpoint),
        issuer=document.issuer,
        revocation=address(document.revocation_endpoint) if document.revocation_endpoint else None,
        jwks=address(document.jwks_uri) if document.jwks_uri else None,
        capabilities=capabilities,
        methods=methods,
        algorithms=algorithms,
        iss_parameter=document.authorization_response_iss_parameter_supported,
    )


# By their beginnings: permission-v1, permission-v2.
_WANTED = ("launch-ehr", "launch-standalone", "permission-v")


def _address(value: str, smart: Smart, iss: str) -> str:
    """An endpoint, resolved against the FHIR base, if it is one that this EHR may have."""
    url = urljoin(iss.rstrip("/") + "/", value)
    try:
        parts, base = urlsplit(url), urlsplit(iss)
        host, own = _host(url), _host(iss)
    except ValueError:
        raise LaunchError("ehr-setup", "an endpoint is no address") from None
    secure = parts.scheme == "https" or (base.scheme == "http" and parts.hostname in LOCAL)
    listed = {own, *map(str.lower, smart.endpoint_hosts)}
    # As it came: urljoin drops line breaks.
    plain = value.isascii() and value.isprintable() and not set(" \\@") & set(value)
    if not (plain and secure and parts.scheme in _PORTS and host in listed) or parts.fragment:
        raise LaunchError(
            "ehr-setup", "an endpoint is on a host that the trust record does not list"
        )
    return url


_PORTS = {"http": 80, "https": 443}


def _host(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port
    usual = port is None or port == _PORTS.get(parts.scheme)
    return (parts.hostname or "") + ("" if usual else f":{port}")


def _jwks_of(issuer: str, ehr: Ehr, smart: Smart, iss: str) -> str | None:
    """Where an OpenID provider has its keys, if it is on a host of this EHR."""
    try:
        where = _address(issuer.rstrip("/") + "/.well-known/openid-configuration", smart, iss)
        document = _read(_get(where, "application/json", smart.private_network), _OpenId)
        if document.issuer != issuer:
            raise LaunchError("ehr-setup", "the OpenID document is of another issuer")
        return _address(document.jwks_uri, smart, iss)
    except LaunchError as error:
        if error.kind != "ehr-setup":
            raise  # it may be there in a moment
        log.warning("keys not found", ehr=ehr.id, reason=error.reason)
        return None


def _get(url: str, kind: str, private: bool, limit: int = 64 * 1024) -> Reply:
    try:
        return request("GET", url, headers={"Accept": kind}, limit=limit, private=private)
    except Unavailable as failed:
        raise LaunchError(_KINDS.get(failed.reason, "ehr-setup"), f"discovery: {failed}") from None


_KINDS: Mapping[str, Kind] = {"slow": "ehr-slow", "unreachable": "ehr-unavailable"}


def _read(reply: Reply, kind: type[T]) -> T:
    if reply.status != 200:
        down = reply.status >= 500 or reply.status == 429
        raise LaunchError(
            "ehr-unavailable" if down else "ehr-setup", f"discovery: status {reply.status}"
        )
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise LaunchError("ehr-setup", "the discovery document cannot be used") from None


def _legacy(statement: _Capability) -> _Document:
    """The addresses in a CapabilityStatement, as servers before SMART 2 tell them."""
    found: dict[str, Any] = {}
    for rest in statement.rest:
        for outer in rest.security.extension if rest.security else ():
            if outer.url == _OAUTH_URIS:
                found |= {each.url: each.valueUri for each in outer.extension}
    if not found.get("authorize") or not found.get("token"):
        raise LaunchError("ehr-setup", "the CapabilityStatement names no authorization server")
    return _Document(
        authorization_endpoint=found["authorize"],
        token_endpoint=found["token"],
        revocation_endpoint=found.get("revoke"),
        capabilities=[],
    )
