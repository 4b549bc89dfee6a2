"""The public halves of our client keys, where EHRs fetch them: /.well-known/jwks.json."""

from __future__ import annotations

from flask import Blueprint, Response, render_template_string

from launch.keys import MAX_AGE, KeyFolder
from web.errors import Problem, StartError
from web.settings import Settings
from web.well_known import FOLDER


def blueprint(settings: Settings, keys: KeyFolder) -> Blueprint:
    """The key set (RFC 7517), for everybody, with the cache lifetime that rotation counts on."""
    routes = Blueprint("published", __name__, url_prefix=settings.path_prefix + "/.well-known")
    template = (FOLDER / "jwks.json").read_text()

    @routes.get("/jwks.json")
    def jwks() -> Response:
        try:
            found = keys.published()
        except StartError:
            raise Problem(503, "exception", "The keys cannot be read now. Try again.") from None
        return Response(
            render_template_string(template, keys=found),
            mimetype="application/json",
            headers={"Cache-Control": f"public, max-age={MAX_AGE.seconds}"},
        )

    return routes
