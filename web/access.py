"""Who may speak to the server at all, before anything is read.

Development mode trusts whoever calls, so it must be out of reach for everyone but this machine:
local Host names only, and nothing that came through a proxy. CORS is answered here too, on errors
as well, for the origins of the trust record (Fetch standard; CDS Hooks, Cross-Origin Resource
Sharing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, request

from web.errors import Problem
from web.settings import Settings

_LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
# As the server names headers (PEP 3333), so that one search sees all of them.
_FORWARDING = re.compile(
    "^HTTP_(FORWARDED|VIA|X_FORWARDED.*|X_ORIGINAL_.*|X_REAL_IP|X_CLIENT_IP|TRUE_CLIENT_IP|CF_.*)$",
    re.MULTILINE,
)
_CORS = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
    "Access-Control-Max-Age": "600",
}


def init_app(app: Flask, settings: Settings) -> None:
    """Guard every request and mark every answer for the origins that may read it."""
    origins = settings.trust.origins
    development = settings.mode == "development"

    @app.before_request
    def guard() -> Response | None:
        environ = request.environ
        if development:
            _check_local(environ)
        if environ["REQUEST_METHOD"] == "OPTIONS":
            preflight = Response(status=204)
            del preflight.headers["Content-Type"]
            return preflight
        return None

    @app.after_request
    def cors(answer: Response) -> Response:
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None:
            answer.vary.add("Origin")
            # Once the caller is known, its own origins only.
            listed = g.get("origins", origins)
            if origin in listed or (development and _LOCAL_ORIGIN.fullmatch(origin)):
                answer.headers["Access-Control-Allow-Origin"] = origin
                if request.method == "OPTIONS":
                    answer.headers.update(_CORS)
        return answer


def _check_local(environ: Mapping[str, Any]) -> None:
    # A client of HTTP/1.0 need not say whom it calls.
    if not _LOCAL_HOST.fullmatch(environ.get("HTTP_HOST") or request.host):
        raise Problem(403, "forbidden", "Development mode answers to local Host names only.")
    if _FORWARDING.search("\n".join(environ)):
        raise Problem(403, "forbidden", "Development mode does not work behind a proxy.")
