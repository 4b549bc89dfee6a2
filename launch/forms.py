"""Which posts to a chart are from a page of that chart (cross-site request forgery).

Its cookie is sent from any frame, so it proves nothing. The browser has to say that the post is
from our own origin (Fetch Metadata; `Origin` where it is older), and the form has to send back the
token of its launch and the patient that it was drawn for.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from flask import Request

from launch.session import Live
from store.hashes import derived_key
from web.headers import own_origin

Verdict = Literal["fine", "forged", "other patient"]


class Forms:
    """Makes and checks form tokens under this secret, for a server at this address."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._key = derived_key(secret, "forms")
        self._origin = own_origin(public_url)

    def token(self, live: Live) -> str:
        """What the forms of this launch's pages send back as `form_token`."""
        return hmac.digest(self._key, live.launch.handle.encode(), hashlib.sha256).hex()

    def judge(self, live: Live, request: Request) -> Verdict:
        """Whether this post is from a page of this launch."""
        given = request.form.get("form_token")
        if not self._is_ours(request) or given is None:
            return "forged"
        if request.form.get("patient") != live.launch.patient:
            return "other patient"
        same = hmac.compare_digest(given.encode(), self.token(live).encode())
        return "fine" if same else "forged"

    def _is_ours(self, request: Request) -> bool:
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if origin not in (None, "null", self._origin):
            return False
        # Our pages send no referrer, and then Origin is "null" on a form (Fetch, 3.2): only where
        # a browser does not tell the site is it the origin that has to prove it.
        return site == "same-origin" if site is not None else origin == self._origin
