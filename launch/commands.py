"""`flask --app app keys ...`: the client keys by which EHRs know our app."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from launch.keys import KeyFolder, Stored
from web.settings import Settings

keys = AppGroup("keys", help="The client keys of the SMART app: list, rotate, retire.")


def _folder() -> KeyFolder:
    settings: Settings = current_app.extensions["chartside"]
    return KeyFolder(Path(settings.keys_folder))


@keys.command("list")
def list_() -> None:
    """Say which keys are published, and which of them sign."""
    folder = _folder()
    old = {stored.kid: until for stored, until in folder.superseded()}
    for stored in folder.all():
        click.echo(f"{stored.kid}  {stored.alg}  {_state(stored, old.get(stored.kid))}")


@keys.command("rotate")
def rotate() -> None:
    """Publish new keys; they sign as soon as every EHR can have them. The first ones sign at
    once.
    """
    for stored in _folder().rotate():
        click.echo(f"{stored.kid}  {stored.alg}  {_state(stored, None)}")


@keys.command("retire")
@click.option("--now", "compromised", metavar="KID", help="Take this key away at once.")
def retire(compromised: str | None) -> None:
    """Take away the keys that sign no more and that nobody can still need."""
    folder, now = _folder(), datetime.now(UTC)
    if compromised:
        if compromised not in {stored.kid for stored in folder.all()}:
            raise click.ClickException(f"There is no key {compromised}. See: keys list")
        folder.retire(compromised)
        click.echo(f"{compromised} is gone. What it signed is refused from now on.")
        return
    for stored, until in folder.superseded():
        if until <= now:
            folder.retire(stored.kid)
            click.echo(f"{stored.kid} is gone.")
        else:
            click.echo(f"{stored.kid} stays until {_told(until)}.")


def _state(stored: Stored, until: datetime | None) -> str:
    if until is not None:
        return f"signs no more, may be retired from {_told(until)}"
    if stored.signs_from > datetime.now(UTC):
        return f"published, signs from {_told(stored.signs_from)}"
    return "signs"


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"
