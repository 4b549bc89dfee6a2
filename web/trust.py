"""Trust records: one `Ehr` for each EHR that may call us, with what was agreed with it.

There is no version negotiation in CDS Hooks, so a client's limits are part of its record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Profile:
    """How this EHR's CDS Hooks client wants its cards. Defaults are those of CDS Hooks 2.0.

    `link_hosts`: hosts that links may point to, None for any. `delete`: 1.x clients look for the
    id of the order to delete in `resource`. `suggestion_actions`: actions it applies at once.
    """

    selection_behaviors: tuple[Literal["at-most-one", "any"], ...] = ("at-most-one", "any")
    suggestion_actions: int | None = None
    delete: Literal["resourceId", "resource"] = "resourceId"
    system_actions: bool = False
    app_context: bool = True
    autolaunch: bool = False
    link_hosts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Ehr:
    """One EHR. `fhir_bases`: the only addresses that are ever called for it, without a last "/".

    `open_fhir`: its FHIR server answers without a token; only for synthetic data.
    """

    id: str
    fhir_bases: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    profile: Profile = Profile()
    open_fhir: bool = False


# What `make run` trusts: whoever is on this machine, with the development EHR's FHIR server.
DEVELOPMENT = Ehr(
    id="development",
    fhir_bases=("http://127.0.0.1:5001/fhir", "http://localhost:5001/fhir"),
    origins=("https://sandbox.cds-hooks.org",),
    open_fhir=True,
)
