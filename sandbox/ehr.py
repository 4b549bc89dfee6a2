"""The development EHR: a FHIR server, its authorization server and a mock chart at one origin.

SMART App Launch 2.2. Strict: it refuses what a production server might let pass, and does wrong
only what a launch asks for by name (`sandbox.auth.faults`).
"""

import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Self, Unpack
from urllib.parse import urlencode

from sandbox.auth.assertions import Assertions
from sandbox.auth.authorize import Authorize
from sandbox.auth.bearer import Bearer
from sandbox.auth.clients import Client, by_id
from sandbox.auth.credentials import Credentials
from sandbox.auth.discovery import (
    discovered,
    openid_configuration,
    published,
    smart_configuration,
)
from sandbox.auth.faults import checked
from sandbox.auth.id_token import Signer
from sandbox.auth.interaction import DEFAULT_USER, Interaction
from sandbox.auth.launches import Context, Launch, Launches
from sandbox.auth.refusal import Refusal
from sandbox.auth.site import Site
from sandbox.auth.token import TokenEndpoint
from sandbox.auth.vault import Lifetimes, Vault
from sandbox.cds.client import CdsClient
from sandbox.cds.settings import CdsSettings
from sandbox.cds.visits import Visits
from sandbox.desk.desk import Desk
from sandbox.desk.messaging import Messaging
from sandbox.desk.origin import of_tool
from sandbox.fhir.bundles import staff
from sandbox.fhir.capability import oauth_uris
from sandbox.fhir.rest import Records
from sandbox.http.answer import Answer, Resource, json_answer, redirect, refused
from sandbox.http.faults import Fault
from sandbox.http.listener import Listener, Piece, Request
from sandbox.pages.page import page, static

_SOUND = Fault()
_REMEMBERED = 500
_LONG = 10_000  # bytes
_NAMES = ("127.0.0.1", "localhost")


class DevelopmentEhr:
    """Bound at once, serves inside `with`; leaving it ends every connection and thread.

    `host` is the loopback name in its addresses, `iss_slash` puts a slash at the end of its `iss`,
    `delay` are the seconds it takes for every answer. With `open_records`, FHIR requests without a
    token see everything, which is for the prefetch of CDS Hooks; one with a token is held to it.
    `elsewhere` and `slow` are for faults (`sandbox.auth.site`), `refetch_keys` for clients that
    change their keys without waiting (`sandbox.auth.assertions`).

    `seen` are the newest of the requests it got, long bodies left out, `refusals` the newest
    reasons why it refused any; both are in order.
    """

    def __init__(
        self,
        bundles: Iterable[Resource],
        clients: Sequence[Client],
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        delay: float = 0.0,
        *,
        lifetimes: Lifetimes | None = None,
        iss_slash: bool = False,
        open_records: bool = False,
        refetch_keys: bool = False,
        elsewhere: str = "http://elsewhere.invalid",
        slow: float = 30.0,
        post_search: bool = True,
        page_size: int = 1000,
        cds: CdsSettings | None = None,
    ) -> None:
        if host not in _NAMES:
            raise ValueError("The development EHR is for this machine only.")
        lifetimes = lifetimes or Lifetimes()
        self.seen: list[Request] = []
        self.refusals: list[str] = []
        self._clients = by_id(clients)
        self._clock = clock
        self._delay = delay
        self._listener = Listener(port, self._respond)
        address = self._listener.server_address[1]
        self._hosts = {f"{name}:{address}" for name in _NAMES}
        self.origin = f"http://{host}:{address}"
        self.base = f"{self.origin}/fhir"
        self.iss = self.base + ("/" if iss_slash else "")
        self._site = Site(self.origin, self.iss, elsewhere, slow)
        self._vault = Vault(clock, lifetimes)
        self.fhir = Records(
            [staff(), *bundles],
            self.base,
            Bearer(self._vault, self._site, open_records).admit,
            security=oauth_uris(self._site.authorize, self._site.token),
            post_search=post_search,
            page_size=page_size,
            clock=clock,
        )
        self.cds = CdsClient(self.origin, self.fhir, self._vault, clock, cds)
        self.visits = Visits(self.cds, self.fhir.store, clock)
        self._launches = Launches(clock, lifetimes.launch)
        self._signer = Signer(self._site, clock)
        authorize = Authorize(
            self._site,
            self._clients,
            self._launches,
            self._vault,
            lambda client_id: self._standalone(client_id),
            self.refusals.append,
        )
        self._interaction = Interaction(authorize, self.fhir.store, clock)
        credentials = Credentials(self._clients, Assertions(clock, refetch_keys))
        self._endpoint = TokenEndpoint(
            self._site, credentials, self._vault, self._signer, lifetimes, clock
        )
        self._desk = Desk(
            self._clients, self.fhir.store, self, self._interaction, self.cds, self.visits
        )
        self._messaging = Messaging(self.base, self._vault, self.visits)
        self._standalone: Callable[[str], Launch] = _left_to_the_user
        self._discovery_faults: Collection[str] = frozenset()

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def launch(
        self, client_id: str, *, patient: str | Sequence[str] | None, **context: Unpack[Context]
    ) -> str:
        """The value of a new launch. Unless told otherwise, it leaves nothing to the user.

        ValueError for a client, patient, user or fault that there is not.
        """
        return self._launches.add(self._made(client_id, patient, context))

    def launch_url(self, app_launch_url: str, launch: str) -> str:
        """Where the EHR opens the app."""
        return f"{app_launch_url}?{urlencode({'iss': self.iss, 'launch': launch})}"

    def standalone(
        self, *, patient: str | Sequence[str] | None, **context: Unpack[Context]
    ) -> None:
        """What authorizations without a launch of the EHR are about from now on.

        Until then they ask the user for everything.
        """
        self._standalone = lambda client_id: self._made(client_id, patient, context)
        self._standalone(next(iter(self._clients)))

    def active_tokens(self) -> list[str]:
        """The access and refresh tokens that are good, in order of issue."""
        return self._vault.values()

    def revoked_tokens(self) -> list[str]:
        """The tokens that clients have revoked, in order."""
        return list(self._vault.revoked)

    def sign_out(self, user: str = DEFAULT_USER) -> None:
        """The user leaves the EHR, which ends what lasts only while they are signed in."""
        self._interaction.sign_out(user)
        self._vault.sign_out(user)

    def _made(
        self, client_id: str, patient: str | Sequence[str] | None, context: Context
    ) -> Launch:
        patients = (patient,) if isinstance(patient, str) else tuple(patient or ())
        settled: Context = {
            "user": DEFAULT_USER,
            "skip_login": True,
            "skip_auth": True,
            **context,
            "faults": checked(context.get("faults", ())),
        }
        launch = Launch(client_id=client_id, patients=patients, **settled)
        store = self.fhir.store
        if client_id not in self._clients:
            raise ValueError(f"no client is called {client_id!r}")
        if missing := [p for p in patients if store.read("Patient", p) is None]:
            raise ValueError(f"there is no patient {missing[0]!r}")
        if launch.user is not None and store.read(*launch.user.partition("/")[::2]) is None:
            raise ValueError(f"there is no user {launch.user!r}")
        self._discovery_faults = launch.faults
        return launch

    def _respond(self, request: Request) -> Iterator[Piece]:
        long = len(request.body) > _LONG
        self.seen.append(replace(request, params=[], body=b"") if long else request)
        del self.seen[:-_REMEMBERED], self.refusals[:-_REMEMBERED]
        yield self._delay, b""
        start = time.perf_counter()
        answer, fault = self._answered(request)
        self.cds.note(request, answer, (time.perf_counter() - start) * 1000)
        # A fault may have set a Date of its own.
        dated = {"Date": formatdate(self._clock(), usegmt=True), **answer.headers}
        yield from fault.pieces(self._shared(request, replace(answer, headers=dated)))

    def _answered(self, request: Request) -> tuple[Answer, Fault]:
        if request.headers.get("host") not in self._hosts:
            # A name that was made to point here would let any page read the records.
            return json_answer({"error": "This host is not known here."}, 421), _SOUND
        if request.method == "OPTIONS":
            return Answer(200, b"", {"Content-Type": "text/plain"}), _SOUND
        try:
            return self._routed(request)
        except Refusal as refusal:
            self.refusals.append(str(refusal))
            return refusal.answer, _SOUND
        except ConnectionError:
            raise
        except Exception:
            # Whatever it is, the client is answered; the one who runs the EHR reads what it was.
            told = f"{request.method} {request.path!r} has failed:\n{traceback.format_exc()}"
            sys.stderr.write(told)
            return _failed(request), _SOUND

    def _routed(self, request: Request) -> tuple[Answer, Fault]:
        match request.method, request.path:
            case "GET", "/fhir/.well-known/smart-configuration":
                ways = (client.auth for client in self._clients.values())
                document = smart_configuration(self._site, ways)
                return discovered(document, self._site, self._discovery_faults)
            case "GET", "/jwks.json":
                return published(self._signer.keys, self._site, self._discovery_faults)
            case "GET", "/cds/jwks.json":
                return json_answer(self.cds.signer.keys, headers=_PUBLIC), _SOUND
            case "POST", "/auth/token":
                return self._endpoint.token(request)
            case "POST", "/auth/revoke":
                return self._endpoint.revoke(request)
        answer = self._plain(request)
        if answer is None and (request.path + "/").startswith("/fhir/"):
            return self.fhir.answered(request)
        if answer is None:
            methods = _METHODS.get(request.path)
            headers = {"Allow": methods} if methods else {}
            answer = json_answer({"error": "There is no such thing here."}, 404, headers)
            answer = replace(answer, status=405 if methods else 404)
        return answer, _SOUND

    def _plain(self, request: Request) -> Answer | None:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["fhir", ".well-known", "openid-configuration"]:
                return json_answer(openid_configuration(self._site), headers=_PUBLIC)
            case "GET", ["Encounter", ""]:
                # Where smart-launcher-v2 looks for the latest encounter, whatever the base is.
                return redirect(f"{self.base}/Encounter?{urlencode(request.query)}")
            case "GET", ["style.json"]:
                return json_answer(_STYLE, headers=_PUBLIC)
            case "GET" | "POST", ["auth", "authorize"]:
                return self._interaction.start(request)
            case "POST", ["auth", "interaction"]:
                return self._interaction.go_on(request)
            case "POST", ["auth", "introspect"]:
                return self._endpoint.introspect(request)
            case "GET", ["pages", name]:
                return static(name)
            case "GET", ["favicon.ico"]:
                # Asked for beside documents that are no pages, such as records.
                return static("favicon.svg")
        records = (request.path + "/").startswith("/fhir/")
        at_home = f"http://{request.headers['host']}" == self.origin
        if request.method == "GET" and not records and not at_home:
            # An app lets itself be framed, and spoken to, by pages at the one origin it knows.
            return redirect(self.origin + request.target)
        return self._messaging.answer(request) or self._desk.answer(request)

    def _shared(self, request: Request, answer: Answer) -> Answer:
        """The answer with the headers by which a page of a registered origin may read it."""
        origin = request.headers.get("origin", "")
        registered = any(origin in client.origins for client in self._clients.values())
        tool = request.path.startswith("/fhir/") and of_tool(request)
        if not request.path.startswith(_SHARED) or not (registered or tool):
            return answer
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, "
            "Prefer, If-Match, If-None-Exist",
            "Access-Control-Allow-Methods": "GET, POST, PUT",
            "Access-Control-Expose-Headers": "ETag, Last-Modified, Location, WWW-Authenticate",
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }
        return replace(answer, headers={**answer.headers, **headers})


def _failed(request: Request) -> Answer:
    if (request.path + "/").startswith("/fhir/"):
        return refused(500, "exception", "The EHR has failed; its terminal says how.")
    return page(
        "refused.html",
        500,
        heading="The development EHR has failed",
        reason="This is a fault of the EHR. The terminal in which it runs says how it came.",
        next_step="Go back and try something else; what was done before is kept.",
    )


def _left_to_the_user(client_id: str) -> Launch:
    return Launch(client_id=client_id, encounter="MANUAL")


_PUBLIC = {"Access-Control-Allow-Origin": "*"}
# Where pages of apps and tools read answers. They have no business in the EHR's own pages.
_SHARED = ("/fhir/", "/auth/", "/jwks.json", "/cds/jwks.json")
_METHODS = {
    "/auth/token": "POST",
    "/auth/revoke": "POST",
    "/auth/introspect": "POST",
    "/auth/interaction": "POST",
    "/auth/authorize": "GET, POST",
    "/sim/launch": "POST",
    "/jwks.json": "GET",
    "/cds/jwks.json": "GET",
}
_STYLE = {"color_background": "#ffffff", "color_text": "#14202a", "color_highlight": "#0b5a70"}
