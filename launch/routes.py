"""From the EHR's link to a launch: `/smart/launch`, the cookie probe, the EHR, the callback.

SMART App Launch 2.2, Launch App: EHR Launch and Standalone Launch. Nothing is asked of a server
before its issuer is known, and nothing that comes back is read before its `state` is.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, after_this_request, g, request, url_for

from launch import cookies, pages
from launch.answers import failed, guard, html, known, redirect, waits
from launch.arrival import Arrivals, Question
from launch.errors import LaunchError
from launch.places import Places
from launch.waiting import LIFE, Arrival, launch_of
from web.allowance import Rate
from web.headers import posts_to
from web.settings import Settings
from web.trust import Ehr

# Of one address at one EHR in a minute; a hospital may have one address for all.
LAUNCHES_A_MINUTE = 600
LONGEST_LAUNCH = 8192
_LONGEST_STATE = 512
# So many dead cookies are taken away at once: proxies take some kilobytes of headers only.
_MOST_TAKEN_AWAY = 8
# What every browser and server takes in an address; longer goes as a form, if the server has that.
_LONGEST_URL = 2000


def blueprint(settings: Settings, arrivals: Arrivals, places: Places) -> Blueprint:
    """The routes under /smart."""
    routes = Blueprint("launch", __name__, url_prefix=settings.path_prefix + "/smart")
    guard(routes, settings, places)
    trust, waiting = settings.trust, arrivals.waiting
    rate = Rate()

    @routes.get("/launch")
    def launch() -> Response:
        iss, value = _one("iss"), _one("launch")
        if not iss or not value or len(value) > LONGEST_LAUNCH:
            raise LaunchError("bad-request", "iss or launch is missing, twice or too long")
        ehr = trust.of_smart_issuer(iss)
        if ehr is None:
            raise LaunchError("bad-request", "unknown issuer")
        known(ehr)
        return begin(ehr, Arrival(ehr.id, iss, value))

    @routes.get("/connect")
    def connect() -> Response:
        offered = [ehr for ehr in trust.ehrs if ehr.smart and ehr.smart.standalone]
        return html(
            pages.connect([(ehr.name, url_for(".connect_to", ehr_id=ehr.id)) for ehr in offered])
        )

    @routes.get("/connect/<ehr_id>")
    def connect_to(ehr_id: str) -> Response:
        ehr = _configured(ehr_id)
        if not ehr.smart or not ehr.smart.standalone:
            raise LaunchError("bad-request", "not offered for this EHR")
        return begin(ehr, Arrival(ehr.id, ehr.smart.issuers[0], None))

    @routes.get("/launch/go/<id>/<ticket>")
    def go(id: str, ticket: str) -> Response:
        found = waiting.look(id, ticket)
        ehr = trust.smart(found.arrival.ehr_id) if found else None
        if found is None or ehr is None:
            raise LaunchError("expired", "no launch of ours, or over")
        known(ehr)
        if cookies.read(request, id) != found.cookie:
            # Before the EHR is asked: what it gave us to begin with can be used once.
            return html(pages.new_window(_again(found.arrival)))
        g.again = request.path
        waits(ehr)
        question = arrivals.ask(id, found, ehr, cookies.jar(request) or id)
        by_form = "authorize-post" in question.endpoints.capabilities
        if len(question.url) <= _LONGEST_URL or not by_form:
            return redirect(question.url)
        return _forward(ehr, question)

    @routes.get("/callback/<ehr_id>")
    def callback(ehr_id: str) -> Response:
        ehr = _configured(ehr_id)
        state = _one("state")
        id = launch_of(state) if state and len(state) <= _LONGEST_STATE else None
        if state is None or id is None:
            raise LaunchError("bad-request", "state is missing, twice or none of ours")
        cookie = cookies.read(request, id)
        if cookie is None:
            raise LaunchError("expired", "this browser has no such cookie, or no more")
        asked = waiting.take(state, cookie, ehr.id)
        if asked is None:
            raise LaunchError("expired", "the state is unknown, used or over")
        waits(ehr)
        assert ehr.smart
        framed = bool(ehr.smart.frame_ancestors)

        @after_this_request
        def used_up(answer: Response) -> Response:
            cookies.take_away(answer, id, framed)
            return answer

        jar = cookies.jar(request)
        told = jar or cookies.new_value()
        created = arrivals.finish(ehr, asked, request.args, told)
        answer = redirect(url_for("app.chart", handle=created.launch.handle))
        if jar is None:
            cookies.give_jar(answer, told)
        for name in sorted(cookies.launches(request) - created.live)[:_MOST_TAKEN_AWAY]:
            # Whether it is of a frame or of a window nobody knows any more.
            cookies.take_away(answer, name, True)
            cookies.take_away(answer, name, False)
        cookies.give(answer, created.name, created.cookie, framed)
        return answer

    @routes.post("/callback/<ehr_id>")
    def posted(ehr_id: str) -> Response:
        # As a page, since it is a person who is sent here (`form_post`, which was not asked for).
        _configured(ehr_id)
        answer = failed(LaunchError("ehr-setup", "the answer was posted"))
        answer.status_code = 405
        answer.headers["Allow"] = "GET"
        return answer

    def begin(ehr: Ehr, arrival: Arrival) -> Response:
        assert ehr.smart
        header = settings.address_header
        address = request.headers.get(header) if header else None
        if address:
            # Without one all would share a count, the proxy's, and anybody could use it up.
            rate.admit(f"{ehr.id} {_network(address)}", LAUNCHES_A_MINUTE)
        begun = waiting.begin(arrival)
        answer = redirect(url_for(".go", id=begun.id, ticket=begun.ticket))
        framed, seconds = bool(ehr.smart.frame_ancestors), int(LIFE.total_seconds())
        cookies.give(answer, begun.id, begun.cookie, framed, seconds)
        if cookies.jar(request) is None:
            cookies.give_jar(answer, cookies.new_value())
        return answer

    def _configured(ehr_id: str) -> Ehr:
        ehr = trust.smart(ehr_id)
        if ehr is None:
            raise LaunchError("bad-request", "no such EHR")
        known(ehr)
        return ehr

    return routes


def _one(name: str) -> str | None:
    """The parameter, if it is there once."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 else None


def _network(address: str) -> str:
    """Whose address it is: everybody has the second half of an IPv6 address to choose from."""
    try:
        given = ip_address(address)
        if given.version == 4 or given.ipv4_mapped:
            return address
        return str(ip_network(f"{address}/64", strict=False))
    except ValueError:
        return address


def _again(arrival: Arrival) -> str:
    """The address that began this launch."""
    if arrival.launch is None:
        return url_for(".connect_to", ehr_id=arrival.ehr_id)
    return url_for(".launch", iss=arrival.iss, launch=arrival.launch)


def _forward(ehr: Ehr, question: Question) -> Response:
    """Go on there with a form, since the address is too long (SMART, `authorize-post`)."""
    assert ehr.smart
    action = urlsplit(question.endpoints.authorization)
    own = parse_qsl(action.query, keep_blank_values=True)
    asked = parse_qsl(urlsplit(question.url).query, keep_blank_values=True)
    # The server may send the form on to its sign-in, and browsers hold that against the page too.
    posts_to([f"{action.scheme}://{host}" for host in {action.netloc, *ehr.smart.endpoint_hosts}])
    fields = [field for field in asked if field not in own]
    return html(pages.forward(question.endpoints.authorization, fields))
