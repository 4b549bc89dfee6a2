"""One interaction, be it a request of its own or an entry of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.fhir.checks import decoded
from sandbox.fhir.errors import Refused
from sandbox.http.listener import Pairs, Request

_JSON = ("application/fhir+json", "application/json", "application/json+fhir")


@dataclass(frozen=True)
class Interaction:
    """What is asked: `path` are the segments below the base, `sent` is the body or the resource."""

    method: str
    path: tuple[str, ...]
    params: Pairs
    sent: bytes | Any = None
    if_match: str | None = None
    if_none_exist: str | None = None
    prefer: str = ""
    content_type: str = ""

    @property
    def resource(self) -> Any:
        """What came with it; Refused if it cannot be read."""
        if not isinstance(self.sent, bytes):
            return self.sent
        # A page elsewhere cannot send these without being asked whether it may.
        if self.content_type.split(";")[0].strip().lower() not in _JSON:
            text = "Send the resource as application/fhir+json."
            raise Refused(415, "not-supported", text)
        return decoded(self.sent)

    def prefers(self, preference: str) -> bool:
        """Whether the client prefers that, such as `handling=strict`."""
        return preference in self.prefer.replace(" ", "").replace(";", ",").split(",")


def of_request(request: Request) -> Interaction:
    """What a request asks."""
    return Interaction(
        method=request.method,
        path=_segments(request.path.removeprefix("/fhir")),
        params=request.params,
        sent=request.body,
        if_match=request.headers.get("if-match"),
        if_none_exist=request.headers.get("if-none-exist"),
        prefer=request.headers.get("prefer", ""),
        content_type=request.headers.get("content-type", ""),
    )


def of_entry(entry: Any, base: str, prefer: str) -> Interaction:
    """What an entry of a batch or transaction asks; Refused if it asks nothing that is known."""
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, Mapping):
        raise Refused(400, "required", "The entry has no request.")
    method, url = asked.get("method"), asked.get("url")
    conditions = asked.get("ifMatch"), asked.get("ifNoneExist")
    if not (isinstance(method, str) and isinstance(url, str)):
        raise Refused(400, "required", "The request has no method, or no url.")
    if not all(isinstance(condition, str | None) for condition in conditions):
        raise Refused(400, "value", "ifMatch and ifNoneExist are strings.")
    place, _, terms = url.removeprefix(base).partition("?")
    path = _segments(unquote(place))
    if not path:
        raise Refused(400, "not-supported", "An entry is about a resource type, no other Bundle.")
    return Interaction(
        method=method,
        path=path,
        params=parse_qsl(terms),
        sent=entry.get("resource"),
        if_match=conditions[0],
        if_none_exist=conditions[1],
        prefer=prefer,
    )


def _segments(path: str) -> tuple[str, ...]:
    # A slash at the end changes nothing, and some clients write one.
    return tuple(plain.split("/")) if (plain := path.strip("/")) else ()
