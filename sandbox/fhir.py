"""A FHIR R4 server of synthetic patients, on 127.0.0.1, with faults on request.

FHIR R4, "RESTful API": reads, searches by GET and by POST, and the CapabilityStatement.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Self

from sandbox.answer import Answer, Resource, found, refused
from sandbox.capability import capability_statement
from sandbox.faults import Fault
from sandbox.listener import Listener, Piece, Request
from sandbox.records import Store
from sandbox.searchset import searchset

_SOUND = Fault()
_BEARER = {"WWW-Authenticate": "Bearer"}


class FhirServer:
    """Bound at once, serves inside `with`; leaving it ends every connection and thread.

    `token` is the Bearer token it asks for, `delay` the seconds it takes for every answer,
    `page_size` the most matches it puts on a page. `seen` are the requests it got, in order.
    """

    def __init__(
        self,
        bundles: Iterable[Resource],
        token: str | None = None,
        port: int = 0,
        *,
        delay: float = 0.0,
        post_search: bool = True,
        page_size: int = 1000,
    ) -> None:
        self.store = Store(bundles)
        self.seen: list[Request] = []
        self._token = token
        self._delay = delay
        self._post_search = post_search
        self._page_size = page_size
        self._planted: dict[str, Fault] = {}
        # The records never change, and a long page takes longer to encode than to send.
        self._found = lru_cache(maxsize=256)(self._search)
        self._listener = Listener(port, self._respond)
        self.base = f"http://127.0.0.1:{self._listener.server_address[1]}/fhir"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def plant(self, resource_type: str, fault: Fault) -> None:
        """Spoils the answers about a resource type, or about all without a fault of their own: "*".

        "metadata" counts as a type. A later fault replaces an earlier one. A refusal for want of
        the token is never spoilt.
        """
        self._planted[resource_type] = fault

    def clear(self) -> None:
        """Removes all faults."""
        self._planted.clear()

    def _respond(self, request: Request) -> Iterator[Piece]:
        self.seen.append(request)
        yield self._delay, b""
        subject = request.path.removeprefix("/fhir/").split("/")[0]
        fault = self._planted.get(subject) or self._planted.get("*") or _SOUND
        # A CapabilityStatement is public: it tells clients where to get a token.
        if subject == "metadata" or self._admits(request):
            answer = self._answer(request)
        else:
            fault = _SOUND
            answer = refused(401, "login", "A Bearer token is missing or wrong.", _BEARER)
        yield from fault.pieces(fault.change(answer))

    def _admits(self, request: Request) -> bool:
        return self._token is None or request.authorization == f"Bearer {self._token}"

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["fhir", "metadata"]:
                return found(capability_statement(self.base))
            case "GET", ["fhir", resource_type]:
                return self._found(resource_type, tuple(request.params))
            case "POST", ["fhir", resource_type, "_search"] if self._post_search:
                return self._found(resource_type, tuple(request.params))
            case "GET", ["fhir", resource_type, resource_id]:
                if resource := self.store.read(resource_type, resource_id):
                    return found(resource)
                return refused(404, "not-found", "No such resource.")
            case "GET", _:
                return refused(404, "not-found", "No such address.")
        return refused(405, "not-supported", "Reads and searches only.", {"Allow": "GET"})

    def _search(self, resource_type: str, params: tuple[tuple[str, str], ...]) -> Answer:
        if not self.store.knows(resource_type):
            return refused(404, "not-supported", "No such resource type.")
        try:
            page = searchset(self.store, self.base, resource_type, list(params), self._page_size)
        except ValueError as error:
            return refused(400, "invalid", str(error))
        return found(page)
