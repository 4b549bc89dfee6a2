"""The apps that the development EHR knows. RFC 6749, section 2.

Nothing registers itself: clients come from a file, or from a test.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

Method = Literal["private_key_jwt", "client_secret_basic", "client_secret_post", "none"]

EVERYTHING = [
    "launch",
    "launch/patient",
    "launch/encounter",
    "openid",
    "fhirUser",
    "online_access",
    "offline_access",
    "messaging/scratchpad",
    "messaging/ui",
    "patient/*.cruds",
    "user/*.cruds",
]


@dataclass(frozen=True, kw_only=True)
class Client:
    """What is agreed with one app.

    `redirect_uris` and `launch_urls` are compared as they are written. `jwks` or `jwks_url` go
    with private_key_jwt, `secret_hash` with the two ways of sending a secret. `scopes` are the most
    it can get. `origins` are those of pages that may read answers.
    """

    id: str
    redirect_uris: tuple[str, ...]
    launch_urls: tuple[str, ...] = ()
    auth: Method = "private_key_jwt"
    secret_hash: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_url: str | None = None
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    scopes: tuple[str, ...] = tuple(EVERYTHING)
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = {
            "secret_hash": self.secret_hash is not None,
            "keys": self.jwks is not None or self.jwks_url is not None,
        }
        wanted = {
            "secret_hash": self.auth in ("client_secret_basic", "client_secret_post"),
            "keys": self.auth == "private_key_jwt",
        }
        if not self.id or given != wanted or (self.jwks is not None and self.jwks_url is not None):
            raise ValueError(f"client {self.id!r}: {self.auth} does not go with what is registered")
        if not self.redirect_uris:
            raise ValueError(f"client {self.id!r}: no redirect URI")
        for url in (*self.redirect_uris, *self.launch_urls):
            if not _registrable(url):
                raise ValueError(f"client {self.id!r}: {url!r} is not an https or loopback URL")


def secret_hash(secret: str) -> str:
    """What is kept of a secret. It is random and long, so a plain hash does."""
    return sha256(secret.encode()).hexdigest()


def shipped_clients(app: str) -> list[Client]:
    """The clients of the file that comes with the sandbox, for an app at this origin."""
    text = (Path(__file__).parent / "clients.toml").read_text("utf-8").replace("{app}", app)
    return clients(tomllib.loads(text))


def clients(file: Mapping[str, Any]) -> list[Client]:
    """The clients that a file has, each under its id; ValueError for one that cannot be."""
    found = []
    for client_id, members in file["client"].items():
        lists = {n: tuple(v) if isinstance(v, list) else v for n, v in members.items()}
        try:
            found.append(Client(id=client_id, **cast(dict[str, Any], lists)))
        except TypeError as error:
            raise ValueError(f"client {client_id!r}: {error}") from None
    return found


def by_id(registered: Sequence[Client]) -> dict[str, Client]:
    """The clients by their id; ValueError if two have the same."""
    found = {client.id: client for client in registered}
    if len(found) != len(registered):
        raise ValueError("two clients have the same id")
    return found


def _registrable(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    plain = not (parts.fragment or parts.username or "*" in url or "#" in url)
    return bool(parts.hostname) and (parts.scheme == "https" or local) and plain
