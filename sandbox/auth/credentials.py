"""Which client a request is from. RFC 6749, section 2.3; SMART App Launch 2.2, both profiles.

A client authenticates in the way that is registered for it and in no other, and says who it is in
one place only.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping

from sandbox.auth.assertions import ASSERTION_TYPE, Assertions
from sandbox.auth.clients import Client, secret_hash
from sandbox.auth.refusal import Refusal
from sandbox.http.listener import Request

MEMBERS = {
    "private_key_jwt": {"client_assertion_type", "client_assertion"},
    "client_secret_basic": set(),
    "client_secret_post": {"client_id", "client_secret"},
    "none": {"client_id"},
}
"""The parameters that a client of each method sends to say who it is."""


class Credentials:
    """Knows the clients, and what each has to bring."""

    def __init__(self, clients: Mapping[str, Client], assertions: Assertions) -> None:
        self._clients = clients
        self._assertions = assertions

    def client(
        self, request: Request, form: Mapping[str, str], audiences: tuple[str, ...]
    ) -> Client:
        """The client that sends this form; Refusal unless it proves to be that one."""
        basic = request.authorization is not None
        name, secret = _basic(request.authorization) if basic else _named(form)
        client = self._clients.get(name)
        if client is None:
            raise Refusal("invalid_client", "No client has this id.", basic=basic)
        sent = {n for members in MEMBERS.values() for n in members if n in form}
        if sent != MEMBERS[client.auth] or basic != (client.auth == "client_secret_basic"):
            raise Refusal(
                "invalid_client", f"This client authenticates by {client.auth} only.", basic=basic
            )
        if client.auth == "private_key_jwt":
            if form["client_assertion_type"] != ASSERTION_TYPE:
                raise Refusal("invalid_client", f"client_assertion_type is not {ASSERTION_TYPE}.")
            self._assertions.check(client, form["client_assertion"], audiences)
        elif client.secret_hash is not None:
            given = secret_hash(secret)
            if not hmac.compare_digest(given, client.secret_hash):
                raise Refusal("invalid_client", "The secret is wrong.", basic=basic)
        return client


def _named(form: Mapping[str, str]) -> tuple[str, str]:
    if "client_assertion" in form:
        return Assertions.subject(form["client_assertion"]), ""
    return form.get("client_id", ""), form.get("client_secret", "")


def _basic(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name, secret = "", ""
    if scheme.lower() != "basic":
        raise Refusal("invalid_client", "Clients authenticate by Basic here, not by a token.")
    return name, secret
