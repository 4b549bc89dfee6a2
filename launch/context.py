"""From the `appContext` of a launch to the card that it was opened from (CDS Hooks, Link).

`appContext` is the EHR's to keep and anybody's to forge, so it is an opaque id of ours and no more:
the card is opened only for the EHR and the patient that it was shown for, and within a day. Nothing
is written here, since an EHR may open a link by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine

from fhir.owner import normal
from store import StoreError, drafts, shown
from store.hashes import Hashes
from store.persons import person
from store.sealing import Seal
from store.shown import ShownCard
from web.logs import log
from web.trust import Ehr

OLDEST = timedelta(hours=24)

# A card's uuid; as UUID() reads them would let the same card have many names.
_CARD = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Reason = Literal["malformed", "unknown", "foreign", "other-patient", "too-old", "unavailable"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The card that the app was opened from; `drafts`: the JSON array of its draft orders."""

    card: ShownCard
    drafts: bytes | None


@dataclass(frozen=True, slots=True)
class NotOpened:
    """There was an `appContext`, and this is why no card is shown for it."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Chart:
    """A patient as the store knows them. `realm`: within which ids mean one thing."""

    realm: str
    patient_hash: str


def chart(hashes: Hashes, ehr: Ehr, iss: str, tenant: str | None, patient: str) -> Chart:
    """The chart of a launch, by the same names as that of a hook call."""
    tenants = ehr.cds.tenants if ehr.cds else None
    realm = f"{ehr.id}/{tenant}" if tenants is not None and tenant in tenants else ehr.id
    who = person(normal(iss), ehr.fhir_bases, patient)
    return Chart(realm, hashes.of(realm, "patient", who))


class Context:
    """Opens cards. `now` tells the time."""

    def __init__(
        self, engine: Engine, seal: Seal, hashes: Hashes, now: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._seal = seal
        self._hashes = hashes
        self._now = now

    def open(
        self, app_context: str | None, ehr: Ehr, iss: str, tenant: str | None, patient: str
    ) -> Opened | NotOpened | None:
        """The card; None where the app was not opened from one."""
        if app_context is None or not app_context.strip():
            return None
        id = app_context.strip()
        if not _CARD.fullmatch(id):
            return NotOpened("malformed")
        whose = chart(self._hashes, ehr, iss, tenant, patient)
        try:
            return self._found(id, whose)
        except StoreError as error:
            log.error("card not read", error=type(error).__name__)
            return NotOpened("unavailable")

    def _found(self, id: str, whose: Chart) -> Opened | NotOpened:
        card = shown.find(self._engine, id)
        if card is None:
            return NotOpened("unknown")
        if card.ehr_id != whose.realm:
            return NotOpened("foreign")
        if card.patient_hash != whose.patient_hash:
            return NotOpened("other-patient")
        now = self._now()
        if now - card.at > OLDEST:
            return NotOpened("too-old")
        kept = drafts.find(self._engine, self._seal, whose.realm, id, whose.patient_hash, now)
        return Opened(card, kept)
