"""An app's side of a development EHR without pages: what it asks, and the way to a code."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from launch.authorize import Authorizer, Pending, authorization_url
from launch.discovery import Discovery, Endpoints
from launch.keys import KeyFolder
from sandbox.auth.clients import Client, secret_hash
from sandbox.ehr import DevelopmentEhr
from sandbox.http.answer import Answer
from sandbox.http.faults import Fault
from sandbox.http.listener import Piece
from web.trust import Ehr, Smart

CALLBACK = "http://localhost:5000/smart/callback/north"
LAUNCH = "http://localhost:5000/smart/launch"
SECRET = "the-client-secret-of-these-tests-43-characters"
PATIENT = "sandbox-renal"
SCOPES = ("launch", "openid", "fhirUser", "patient/Patient.r", "online_access")
METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")


def clients(keys: KeyFolder) -> list[Client]:
    """The app as it is registered, once for each way to say who it is; that is its id too."""

    def client(auth: Any) -> Client:
        given: dict[str, Any] = {}
        if auth == "private_key_jwt":
            given["jwks"] = keys.published()
        elif auth != "none":
            given["secret_hash"] = secret_hash(SECRET)
        return Client(id=auth, redirect_uris=(CALLBACK,), launch_urls=(LAUNCH,), auth=auth, **given)

    return [client(auth) for auth in METHODS]


def record(ehr: DevelopmentEhr, auth: str = "private_key_jwt", **smart: Any) -> Ehr:
    given: dict[str, Any] = {
        "client_id": auth,
        "issuers": (ehr.iss,),
        "auth": auth,
        "secret": SECRET if auth.startswith("client_secret") else None,
        **smart,
    }
    return Ehr(id="north", fhir_bases=(ehr.base,), smart=Smart(**given))


def folder(path: Path) -> KeyFolder:
    keys = KeyFolder(path)
    keys.ensure()
    return keys


def pending(ehr: DevelopmentEhr, endpoints: Endpoints, **members: Any) -> Pending:
    given: dict[str, Any] = {
        "ehr_id": "north",
        "iss": ehr.iss,
        "launch": None,
        "endpoints": endpoints,
        "redirect_uri": CALLBACK,
        "scopes": SCOPES,
        "state": f"{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
        "verifier": secrets.token_urlsafe(48),
        "nonce": secrets.token_urlsafe(32),
        **members,
    }
    return Pending(**given)


class App:
    """One launch at a time, of one record."""

    def __init__(
        self, ehr: DevelopmentEhr, keys: KeyFolder, now: Callable[[], float], record: Ehr
    ) -> None:
        self.ehr = ehr
        self.record = record
        self.authorizer = Authorizer(keys, now)
        self.endpoints = Discovery().endpoints(record, ehr.iss)

    def asked(self, **launch: Any) -> Pending:
        """What is asked for a launch that has begun now."""
        assert self.record.smart
        value = self.ehr.launch(self.record.smart.client_id, patient=PATIENT, **launch)
        return pending(self.ehr, self.endpoints, launch=value)

    def code(self, asked: Pending) -> str:
        """The code that the EHR gives for it."""
        url = authorization_url(self.record, self.endpoints, asked)
        answer = dict(parse_qsl(urlsplit(located(url)).query))
        assert answer["state"] == asked.state
        return answer["code"]

    def open(self, **launch: Any) -> bytes:
        """The whole way to the answer of the token endpoint."""
        asked = self.asked(**launch)
        return self.authorizer.exchange(self.record, asked, self.code(asked))

    def refresh(self, token: str) -> bytes:
        return self.authorizer.refresh(self.record, self.endpoints, token)

    def revoke(self, token: str, hint: str = "refresh_token") -> bool:
        return self.authorizer.revoke(self.record, self.endpoints, token, hint)

    def forms(self, path: str = "/auth/token") -> list[dict[str, str]]:
        return [dict(each.form) for each in self.ehr.seen if each.path == path]


def located(url: str) -> str:
    """Where a browser is sent from this address."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        return answer.headers["Location"]
    finally:
        connection.close()


@dataclass(frozen=True)
class As(Fault):
    """The true answer with another status."""

    status: int

    def change(self, answer: Answer) -> Answer:
        return replace(answer, status=self.status)


@dataclass(frozen=True)
class Dated(Fault):
    """The true answer with this `Date`."""

    date: str

    def change(self, answer: Answer) -> Answer:
        return replace(answer, headers={**answer.headers, "Date": self.date})


class HungUp(Fault):
    """No answer."""

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        raise ConnectionAbortedError
