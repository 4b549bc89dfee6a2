"""`flask --app app ehrs check`: what the trust records say, and what would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import AppGroup

from hooks import registry
from hooks.caller import PUBLISHED_ISSUERS
from hooks.census import Census, NoBundle
from hooks.keys import PUBLISHED, key_set
from hooks.policy import unknown
from web.errors import StartError
from web.settings import Settings
from web.trust import Cds, Ehr, Smart

ehrs = AppGroup("ehrs", help="The trust records.")


@ehrs.command("check")
def check() -> None:
    """Say what each record allows. A record that is wrong stops this command as it stops the start,
    with file, line, key and remedy.
    """
    settings: Settings = current_app.extensions["chartside"]
    for ehr in settings.trust.ehrs:
        click.echo(f"{ehr.id}: {ehr.zone.key}")
        for line in _told(ehr, settings):
            click.echo(f"  {line}")


@click.command("census")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day to judge old records on.")
def census(path: Path, today: datetime | None) -> None:
    """Count what the services would say of a FHIR Bundle, or of a folder of them."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise click.ClickException(f"{path} holds no .json file. Name a folder of FHIR Bundles.")
    services, counts, bad = registry.Registry(registry.find()), Census(), []
    day: date = (today or datetime.now(UTC)).date()
    with click.progressbar(files, label="Census") as shown:
        for file in shown:
            try:
                counts.add(file, services, day, UTC)
            except NoBundle:
                bad.append(file)
    for line in counts.report():
        click.echo(line)
    for file in bad:
        click.echo(f"{file} is no FHIR Bundle. Export it as one, or move it away.", err=True)
    if bad:
        raise SystemExit(1)


def _told(ehr: Ehr, settings: Settings) -> Iterator[str]:
    yield f"may be asked for data: {', '.join(ehr.fhir_bases) or 'no FHIR server, prefetch only'}"
    if ehr.cds is None:
        yield "may not call CDS Hooks services"
    else:
        yield from _cds(ehr.cds, settings)
    if ehr.smart is None:
        yield "may not launch the app"
    else:
        yield from _smart(ehr.id, ehr.smart, settings)


def _cds(cds: Cds, settings: Settings) -> Iterator[str]:
    if cds.issuer is None:
        yield "calls without a token (development only)"
    else:
        yield f"calls as {cds.issuer}"
        if cds.unsigned:
            yield "calls without a token as well (development only)"
        yield from _keys(cds, settings)
        for base in cds.audiences or (settings.public_url,):
            yield f"tokens are for {base.rstrip('/')}/cds-services/<id>; another aud is refused"
    yield f"services: {_list(cds.services)}; all others are refused (403)"
    yield f"findings: {_list(cds.findings)}"
    for rule, grade in sorted(cds.grades.items()):
        yield f"finding {rule}: {grade}"
    for rule in unknown(cds):
        yield f"no finding of this project is called {rule}"
    if cds.tenants is not None:
        yield f"tenants: {_list(cds.tenants)}; tokens of all others are refused"
    if cds.certificate:
        yield "only with its client certificate"
    yield f"web origins: {_list(cds.origins or frozenset({'none'}))}"


def _keys(cds: Cds, settings: Settings) -> Iterator[str]:
    if cds.jku:
        yield f"keys: at {cds.jku}"
        return
    published = () if settings.mode == "development" else PUBLISHED
    usable = key_set(cds.keys, published)
    yield f"keys: {', '.join(usable.keys) or 'none that can be used, so every call is refused'}"
    for reason in usable.refused:
        yield f"refused: {reason}"
    if settings.mode == "production" and cds.issuer in PUBLISHED_ISSUERS:
        yield "refused: this issuer, since anybody can sign as it"


def _smart(id: str, smart: Smart, settings: Settings) -> Iterator[str]:
    app = settings.public_url.rstrip("/")
    yield f"launches the app for {', '.join(smart.issuers)}; another iss is refused"
    yield f"knows the app as {smart.client_id}, by {_METHODS[smart.auth]}"
    yield f"registered there: launch URL {app}/smart/launch"
    yield f"registered there: redirect URI {app}/smart/callback/{id}"
    if smart.auth == "private_key_jwt":
        yield f"registered there: JWKS URL {app}/.well-known/jwks.json"
        yield from _signing(smart)
    yield "is asked for: launch (launch/patient without the EHR's link), and"
    yield f"is asked for: {' '.join(smart.scopes)}"
    yield f"is asked for, if it knows no scopes of SMART 2: {' '.join(smart.scopes_v1)}"
    yield f"refresh token: {_REFRESH[smart.refresh]}"
    hosts = {urlsplit(issuer).netloc for issuer in smart.issuers} | smart.endpoint_hosts
    yield f"endpoints: on {_list(frozenset(hosts))}; a document that names another is refused"
    issuer = smart.oidc_issuer or "the issuer of its discovery document"
    yield f"users: as {issuer} signs with {', '.join(smart.id_token_algorithms)}"
    if smart.needs_user:
        yield "users: a launch without an identified one is refused"
    if smart.tenant is not None:
        yield f"tenant: {smart.tenant}; a launch of another is refused"
    yield f"may frame the app: {', '.join(smart.frame_ancestors) or 'nobody'}"
    started = f"{app}/smart/connect/{id}" if smart.standalone else "refused"
    yield f"without the EHR's link: {started}"
    yield from (f"let pass: {what}" for what in _let_pass(smart))


_METHODS = {
    "private_key_jwt": "a signature (private_key_jwt)",
    "client_secret_basic": "a secret (client_secret_basic)",
    "client_secret_post": "a secret (client_secret_post)",
    "none": "its redirect URI only (public client): anybody can act as this client",
}
_REFRESH = {
    "none": "not asked for; a chart ends with its access token",
    "online": "while the user is signed in at the EHR (online_access)",
    "offline": "longer than the user is signed in at the EHR (offline_access)",
}


def _signing(smart: Smart) -> Iterator[str]:
    keys: Any = current_app.extensions["chartside.keys"]
    try:
        yield f"signs with {smart.algorithm}, key {keys.signing(smart.algorithm).kid}"
    except StartError as error:
        yield f"refused: every start in production. {error.text}"


def _let_pass(smart: Smart) -> Iterator[str]:
    """What this EHR may do that others may not."""
    if smart.nonce == "if_present":
        yield "an id_token without nonce"
    if smart.s256_unlisted:
        yield "a server that does not say that it knows S256"
    if smart.legacy_metadata:
        yield "endpoints from its CapabilityStatement"
    if smart.private_network:
        yield "endpoints in an inner network"


def _list(ids: frozenset[str] | None) -> str:
    return "all" if ids is None else ", ".join(sorted(ids))
