"""The settings of the server, read once from the environment at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from web import trust_file
from web.errors import StartError
from web.trust import DEVELOPMENT, Trust, development

# An absolute URL of plain parts: cards carry links that begin with it.
_URL = r"^https?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(/[A-Za-z0-9._~-]+)*/?\Z"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes. `calls_at_once`: of one process; more are shed with 503.

    `public_url` is where the EHR reaches this server, with its path prefix if it has one.
    `secret` keys what must be stable and not guessable, such as card ids. `database` is a
    SQLAlchemy URL. `security_contact` and `security_expires` are what /.well-known/security.txt
    tells; without them there is none. `certificate_header` is the one that only the trusted proxy
    can set, with the client certificate that it has seen; `address_header` likewise, with the
    address of the client; without it launches are not counted by address. `keys_folder` holds the
    private keys by which EHRs know our app; its default is for development.
    """

    mode: Literal["production", "development"] = "production"
    public_url: Annotated[str, msgspec.Meta(pattern=_URL)] = "http://localhost:5000"
    secret: Annotated[str, msgspec.Meta(min_length=32)] = "this secret is for development only"
    database: str = "sqlite:///chartside.db"
    prefetch_deadline: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.4
    body_limit: Annotated[int, msgspec.Meta(ge=1000)] = 8_000_000
    calls_at_once: Annotated[int, msgspec.Meta(ge=1)] = 12
    # One word: to a WSGI server X-Client-Cert and X_Client_Cert are one header, and a proxy that
    # drops the first when a client sends it lets the second one through.
    certificate_header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+\Z")] | None = None
    keys_folder: Annotated[str, msgspec.Meta(min_length=1)] = "chartside-keys"
    address_header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+\Z")] | None = None
    security_contact: (
        Annotated[str, msgspec.Meta(pattern=r"^(mailto:|tel:|https://)\S+\Z")] | None
    ) = None
    security_expires: datetime | None = None
    trust: Trust = DEVELOPMENT

    def __repr__(self) -> str:
        # Never its secret, nor its database's address, which may hold a password.
        return f"Settings({self.mode!r}, {self.public_url!r})"

    @property
    def path_prefix(self) -> str:
        """The path under which everything is served: "" or "/x/y"."""
        return urlsplit(self.public_url).path.rstrip("/")


# CHARTSIDE_MODE and so on; any of them may be CHARTSIDE_..._FILE instead, with the value in a file.
_VARIABLES = {
    f"CHARTSIDE_{name.upper()}": name for name in Settings.__struct_fields__ if name != "trust"
}
_CONFIG = "CHARTSIDE_CONFIG"
# Where the development EHR is, which reads it too. For development without a file of records.
_EHR_PORT = "EHR_PORT"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that these variables describe. Raises StartError with the variable's name."""
    known = {_CONFIG, *_VARIABLES, *(f"{name}_FILE" for name in _VARIABLES)}
    unknown = [name for name in environment if name.startswith("CHARTSIDE_") and name not in known]
    if unknown:
        raise StartError(
            f"{unknown[0]} is not a setting. There are: {', '.join((_CONFIG, *_VARIABLES))}."
        )
    given: dict[str, Any] = {}
    for variable, name in _VARIABLES.items():
        value = _value(environment, variable)
        if value is not None:
            given[name] = value
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        # msgspec says "... - at `$.body_limit`"; the operator set CHARTSIDE_BODY_LIMIT.
        reason, _, field = str(error).partition(" - at `$.")
        raise StartError(f"CHARTSIDE_{field.rstrip('`').upper()}: {reason}.") from None
    config = environment.get(_CONFIG)
    if config:
        settings = msgspec.structs.replace(settings, trust=trust_file.load(Path(config)))
    elif settings.mode == "development" and _EHR_PORT in environment:
        settings = msgspec.structs.replace(settings, trust=development(_ehr_port(environment)))
    _check_certificates(settings)
    if settings.mode == "production":
        _check_production(settings, given, config)
    return settings


def _ehr_port(environment: Mapping[str, str]) -> int:
    port = environment[_EHR_PORT]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartError(f"{_EHR_PORT} must be a port number, not {port!r}.")
    return int(port)


def _value(environment: Mapping[str, str], variable: str) -> str | None:
    file = environment.get(f"{variable}_FILE")
    if file is None:
        return environment.get(variable)
    if variable in environment:
        raise StartError(f"{variable} and {variable}_FILE are both set. Keep one.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{variable}_FILE: {file}: {type(error).__name__}.") from None


def _check_certificates(settings: Settings) -> None:
    for ehr in settings.trust.ehrs:
        if ehr.cds and ehr.cds.certificate and not settings.certificate_header:
            raise StartError(
                f"ehr.{ehr.id}.cds.certificate needs CHARTSIDE_CERTIFICATE_HEADER, the header in "
                "which the proxy tells the client certificate."
            )


def _check_production(settings: Settings, given: Mapping[str, Any], config: str | None) -> None:
    if not config:
        raise StartError(
            f"Production needs trust records: set {_CONFIG} to their file (README, Run it for "
            "real), or CHARTSIDE_MODE=development to run on this machine only."
        )
    for name, why in (
        ("secret", "at least 32 random characters; it keys card ids and encryption"),
        ("public_url", "the https address where EHRs reach this server"),
    ):
        if name not in given:
            raise StartError(f"CHARTSIDE_{name.upper()} is not set: {why}.")
    if len(set(settings.secret)) < 10 or settings.secret == Settings().secret:
        raise StartError("CHARTSIDE_SECRET can be guessed. Give at least 32 random characters.")
    if not settings.public_url.startswith("https://"):
        raise StartError("CHARTSIDE_PUBLIC_URL is not https. Patient data needs it.")
    # A relative folder would be another one for each place that a command is run from.
    absolute = "keys_folder" in given and Path(settings.keys_folder).is_absolute()
    signing = [e.id for e in settings.trust.ehrs if e.smart and e.smart.auth == "private_key_jwt"]
    if signing and not absolute:
        raise StartError(
            f"ehr.{signing[0]}.smart signs (private_key_jwt): set CHARTSIDE_KEYS_FOLDER to the "
            "folder of its keys, as a whole path outside the repository, such as "
            "/etc/chartside/keys."
        )
