"""How the routes of the app answer: pages, redirects, and one page for each thing that goes wrong.

The text of a page is `launch/pages.py`'s; the log gets the reason, under the same reference number.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from launch import pages
from launch.audit import audit
from launch.errors import LaunchError
from launch.places import Places
from store import StoreError
from web.errors import Problem, place
from web.headers import framed_by, own_origin
from web.logs import log, note, request_id
from web.settings import Settings
from web.trust import Ehr


def html(page: str, status: int = 200) -> Response:
    """A page that no cache keeps, the browser's own for going back included."""
    return Response(page, status, {"Cache-Control": "no-store"}, mimetype="text/html")


def redirect(url: str) -> Response:
    """Go on there, by GET."""
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def known(ehr: Ehr) -> None:
    """This request is about this EHR: the log may say so, and its frames show the answer."""
    assert ehr.smart
    note(ehr=ehr.id)
    g.ehr_id = ehr.id
    framed_by(ehr.smart.frame_ancestors)


def waits(ehr: Ehr) -> None:
    """This request is going to wait for this EHR: it takes one of its places.

    Raises Problem (503) where there is none. What is answered at once needs no place.
    """
    g.places.take(ehr.id)


def guard(routes: Blueprint, settings: Settings, places: Places) -> None:
    """What holds for all routes of the app: whom they answer, and how they fail."""
    origin = own_origin(settings.public_url)

    @routes.before_request
    def check() -> Response | None:
        g.places = places
        # Cookies and the redirect URI are of one host; by another name nothing would be found.
        if own_origin(f"{urlsplit(origin).scheme}://{request.host}") != origin:
            raise LaunchError("bad-request", "asked by another host name")
        if request.method == "HEAD":
            return Response(status=204)
        purpose = f"{request.headers.get('Sec-Purpose')} {request.headers.get('Purpose')}"
        if "prefetch" in purpose:
            # Nothing is begun for a page that nobody looks at; browsers keep no failure.
            return Response(status=503, headers={"Cache-Control": "no-store"})
        if any(_CONTROL & set(value) for _, value in request.args.items(multi=True)):
            raise LaunchError("bad-request", "a control character in a parameter")
        return None

    @routes.teardown_request
    def done(_: BaseException | None) -> None:
        places.leave()

    @routes.errorhandler(LaunchError)
    def refused(error: LaunchError) -> Response:
        note(reason=error.reason or error.kind)
        if request.blueprint == "launch":
            audit("launch refused", g.get("ehr_id"), reason=error.reason or error.kind)
        return failed(error)

    @routes.errorhandler(Problem)
    def problem(problem: Problem) -> Response:
        note(reason=problem.text)
        shed = problem.status in (429, 503)
        answer = failed(LaunchError("too-many" if shed else "bad-request", problem.text))
        answer.status_code = problem.status
        answer.headers.update(problem.headers)
        return answer

    @routes.errorhandler(StoreError)
    def down(error: StoreError) -> Response:
        log.error("store unusable", error=type(error).__name__)
        answer = failed(LaunchError("broken", "the store cannot be used"))
        answer.status_code = 503
        return answer

    @routes.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        answer = failed(LaunchError("not-found", "no such page"))
        answer.status_code = error.code or 500
        return answer

    @routes.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        log.error("unhandled", error=type(error).__name__, place=place(error))
        return failed(LaunchError("broken", "a fault of ours"))


def failed(error: LaunchError, again: str | None = None) -> Response:
    """The page for this error."""
    if error.kind in _PASSING:
        again = again or g.get("again")
    return html(pages.error(error.kind, request_id() or "", again), pages.status(error.kind))


# What may be over in a moment; anything else is the same the next time.
_PASSING = {"ehr-unavailable", "ehr-slow", "too-many", "broken"}

_CONTROL = {chr(code) for code in (*range(32), 127)}
