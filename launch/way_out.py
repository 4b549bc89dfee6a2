"""How Authlib's requests leave: over the loop of all that goes out, under one deadline.

An adapter of requests that neither follows a redirect nor knows proxies, whatever the session it
is mounted in would do.
"""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from fhir import documents
from fhir.documents import Reply

_FORWARDED = ("Accept", "Authorization", "Content-Type")


class WayOut(BaseAdapter):
    """Sends within `seconds`, and keeps the reply. `private`: to an inner network if need be."""

    def __init__(self, seconds: float, private: bool) -> None:
        super().__init__()
        self._seconds = seconds
        self._private = private
        self.reply: Reply | None = None

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        body = request.body
        self.reply = documents.request(
            request.method or "POST",
            request.url or "",
            headers={n: v for n, v in request.headers.items() if n in _FORWARDED},
            body=body.encode() if isinstance(body, str) else body,
            seconds=self._seconds,
            private=self._private,
        )
        answer = Response()
        answer.status_code = self.reply.status
        answer.request, answer.url = request, request.url or ""
        answer._content = self.reply.body
        return answer

    def close(self) -> None:
        """There is nothing to close."""
