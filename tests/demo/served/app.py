"""The real application with the demo services, for `python -m web.server` started in this folder.

`web.server` imports the module `app` from the working directory first; this one loads the real
one under another name and hands it the services.
"""

import importlib.util
from pathlib import Path

from flask import Flask

from tests.demo.services import DEMO

_FILE = Path(__file__).parents[3] / "app.py"
_SPEC = importlib.util.spec_from_file_location("chartside_app", _FILE)
assert _SPEC
assert _SPEC.loader
_real = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_real)


def create_app() -> Flask:
    """The application with the demo services."""
    app: Flask = _real.create_app(services=DEMO)
    return app


def ready() -> Flask:
    """The same, as a process has it that may serve."""
    app: Flask = _real.ready(DEMO)
    return app


def serve() -> Flask:
    """The application of a server process, with the demo services."""
    app: Flask = _real.serve(DEMO)
    return app
