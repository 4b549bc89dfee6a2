"""Wires the server together: settings, services and a clock in, a Flask application out."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any

from flask import Flask

from hooks import index, registry, routes
from web import access, errors, well_known
from web.settings import Settings, from_environment


def create_app(
    settings: Settings | None = None,
    services: Iterable[Callable[..., Any]] | None = None,
    clock: Callable[[tzinfo], datetime] = datetime.now,
) -> Flask:
    """The application. By default: settings from the environment, services from their folder."""
    settings = settings or from_environment(os.environ)
    app = Flask(__name__, static_url_path=settings.path_prefix + "/static")
    app.url_map.merge_slashes = False  # it would answer a POST with a redirect
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    errors.init_app(app)
    access.init_app(app, settings)
    well_known.init_app(app, settings)
    found = registry.Registry(registry.find() if services is None else services)
    app.register_blueprint(routes.blueprint(settings, found, clock))
    app.register_blueprint(index.blueprint(settings, found))
    return app


def serve() -> Flask:
    """The application of a server process, with the start-up heap out of the collector's way."""
    app = create_app()
    gc.collect()
    gc.freeze()
    return app
