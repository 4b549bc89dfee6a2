"""One service call of a known caller, from the bytes of its body to the bytes of its answer.

request -> prefetch -> arguments -> service -> curate -> cards -> memory: each step is a module of
that name, and data flows one way through them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from clinical.curate import curate
from clinical.finding import Gap
from clinical.text import markdown
from fhir.transport import Transport
from hooks.arguments import arguments
from hooks.caller import Caller
from hooks.cards import CardMaker
from hooks.memory import Memory
from hooks.policy import Policy
from hooks.prefetch import answers
from hooks.registry import Service
from hooks.request import parse
from hooks.unmapped import unmapped
from web.errors import Problem
from web.logs import note
from web.settings import Settings
from web.trust import Cds, Ehr

# A chart that opens is read in passing; an order that is signed has the clinician's attention.
_MOST_CARDS = {"patient-view": 4}

Clock = Callable[[tzinfo], datetime]


def most_cards(hook: str) -> int:
    """The most cards of one answer."""
    return _MOST_CARDS.get(hook, 5)


@dataclass(frozen=True, slots=True)
class _Site:
    """What belongs to one EHR alone: its FHIR pool and the maker of its cards."""

    transport: Transport
    cards: CardMaker
    policy: Policy


class Kernel:
    """Answers calls for all EHRs. `clock` gives the time now in a time zone."""

    def __init__(self, settings: Settings, memory: Memory, clock: Clock) -> None:
        self._seconds = settings.prefetch_deadline
        self._memory = memory
        self._clock = clock
        self._sites = {
            ehr.id: _site(ehr, ehr.cds, settings) for ehr in settings.trust.ehrs if ehr.cds
        }

    def answer(
        self, caller: Caller, services: Mapping[str, Service], keys: frozenset[str], body: bytes
    ) -> bytes:
        """The answer of the service behind the hook that the body names; `services`: by hook,
        `keys`: of their prefetch.
        """
        began = time.perf_counter()
        ehr, site = caller.ehr, self._sites[caller.ehr.id]
        request, owner = parse(body, ehr.fhir_bases, keys)
        service = services.get(request.hook)
        if service is None:
            raise Problem(400, "value", "This service does not answer this hook.", "hook")
        found = answers(service, request, owner, ehr, site.transport, self._seconds)
        now = self._clock(ehr.zone)
        extras = {"context": request.context, "today": now.date(), "zone": ehr.zone}
        values, gaps = arguments(service, found, extras)
        recall = self._memory.recall(caller, request, now)
        chosen = curate(
            site.policy.graded(service.function(**values)),
            most_cards(request.hook),
            quiet=request.hook == "order-select",
            hides=lambda finding: site.policy.hides(finding) or recall.hides(finding),
        )
        left_out = _counted(reason for _, reason in chosen.left_out)
        gaps += chosen.gaps
        if more := left_out.get("limit"):
            gaps.append(Gap("limit", markdown("{more} more findings, not shown here", more=more)))
        cards = site.cards.cards(caller.realm, service.id, request, chosen.findings, gaps)
        hidden = [
            (finding, site.cards.card_id(caller.realm, service.id, request, finding), reason)
            for finding, reason in chosen.left_out
            if reason != "same"
        ]
        shown = list(zip(chosen.findings, cards, strict=True))
        took_ms = round((time.perf_counter() - began) * 1000)
        kept = recall.keep(service, shown, hidden, len(gaps), took_ms)
        note(
            hook=request.hook,
            cards=len(cards),
            gaps=_counted(gap.rule for gap in gaps),
            left_out=left_out,
            unmapped=unmapped(getattr(request.context, "draft_orders", ())),
            stored=kept,
        )
        # The app finds a card by its patient, and an id alone may be that of two.
        named = request.fhir_server is not None or len(ehr.fhir_bases) < 2
        return site.cards.response(request, cards, chosen.system_actions, app_links=kept and named)


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _site(ehr: Ehr, cds: Cds, settings: Settings) -> _Site:
    launch = settings.public_url.rstrip("/") + "/smart/launch" if ehr.smart else None
    return _Site(
        Transport(ehr.fhir_bases),
        CardMaker(cds.profile, settings.secret, launch),
        Policy(cds, settings.mode == "production"),
    )
