"""Trust records from a TOML file; whatever is wrong in it stops the start, with line and remedy.

[ehr.hospital]
time_zone = "Europe/Oslo"
fhir_bases = ["https://fhir.hospital.example/r4"]

[ehr.hospital.cds]
issuer = "https://fhir.hospital.example/r4"
jku = "https://fhir.hospital.example/.well-known/jwks.json"
services = ["medication-safety", "care-gaps"]

[ehr.hospital.smart]
client_id = "chartside"
"""

from __future__ import annotations

import os
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from web.errors import StartError
from web.trust import SCOPES, SCOPES_V1, Cds, Ehr, Grade, Profile, Smart, Trust, comparable

Url = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*\Z", max_length=2000)]
Origin = Annotated[str, Meta(pattern=r"^https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?\Z")]


class _Cds(Struct, kw_only=True, forbid_unknown_fields=True):
    issuer: Annotated[str, Meta(min_length=1)]
    jku: Url | None = None
    keys: str | None = None
    audiences: list[Url] = []
    tenants: list[str] | None = None
    services: Annotated[list[str], Meta(min_length=1)]
    findings: list[str] | None = None
    grades: dict[str, Grade] = {}
    origins: list[Origin] = []
    certificate: Annotated[str, Meta(min_length=1)] | None = None
    calls_a_minute: Annotated[int, Meta(ge=1)] = 6000
    profile: Profile = Profile()


Word = Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=500)]
Host = Annotated[str, Meta(pattern=r"^[a-z0-9.-]+(:\d{1,5})?\Z")]


class _Smart(Struct, kw_only=True, forbid_unknown_fields=True):
    client_id: Word
    issuers: tuple[Url, ...] = ()
    auth: Literal["private_key_jwt", "client_secret_basic", "client_secret_post", "none"] = (
        "private_key_jwt"
    )
    secret_variable: str | None = None
    secret_file: str | None = None
    algorithm: Literal["ES384", "RS384"] = "ES384"
    endpoint_hosts: frozenset[Host] = frozenset()
    oidc_issuer: Url | None = None
    # Never "none", and never one that is checked with a secret.
    id_token_algorithms: Annotated[
        tuple[Literal["RS256", "RS384", "RS512", "ES256", "ES384"], ...], Meta(min_length=1)
    ] = ("RS256",)
    nonce: Literal["require", "if_present"] = "require"
    needs_user: bool = True
    scopes: tuple[Word, ...] = SCOPES
    scopes_v1: tuple[Word, ...] = SCOPES_V1
    s256_unlisted: bool = False
    legacy_metadata: bool = False
    refresh: Literal["none", "online", "offline"] = "none"
    standalone: bool = True
    frame_ancestors: tuple[Origin, ...] = ()
    always_banner: bool = False
    tenant: str | None = None
    private_network: bool = False


class _Ehr(Struct, kw_only=True, forbid_unknown_fields=True):
    # Without a default: the day of a result depends on it, and so does what a card says.
    time_zone: str
    label: Annotated[str, Meta(max_length=80)] = ""
    fhir_bases: list[Url] = []
    cds: _Cds | None = None
    smart: _Smart | None = None


def load(path: Path) -> Trust:
    """The records of a file. Raises StartError with the file, the line, the key and the remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise StartError(f"{path}: {reason}. CHARTSIDE_CONFIG names the trust records.") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"{path}: {error}.") from None
    places = _places(text)

    def wrong(keys: tuple[str, ...], reason: str) -> StartError:
        known = next(keys[:n] for n in range(len(keys), -1, -1) if keys[:n] in places or n == 0)
        return StartError(f"{path}, line {places.get(known, 1)}: {'.'.join(keys)}: {reason}")

    for key in content:
        if key != "ehr":
            raise wrong((key,), "is not known here. Each record is a table [ehr.<id>].")
    records = content.get("ehr")
    if not isinstance(records, dict) or not records:
        raise wrong(("ehr",), "there is no record. Add a table [ehr.<id>].")
    ehrs: list[Ehr] = []
    for id_, record in records.items():
        if not re.fullmatch("[a-z0-9-]{1,64}", id_):
            raise wrong(("ehr", id_), "an id is lower-case letters, digits and '-'.")
        try:
            ehrs.append(_ehr(id_, msgspec.convert(record, _Ehr), path.parent))
        except msgspec.ValidationError as error:
            keys, reason = _told(str(error))
            raise wrong(("ehr", id_, *keys), reason) from None
        except _Wrong as error:
            raise wrong(("ehr", id_, *error.keys), error.reason) from None
    for first, second in combinations(ehrs, 2):
        if first.cds and second.cds and first.cds.issuer == second.cds.issuer:
            raise wrong(("ehr", second.id, "cds", "issuer"), f"is also that of {first.id}.")
        if _issuers(first) & _issuers(second):
            raise wrong(
                ("ehr", second.id, "smart", "issuers"),
                f"has one of {first.id} too, so a launch would not tell whose it is.",
            )
    return Trust(tuple(ehrs))


class _Wrong(Exception):
    """One value that has the right type and cannot be meant."""

    def __init__(self, *keys: str, reason: str) -> None:
        super().__init__(reason)
        self.keys = keys
        self.reason = reason


def _ehr(id_: str, record: _Ehr, folder: Path) -> Ehr:
    try:
        zone = ZoneInfo(record.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise _Wrong(
            "time_zone", reason="is no time zone. Write one like Europe/Oslo or America/Chicago."
        ) from None
    for base in record.fhir_bases:
        _secure(base, "fhir_bases")
    return Ehr(
        id=id_,
        zone=zone,
        fhir_bases=tuple(base.rstrip("/") for base in record.fhir_bases),
        label=record.label,
        cds=_cds(record.cds, folder) if record.cds else None,
        smart=_smart(record.smart, record, folder) if record.smart else None,
    )


def _smart(record: _Smart, ehr: _Ehr, folder: Path) -> Smart:
    issuers = record.issuers or ehr.fhir_bases
    if not issuers:
        raise _Wrong("smart", reason="needs issuers, the FHIR addresses that launch the app.")
    compared = [comparable(each) for each in issuers]
    if None in compared or len(set(compared)) != len(compared):
        raise _Wrong("smart", "issuers", reason="has one twice, or one that is no plain address.")
    bases = {comparable(base) for base in ehr.fhir_bases}
    for issuer, plain in zip(issuers, compared, strict=True):
        _secure(issuer, "smart", "issuers")
        if plain not in bases:
            raise _Wrong("smart", "issuers", reason=f"{issuer} is not one of fhir_bases. Add it.")
    for origin in record.frame_ancestors:
        _secure(origin, "smart", "frame_ancestors")
    if record.oidc_issuer:
        _secure(record.oidc_issuer, "smart", "oidc_issuer")
    # An EHR is asked for one of the two lists, so each has to do by itself.
    for name in ("scopes", "scopes_v1"):
        if reason := _wrong_scopes(name, getattr(record, name), record.needs_user):
            raise _Wrong("smart", name, reason=reason)
    told = {name: getattr(record, name) for name in _Smart.__struct_fields__}
    secret = _client_secret(record, folder)
    del told["secret_variable"], told["secret_file"]
    return Smart(**{**told, "issuers": tuple(issuers), "secret": secret})


# SMART App Launch 2.2, Scopes for requesting FHIR Resources. Of each list: what its scopes for
# records are, those of them that only read, and the one without which no page can be shown.
_LEVEL = r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\."
_GRAMMAR = {
    "scopes": (
        re.compile(_LEVEL + r"(?=[cruds])c?r?u?d?s?(\?\S+)?"),
        re.compile(r"[^.]+\.(r|s|rs)(\?\S+)?"),
        re.compile(r"(patient|user)/Patient\.rs?"),
        "patient/Patient.r",
    ),
    "scopes_v1": (
        re.compile(_LEVEL + r"(read|write|\*)"),
        re.compile(r"[^.]+\.read"),
        re.compile(r"(patient|user)/Patient\.read"),
        "patient/Patient.read",
    ),
}


def _wrong_scopes(name: str, scopes: tuple[str, ...], needs_user: bool) -> str | None:
    """What is wrong with one of the two lists, if anything."""
    grammar, reads, patient, example = _GRAMMAR[name]
    for scope in scopes:
        if scope.partition("/")[0] == "launch":
            return f"{scope}: take it away. It is asked for as the kind of launch needs it."
        if scope in ("online_access", "offline_access"):
            return f'{scope}: take it away, and write refresh = "{scope.partition("_")[0]}".'
        if "/" not in scope:
            continue
        if not grammar.fullmatch(scope):
            return f"{scope} is no scope of that version. They are written like {example}"
        if "*" in scope.partition(".")[0] or scope.startswith("system/"):
            return f"{scope} asks for more than the app reads. Name the types, as in {example}"
        if not reads.fullmatch(scope):
            return f"{scope} asks to write, and the app only reads. Write it like {example}"
    if ("openid" in scopes) != ("fhirUser" in scopes):
        return "has openid or fhirUser without the other. Add it, or take both away."
    if needs_user and "openid" not in scopes:
        return "lacks openid and fhirUser, and needs_user is true. Add them."
    if not any(map(patient.fullmatch, scopes)):
        return f"lacks {example}, without which no chart can be opened. Add it."
    return None


def _client_secret(record: _Smart, folder: Path) -> str | None:
    """The secret where the method has one: from the environment or from a file, never from here."""
    named = [name for name in ("secret_variable", "secret_file") if getattr(record, name)]
    if not record.auth.startswith("client_secret"):
        if named:
            raise _Wrong("smart", named[0], reason=f"{record.auth} has no secret. Take it away.")
        return None
    if len(named) != 1:
        raise _Wrong(
            "smart", reason=f"{record.auth} needs secret_variable or secret_file, and not both."
        )
    if record.secret_file:
        try:
            secret = (folder / record.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _Wrong("smart", named[0], reason=f"{type(error).__name__}.") from None
    else:
        secret = os.environ.get(record.secret_variable or "", "")
    # RFC 6749 form-encodes a secret and SMART does not: of such characters both make the same.
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", secret):
        raise _Wrong("smart", named[0], reason="holds no secret of letters, digits and ._~-")
    # Nobody guesses 32 random characters; every sample in a standard or a manual is shorter.
    if len(secret) < 32 or len(set(secret)) < 10:
        raise _Wrong("smart", named[0], reason="holds a secret that can be guessed.")
    return secret


def _issuers(ehr: Ehr) -> set[str | None]:
    return set(map(comparable, ehr.smart.issuers)) if ehr.smart else set()


def _cds(record: _Cds, folder: Path) -> Cds:
    if (record.jku is None) == (record.keys is None):
        raise _Wrong("cds", reason="needs either jku or keys, the file of its pinned keys.")
    if record.jku:
        _secure(record.jku, "cds", "jku")
    return Cds(
        issuer=record.issuer,
        jku=record.jku,
        keys=_pinned(folder / record.keys) if record.keys else (),
        audiences=tuple(base.rstrip("/") for base in record.audiences),
        tenants=frozenset(record.tenants) if record.tenants is not None else None,
        services=frozenset(record.services),
        findings=frozenset(record.findings) if record.findings is not None else None,
        grades=record.grades,
        origins=frozenset(record.origins),
        certificate=record.certificate,
        calls_a_minute=record.calls_a_minute,
        profile=record.profile,
    )


def _pinned(path: Path) -> tuple[dict[str, Any], ...]:
    """The public keys of a JWK set file (RFC 7517)."""
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_KeySet).keys
    except OSError as error:
        raise _Wrong("cds", "keys", reason=f"{path}: {error.strerror}.") from None
    except msgspec.MsgspecError:
        raise _Wrong("cds", "keys", reason=f"{path} is not a JWK set.") from None
    if not keys or any({"d", "k"} & set(key) for key in keys):
        raise _Wrong("cds", "keys", reason=f"{path} holds no key, or one that is not public.")
    return tuple(keys)


class _KeySet(Struct):
    keys: list[dict[str, Any]]


def _secure(url: str, *keys: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise _Wrong(*keys, reason="is not https. Plain http is for this machine only.")


def _told(error: str) -> tuple[tuple[str, ...], str]:
    """The path and the reason of a msgspec error: "Expected `int`, got `str` - at `$.cds.x[0]`"."""
    reason, _, place = error.partition(" - at `$")
    keys = re.findall(r"\.(\w+)", place)
    named = re.search(r"(?:unknown|missing required) field `(\w+)`", reason)
    if named:
        keys.append(named[1])
        missing = reason.startswith("Object missing")
        reason = "is required." if missing else "is not known here. Is it misspelt?"
        return tuple(keys), reason
    key = keys[-1] if keys else ""
    if "matching regex" in reason:
        reason = _HINTS.get(key, reason)
    elif "enum value" in reason:
        reason += f". There are: {', '.join(_values(key))}."
    elif reason.startswith("Expected `array`, got"):
        reason += '. Write a list, as in ["one", "two"].'
    return tuple(keys), reason.rstrip(".") + "."


_ADDRESS = "is no address. Write it like https://fhir.hospital.example/r4, without user, ? and #."
_ORIGIN = "is no web origin. Write it like https://ehr.hospital.example: lower case, no path, no *."
_SCOPES = 'is no list of scopes. Write each by itself, as in ["openid", "fhirUser"].'
# Of each key that has a pattern: what to write.
_HINTS = {
    "fhir_bases": _ADDRESS,
    "issuers": _ADDRESS,
    "oidc_issuer": _ADDRESS,
    "jku": _ADDRESS,
    "audiences": _ADDRESS,
    "origins": _ORIGIN,
    "frame_ancestors": _ORIGIN,
    "endpoint_hosts": "is no host. Write it like login.hospital.example: lower case, no https://.",
    "client_id": "is no client id. Write the one that the EHR gave, without spaces.",
    "scopes": _SCOPES,
    "scopes_v1": _SCOPES,
}


def _values(key: str) -> list[str]:
    """The values that a key can have."""
    fields = (field for kind in (_Smart, _Cds, Profile) for field in msgspec.structs.fields(kind))
    return next(_literals(field.type) for field in fields if field.name == key)


def _literals(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [value for part in get_args(kind) for value in _literals(part)]


_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


def _places(text: str) -> dict[tuple[str, ...], int]:
    """The line of each table and key, as far as they are written in the usual way."""
    places: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            places.setdefault((*table, key[1]), number)
    return places
