"""`flask --app sandbox load PATH`: brings FHIR bundles to the development EHR that is running.

Each file is sent as one transaction, so that all of it is there or none. What has an id keeps it:
loading a file again changes its records and doubles none. Types that the EHR does not have are left
out.
"""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec
import requests

from sandbox.fhir.checks import ID
from sandbox.fhir.parameters import PARAMETERS
from sandbox.http.answer import Resource
from sandbox.http.listener import LONGEST_BUNDLE

_TYPES = ("transaction", "batch", "collection", "searchset")
_SECONDS = (5.0, 300.0)
_FHIR = "application/fhir+json"
# What Synthea writes into files of their own, and the patients' files refer to.
_FIRST = ("hospitalInformation", "practitionerInformation")


class NotLoaded(Exception):
    """A file that is not loaded, and why."""


def _default_base() -> str:
    return f"http://127.0.0.1:{os.environ.get('EHR_PORT', '5001')}/fhir"


def _loopback(context: click.Context, parameter: click.Parameter, url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise click.BadParameter(f"no address: {error}") from None
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise click.BadParameter("only an http address of this machine, such as 127.0.0.1")
    return url.rstrip("/")


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--to",
    "base",
    default=_default_base,
    callback=_loopback,
    metavar="URL",
    help="FHIR base of the EHR.  [default: http://127.0.0.1:$EHR_PORT/fhir, port 5001]",
)
def load(path: Path, base: str) -> None:
    """Post the FHIR bundles of PATH, a file or a folder, to the running development EHR."""
    files = sorted(path.rglob("*.json"), key=_turn) if path.is_dir() else [path]
    if not files:
        raise click.ClickException(f"There is no .json file in {path}.")
    failures: list[str] = []
    left_out: Counter[str] = Counter()
    loaded = 0
    with requests.Session() as session:
        session.trust_env = False
        with click.progressbar(files, label=f"Loading into {base}") as progress:
            for file in progress:
                try:
                    loaded += _post(session, base, file, left_out)
                except NotLoaded as reason:
                    failures.append(f"{file.name}: {reason}")
    click.echo(f"Loaded {len(files) - len(failures)} of {len(files)} files: {loaded} resources.")
    for name, count in sorted(left_out.items()):
        click.echo(f"Left out, for the EHR has no such type: {count} {name}.")
    for failure in failures:
        click.echo(failure, err=True)
    if failures:
        raise click.ClickException(f"Not loaded: {len(failures)} of {len(files)} files.")


def transaction(bundle: Any, left_out: Counter[str]) -> Resource:
    """The transaction that puts the resources of a Bundle where their ids say; or NotLoaded.

    Counts in `left_out` those whose type the EHR does not have.
    """
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise NotLoaded("it is no Bundle")
    if bundle.get("type") not in _TYPES:
        raise NotLoaded(f"a Bundle of type {bundle.get('type')} is none of {', '.join(_TYPES)}")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise NotLoaded("Bundle.entry is not a list")
    loading = []
    for entry in entries:
        if unknown := _unknown_type(entry):
            left_out[unknown] += 1
        elif not _is_outcome(entry):
            loading.append(_entry(entry))
    return {"resourceType": "Bundle", "type": "transaction", "entry": loading}


def _entry(entry: Any) -> Any:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        return entry
    request = entry.get("request") or {"method": "POST", "url": resource.get("resourceType")}
    if not isinstance(request, dict) or request.get("method") != "POST" or "ifNoneExist" in request:
        return entry
    resource_id = resource.get("id") or re.split("[:/]", str(entry.get("fullUrl")))[-1]
    put = {"method": "PUT", "url": f"{resource.get('resourceType')}/{resource_id}"}
    if not ID.fullmatch(str(resource_id)) or not (entry.get("fullUrl") or "id" in resource):
        return {**entry, "request": request}
    return {**entry, "resource": {**resource, "id": resource_id}, "request": put}


def _unknown_type(entry: Any) -> str | None:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    own = not isinstance(name, str) or name in PARAMETERS or name == "OperationOutcome"
    return None if own else name


def _is_outcome(entry: Any) -> bool:
    search = entry.get("search") if isinstance(entry, dict) else None
    return isinstance(search, dict) and search.get("mode") == "outcome"


def _turn(file: Path) -> tuple[bool, str]:
    return not file.name.startswith(_FIRST), file.name


def _post(session: requests.Session, base: str, file: Path, left_out: Counter[str]) -> int:
    if not file.is_file():
        raise NotLoaded("it is no file")
    unknown: Counter[str] = Counter()
    try:
        bundle = transaction(msgspec.json.decode(file.read_bytes()), unknown)
    except OSError as error:
        raise NotLoaded(f"it cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotLoaded(f"it is no JSON: {error}") from None
    headers = {"Content-Type": _FHIR, "Accept": _FHIR, "Prefer": "return=minimal"}
    body = msgspec.json.encode(bundle)
    if len(body) > LONGEST_BUNDLE:
        raise NotLoaded(f"it is longer than the {LONGEST_BUNDLE:,} bytes that the EHR takes")
    try:
        answer = session.post(base, body, headers=headers, timeout=_SECONDS, allow_redirects=False)
    except requests.ConnectionError:
        raise click.ClickException(
            f"No EHR answers at {base}. Start it with `make run`, or name another with --to."
        ) from None
    except requests.RequestException as error:
        raise NotLoaded(f"the EHR did not answer: {error}") from None
    if answer.status_code == 401:
        raise click.ClickException(
            "The EHR takes records from apps with a token only. Start it with EHR_TOKENS=optional."
        )
    if answer.status_code != 200:
        raise NotLoaded(f"the EHR answers {answer.status_code}: {_told(answer)}")
    left_out.update(unknown)
    return len(bundle["entry"])


def _told(answer: requests.Response) -> str:
    try:
        return "; ".join(str(issue["diagnostics"]) for issue in answer.json()["issue"])
    except (ValueError, LookupError, TypeError):
        return "it does not say why"
