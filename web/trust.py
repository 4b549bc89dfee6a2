"""Trust records: one `Ehr` for each EHR that may call us, with what was agreed with it.

There is no version negotiation in CDS Hooks, so a client's limits are part of its record. Records
are read from a TOML file (`web/trust_file.py`); nothing here reads a file or an environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
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


class Cds(Struct, frozen=True, kw_only=True):
    """The CDS Hooks side of a record: who calls, how it proves that, and what it may call.

    `issuer`: the `iss` of its tokens, None for the nameless caller of development mode. Its keys
    are fetched from `jku` or pinned in `keys` (JWKs). `audiences`: the base URLs by which it knows
    us. `tenants`: None where the issuer does not use them. `services` it may call and `findings` it
    may be told, by id; None for all.
    `certificate`: the client certificate that the proxy must have seen, None where not required.
    """

    issuer: str | None = None
    jku: str | None = None
    keys: tuple[Mapping[str, Any], ...] = ()
    audiences: tuple[str, ...] = ()
    tenants: frozenset[str] | None = None
    services: frozenset[str] | None = None
    findings: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()
    certificate: str | None = None
    calls_a_minute: int = 6000
    profile: Profile = Profile()

    def may_call(self, service_id: str) -> bool:
        return self.services is None or service_id in self.services


class Ehr(Struct, frozen=True, kw_only=True):
    """One EHR. `fhir_bases`: the only addresses that are ever called for it, without a last "/".

    `open_fhir`: its FHIR server answers without a token; only for synthetic data.
    """

    id: str
    fhir_bases: tuple[str, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    open_fhir: bool = False
    cds: Cds | None = None


class Trust:
    """All records, found by the issuer of a token."""

    def __init__(self, ehrs: tuple[Ehr, ...]) -> None:
        self.ehrs = ehrs
        self._by_issuer = {
            ehr.cds.issuer: ehr for ehr in ehrs if ehr.cds and ehr.cds.issuer is not None
        }
        self.nameless = next((ehr for ehr in ehrs if ehr.cds and ehr.cds.issuer is None), None)

    def of_issuer(self, issuer: str) -> Ehr | None:
        return self._by_issuer.get(issuer)

    @property
    def origins(self) -> frozenset[str]:
        """The web origins that may read answers, of all records."""
        return frozenset().union(*(ehr.cds.origins for ehr in self.ehrs if ehr.cds))


# What `make run` trusts: whoever is on this machine, with the development EHR's FHIR server, and
# the public CDS Hooks sandbox. The sandbox signs with a key that is public knowledge
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
DEVELOPMENT = Trust(
    (
        Ehr(
            id="development",
            fhir_bases=("http://127.0.0.1:5001/fhir", "http://localhost:5001/fhir"),
            open_fhir=True,
            cds=Cds(),
        ),
        SANDBOX,
    )
)
