"""Discovery and service calls over HTTP (CDS Hooks, HTTP Calls): from bytes to bytes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from clinical.curate import curate
from clinical.finding import Gap
from clinical.text import markdown
from fhir.bundle import Answer, Given, Missing
from fhir.transport import Transport
from hooks.cards import CardMaker
from hooks.prefetch import answers
from hooks.registry import Registry, Service
from hooks.request import HookRequest, parse
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
        arguments, gaps = _arguments(service, hook_request, found)
        if "today" in service.extras:
            arguments["today"] = clock(ehr.zone).date()
        if "zone" in service.extras:
            arguments["zone"] = ehr.zone
        chosen = curate(
            service.function(**arguments),
            _MOST_CARDS.get(hook_request.hook, 5),
            quiet=hook_request.hook == "order-select",
        )
        gaps += chosen.gaps
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


def _arguments(
    service: Service, hook_request: HookRequest, found: Mapping[str, Answer]
) -> tuple[dict[str, Any], list[Gap]]:
    """The values for the service's parameters; raises Problem (412) where a needed one is not."""
    values: dict[str, Any] = {}
    gaps: list[Gap] = []
    for parameter in service.parameters:
        answer = found[parameter.key]
        if isinstance(answer, Given):
            values[parameter.key] = answer.value
            gaps += [Gap(parameter.key, markdown("{text}", text=text)) for text in answer.gaps]
            continue
        if parameter.needed:
            remedy = (
                " Send it as prefetch, or allow us to read it with fhirAuthorization."
                if isinstance(answer, Missing)
                else ""
            )
            raise Problem(
                412,
                "incomplete",
                f"This key is needed and {answer.reason}.{remedy}",
                f"prefetch.{parameter.key}",
            )
        values[parameter.key] = None
        gaps.append(
            Gap(
                parameter.key,
                markdown("{key}: {reason}", key=parameter.key, reason=answer.reason),
            )
        )
    if "context" in service.extras:
        values["context"] = hook_request.context
    return values, gaps
