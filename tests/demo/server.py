"""The application under test, running: in a thread with services of the test, or under granian."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from app import create_app
from sandbox.fhir.server import FhirServer
from tests.demo.client import Client
from tests.demo.services import DEMO
from web.settings import Settings
from web.trust import Cds, Ehr, Smart, Trust

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 24, 12, 0)

# granian does not say when it is ready, so it is asked until it answers.
READY_WITHIN = 15.0


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


def whole(app: WSGIApplication) -> WSGIApplication:
    """The same application, whose answers are closed before they go out.

    Where a browser leaves while an answer is on its way, Werkzeug's server forgets to close it.
    """

    def answered(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        with closing(ClosingIterator(app(environ, start))) as parts:
            return [b"".join(parts)]

    return answered


def at_noon(zone: tzinfo) -> datetime:
    """A clock that stands still."""
    return NOON.replace(tzinfo=zone)


def nameless(id: str = "demo-ehr", **agreed: Any) -> Ehr:
    """The trust record of an EHR that calls without a token, as development mode allows."""
    own = {name: agreed.pop(name) for name in Ehr.__struct_fields__ if name in agreed}
    smart = Smart(client_id="demo", issuers=("http://127.0.0.1:1/fhir",), auth="none")
    return Ehr(**{"id": id, "cds": Cds(**agreed), "smart": smart, **own})


def ehr_of(*servers: FhirServer, **agreed: Any) -> Ehr:
    """The trust record of an EHR with these FHIR servers."""
    return nameless(fhir_bases=tuple(server.base for server in servers), **agreed)


_FOLDER = TemporaryDirectory()


def keys_folder() -> str:
    """Where the client keys are that the tests share, since making them takes its time."""
    return f"{_FOLDER.name}/keys"


def new_database() -> str:
    """The URL of an SQLite file that is not there yet, and is gone when the tests end."""
    return f"sqlite:///{_FOLDER.name}/{uuid4().hex}.db"


@contextmanager
def serving(
    services: Iterable[Callable[..., Any]] = DEMO,
    ehr: Ehr | None = None,
    clock: Callable[[tzinfo], datetime] = at_noon,
    prefix: str = "",
    **settings: Any,
) -> Iterator[Client]:
    """The application on a port of its own, and a client for it."""
    with application(services, ehr, clock, prefix, **settings) as app:
        server = make_server("127.0.0.1", 0, whole(app), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Client(f"http://127.0.0.1:{server.port}{prefix}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def application(
    services: Iterable[Callable[..., Any]] = DEMO,
    ehr: Ehr | None = None,
    clock: Callable[[tzinfo], datetime] = at_noon,
    prefix: str = "",
    **settings: Any,
) -> Iterator[Flask]:
    """The application, with a database of its own."""
    given = {
        "mode": "development",
        "public_url": f"http://localhost:5000{prefix}",
        "database": new_database(),
        "keys_folder": keys_folder(),
        "calls_at_once": 100,
        "trust": Trust((ehr or nameless(),)),
        # More time than a sound FHIR server needs on a busy machine.
        "prefetch_deadline": 8.0,
        **settings,
    }
    app = create_app(Settings(**given), services, clock)
    try:
        yield app
    finally:
        app.extensions["chartside.engine"].dispose()


@dataclass(frozen=True)
class Granian:
    """A running `python -m web.server` and what it leaves behind."""

    client: Client
    log: Path
    temporary: Path
    pid: int


@contextmanager
def process(
    *options: str, cwd: Path = ROOT, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m web.server` with this environment and no other; its output goes to `log`."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "web.server", *options],
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that no worker outlives the test.
            start_new_session=True,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "CHARTSIDE_DATABASE": new_database(),
                "CHARTSIDE_KEYS_FOLDER": keys_folder(),
                **environment,
            },
        )
        try:
            yield running
        finally:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Returns as soon as the process accepts connections."""
    end = time.monotonic() + READY_WITHIN
    pause = threading.Event()
    while running.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            pause.wait(0.01)
        else:
            return
    raise AssertionError(f"the server did not start: {log.read_text()}")
