"""Trust records: one `Ehr` for each EHR that may call us, with what was agreed with it.

There is no version negotiation in CDS Hooks, so a client's limits are part of its record. Records
are read from a TOML file (`web/trust_file.py`); nothing here reads a file or an environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Struct, field


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this EHR's CDS Hooks client wants its cards. Defaults are those of CDS Hooks 2.0.

    `link_hosts`: hosts that links may point to, None for any. `delete`: 1.x clients look for the
    id of the order to delete in `resource`. `suggestion_actions`: actions it applies at once.
    `feedback`: whether this EHR reports what became of a card.
    """

    selection_behaviors: tuple[Literal["at-most-one", "any"], ...] = ("at-most-one", "any")
    suggestion_actions: int | None = None
    delete: Literal["resourceId", "resource"] = "resourceId"
    system_actions: bool = False
    app_context: bool = True
    autolaunch: bool = False
    feedback: bool = True
    link_hosts: frozenset[str] | None = None


Grade = Literal["off", "info", "warning"]


class Cds(Struct, frozen=True, kw_only=True):
    """The CDS Hooks side of a record: who calls, how it proves that, and what it may call.

    `issuer`: the `iss` of its tokens, None for one that has no tokens. Its keys are fetched from
    `jku` or pinned in `keys` (JWKs). `unsigned`: development mode takes whoever comes without a
    token of a listed issuer for this EHR, as it does for one without issuer. `audiences`: the base
    URLs by which it knows us. `tenants`: None where the issuer does not use them. `services` it may
    call and `findings` it may be told, by id; None for all. `grades`: how grave a finding is told,
    by id.
    `certificate`: the client certificate that the proxy must have seen, None where not required.
    """

    issuer: str | None = None
    unsigned: bool = False
    jku: str | None = None
    keys: tuple[Mapping[str, Any], ...] = ()
    audiences: tuple[str, ...] = ()
    tenants: frozenset[str] | None = None
    services: frozenset[str] | None = None
    findings: frozenset[str] | None = None
    grades: Mapping[str, Grade] = field(default_factory=dict)
    origins: frozenset[str] = frozenset()
    certificate: str | None = None
    calls_a_minute: int = 6000
    profile: Profile = Profile()

    def may_call(self, service_id: str) -> bool:
        return self.services is None or service_id in self.services


# What the app shows, and no more; nothing is written. The first spelling is that of SMART 2, the
# second that of SMART 1 (SMART App Launch 2.2, Scopes for requesting FHIR Resources).
SCOPES = (
    "openid",
    "fhirUser",
    "patient/Patient.r",
    "patient/Condition.rs",
    "patient/MedicationRequest.rs",
    "patient/Medication.r",
    "patient/AllergyIntolerance.rs",
    "patient/Observation.rs",
    "user/Practitioner.r",
)
SCOPES_V1 = (
    "openid",
    "fhirUser",
    "patient/Patient.read",
    "patient/Condition.read",
    "patient/MedicationRequest.read",
    "patient/Medication.read",
    "patient/AllergyIntolerance.read",
    "patient/Observation.read",
    "user/Practitioner.read",
)


class Smart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SMART side of a record: how the EHR launches our app, and what the app may ask of it.

    `issuers`: the FHIR base URLs that stand as `iss` in its launches, as it writes them.
    `endpoint_hosts`: hosts (with the port where it is not the usual one) that its discovery
    document may name beside that of the issuer. `oidc_issuer`: the `iss` of its id_tokens, by
    default what its discovery document says. `auth`: how we prove who we are; `secret` goes with
    the two that have one, `algorithm` with the keys of ours. `nonce`: "if_present" for servers that
    drop it.
    `needs_user`: no launch without an identified user. `s256_unlisted`: it does PKCE without saying
    so. `legacy_metadata`: its endpoints may stand in its CapabilityStatement only. `refresh`: which
    refresh token is asked for. `frame_ancestors`: the web origins that may frame the app.
    `always_banner`: the patient's name is shown even where the EHR says that it shows it.
    `private_network`: its addresses may be private ones.
    """

    client_id: str
    issuers: tuple[str, ...]
    auth: Literal["private_key_jwt", "client_secret_basic", "client_secret_post", "none"] = (
        "private_key_jwt"
    )
    secret: str | None = None
    algorithm: Literal["ES384", "RS384"] = "ES384"
    endpoint_hosts: frozenset[str] = frozenset()
    oidc_issuer: str | None = None
    id_token_algorithms: tuple[str, ...] = ("RS256",)
    nonce: Literal["require", "if_present"] = "require"
    needs_user: bool = True
    scopes: tuple[str, ...] = SCOPES
    scopes_v1: tuple[str, ...] = SCOPES_V1
    s256_unlisted: bool = False
    legacy_metadata: bool = False
    refresh: Literal["none", "online", "offline"] = "none"
    standalone: bool = True
    frame_ancestors: tuple[str, ...] = ()
    always_banner: bool = False
    tenant: str | None = None
    private_network: bool = False

    def __repr__(self) -> str:
        return f"Smart({self.client_id!r})"  # never its secret


class Ehr(Struct, frozen=True, kw_only=True):
    """One EHR. `fhir_bases`: the only addresses that are ever called for it, without a last "/".

    `label`: its name as clinicians see it. `open_fhir`: its FHIR server answers without a token;
    only for synthetic data.
    """

    id: str
    label: str = ""
    fhir_bases: tuple[str, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    open_fhir: bool = False
    cds: Cds | None = None
    smart: Smart | None = None

    @property
    def name(self) -> str:
        return self.label or self.id


def comparable(url: str) -> str | None:
    """A FHIR base URL as it compares: scheme and host in lower case, without the usual port and
    without one last "/". None for what is no plain base URL: with a user, a query, a fragment, a
    step out of the path in any spelling, or anything that is not printable ASCII.
    """
    if not re.fullmatch(r"[!-~]{1,2000}", url) or re.search(r"[?#@\\]|%(2e|2f|5c)", url, re.I):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname or {".", ".."} & set(parts.path.split("/")):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None and port != _PORTS[scheme]:
        host += f":{port}"
    return f"{scheme}://{host}{parts.path.removesuffix('/')}"


_PORTS = {"http": 80, "https": 443}


def _unsigned(cds: Cds) -> bool:
    return cds.unsigned or cds.issuer is None


class Trust:
    """All records, found by the issuer of a token, of a launch, or by their id."""

    def __init__(self, ehrs: tuple[Ehr, ...]) -> None:
        self.ehrs = ehrs
        self._by_issuer = {
            ehr.cds.issuer: ehr for ehr in ehrs if ehr.cds and ehr.cds.issuer is not None
        }
        self.nameless = next((ehr for ehr in ehrs if ehr.cds and _unsigned(ehr.cds)), None)
        self._smart = {ehr.id: ehr for ehr in ehrs if ehr.smart}
        self._by_smart_issuer = {
            issuer: ehr
            for ehr in ehrs
            if ehr.smart
            for issuer in map(comparable, ehr.smart.issuers)
            if issuer
        }

    def of_issuer(self, issuer: str) -> Ehr | None:
        return self._by_issuer.get(issuer)

    def of_smart_issuer(self, iss: str) -> Ehr | None:
        """The EHR that launches with this `iss`; None for one that nobody has, or that plays."""
        issuer = comparable(iss)
        return self._by_smart_issuer.get(issuer) if issuer else None

    def smart(self, ehr_id: str) -> Ehr | None:
        """The EHR with this id, if it has a SMART side."""
        return self._smart.get(ehr_id)

    @property
    def origins(self) -> frozenset[str]:
        """The web origins that may read answers, of all records."""
        return frozenset().union(*(ehr.cds.origins for ehr in self.ehrs if ehr.cds))


# What `make run` trusts: whoever is on this machine as the development EHR, which signs its own
# calls, and the public CDS Hooks sandbox. The sandbox signs with a key that is public knowledge
# (github.com/cds-hooks/sandbox, Apache-2.0), so production refuses it.
SANDBOX = Ehr(
    id="cds-hooks-sandbox",
    cds=Cds(
        issuer="https://sandbox.cds-hooks.org",
        keys=(
            {
                "kty": "EC",
                "use": "sig",
                "crv": "P-384",
                "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
                "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
                "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
                "alg": "ES384",
            },
        ),
        origins=frozenset({"https://sandbox.cds-hooks.org"}),
    ),
)


def development(ehr_port: int = 5001) -> Trust:
    """The records of `make run`, with the development EHR at this port of this machine."""
    origin = f"http://127.0.0.1:{ehr_port}"
    return Trust(
        (
            Ehr(
                id="development",
                label="Development EHR",
                fhir_bases=(f"{origin}/fhir",),
                open_fhir=True,
                cds=Cds(issuer=origin, jku=f"{origin}/cds/jwks.json", unsigned=True),
                smart=Smart(
                    client_id="chartside",
                    issuers=(f"{origin}/fhir",),
                    refresh="online",
                    frame_ancestors=(origin,),
                ),
            ),
            SANDBOX,
        )
    )


DEVELOPMENT = development()
