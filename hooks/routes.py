"""Discovery, service calls and feedback over HTTP (CDS Hooks, HTTP Calls): from bytes to bytes.

The order of checks is that of a careful doorkeeper: who calls (401), may they (403), how often
(429), and only then what they sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from clinical.curate import curate
from clinical.finding import Gap
from clinical.text import markdown
from fhir.transport import Transport
from hooks.arguments import arguments
from hooks.caller import Caller, Callers
from hooks.cards import CardMaker
from hooks.feedback import parse as parse_feedback
from hooks.memory import Memory
from hooks.prefetch import answers
from hooks.registry import Registry
from hooks.request import parse
from web.allowance import Load, Rate
from web.errors import Problem, json_response
from web.logs import note
from web.settings import Settings
from web.trust import Cds, Ehr

# A chart that opens is read in passing; an order that is signed has the clinician's attention.
_MOST_CARDS = {"patient-view": 4}

Clock = Callable[[tzinfo], datetime]


@dataclass(frozen=True, slots=True)
class _Site:
    """What belongs to one EHR alone: its FHIR pool and the maker of its cards."""

    transport: Transport
    cards: CardMaker


def blueprint(
    settings: Settings, registry: Registry, callers: Callers, memory: Memory, clock: Clock
) -> Blueprint:
    """The routes under /cds-services. `clock` gives the time now in a time zone."""
    routes = Blueprint("hooks", __name__, url_prefix=settings.path_prefix + "/cds-services")
    sites = {ehr.id: _site(ehr, ehr.cds, settings) for ehr in settings.trust.ehrs if ehr.cds}
    rate = Rate()
    load = Load(settings.calls_at_once)

    def admit(id: str, *paths: str) -> Caller:
        """Whoever calls, known, entitled to this service and within its allowance."""
        certificate = None
        if settings.certificate_header:
            certificate = request.headers.get(settings.certificate_header)
        caller = callers.identify(
            request.headers.getlist("Authorization"),
            [f"/cds-services/{p}" for p in paths],
            certificate,
        )
        note(ehr=caller.ehr.id, service=id)
        if not caller.cds.may_call(id):
            raise Problem(403, "forbidden", "This EHR is not entitled to this service.")
        rate.admit(caller.ehr.id, caller.cds.calls_a_minute)
        return caller

    @routes.get("", strict_slashes=False)
    def discover() -> Response:
        return json_response(registry.discovery)

    @routes.post("/<id>", strict_slashes=False)
    def call(id: str) -> Response:
        hooks = registry.hooks_of(id)
        if hooks is None:
            raise Problem(404, "not-found", "There is no service with this id.")
        caller = admit(id, id)
        ehr, site = caller.ehr, sites[caller.ehr.id]
        with load.one():
            hook_request, owner = parse(_json_body(), ehr.fhir_bases)
            service = hooks.get(hook_request.hook)
            if service is None:
                raise Problem(400, "value", "This service does not answer this hook.", "hook")
            found = answers(
                service, hook_request, owner, ehr, site.transport, settings.prefetch_deadline
            )
            now = clock(ehr.zone)
            extras = {"context": hook_request.context, "today": now.date(), "zone": ehr.zone}
            values, gaps = arguments(service, found, extras)
            chosen = curate(
                service.function(**values),
                _MOST_CARDS.get(hook_request.hook, 5),
                quiet=hook_request.hook == "order-select",
                hides=memory.hides(caller, hook_request, now),
            )
            gaps += chosen.gaps
            left_out = Counter(reason for _, reason in chosen.left_out)
            if more := left_out["limit"]:
                gaps.append(
                    Gap("limit", markdown("{more} more findings, not shown here", more=more))
                )
            cards = site.cards.cards(id, hook_request, chosen.findings, gaps)
            kept = memory.keep(
                caller,
                id,
                hook_request,
                list(zip(chosen.findings, cards, strict=True)),
                [
                    (finding, site.cards.card_id(id, hook_request, finding), reason)
                    for finding, reason in chosen.left_out
                    if reason != "same"
                ],
                len(gaps),
                now,
            )
            note(
                hook=hook_request.hook,
                cards=len(cards),
                gaps=Counter(gap.rule for gap in gaps),
                left_out=left_out,
                stored=kept,
            )
            return json_response(
                site.cards.response(hook_request, cards, chosen.system_actions, app_links=kept)
            )

    @routes.post("/<id>/feedback", strict_slashes=False)
    def feedback(id: str) -> Response:
        if registry.hooks_of(id) is None:
            raise Problem(404, "not-found", "There is no service with this id.")
        caller = admit(id, f"{id}/feedback", id)
        if not caller.cds.profile.feedback:
            raise Problem(404, "not-found", "Feedback is not agreed with this EHR.")
        items = parse_feedback(_json_body())
        note(items=len(items), stored=memory.feedback(caller, items, clock(UTC)))
        return json_response(b'{"received":%d}' % len(items))

    return routes


def _site(ehr: Ehr, cds: Cds, settings: Settings) -> _Site:
    launch = settings.public_url.rstrip("/") + "/smart/launch"
    return _Site(Transport(ehr.fhir_bases), CardMaker(ehr.id, cds.profile, settings.secret, launch))


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
