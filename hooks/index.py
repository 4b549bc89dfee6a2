"""The start page: what this server is, where an EHR finds it, which services it offers.

For the developer who has just run `make run` and for the engineer who connects an EHR. It tells
what the discovery document tells and no more: nothing about patients, nothing of the trust record.
"""

from __future__ import annotations

from urllib.parse import urljoin

from flask import Blueprint, Response, render_template, url_for

from hooks.registry import Registry
from web.settings import Settings

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def blueprint(settings: Settings, registry: Registry) -> Blueprint:
    """The page at the root of the server's path."""
    pages = Blueprint("index", __name__, url_prefix=settings.path_prefix)

    @pages.get("/")
    def start() -> Response:
        page = render_template(
            "services.html",
            services=registry.all,
            discovery=urljoin(settings.public_url, url_for("hooks.discover")),
            development=settings.mode == "development",
        )
        return Response(page, headers=_HEADERS)

    return pages
