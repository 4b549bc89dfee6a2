"""Discovery, service calls and feedback over HTTP (CDS Hooks, Use of JSON): from bytes to bytes.

The order of checks is that of a careful doorkeeper: who calls (401), may they (403), how often
(429), and only then what they sent.
"""

from __future__ import annotations

from datetime import UTC

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from hooks.caller import Caller, Callers, Unknown
from hooks.feedback import parse as parse_feedback
from hooks.kernel import Clock, Kernel
from hooks.memory import Memory
from hooks.registry import Registry
from web.allowance import Load, Rate
from web.errors import Problem, json_response
from web.logs import note
from web.settings import Settings


def blueprint(
    settings: Settings, registry: Registry, callers: Callers, memory: Memory, clock: Clock
) -> Blueprint:
    """The routes under /cds-services. `clock` gives the time now in a time zone."""
    routes = Blueprint("hooks", __name__, url_prefix=settings.path_prefix + "/cds-services")
    kernel = Kernel(settings, memory, clock)
    rate = Rate()
    # Two queues that are not let grow: at the door, where a slow database is waited for, and at
    # work. A body comes in between, at the pace of its sender, and takes no place in either.
    door, work = Load(settings.calls_at_once), Load(settings.calls_at_once)

    def admit(id: str, *paths: str) -> Caller:
        """Whoever calls, known, entitled to this service and within its allowance."""
        certificate = None
        if settings.certificate_header:
            certificate = request.headers.get(settings.certificate_header)
        # Several headers of this name are one to a WSGI server, and then no token.
        authorization = request.environ.get("HTTP_AUTHORIZATION")
        note(service=id)
        try:
            caller = callers.identify(
                [] if authorization is None else [authorization],
                [f"/cds-services/{path}" for path in paths],
                certificate,
            )
        except Unknown as unknown:
            note(ehr=unknown.ehr_id)
            raise
        note(ehr=caller.ehr.id)
        g.origins = caller.cds.origins
        if not caller.cds.may_call(id):
            raise Problem(403, "forbidden", "This EHR is not entitled to this service.")
        rate.admit(caller.ehr.id, caller.cds.calls_a_minute)
        return caller

    @routes.get("", strict_slashes=False)
    def discover() -> Response:
        return json_response(registry.discovery)

    @routes.post("/<id>", strict_slashes=False)
    def call(id: str) -> Response:
        services = registry.hooks_of(id)
        if services is None:
            raise Problem(404, "not-found", "There is no service with this id.")
        with door:
            caller = admit(id, id)
        body = _json_body(settings.body_limit)
        with work:
            return json_response(kernel.answer(caller, services, registry.keys_of(id), body))

    @routes.post("/<id>/feedback", strict_slashes=False)
    def feedback(id: str) -> Response:
        if registry.hooks_of(id) is None:
            raise Problem(404, "not-found", "There is no service with this id.")
        with door:
            caller = admit(id, f"{id}/feedback", id)
        if not caller.cds.profile.feedback:
            raise Problem(404, "not-found", "Feedback is not agreed with this EHR.")
        items = parse_feedback(_json_body(settings.body_limit))
        with door:
            note(items=len(items), stored=memory.feedback(caller, items, clock(UTC)))
        return json_response(b'{"received":%d}' % len(items))

    return routes


def _json_body(limit: int) -> bytes:
    environ = request.environ
    if not _is_json(environ.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType
    if environ.get("HTTP_CONTENT_ENCODING", "").lower() not in ("", "identity"):
        raise UnsupportedMediaType
    length = environ.get("CONTENT_LENGTH", "")
    if "HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal():
        body = request.get_data(cache=False)
        request.stream.read(1)  # a chunked body is cut at the limit; what lies beyond is refused
        return body
    if int(length) > limit:
        raise RequestEntityTooLarge
    # In one read: Werkzeug's stream copies a body of known length twice, 64 kB at a time.
    known: bytes = environ["wsgi.input"].read(int(length))
    return known


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    kind = request.mimetype
    return kind == "application/json" or (kind[:12] == "application/" and kind[-5:] == "+json")
