"""`flask --app app ehrs check`: what the trust records say, and what would be refused."""

from __future__ import annotations

from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import AppGroup

from hooks.caller import PUBLISHED_ISSUERS
from hooks.keys import PUBLISHED, key_set
from web.settings import Settings
from web.trust import Cds, Ehr

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


def _told(ehr: Ehr, settings: Settings) -> Iterator[str]:
    yield f"may be asked for data: {', '.join(ehr.fhir_bases) or 'no FHIR server, prefetch only'}"
    if ehr.cds is None:
        yield "may not call CDS Hooks services"
        return
    yield from _cds(ehr.cds, settings)


def _cds(cds: Cds, settings: Settings) -> Iterator[str]:
    if cds.issuer is None:
        yield "calls without a token (development only)"
    else:
        yield f"calls as {cds.issuer}"
        yield from _keys(cds, settings)
        for base in cds.audiences or (settings.public_url,):
            yield f"tokens are for {base.rstrip('/')}/cds-services/<id>; another aud is refused"
    yield f"services: {_list(cds.services)}; all others are refused (403)"
    yield f"findings: {_list(cds.findings)}"
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


def _list(ids: frozenset[str] | None) -> str:
    return "all" if ids is None else ", ".join(sorted(ids))
