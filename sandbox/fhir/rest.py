"""The RESTful API of the records: who may see what, and the faults planted in the answers.

FHIR R4, "RESTful API": reads, searches by GET and by POST, and the CapabilityStatement.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from sandbox.fhir.access import Access
from sandbox.fhir.capability import capability_statement
from sandbox.fhir.searchset import searchset
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, Resource, found, refused
from sandbox.http.faults import Fault
from sandbox.http.listener import Request

_SOUND = Fault()

Admit = Callable[[Request], tuple[Access | None, Fault | None]]
"""What a request may see, None being everything, and how its answer is spoilt; or NotAdmitted."""


class NotAdmitted(Exception):
    """The request may see nothing; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Records:
    """The records behind one FHIR base, and the faults planted in the answers about them.

    `security` is what the CapabilityStatement says of how to get a token.
    """

    def __init__(
        self,
        bundles: Iterable[Resource],
        base: str,
        admit: Admit,
        *,
        security: Resource | None = None,
        post_search: bool = True,
        page_size: int = 1000,
    ) -> None:
        self.store = Store(bundles)
        self.base = base
        self._admit = admit
        self._security = security
        self._post_search = post_search
        self._page_size = page_size
        self._planted: dict[str, Fault] = {}
        # A long page takes longer to encode than to send.
        self._cached = lru_cache(maxsize=256)(self._search)

    def plant(self, resource_type: str, fault: Fault) -> None:
        """Spoils the answers about a resource type, or about all without a fault of their own: "*".

        "metadata" counts as a type. A later fault replaces an earlier one. A refusal for want of
        the token is never spoilt.
        """
        self._planted[resource_type] = fault

    def clear(self) -> None:
        """Removes all faults."""
        self._planted.clear()

    def answered(self, request: Request) -> tuple[Answer, Fault]:
        """The answer to a request under the base, spoilt, and how it goes out."""
        subject = request.path.removeprefix("/fhir/").split("/")[0]
        planted = self._planted.get(subject) or self._planted.get("*")
        access, own = None, None
        # A CapabilityStatement is public: it tells clients where to get a token.
        if subject != "metadata":
            try:
                access, own = self._admit(request)
            except NotAdmitted as refusal:
                return refusal.answer, _SOUND
        fault = planted or own or _SOUND
        return fault.change(self._answer(request, access)), fault

    def _answer(self, request: Request, access: Access | None) -> Answer:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["fhir", "metadata"]:
                return found(capability_statement(self.base, self._security))
            case "GET", ["fhir", resource_type]:
                return self._found(resource_type, tuple(request.params), access)
            case "POST", ["fhir", resource_type, "_search"] if self._post_search:
                return self._found(resource_type, tuple(request.params), access)
            case "GET", ["fhir", resource_type, resource_id]:
                return self._read(resource_type, resource_id, access)
            case "GET", _:
                return refused(404, "not-found", "No such address.")
        return refused(405, "not-supported", "Reads and searches only.", {"Allow": "GET"})

    def _read(self, resource_type: str, resource_id: str, access: Access | None) -> Answer:
        if access and not access.may(resource_type, "r"):
            return _out_of_scope()
        resource = self.store.read(resource_type, resource_id)
        if resource is None:
            return refused(404, "not-found", "No such resource.")
        if access and not access.sees(resource, "r"):
            return _out_of_scope()
        return found(resource)

    def _found(
        self, resource_type: str, params: tuple[tuple[str, str], ...], access: Access | None
    ) -> Answer:
        return self._cached(resource_type, params, access, self.store.revision)

    def _search(
        self,
        resource_type: str,
        params: tuple[tuple[str, str], ...],
        access: Access | None,
        revision: int,
    ) -> Answer:
        if not self.store.knows(resource_type):
            return refused(404, "not-supported", "No such resource type.")
        if access and not access.may(resource_type, "s"):
            return _out_of_scope()
        if access and access.strays(resource_type, params) and not access.lenient:
            return _out_of_scope()
        try:
            page = searchset(
                self.store, self.base, resource_type, list(params), self._page_size, access
            )
        except ValueError as error:
            return refused(400, "invalid", str(error))
        return found(page)


def _out_of_scope() -> Answer:
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    return refused(403, "forbidden", "The scopes of this token do not reach that.", challenge)
