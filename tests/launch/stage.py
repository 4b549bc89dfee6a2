"""The development EHR and the application, both running, with one clock that a test moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import make_server

from app import create_app
from sandbox.auth.clients import Client, secret_hash
from sandbox.auth.vault import Lifetimes
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.demo.server import _Quiet, free_port, keys_folder, new_database, whole
from tests.launch.browser import Browser, Page
from tests.store.crew import migrate
from web.settings import Settings
from web.trust import Ehr, Smart, Trust

SECRET = "a secret of these tests, longer than most"
CLIENT_SECRET = "the-client-secret-of-these-tests-43-characters"
PATIENT, OTHER = "sandbox-renal", "sandbox-diabetes"


class Clock:
    """The time now, and as much later as a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.ahead

    def seconds(self) -> float:
        return time.time() + self.ahead.total_seconds()

    def forward(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@dataclass
class Stage:
    """An application at `origin` and the EHRs that it knows, the first of which is `ehr`."""

    origin: str
    ehrs: dict[str, DevelopmentEhr]
    clock: Clock
    database: str
    app: Flask = field(repr=False, default_factory=lambda: Flask("none"))

    @property
    def ehr(self) -> DevelopmentEhr:
        return next(iter(self.ehrs.values()))

    @property
    def netloc(self) -> str:
        return urlsplit(self.origin).netloc

    def link(self, name: str | None = None, **launch: Any) -> str:
        """Where this EHR opens the app."""
        ehr = self.ehrs[name] if name else self.ehr
        value = ehr.launch("chartside", **{"patient": PATIENT, **launch})
        return ehr.launch_url(f"{self.origin}/smart/launch", value)

    def open(self, browser: Browser, name: str | None = None, **launch: Any) -> Page:
        """The page that a launch ends with."""
        return browser.follow(self.link(name, **launch))

    def callback(self, browser: Browser, name: str | None = None, **launch: Any) -> str:
        """The address with which the EHR sends the browser back, before it goes there."""
        return browser.until(self.link(name, **launch), "/smart/callback/")

    def token_requests(self, name: str | None = None) -> list[dict[str, str]]:
        """The forms that the token endpoint got."""
        ehr = self.ehrs[name] if name else self.ehr
        return [dict(each.form) for each in ehr.seen if each.path == "/auth/token"]

    def url(self, page: Page) -> str:
        """The address of a chart."""
        assert page.status == 200, (page.status, page.text)
        assert "/app/" in page.url
        return page.url


def record(name: str, ehr: DevelopmentEhr, **smart: Any) -> Ehr:
    """The trust record of a development EHR."""
    given: dict[str, Any] = {
        "client_id": "chartside",
        "issuers": (ehr.iss,),
        "frame_ancestors": (ehr.origin,),
        "refresh": "online",
        **smart,
    }
    return Ehr(id=name, label=f"The EHR {name}", fhir_bases=(ehr.base,), smart=Smart(**given))


@contextmanager
def stage(
    *names: str,
    prefix: str = "",
    lifetimes: Lifetimes | None = None,
    smart: dict[str, Any] | None = None,
    ehr_options: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Stage]:
    """Both running. `smart`: what is agreed with the EHRs otherwise."""
    clock = Clock()
    port = free_port()
    origin = f"http://localhost:{port}{prefix}"
    agreed = dict(smart or {})
    ehrs: dict[str, DevelopmentEhr] = {}
    for name in names or ("north",):
        client = registered(origin, name, agreed.get("auth", "private_key_jwt"))
        ehrs[name] = DevelopmentEhr(
            shipped_bundles(),
            [client],
            clock=clock.seconds,
            lifetimes=lifetimes or Lifetimes(),
            refetch_keys=True,
            **(ehr_options or {}),
        )
    given = {
        "mode": "development",
        "public_url": origin,
        "secret": SECRET,
        "database": new_database(),
        "keys_folder": keys_folder(),
        "trust": Trust(tuple(record(name, ehr, **agreed) for name, ehr in ehrs.items())),
        **settings,
    }
    if given["mode"] == "production":
        migrate(given["database"])
    running = Stage(origin, ehrs, clock, given["database"])
    with _all(list(ehrs.values())):
        running.app = create_app(Settings(**given), (), clock)
        with serving(running.app, port):
            yield running


def registered(origin: str, name: str, auth: str) -> Client:
    """The app, as an EHR has registered it."""
    given: dict[str, Any] = {}
    if auth == "private_key_jwt":
        given["jwks_url"] = f"{origin}/.well-known/jwks.json"
    elif auth != "none":
        given["secret_hash"] = secret_hash(CLIENT_SECRET)
    return Client(
        id="chartside",
        auth=auth,  # type: ignore[arg-type]
        redirect_uris=(f"{origin}/smart/callback/{name}",),
        launch_urls=(f"{origin}/smart/launch",),
        **given,
    )


@contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    """The application on this port, until it is left; its database is let go then."""
    server = make_server("127.0.0.1", port, whole(app), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["chartside.sessions"].close()
        app.extensions["chartside.engine"].dispose()


@contextmanager
def _all(ehrs: Sequence[DevelopmentEhr]) -> Iterator[None]:
    if not ehrs:
        yield
        return
    with ehrs[0], _all(ehrs[1:]):
        yield
