"""Discovery and service calls over HTTP (CDS Hooks, HTTP Calls): from bytes to bytes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, tzinfo

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from clinical.curate import curate
from clinical.finding import Gap
from clinical.text import markdown
from fhir.transport import Transport
from hooks.arguments import arguments
from hooks.cards import CardMaker
from hooks.prefetch import answers
from hooks.registry import Registry
from hooks.request import parse
from web.errors import Problem, json_response
from web.settings import Settings

log = logging.getLogger(__name__)

# A chart that opens is read in passing; an order that is signed has the clinician's attention.
_MOST_CARDS = {"patient-view": 4}

Clock = Callable[[tzinfo], datetime]


def blueprint(settings: Settings, registry: Registry, clock: Clock) -> Blueprint:
    """The routes under /cds-services. `clock` gives the time now in a time zone."""
    routes = Blueprint("hooks", __name__, url_prefix=settings.path_prefix + "/cds-services")
    ehr = settings.ehr
    transport = Transport(ehr.fhir_bases)
    cards = CardMaker(
        ehr.id, ehr.profile, settings.secret, settings.public_url.rstrip("/") + "/smart/launch"
    )

    @routes.get("", strict_slashes=False)
    def discover() -> Response:
        return json_response(registry.discovery)

    @routes.post("/<id>", strict_slashes=False)
    def call(id: str) -> Response:
        hooks = registry.hooks_of(id)
        if hooks is None:
            raise Problem(404, "not-found", "There is no service with this id.")
        hook_request, owner = parse(_json_body(), ehr.fhir_bases)
        service = hooks.get(hook_request.hook)
        if service is None:
            raise Problem(400, "value", "This service does not answer this hook.", "hook")
        found = answers(service, hook_request, owner, ehr, transport, settings.prefetch_deadline)
        extras = {
            "context": hook_request.context,
            "today": clock(ehr.zone).date(),
            "zone": ehr.zone,
        }
        values, gaps = arguments(service, found, extras)
        chosen = curate(
            service.function(**values),
            _MOST_CARDS.get(hook_request.hook, 5),
            quiet=hook_request.hook == "order-select",
        )
        gaps += chosen.gaps
        if more := chosen.left_out.get("limit"):
            gaps.append(Gap("limit", markdown("{more} more findings, not shown here", more=more)))
        log.info(
            "%s on %s: %d cards, %d gaps, %d left out",
            service.id,
            hook_request.hook,
            len(chosen.findings),
            len(gaps),
            sum(chosen.left_out.values()),
        )
        return json_response(
            cards.response(service.id, hook_request, chosen.findings, gaps, chosen.system_actions)
        )

    return routes


def _json_body() -> bytes:
    kind = request.mimetype
    if not (kind == "application/json" or (kind[:12] == "application/" and kind[-5:] == "+json")):
        raise UnsupportedMediaType
    if request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise UnsupportedMediaType
    body = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # a chunked body is cut at the limit; what lies beyond is refused
    return body
