"""Puts the parts of the app together: what `app.py` calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from sqlalchemy import Engine

from launch import app_routes, routes
from launch.arrival import Arrivals
from launch.authorize import Authorizer
from launch.context import Context
from launch.discovery import Discovery
from launch.forms import Forms
from launch.identity import Identities
from launch.keys import KeyFolder
from launch.places import Places
from launch.renewal import Renewal
from launch.session import Sessions
from launch.waiting import Waiting
from store.hashes import Hashes
from store.sealing import Seal
from web.settings import Settings


def init_app(
    app: Flask, settings: Settings, engine: Engine, keys: KeyFolder, now: Callable[[], datetime]
) -> Sessions:
    """Serve launches. `now` tells the time."""
    # Authlib tells verifiers and tokens at DEBUG, whatever becomes of its lines later.
    logging.getLogger("authlib").setLevel(logging.INFO)
    seal, hashes = Seal(settings.secret), Hashes(settings.secret)
    authorizer = Authorizer(keys, lambda: now().timestamp())
    sessions = Sessions(engine, seal, hashes, settings.trust, authorizer, now)
    # An EHR in development does wrong at one launch what it does right at the next.
    keeping = settings.mode == "production"
    arrivals = Arrivals(
        settings,
        Waiting(engine, seal, now),
        Discovery(lambda: now().timestamp(), keeping=keeping),
        authorizer,
        Identities(lambda: now().timestamp(), keeping=keeping),
        sessions,
    )
    renewal = Renewal(engine, sessions, authorizer, now)
    context = Context(engine, seal, hashes, now)
    forms = Forms(settings.secret, settings.public_url)
    places = Places(settings.trust)
    app.register_blueprint(routes.blueprint(settings, arrivals, places))
    app.register_blueprint(
        app_routes.blueprint(settings, sessions, renewal, context, forms, now, places)
    )
    return sessions
