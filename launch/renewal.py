"""The access token of a launch, renewed by one at a time (RFC 6749, 6; RFC 9700, 4.14).

A server that rotates refresh tokens takes the second use of one for theft and ends the chain. So
whoever renews holds a lease, a column of the launch's row: threads of this process wait for a lock,
other processes look again until it is over.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from msgspec.structs import replace
from sqlalchemy import Engine

from launch import tokens
from launch.audit import Event, audit, pseudonym
from launch.authorize import Authorizer
from launch.errors import LaunchError
from launch.session import Held, Live, Sessions, Why
from launch.tokens import Grant
from store import launches

# Renewed this long before the end, so that no request meets it.
EARLY = timedelta(seconds=75)
# Servers throttle who asks more often (Oracle Health), but a token that is over is no use.
APART = timedelta(minutes=1)
# Longer than two attempts take.
LEASE = timedelta(seconds=30)
_PATIENCE = 30.0
_LOOK_AGAIN = 0.05


class Renewal:
    """Hands out access tokens. `now` tells the time."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        authorizer: Authorizer,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._authorizer = authorizer
        self._now = now
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._locks_lock = threading.Lock()
        self._pause = threading.Event()

    def token(self, live: Live, refused: str | None = None) -> str:
        """An access token that is good; not `refused`, one that the FHIR server did not take.

        Raises LaunchError: "ended" where there is none any more, and then the launch has ended.
        """
        if self._good(live.content.held, refused) and not self._due(live.content.held):
            return live.content.held.access
        with self._lock_of(live.key):
            return self._newest(live.key, refused)

    def _lock_of(self, key: str) -> threading.Lock:
        with self._locks_lock:
            return self._locks.setdefault(key, threading.Lock())

    def _newest(self, key: str, refused: str | None) -> str:
        patience_ends = time.monotonic() + _PATIENCE
        while True:
            live = self._read(key)
            held = live.content.held
            good = self._good(held, refused)
            if good and not self._due(held):
                return held.access
            if not self._may_ask(held):
                if good:
                    return held.access
                raise self._ended(live, "tokens refused")
            holder = secrets.token_hex(16)
            if launches.lease(self._engine, key, holder, self._now(), LEASE):
                return self._renew(key, holder, refused)
            if good:
                return held.access
            if time.monotonic() > patience_ends:
                raise LaunchError("ehr-slow", "somebody else renews the token for too long")
            self._pause.wait(_LOOK_AGAIN)

    def _renew(self, key: str, holder: str, refused: str | None) -> str:
        try:
            live = self._read(key)
            held = live.content.held
            good = self._good(held, refused)
            if good and not (self._due(held) and self._may_ask(held)):
                return held.access  # while the lease was asked for, somebody else was done
            try:
                grant = self._asked(live)
            except LaunchError as error:
                self._told("token not renewed", live, error.reason)
                if error.kind == "ended":
                    raise self._ended(live, "tokens refused") from None
                if good:
                    return held.access
                raise
            return self._keep(live, holder, grant)
        finally:
            launches.release(self._engine, key, holder)

    def _asked(self, live: Live) -> Grant:
        refresh = live.content.held.refresh
        assert refresh
        endpoints = live.content.endpoints
        try:
            body = self._authorizer.refresh(live.ehr, endpoints, refresh)
        except LaunchError as error:
            if error.kind not in ("ehr-slow", "ehr-unavailable"):
                raise
            body = self._authorizer.refresh(live.ehr, endpoints, refresh)
        try:
            grant = tokens.parse(body)
            self._check(live, grant)
        except LaunchError as error:
            # The old token is used up and the new ones cannot be trusted, whoever's they are.
            self._sessions.drop(live.ehr, endpoints, tokens.tokens_in(body))
            raise LaunchError("ended", error.reason) from None
        return grant

    def _check(self, live: Live, grant: Grant) -> None:
        """Raises LaunchError where a renewed token is for something else than the launch."""
        launch, smart = live.launch, live.ehr.smart
        if grant.patient not in (None, launch.patient) or (
            grant.encounter not in (None, launch.encounter)
        ):
            self._told("wrong patient", live, "the token was renewed for another chart")
            raise LaunchError("wrong-patient", "the token was renewed for another chart")
        if smart and smart.tenant is not None and grant.tenant not in (None, smart.tenant):
            raise LaunchError("not-verified", "the token was renewed for another tenant")

    def _keep(self, live: Live, holder: str, grant: Grant) -> str:
        now = self._now()
        held = Held(
            access=grant.access_token,
            refresh=grant.refresh_token or live.content.held.refresh,
            until=now + timedelta(seconds=grant.expires_in),
            renewed=now,
        )
        renewed = Live(live.ehr, live.kept, replace(live.content, held=held))
        sealed = self._sessions.sealed(live.kept, renewed.content)
        if not launches.release(self._engine, live.key, holder, sealed):
            # It was signed out meanwhile, and nobody else knows of the new tokens.
            endpoints = live.content.endpoints
            self._sessions.revoke(live.ehr, endpoints, held.access, grant.refresh_token)
            raise LaunchError("ended", "the launch ended while its token was renewed")
        self._told("token renewed", live)
        return held.access

    def _read(self, key: str) -> Live:
        kept = launches.read(self._engine, key, self._now())
        live = self._sessions.live(kept) if kept else None
        if live is None:
            raise LaunchError("ended", "the launch is over")
        return live

    def _good(self, held: Held, refused: str | None) -> bool:
        return held.access != refused and self._now() < held.until

    def _due(self, held: Held) -> bool:
        return held.refresh is not None and self._now() >= held.until - EARLY

    def _may_ask(self, held: Held) -> bool:
        now = self._now()
        rested = held.renewed is None or now >= held.until or now - held.renewed >= APART
        return held.refresh is not None and rested

    def _ended(self, live: Live, why: Why) -> LaunchError:
        self._sessions.end(live, why)
        return LaunchError("ended", why)

    def _told(self, event: Event, live: Live, reason: str | None = None) -> None:
        kept = live.kept
        told = {"launch": pseudonym(kept.handle), "user": kept.user_hash, "reason": reason}
        audit(event, live.ehr.id, **told)
