"""Rules about a CDS server that show in requests which are no calls. CDS Hooks 2.0, "Use of JSON",
"Cross-Origin Resource Sharing".

What a service does with a request that no client should send, the specification leaves open: these
are warnings.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.http.sending import NoReply, Reply, send
from sandbox.lint.report import Report
from sandbox.lint.rule import Broken, Judgement, quoted, rule
from sandbox.lint.urls import is_safe, web_address

_NOBODY = "no-such-service"
_CALL = {
    "hook": "patient-view",
    "hookInstance": "8a7b3c1e-0f6d-4a52-9b1c-2d3e4f506172",
    "context": {"userId": "Practitioner/1", "patientId": "1"},
}
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class Site:
    """The CDS server at a base URL; `id` is that of a service which it has, if it has any.

    `token` makes the bearer token for a URL. `origin` is that of pages which should be able to
    call; without it, nothing is asked about that.
    """

    base: str
    id: str | None = None
    token: Callable[[str], str | None] = field(default=lambda url: None)
    origin: str | None = None

    def ask(
        self,
        method: str,
        id_: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | None:
        """The answer at the service, or at discovery if there is no id; None if there is none."""
        url = f"{self.base}/cds-services" + (f"/{id_}" if id_ else "")
        told = {**(_JSON if body else {}), **(headers or {})}
        if method != "OPTIONS" and (token := self.token(url)):
            told["Authorization"] = f"Bearer {token}"
        try:
            return send(method, url, told, body)
        except NoReply:
            return None


@rule("CH-001", "error", "What is about patients goes over https.")
def is_https(site: Site) -> Broken:
    parts = web_address(site.base)
    if parts and not is_safe(parts):
        yield site.base, "It is http."


@rule("CH-032", "warning", "A service that there is not is answered with 404.")
def unknown_is_not_found(site: Site) -> Broken:
    reply = site.ask("POST", _NOBODY, json.dumps(_CALL).encode())
    if reply is None or reply.status not in (401, 403, 404):
        yield f"POST cds-services/{_NOBODY}", _got(reply)


@rule("CH-033", "warning", "A service takes POST only; other methods are answered with 405.")
def method_is_refused(site: Site) -> Broken:
    if site.id:
        reply = site.ask("GET", site.id)
        if not _refused(reply):
            yield f"GET cds-services/{site.id}", _got(reply)


@rule("CH-006", "warning", "What is not JSON is answered with 400.")
def broken_json_is_refused(site: Site) -> Broken:
    if site.id:
        reply = site.ask("POST", site.id, b'{"hook": ')
        if not _refused(reply):
            yield f"POST cds-services/{site.id}", _got(reply)


@rule("CH-034", "warning", "A call without a hook and a context is answered with 400.")
def empty_call_is_refused(site: Site) -> Broken:
    if site.id:
        reply = site.ask("POST", site.id, b'{"extension": {}}')
        if not _refused(reply):
            yield f"POST cds-services/{site.id}", _got(reply)


@rule("CH-142", "error", "A page may read discovery: Access-Control-Allow-Origin names its origin.")
def discovery_is_shared(site: Site) -> Broken:
    if site.origin:
        reply = site.ask("GET", headers={"Origin": site.origin})
        if reply and _allowed(reply) not in ("*", site.origin):
            yield "GET cds-services", _not_shared(reply)


@rule("CH-142", "error", "A page may call: OPTIONS allows its origin, POST and its headers.")
def calls_are_shared(site: Site) -> Broken:
    if not site.origin or not site.id:
        return
    where = f"OPTIONS cds-services/{site.id}"
    wanted = {
        "Origin": site.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    reply = site.ask("OPTIONS", site.id, headers=wanted)
    if reply is None or not 200 <= reply.status < 300:
        yield where, _got(reply)
    elif _allowed(reply) not in ("*", site.origin):
        yield where, _not_shared(reply)
    else:
        given = reply.headers.get("access-control-allow-headers", "").lower()
        names = {name.strip() for name in given.split(",")}
        # A star does not stand for Authorization (Fetch standard).
        missing = {"authorization", "content-type"} - names
        if "*" in names:
            missing -= {"content-type"}
        if missing:
            yield where, f"It does not allow {' and '.join(sorted(missing))}."


@rule("CH-142", "warning", "What a POST answers is shared as well, at least with its own callers.")
def answers_are_shared(site: Site) -> Broken:
    # A warning, since the pages may call with a token that a lint does not have.
    if site.origin and site.id:
        reply = site.ask("POST", site.id, b'{"hook": ', {"Origin": site.origin})
        if reply and _allowed(reply) not in ("*", site.origin):
            yield f"POST cds-services/{site.id}", _not_shared(reply)


SITE = (
    is_https,
    unknown_is_not_found,
    method_is_refused,
    broken_json_is_refused,
    empty_call_is_refused,
    discovery_is_shared,
    calls_are_shared,
    answers_are_shared,
)


def lint_site(site: Site) -> Report:
    """Asks a server what no client asks, and judges what it answers."""
    judgement = Judgement()
    judgement.judge(site, "", SITE)
    return judgement.report


def _refused(reply: Reply | None) -> bool:
    return reply is not None and 400 <= reply.status < 500


def _got(reply: Reply | None) -> str:
    return f"The answer is {reply.status}." if reply else "There is no answer."


def _allowed(reply: Reply) -> str:
    return reply.headers.get("access-control-allow-origin", "")


def _not_shared(reply: Reply) -> str:
    allowed = _allowed(reply)
    return f"It allows {quoted(allowed)}." if allowed else "It allows no other origin."
