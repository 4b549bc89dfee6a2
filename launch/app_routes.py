"""The pages of a launch, all under its handle: the chart, and signing out.

Whoever has not both the handle and its cookie gets one and the same page, whether the launch is
over, of another browser, or never was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, after_this_request, g, request, url_for

from launch import cookies, overview, pages
from launch.answers import guard, html, known, redirect, waits
from launch.audit import audit, pseudonym
from launch.context import Context
from launch.cookies import digested
from launch.errors import LaunchError
from launch.forms import Forms
from launch.places import Places
from launch.reader import Reader
from launch.renewal import Renewal
from launch.session import Live, Sessions, Why, cookie_name, ehr_of
from web.logs import note
from web.settings import Settings


def blueprint(
    settings: Settings,
    sessions: Sessions,
    renewal: Renewal,
    context: Context,
    forms: Forms,
    now: Callable[[], datetime],
    places: Places,
) -> Blueprint:
    """The routes under /app."""
    routes = Blueprint("app", __name__, url_prefix=settings.path_prefix + "/app")
    guard(routes, settings, places)

    def of(handle: str) -> Live:
        """The launch of this request."""
        ehr_id = ehr_of(handle)
        ehr = settings.trust.smart(ehr_id) if ehr_id else None
        if ehr is None:
            raise LaunchError("ended", "no handle")
        known(ehr)
        name = cookie_name(digested(handle))
        live = sessions.find(handle, cookies.read(request, name))
        if live is None:
            _forget(handle)
            raise LaunchError("ended", "no such launch for this cookie")
        waits(ehr)
        note(launch=pseudonym(live.key), user=live.kept.user_hash)
        return live

    def posted(handle: str) -> Live:
        """The launch of this request, which a page of the launch has sent."""
        live = of(handle)
        verdict = forms.judge(live, request)
        if verdict == "other patient":
            raise LaunchError("mismatch", "the form was drawn for another patient")
        if verdict != "fine":
            raise LaunchError("cross-site", "the form is none of this launch's pages")
        return live

    def end(live: Live, why: Why) -> None:
        sessions.end(live, why)
        _forget(live.launch.handle)

    def _forget(handle: str) -> None:
        """Have the browser forget the cookie of a launch that is over."""
        name = cookie_name(digested(handle))
        framed = bool(g.get("ancestors"))
        if cookies.read(request, name) is not None:

            @after_this_request
            def forget(answer: Response) -> Response:
                cookies.take_away(answer, name, framed)
                return answer

    @routes.get("/<handle>/")
    def chart(handle: str) -> Response:
        live = of(handle)
        launch = live.launch
        opened = context.open(
            launch.app_context, live.ehr, launch.iss, launch.tenant, launch.patient
        )
        reader = Reader(launch, live.ehr, partial(renewal.token, live))
        form = overview.Form(url_for(".chart", handle=handle), forms.token(live), launch.patient)
        try:
            page, status = overview.page(launch, reader, opened, form, now())
        except LaunchError as error:
            if error.kind == "wrong-patient":
                told = {"launch": pseudonym(live.key), "user": live.kept.user_hash}
                audit("wrong patient", live.ehr.id, reason=error.reason, **told)
                end(live, "wrong patient")
            elif error.kind == "ended":
                end(live, "tokens refused")
            else:
                g.again = request.path
            raise
        return html(page, status)

    @routes.post("/<handle>/sign-out")
    def sign_out(handle: str) -> Response:
        end(posted(handle), "signed out")
        return html(pages.signed_out())

    @routes.get("/<handle>/patient/<other>")
    def another(handle: str, other: str) -> Response:
        live = of(handle)
        if other == live.launch.patient:
            return redirect(url_for(".chart", handle=handle))
        raise LaunchError("other-patient", "another patient was asked for")

    @routes.route("/<handle>/<path:rest>", methods=["GET", "POST"])
    def nothing(handle: str, rest: str) -> Response:
        of(handle)
        raise LaunchError("not-found", "no such page of a launch")

    return routes
