"""Wires the server together: settings, services and a clock in, a Flask application out."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Literal

from flask import Flask

from hooks import commands, index, registry, routes
from hooks.caller import Callers
from hooks.memory import Memory
from launch import commands as launch_commands
from launch import published, sweeping, wiring
from launch.keys import KeyFolder
from store import commands as store_commands
from store import database
from store.replay import Replay
from web import access, errors, headers, logs, well_known
from web.errors import StartError
from web.settings import Settings, from_environment


def create_app(
    settings: Settings | None = None,
    services: Iterable[Callable[..., Any]] | None = None,
    clock: Callable[[tzinfo], datetime] = datetime.now,
) -> Flask:
    """The application. By default: settings from the environment, services from their folder."""
    settings = settings or from_environment(os.environ)
    found = registry.Registry(registry.find() if services is None else services)
    registry.check_entitlements(found, settings.trust)
    engine = database.connect(settings.database)
    development = settings.mode == "development"
    if development:
        database.migrate(engine)
    app = _Server(__name__, static_url_path=settings.path_prefix + "/static")
    # Each would answer with a redirect to the host and the scheme that the request came with.
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    app.extensions["chartside"] = settings
    app.extensions["chartside.engine"] = engine
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    logs.init_app(app)
    errors.init_app(app)
    headers.init_app(app, settings)
    access.init_app(app, settings)
    well_known.init_app(app, settings)
    callers = Callers(settings.trust, Replay(engine), development, public_url=settings.public_url)
    app.extensions["chartside.callers"] = callers
    memory = Memory(engine, settings.secret)
    app.register_blueprint(routes.blueprint(settings, found, callers, memory, clock))
    app.register_blueprint(index.blueprint(settings, found))
    keys = KeyFolder(Path(settings.keys_folder), clock)
    if development and _algorithms(settings):
        keys.ensure()
    app.extensions["chartside.keys"] = keys
    app.register_blueprint(published.blueprint(settings, keys))
    sessions = wiring.init_app(app, settings, engine, keys, lambda: clock(UTC))
    app.extensions["chartside.sessions"] = sessions
    app.cli.add_command(launch_commands.keys)
    app.cli.add_command(commands.ehrs)
    app.cli.add_command(commands.census)
    app.cli.add_command(store_commands.group(lambda: settings.database))
    return app


class _Server(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No function of ours is async: Flask need not ask each of them in every request."""
        return func


def ready(services: Iterable[Callable[..., Any]] | None = None) -> Flask:
    """The application as a process has it that may serve; raises StartError where it may not."""
    app = create_app(services=services)
    engine = app.extensions["chartside.engine"]
    try:
        database.require_current(engine)
        for algorithm in _algorithms(app.extensions["chartside"]):
            app.extensions["chartside.keys"].signing(algorithm)
    except StartError:
        engine.dispose()
        raise
    return app


def _algorithms(settings: Settings) -> set[Literal["ES384", "RS384"]]:
    """With what the EHRs want our requests for tokens to be signed."""
    sides = [ehr.smart for ehr in settings.trust.ehrs if ehr.smart]
    return {smart.algorithm for smart in sides if smart.auth == "private_key_jwt"}


def serve(services: Iterable[Callable[..., Any]] | None = None) -> Flask:
    """The application of a server process, with the start-up heap out of the collector's way."""
    logs.configure()
    app = ready(services)
    # In development the EHR may start later than the app: its first call has its keys fetched.
    if app.extensions["chartside"].mode == "production":
        app.extensions["chartside.callers"].warm()
    sweeping.start(app.extensions["chartside.sessions"])
    gc.collect()
    gc.freeze()
    return app
