"""What is served under /.well-known: the templates of that folder, filled from the settings."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, render_template_string
from werkzeug.exceptions import NotFound

from web.settings import Settings

FOLDER = Path(__file__).parents[1] / ".well-known"


def init_app(app: Flask, settings: Settings) -> None:
    """Serve security.txt (RFC 9116), if this site tells whom to write to."""
    template = (FOLDER / "security.txt").read_text()
    path = "/.well-known/security.txt"

    @app.get(path)
    def security() -> Response:
        contact, expires = settings.security_contact, settings.security_expires
        if contact is None or expires is None:
            raise NotFound
        text = render_template_string(
            template,
            contact=contact,
            expires=expires.isoformat(timespec="seconds"),
            canonical=settings.public_url.removesuffix(settings.path_prefix).rstrip("/") + path,
        )
        return Response(text, mimetype="text/plain")
