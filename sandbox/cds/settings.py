"""How the EHR calls CDS services; the settings page changes it while the EHR runs."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class CdsSettings:
    """`servers` are base URLs, that is, without the /cds-services at their end.

    `sign`: every request has a JWT. `prefetch` "none" and the keys in `left_out` are what an EHR
    does that does not satisfy a template. `authorization`: calls bring an access token to fetch
    with what is missing; without it, `fhirServer` alone. Version "2.0" fills the tokens of 2.0 only
    and writes scopes as SMART 1 does, "3.0" knows `today()`, paths and SMART 2. A service may take
    so many `seconds` to answer.

    ValueError for a server that is no http(s) URL, said so that a person can put it right.
    """

    servers: tuple[str, ...] = ()
    sign: bool = True
    prefetch: Literal["all", "none"] = "all"
    left_out: frozenset[str] = frozenset()
    authorization: bool = True
    version: Literal["2.0", "3.0"] = "3.0"
    seconds: float = 10.0

    def __post_init__(self) -> None:
        bases = dict.fromkeys(base_url(server) for server in self.servers)
        object.__setattr__(self, "servers", tuple(bases))

    def gives(self, key: str) -> bool:
        """Whether this prefetch key is satisfied."""
        return self.prefetch == "all" and key not in self.left_out


def base_url(text: str) -> str:
    """The base of a CDS server from what a person typed: that, or its discovery address."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"{text!r} is not the address of a CDS server: write http(s)://host/path.")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(f"{text!r} has more than a host and a path, which is all that is used.")
    return url.rstrip("/").removesuffix("/cds-services").rstrip("/")
