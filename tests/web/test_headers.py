"""The headers of every answer, and what this server calls itself."""

from __future__ import annotations

import gc

import pytest
from flask import Flask

from tests.demo.server import ROOT
from web import headers
from web.headers import framed_by, own_origin, posts_to
from web.settings import Settings


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("https://App.Example/cds/app/", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("https://app.example:8443/x", "https://app.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("https://[::1]:443", "https://[::1]"),
    ],
)
def test_an_origin_is_as_browsers_write_it(url: str, origin: str) -> None:
    assert own_origin(url) == origin


def answering(mode: str) -> Flask:
    app = Flask("headers", root_path=str(ROOT))
    headers.init_app(app, Settings(mode=mode, public_url="https://app.example"))  # type: ignore[arg-type]

    @app.get("/page")
    def page() -> str:
        return "<p>"

    @app.get("/framed")
    def framed() -> str:
        framed_by(["https://one.example", "https://two.example"])
        posts_to(["https://auth.example"])
        return "<p>"

    @app.get("/own")
    def own() -> tuple[str, dict[str, str]]:
        return "<p>", {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "public"}

    @app.get("/json")
    def json() -> dict[str, str]:
        return {}

    return app


@pytest.mark.req("SL-091", "SL-092", "T-18")
def test_nobody_frames_a_page_unless_it_says_who() -> None:
    client = answering("development").test_client()
    plain = client.get("/page").headers
    assert "frame-ancestors 'none'" in plain["Content-Security-Policy"]
    assert "form-action 'self';" in plain["Content-Security-Policy"]
    assert "'unsafe" not in plain["Content-Security-Policy"]
    assert plain["Cache-Control"] == "no-store"
    framed = client.get("/framed").headers["Content-Security-Policy"]
    assert framed.endswith("frame-ancestors https://one.example https://two.example")
    assert "form-action 'self' https://auth.example;" in framed
    # What one answer allows the next one does not.
    assert (
        client.get("/page").headers["Content-Security-Policy"] == plain["Content-Security-Policy"]
    )


@pytest.mark.req("SL-092")
def test_a_file_that_has_not_changed_is_closed() -> None:
    client = answering("development").test_client()
    first = client.get("/static/base.css")
    first.close()
    again = client.get("/static/base.css", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    del again
    gc.collect()  # a file that is open still would be a warning, and so an error


def test_what_browsers_show_is_marked_and_keeps_what_is_its_own() -> None:
    client = answering("production").test_client()
    for path in ("/page", "/own"):
        got = client.get(path).headers
        assert got["X-Content-Type-Options"] == "nosniff"
        assert got["Referrer-Policy"] == "no-referrer"
        assert got["Strict-Transport-Security"].startswith("max-age=63072000")
        assert "X-Frame-Options" not in got
    own = client.get("/own").headers
    assert own["Content-Security-Policy"] == "default-src 'self'"
    assert own["Cache-Control"] == "public"
    assert "Content-Security-Policy" not in client.get("/json").headers
    development = answering("development").test_client().get("/page").headers
    assert "Strict-Transport-Security" not in development
