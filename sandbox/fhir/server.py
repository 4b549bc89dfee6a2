"""A FHIR R4 server of synthetic patients, on 127.0.0.1, with faults on request."""

from collections.abc import Iterable, Iterator
from typing import Self

from sandbox.fhir.rest import NotAdmitted, Records
from sandbox.http.answer import Resource, refused
from sandbox.http.listener import Listener, Piece, Request

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
        self.seen: list[Request] = []
        self._token = token
        self._delay = delay
        self._listener = Listener(port, self._respond)
        self.base = f"http://127.0.0.1:{self._listener.server_address[1]}/fhir"
        self._records = Records(
            bundles, self.base, self._admit, post_search=post_search, page_size=page_size
        )
        self.store = self._records.store
        self.plant = self._records.plant
        self.clear = self._records.clear

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _respond(self, request: Request) -> Iterator[Piece]:
        self.seen.append(request)
        yield self._delay, b""
        answer, fault = self._records.answered(request)
        yield from fault.pieces(answer)

    def _admit(self, request: Request) -> tuple[None, None]:
        if self._token is None or request.authorization == f"Bearer {self._token}":
            return None, None
        raise NotAdmitted(refused(401, "login", "A Bearer token is missing or wrong.", _BEARER))
