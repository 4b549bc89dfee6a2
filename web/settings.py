"""The settings of the server, read once from the environment at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from web.trust import DEVELOPMENT, Ehr


class StartError(Exception):
    """The server cannot start like this; the text names the file or variable and the remedy."""


# An absolute URL of plain parts: cards carry links that begin with it.
_URL = r"^https?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(/[A-Za-z0-9._~-]+)*/?\Z"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes.

    `public_url` is where the EHR reaches this server, with its path prefix if it has one.
    `secret` keys what must be stable and not guessable, such as card ids. `security_contact` and
    `security_expires` are what /.well-known/security.txt tells; without them there is none.
    """

    mode: Literal["production", "development"] = "production"
    public_url: Annotated[str, msgspec.Meta(pattern=_URL)] = "http://localhost:5000"
    secret: Annotated[str, msgspec.Meta(min_length=16)] = "for development only"
    prefetch_deadline: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.4
    body_limit: Annotated[int, msgspec.Meta(ge=1000)] = 8_000_000
    security_contact: (
        Annotated[str, msgspec.Meta(pattern=r"^(mailto:|tel:|https://)\S+\Z")] | None
    ) = None
    security_expires: datetime | None = None
    ehr: Ehr = DEVELOPMENT

    @property
    def path_prefix(self) -> str:
        """The path under which everything is served: "" or "/x/y"."""
        return urlsplit(self.public_url).path.rstrip("/")


# Read from CHARTSIDE_MODE and so on; the trust record is not a variable.
_VARIABLES = {
    f"CHARTSIDE_{name.upper()}": name for name in Settings.__struct_fields__ if name != "ehr"
}


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that these variables describe."""
    unknown = [
        name for name in environment if name.startswith("CHARTSIDE_") and name not in _VARIABLES
    ]
    if unknown:
        raise StartError(f"{unknown[0]} is not a setting. There are: {', '.join(_VARIABLES)}.")
    given = {
        name: environment[variable]
        for variable, name in _VARIABLES.items()
        if variable in environment
    }
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        # msgspec says "... - at `$.body_limit`"; the operator set CHARTSIDE_BODY_LIMIT.
        reason, _, field = str(error).partition(" - at `$.")
        raise StartError(f"CHARTSIDE_{field.rstrip('`').upper()}: {reason}.") from None
    if settings.mode == "production":
        raise StartError(
            "Production needs trust records, so that only known EHRs are answered, and this "
            "version has none. Set CHARTSIDE_MODE=development to run on this machine only."
        )
    return settings
