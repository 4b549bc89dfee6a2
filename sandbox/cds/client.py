"""Calls CDS services, as an EHR does. CDS Hooks 2.0, "Calling a CDS Service" and "Feedback".

What a service does wrong, from silence to nonsense, becomes an Exchange that says so.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

from sandbox.auth.vault import Vault
from sandbox.cds.cards import Answered, read
from sandbox.cds.chart import Chart
from sandbox.cds.discovery import Discovered, Service, discover, discovery_url
from sandbox.cds.exchange import MASKED, Exchange, Json
from sandbox.cds.grants import SECONDS, Grants, Lent, scopes
from sandbox.cds.prefetch import get_request, satisfied, with_fetched
from sandbox.cds.settings import CdsSettings
from sandbox.cds.signing import Signer
from sandbox.fhir.rest import Records
from sandbox.http.answer import Answer
from sandbox.http.document import NotJson, parsed, text, trouble
from sandbox.http.listener import Request
from sandbox.http.sending import NoReply, Reply, send
from sandbox.lint import Report, lint_answer

_FRESH = 5.0  # seconds: developers change their services, and look again
_OWN = ("patient/*.rs",)


class CdsClient:
    """The client of the EHR at an origin. Safe to share between threads.

    `settings` may be replaced at any time and hold from the next request on.
    """

    def __init__(
        self,
        origin: str,
        fhir: Records,
        vault: Vault,
        clock: Callable[[], float],
        settings: CdsSettings | None = None,
    ) -> None:
        self.settings = settings or CdsSettings()
        self.signer = Signer(origin, clock)
        self._fhir = fhir
        self._clock = clock
        self._grants = Grants(vault, origin)
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Discovered]] = {}

    def discovered(self) -> list[Discovered]:
        """What the CDS servers of the settings have; those that were not asked lately are asked."""
        servers = self.settings.servers
        with self._lock:
            asked = dict(self._found)
        old = [server for server in servers if not _is_fresh(asked.get(server))]
        if old:
            with ThreadPoolExecutor(len(old)) as threads:
                found = list(threads.map(self._discover, old))
            new = {each.url: (time.monotonic(), each) for each in found}
            asked |= new
            with self._lock:
                self._found |= new
        return [asked[server][1] for server in servers]

    def rediscover(self) -> list[Discovered]:
        """The same, with all of them asked anew."""
        with self._lock:
            self._found.clear()
        return self.discovered()

    def services(self, hook: str) -> list[Service]:
        """The services of all servers for a hook."""
        return [
            service
            for server in self.discovered()
            for service in server.services
            if service.hook == hook
        ]

    def unreached(self, hook: str) -> list[Exchange]:
        """The discoveries that failed, so that nobody knows who should have been called."""
        signed = {"Authorization": f"Bearer {MASKED}"} if self.settings.sign else {}
        return [
            Exchange(
                id=secrets.token_urlsafe(12),
                at=datetime.fromtimestamp(self._clock(), UTC),
                kind="discovery",
                hook=hook,
                server=server.url,
                service_id=urlsplit(server.url).netloc,
                url=discovery_url(server.url),
                request={},
                request_headers={"Accept": "application/json", **signed},
                status=server.status,
                answer=server.document,
                answer_headers=server.headers,
                error=server.error,
                ms=server.ms,
            )
            for server in self.discovered()
            if server.error and not server.services
        ]

    def fire(
        self,
        chart: Chart,
        hook: str,
        context: Json,
        services: Sequence[Service] | None = None,
    ) -> list[Exchange]:
        """One firing of a hook: all its services, or only these, called at the same time."""
        instance = str(uuid4())
        called = self.services(hook) if services is None else services
        if not called:
            return []
        with ThreadPoolExecutor(len(called)) as threads:
            return list(
                threads.map(lambda each: self._call(each, chart, hook, context, instance), called)
            )

    def feedback(self, service: Service, hook: str, items: Sequence[Json]) -> Exchange:
        """Tells a service what became of its cards."""
        asked = self._asked(
            "feedback", service, hook, f"{service.url}/feedback", {"feedback": list(items)}
        )
        exchange, _ = self._sent(asked, asked.request)
        return exchange

    def note(self, request: Request, answer: Answer, ms: float) -> None:
        """To be told of every request to the EHR: some are of services that fetch data."""
        self._grants.note(request, answer, ms)

    def _discover(self, server: str) -> Discovered:
        token = self.signer.token(discovery_url(server)) if self.settings.sign else None
        return discover(server, f"Bearer {token}" if token else None, self.settings.seconds)

    def _call(
        self, service: Service, chart: Chart, hook: str, context: Json, instance: str
    ) -> Exchange:
        settings = self.settings
        client_id = f"cds:{urlsplit(service.server).netloc}/{service.id}"
        with ExitStack() as until_answered:

            def lent(*what: str) -> Lent:
                return until_answered.enter_context(
                    self._grants.lent(client_id, chart.patient_id, chart.user, what)
                )

            own = lent(*_OWN).token
            given = satisfied(
                service.prefetch,
                context,
                chart.user,
                datetime.fromtimestamp(self._clock(), UTC).date(),
                settings,
                lambda target: self._fhir.answered(get_request(target, own))[0],
            )
            body: Json = {
                "hook": hook,
                "hookInstance": instance,
                "fhirServer": self._fhir.base,
                "context": context,
            }
            theirs = None
            if settings.authorization:
                theirs = lent(*scopes(service.prefetch, chart.user, settings.version == "2.0"))
                body["fhirAuthorization"] = _authorization(theirs, client_id, chart)
            if given.values:
                body["prefetch"] = given.values
            asked = self._asked("call", service, hook, service.url, _masked(body))
            exchange, reply = self._sent(asked, body)
            fetched = tuple(theirs.fetched) if theirs else ()
        answered = read(exchange.answer) if exchange.error is None else Answered()
        report = _linted(service, body, reply) if reply else Report((), 0)
        return replace(
            exchange,
            prefetched=with_fetched(given.rows, fetched),
            fetched=fetched,
            lint=report.findings,
            rules_kept=report.kept,
            cards=answered.cards,
            system_actions=answered.system_actions,
            error=exchange.error or " ".join(answered.unusable) or None,
        )

    def _asked(
        self,
        kind: Literal["call", "feedback"],
        service: Service,
        hook: str,
        url: str,
        request: Json,
    ) -> Exchange:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.settings.sign:
            headers["Authorization"] = f"Bearer {MASKED}"
        return Exchange(
            id=secrets.token_urlsafe(12),
            at=datetime.fromtimestamp(self._clock(), UTC),
            kind=kind,
            hook=hook,
            server=service.server,
            service_id=service.id,
            url=url,
            request=request,
            request_headers=headers,
        )

    def _sent(self, asked: Exchange, body: Json) -> tuple[Exchange, Reply | None]:
        """The exchange with its answer, and the answer itself."""
        headers = dict(asked.request_headers)
        if "Authorization" in headers:
            headers["Authorization"] = f"Bearer {self.signer.token(asked.url)}"
        try:
            reply = send(
                "POST", asked.url, headers, json.dumps(body).encode(), self.settings.seconds
            )
        except NoReply as none:
            return replace(asked, error=str(none), ms=none.ms), None
        answer, error = None, trouble(reply)
        try:
            answer = parsed(reply.body) if reply.body else None
        except NotJson as why:
            # To feedback, any answer will do.
            error = error or (str(why) if asked.kind == "call" else None)
        return replace(
            asked,
            status=reply.status,
            answer=answer,
            answer_text=text(reply.body),
            answer_headers=reply.headers,
            error=error,
            ms=reply.ms,
        ), reply


def _is_fresh(found: tuple[float, Discovered] | None) -> bool:
    if found is None:
        return False
    return time.monotonic() - found[0] < _FRESH


def _linted(service: Service, body: Json, reply: Reply) -> Report:
    return lint_answer(service.prefetch, body, reply.status, reply.headers, reply.body)


def _authorization(lent: Lent, client_id: str, chart: Chart) -> Json:
    return {
        "access_token": lent.token,
        "token_type": "Bearer",
        "expires_in": SECONDS,
        "scope": " ".join(lent.scopes),
        "subject": client_id,
        "patient": chart.patient_id,
    }


def _masked(body: Mapping[str, Any]) -> Json:
    masked = dict(body)
    if "fhirAuthorization" in masked:
        masked["fhirAuthorization"] = {**masked["fhirAuthorization"], "access_token": MASKED}
    return masked
