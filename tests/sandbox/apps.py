"""An app for the tests of the authorization server: it sends what a test tells it to, as it is."""

import http.client
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.auth.assertions import ASSERTION_TYPE, public
from sandbox.auth.clients import Client, secret_hash
from sandbox.auth.vault import challenge_of
from sandbox.ehr import DevelopmentEhr

CALLBACK = "http://localhost:5000/smart/callback/development"
LAUNCH = "http://localhost:5000/smart/launch"
SECRET = secrets.token_urlsafe(32)
KEY = ECKey.generate_key("P-384")
SCOPE = "launch openid fhirUser patient/Patient.r patient/Observation.rs"

Json = dict[str, Any]


def registered(client_id: str, **members: Any) -> Client:
    given: Json = {"redirect_uris": (CALLBACK,), "launch_urls": (LAUNCH,), **members}
    if given.get("auth", "private_key_jwt") == "private_key_jwt" and "jwks_url" not in given:
        given.setdefault("jwks", {"keys": [public(KEY, alg="ES384")]})
    if given.get("auth", "").startswith("client_secret"):
        given.setdefault("secret_hash", secret_hash(SECRET))
    return Client(id=client_id, **given)


CLIENTS = [
    registered("asymmetric"),
    registered("basic", auth="client_secret_basic"),
    registered("post", auth="client_secret_post"),
    registered("public", auth="none"),
]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Json
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def back(self) -> Json:
        """The parameters with which the browser is sent back to the app."""
        assert self.headers["Location"].startswith(CALLBACK + "?"), self.headers
        return dict(parse_qsl(urlsplit(self.headers["Location"]).query, keep_blank_values=True))


def send(
    url: str,
    form: Any = None,
    headers: Json | None = None,
    method: str | None = None,
    body: bytes | None = None,
) -> Reply:
    """One request. `form` is a dict or pairs, to be posted."""
    address = urlsplit(url)
    given = dict(headers or {})
    if form is not None:
        body = urlencode(form).encode()
        given["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        target = address.path + ("?" + address.query if address.query else "")
        connection.request(method or ("GET" if body is None else "POST"), target, body, given)
        response = connection.getresponse()
        return Reply(response.status, dict(response.headers), response.read())
    finally:
        connection.close()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@dataclass
class App:
    """A client of `CLIENTS` at one EHR, with a new verifier, state and nonce for each use."""

    ehr: DevelopmentEhr
    client_id: str = "asymmetric"
    scope: str = SCOPE
    clock: Callable[[], float] = time.time
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def parameters(self, launch: str | None, **changed: str | None) -> dict[str, str]:
        """Those of a sound authorization request; None takes one away."""
        given = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": self.scope,
            "state": self.state,
            "aud": self.ehr.iss,
            "launch": launch,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "nonce": self.nonce,
            **changed,
        }
        return {name: value for name, value in given.items() if value is not None}

    def authorize(
        self, launch: str | None, headers: Json | None = None, **changed: str | None
    ) -> Reply:
        query = urlencode(self.parameters(launch, **changed))
        return send(f"{self.ehr.origin}/auth/authorize?{query}", headers=headers)

    def assertion(self, header: Json | None = None, key: Any = KEY, **changed: Any) -> str:
        now = int(self.clock())
        head = {"alg": "ES384", "typ": "JWT", "kid": KEY.thumbprint(), **(header or {})}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.ehr.origin}/auth/token",
            "exp": now + 240,
            "iat": now,
            "jti": secrets.token_urlsafe(32),
            **changed,
        }
        head = {name: value for name, value in head.items() if value is not None}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(head, claims, key, algorithms=[head["alg"]], default_type=None)

    def call(self, endpoint: str, form: Json, **changed: str | None) -> Reply:
        """A request with this client's credentials."""
        given: dict[str, str | None] = dict(form)
        headers = {}
        match self.client_id:
            case "basic":
                encoded = b64encode(f"basic:{SECRET}".encode()).decode()
                headers["Authorization"] = f"Basic {encoded}"
            case "post":
                given |= {"client_id": "post", "client_secret": SECRET}
            case "public":
                given |= {"client_id": "public"}
            case _:
                given |= {"client_assertion_type": ASSERTION_TYPE}
                given |= {"client_assertion": self.assertion()}
        given |= changed
        sent = {name: value for name, value in given.items() if value is not None}
        return send(f"{self.ehr.origin}/auth/{endpoint}", sent, headers)

    def exchange(self, code: str, /, **changed: str | None) -> Reply:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return self.call("token", form, **changed)

    def refresh(self, token: str, /, **changed: str | None) -> Reply:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.call("token", form, **changed)

    def opened(self, patient: str | None = "sandbox-renal", **launch: Any) -> Reply:
        """A whole EHR launch: the answer of the token endpoint."""
        value = self.ehr.launch(self.client_id, patient=patient, **launch)
        return self.exchange(self.authorize(value).back["code"])

    def fhir(self, token: str | None, address: str, form: Any = None) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return send(f"{self.ehr.base}/{address}", form, headers)
