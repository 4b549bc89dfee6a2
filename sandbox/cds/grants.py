"""Access tokens for one call of one service, and what is done with them.

CDS Hooks 2.0, "FHIR Resource Access": short-lived, for this service, this user and this patient,
and ended as soon as the answer is there.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sandbox.auth.clients import Client
from sandbox.auth.launches import Launch
from sandbox.auth.vault import Grant, Vault
from sandbox.cds.exchange import FetchedBack
from sandbox.http.answer import Answer
from sandbox.http.listener import Request

SECONDS = 30
"""Longer than a call lasts; the Coverage Requirements Discovery guide asks for no more."""

_TYPE = re.compile(r"([A-Z][A-Za-z]+)(?:[/?]|\Z)")
_INCLUDE = re.compile(r"_include=[A-Za-z]+:[a-z-]+(?::([A-Za-z]+))?")
_INCLUDED = "Medication"
_NOBODYS = ("Practitioner", "PractitionerRole", "Organization", "Location")


@dataclass(frozen=True)
class Lent:
    """A token, and the FHIR requests that were made with it so far."""

    token: str
    scopes: tuple[str, ...]
    fetched: list[FetchedBack] = field(default_factory=list)


class Grants:
    """Lends tokens. `origin` is the EHR's."""

    def __init__(self, vault: Vault, origin: str) -> None:
        self._vault = vault
        self._origin = origin
        self._lent: dict[str, Lent] = {}

    @contextmanager
    def lent(
        self, client_id: str, patient: str, user: str, scopes: tuple[str, ...]
    ) -> Iterator[Lent]:
        """A token that is good inside `with`."""
        # No app and in no list of them: nobody can ask for a token in its name.
        client = Client(id=client_id, redirect_uris=(f"{self._origin}/",), auth="none")
        grant = Grant(
            client=client,
            launch=Launch(client_id=client_id),
            user=user,
            patient=patient,
            encounter=None,
            scopes=scopes,
            redirect_uri="",
            challenge="",
            nonce=None,
        )
        lent = Lent(self._vault.access(grant, scopes, SECONDS), scopes)
        self._lent[lent.token] = lent
        try:
            yield lent
        finally:
            del self._lent[lent.token]
            self._vault.end(lent.token)

    def note(self, request: Request, answer: Answer, ms: float) -> None:
        """Remembers a request to the EHR and its answer, if it was made with a lent token."""
        _, _, token = (request.authorization or "").partition(" ")
        lent = self._lent.get(token)
        if lent is None:
            return
        # What a search by POST asks for stands in its body.
        target = request.path + (f"?{urlencode(request.params)}" if request.params else "")
        lent.fetched.append(
            FetchedBack(request.method, target, answer.status, round(ms, 1), _entries(answer))
        )


def scopes(templates: Mapping[str, str], user: str, version_1: bool) -> tuple[str, ...]:
    """The scopes to read what these templates name. One without templates may read the chart."""
    suffix = "read" if version_1 else "rs"
    if not templates:
        return (f"patient/*.{suffix}",)
    types = dict.fromkeys(["Patient", *_types(templates.values(), user)])
    return tuple(f"{'user' if name in _NOBODYS else 'patient'}/{name}.{suffix}" for name in types)


def _types(templates: Iterable[str], user: str) -> Iterator[str]:
    for template in templates:
        named = _TYPE.match(template.replace("{{context.userId}}", user))
        if named:
            yield named[1]
        for include in _INCLUDE.finditer(template):
            yield include[1] or _INCLUDED


def _entries(answer: Answer) -> int | None:
    if answer.status != 200:
        return None
    with suppress(ValueError):
        resource = json.loads(answer.body)
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            return len(resource.get("entry", ()))
    return None
