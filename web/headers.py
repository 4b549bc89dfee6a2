"""The headers that tell a browser what it may do with an answer.

Pages load nothing but our own files and run no inline script or style (Content Security Policy
Level 3). Nobody may frame a page, but for the origins that the trust record of its EHR lists: a
request that knows its EHR says so with `framed_by`.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, g

from web.settings import Settings

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action {forms}; frame-ancestors {ancestors}"
)
# Two years, and of this host alone: what is below it need not be ours.
_HSTS = "max-age=63072000"


def own_origin(public_url: str) -> str:
    """The origin of this server as browsers write it, without the usual port."""
    parts = urlsplit(public_url.lower())
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"


def framed_by(origins: Iterable[str]) -> None:
    """Let these origins show the answer to this request in a frame of theirs."""
    g.ancestors = tuple(origins)


def posts_to(origins: Iterable[str]) -> None:
    """Let the page that answers this request post its form to these origins as well."""
    g.forms = tuple(origins)


def init_app(app: Flask, settings: Settings) -> None:
    """Put the headers on what browsers show; an answer that has a header of its own keeps it."""
    always = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    if settings.mode == "production":
        always["Strict-Transport-Security"] = _HSTS

    @app.after_request
    def mark(answer: Response) -> Response:
        if answer.status_code == 304:
            answer.close()  # a file that has not changed is not sent, and Werkzeug forgets it
        if answer.headers.get("Content-Type") == "application/json":
            return answer  # for programs: a hook call has no time for what no browser reads
        for name, value in always.items():
            answer.headers.setdefault(name, value)
        if answer.mimetype == "text/html":
            answer.headers.setdefault("Cache-Control", "no-store")
            answer.headers.setdefault("Content-Security-Policy", _policy())
        return answer


def _policy() -> str:
    return _POLICY.format(
        forms=" ".join(("'self'", *g.get("forms", ()))),
        ancestors=" ".join(g.get("ancestors", ())) or "'none'",
    )
