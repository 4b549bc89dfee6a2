"""Requests to a server that are no calls: from a server that takes everything to a careful one."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.lint.site import SITE, Site, lint_site
from tests.sandbox.lint.documents import case, check_broken, names

PAGE = "https://page.example"
SHARED = {
    "Access-Control-Allow-Origin": PAGE,
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}


@dataclass
class Server:
    """At `base`; `says` has a status and headers for a method and what of the server it is for."""

    base: str
    says: dict[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    tokens: list[str | None] = field(default_factory=list)


def _kind(method: str, path: str, body: bytes) -> str:
    if path == "/cds-services":
        return f"{method} discovery"
    if path.endswith("no-such-service"):
        return f"{method} unknown"
    return f"{method} broken" if body == b'{"hook": ' else f"{method} service"


@pytest.fixture
def server() -> Iterator[Server]:
    """A careful one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            running.tokens.append(self.headers.get("Authorization"))
            kind = _kind(self.command, self.path, body)
            status, headers = running.says[kind]
            if not status:
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_POST = do_OPTIONS = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Server(f"http://127.0.0.1:{http.server_port}")
    running.says = {
        "GET discovery": (200, SHARED),
        "POST unknown": (404, {}),
        "GET service": (405, {}),
        "POST broken": (400, SHARED),
        "POST service": (400, {}),
        "OPTIONS service": (204, SHARED),
    }
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


CASES = [
    case("site.unknown_is_not_found", "POST unknown", 200, {}, "POST cds-services/no-such-service"),
    case("site.unknown_is_not_found", "POST unknown", 500, {}, "POST cds-services/no-such-service"),
    case("site.unknown_is_not_found", "POST unknown", 0, {}, "POST cds-services/no-such-service"),
    case("site.method_is_refused", "GET service", 200, {}, "GET cds-services/a"),
    case("site.broken_json_is_refused", "POST broken", 200, SHARED, "POST cds-services/a"),
    case("site.broken_json_is_refused", "POST broken", 500, SHARED, "POST cds-services/a"),
    case("site.empty_call_is_refused", "POST service", 200, {}, "POST cds-services/a"),
    case("site.discovery_is_shared", "GET discovery", 200, {}, "GET cds-services"),
    case(
        "site.discovery_is_shared",
        "GET discovery",
        200,
        {"Access-Control-Allow-Origin": "https://other.example"},
        "GET cds-services",
    ),
    case("site.calls_are_shared", "OPTIONS service", 405, {}, "OPTIONS cds-services/a"),
    case("site.calls_are_shared", "OPTIONS service", 200, {}, "OPTIONS cds-services/a"),
    case(
        "site.calls_are_shared",
        "OPTIONS service",
        200,
        {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"},
        "OPTIONS cds-services/a",
    ),
    case("site.answers_are_shared", "POST broken", 400, {}, "POST cds-services/a"),
]
HTTPS = [case("site.is_https", "http://cds.example.org")]


@pytest.mark.parametrize(("rule", "kind", "status", "headers", "place"), CASES)
def test_a_rule_is_broken(
    server: Server, rule: str, kind: str, status: int, headers: Mapping[str, str], place: str
) -> None:
    server.says[kind] = (status, headers)
    check_broken(lint_site(Site(server.base, "a", origin=PAGE)), rule, place)


@pytest.mark.req("CH-006", "CH-032", "CH-033", "CH-034", "CH-142")
def test_a_careful_server_keeps_every_rule(server: Server) -> None:
    report = lint_site(Site(server.base, "a", lambda url: f"for {url}", PAGE))
    assert report.findings == ()
    assert report.kept == len(SITE)
    own = f"Bearer for {server.base}/cds-services"
    assert {own, f"{own}/a", f"{own}/no-such-service", None} == set(server.tokens)


def test_without_an_origin_nothing_is_asked_about_pages(server: Server) -> None:
    server.says |= {
        "GET discovery": (200, {}),
        "POST broken": (400, {}),
        "OPTIONS service": (0, {}),
    }
    assert lint_site(Site(server.base, "a")).findings == ()


@pytest.mark.parametrize(("rule", "base"), HTTPS)
def test_what_leaves_this_machine_is_encrypted(rule: str, base: str) -> None:
    # Nobody is asked: a test stays on this machine, so nothing is answered either.
    first, second = lint_site(Site(base)).findings
    assert (first.rule, first.severity, first.path) == ("CH-001", "error", base)
    assert second.text.startswith("There is no answer.")


@pytest.mark.req("CH-001")
@pytest.mark.parametrize(
    "base", ["https://cds.example.org", "http://localhost:1", "http://[::1]:1"]
)
def test_https_and_this_machine_are_safe(base: str) -> None:
    assert "CH-001" not in {each.rule for each in lint_site(Site(base)).findings}


def test_every_rule_has_a_case() -> None:
    assert names([*CASES, *HTTPS]) == {rule.name for rule in SITE}
