"""The development EHR: a second process that speaks to Chartside over HTTP only.

Nothing of Chartside imports this package, and it imports nothing of Chartside: what passes between
them is what passes between Chartside and any EHR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """The commands, for `flask --app sandbox`. The EHR itself is `python -m sandbox`."""
    from flask import Flask

    from sandbox.fhir.load import load
    from sandbox.survey.command import lint

    app = Flask(__name__, static_folder=None)
    for command in (lint, load):
        app.cli.add_command(command)
    return app
