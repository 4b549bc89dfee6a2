"""Live launches: one chart for one user in one window; nothing means "the current patient".

A launch has a handle, in the path of every page, and a cookie of its own; both are random and of
both the database has a digest. What was verified when it began is never changed (`Launch` is
frozen); only its tokens are renewed. It ends at sign-out, after 15 minutes without use, after eight
hours, when the EHR refuses its tokens, and for newer launches of the same browser.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Engine

from launch.audit import audit, pseudonym
from launch.authorize import Authorizer
from launch.context import chart
from launch.cookies import digested, new_value
from launch.discovery import Endpoints
from launch.identity import Identity
from launch.scopes import Scopes
from launch.tokens import Grant
from store import launches
from store.hashes import Hashes
from store.launches import Kept
from store.sealing import Seal
from web.trust import Ehr, Trust

_HANDLE = re.compile(r"([a-z0-9-]{1,64})\.[A-Za-z0-9_-]{32}")
_NAME = 16  # characters of a handle's digest that name its cookie

Why = Literal["signed out", "over", "older", "another user", "tokens refused", "wrong patient"]


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What was verified when the launch began. `app_context`: as the EHR sent it, not judged."""

    handle: str
    ehr_id: str
    iss: str
    patient: str
    encounter: str | None
    user: Identity | None
    scopes: Scopes
    banner: bool
    intent: str | None
    tenant: str | None
    fhir_context: tuple[Any, ...]
    app_context: str | None
    started: datetime


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a launch. Its text shows none of them."""

    access: str
    refresh: str | None
    until: datetime
    renewed: datetime | None = None

    def __repr__(self) -> str:
        return f"Held(until={self.until:%H:%M:%S})"

    __str__ = __repr__


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed: the launch, where its EHR is asked, its tokens."""

    launch: Launch
    endpoints: Endpoints
    held: Held


@dataclass(frozen=True, slots=True)
class Live:
    """A launch that is found, as it is kept and opened."""

    ehr: Ehr
    kept: Kept
    content: Content

    @property
    def key(self) -> str:
        """The digest of its handle."""
        return self.kept.handle

    @property
    def launch(self) -> Launch:
        return self.content.launch


@dataclass(frozen=True, slots=True)
class Created:
    """A launch that has begun, its cookie, and the names of the cookies of all live ones there."""

    launch: Launch
    name: str
    cookie: str
    live: frozenset[str]


class Sessions:
    """All live launches of the server. `now` tells the time."""

    def __init__(
        self,
        engine: Engine,
        seal: Seal,
        hashes: Hashes,
        trust: Trust,
        authorizer: Authorizer,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._seal = seal
        self._hashes = hashes
        self._trust = trust
        self._authorizer = authorizer
        self._now = now
        # Nobody waits for the revocation of what a newer launch has ended.
        self._behind = ThreadPoolExecutor(2, thread_name_prefix="revocation")

    def create(
        self,
        ehr: Ehr,
        iss: str,
        endpoints: Endpoints,
        grant: Grant,
        patient: str,
        user: Identity | None,
        jar: str,
    ) -> Created:
        """Begin a launch; it ends others of this jar (see store/launches.py)."""
        assert ehr.smart
        now = self._now()
        cookie = new_value()
        launch = Launch(
            handle=f"{ehr.id}.{secrets.token_urlsafe(24)}",
            ehr_id=ehr.id,
            iss=iss,
            patient=patient,
            encounter=grant.encounter,
            user=user,
            scopes=grant.scopes,
            banner=ehr.smart.always_banner or grant.need_patient_banner,
            intent=grant.intent,
            tenant=grant.tenant,
            fhir_context=grant.fhir_context,
            app_context=grant.app_context,
            started=now,
        )
        held = Held(
            access=grant.access_token,
            refresh=grant.refresh_token,
            until=now + timedelta(seconds=grant.expires_in),
        )
        key = digested(launch.handle)
        kept = Kept(
            handle=key,
            ehr_id=ehr.id,
            cookie=digested(cookie),
            user_hash=self._hash_of(ehr, user),
            patient_hash=chart(self._hashes, ehr, iss, grant.tenant, patient).patient_hash,
            at=now,
            sealed=b"",
        )
        content = Content(launch=launch, endpoints=endpoints, held=held)
        kept = replace(kept, sealed=self.sealed(kept, content))
        ended = launches.add(self._engine, kept, digested(jar))
        told = {"launch": pseudonym(key), "user": kept.user_hash}
        audit("token issued", ehr.id, **told)
        audit("launch accepted", ehr.id, **told)
        for each in ended:
            another = each.user_hash != kept.user_hash
            self._gone(each, "another user" if another else "older", behind=True)
        live = launches.of_jar(self._engine, digested(jar), now)
        return Created(launch, cookie_name(key), cookie, frozenset(map(cookie_name, live)))

    def find(self, handle: str, cookie: str | None) -> Live | None:
        """The launch, if it lives and this is the digest of its cookie; it is used now."""
        if cookie is None or ehr_of(handle) is None:
            return None
        kept = launches.use(self._engine, digested(handle), cookie, self._now())
        return self.live(kept) if kept else None

    def live(self, kept: Kept) -> Live | None:
        """What is kept of a launch, opened; None if its EHR or the server's secret is no more."""
        ehr = self._trust.smart(kept.ehr_id)
        content = self._opened(kept)
        return Live(ehr, kept, content) if ehr and content else None

    def end(self, live: Live, why: Why) -> None:
        """End a launch and revoke its tokens; of all who do so at once one does."""
        kept = launches.end(self._engine, live.key)
        if kept:
            self._gone(kept, why)

    def sweep(self) -> None:
        """End what is over: nobody asks for it any more, and its tokens may still be good."""
        while over := launches.sweep(self._engine, self._now()):
            for kept in over:
                self._gone(kept, "over")

    def close(self) -> None:
        """Wait until everything is revoked that is to be."""
        self._behind.shutdown()

    def revoke(
        self, ehr: Ehr, endpoints: Endpoints, access: str | None, refresh: str | None
    ) -> bool:
        """Tell the EHR that these tokens are done with; the one that makes others first.

        Where that fails the other one would fail too, and somebody may wait.
        """
        tokens = ((refresh, "refresh_token"), (access, "access_token"))
        return all(
            self._authorizer.revoke(ehr, endpoints, token, hint) for token, hint in tokens if token
        )

    def drop(
        self, ehr: Ehr, endpoints: Endpoints, found: Mapping[str, str | None], **told: str | None
    ) -> None:
        """Revoke tokens, by name, that nobody is going to use, and say so for this launch."""
        if endpoints.revocation is None or not found:
            return
        done = self.revoke(ehr, endpoints, found.get("access_token"), found.get("refresh_token"))
        audit("token revoked" if done else "token not revoked", ehr.id, **told)

    def sealed(self, kept: Kept, content: Content) -> bytes:
        """The content, to be opened as that of this launch only."""
        return self._seal.seal(msgspec.json.encode(content), *_place(kept))

    def _hash_of(self, ehr: Ehr, user: Identity | None) -> str | None:
        # Never the subject alone, nor a name (OpenID Connect Core, 5.7).
        return self._hashes.of(ehr.id, "user", f"{user.issuer} {user.subject}") if user else None

    def _opened(self, kept: Kept) -> Content | None:
        content = self._seal.open(kept.sealed, *_place(kept))
        try:
            return None if content is None else msgspec.json.decode(content, type=Content)
        except msgspec.MsgspecError:
            return None  # of another version

    def _gone(self, kept: Kept, why: Why, *, behind: bool = False) -> None:
        told = {"launch": pseudonym(kept.handle), "user": kept.user_hash}
        audit("launch ended", kept.ehr_id, reason=why, **told)
        live = self.live(kept)
        if live is None:
            return

        held = live.content.held
        tokens = {"access_token": held.access, "refresh_token": held.refresh}
        if behind:
            self._behind.submit(self.drop, live.ehr, live.content.endpoints, tokens, **told)
        else:
            self.drop(live.ehr, live.content.endpoints, tokens, **told)


def _place(kept: Kept) -> tuple[str, ...]:
    whose = (kept.cookie, kept.user_hash or "", kept.patient_hash)
    return "launches", kept.ehr_id, kept.handle, *whose


def ehr_of(handle: str) -> str | None:
    """The id of the EHR that a handle names; None if it is no handle."""
    found = _HANDLE.fullmatch(handle)
    return found[1] if found else None


def cookie_name(key: str) -> str:
    """What the cookie of a launch is called after, from the digest of its handle."""
    return key[:_NAME]
