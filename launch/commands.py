"""`flask --app app keys ...`: the client keys by which EHRs know our app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from launch.keys import MAX_AGE, ROTATE, KeyFolder, Stored
from web.settings import Settings

keys = AppGroup("keys", help="The client keys of the SMART app: list, rotate, retire.")


def _folder() -> KeyFolder:
    settings: Settings = current_app.extensions["chartside"]
    return KeyFolder(Path(settings.keys_folder))


@keys.command("list")
def list_() -> None:
    """Say which keys are published, and which of them sign."""
    folder = _folder()
    _tell(folder, folder.all())


@keys.command("rotate")
def rotate() -> None:
    """Publish new keys; they sign as soon as every EHR can have them. The first ones sign at
    once.
    """
    folder = _folder()
    _tell(folder, folder.rotate())


@keys.command("retire")
@click.option("--now", "compromised", metavar="KID", help="Take this key away at once.")
def retire(compromised: str | None) -> None:
    """Take away the keys that sign no more and that nobody can still need."""
    folder, now = _folder(), datetime.now(UTC)
    if compromised:
        if compromised not in {stored.kid for stored in folder.all()}:
            raise click.ClickException(f"There is no key {compromised}. See: keys list")
        signing = folder.signers()
        folder.retire(compromised)
        click.echo(
            f"{compromised} is gone. EHRs that keep the key set accept what it signed for "
            f"{MAX_AGE // timedelta(minutes=1)} more minutes, some for a day. Where that is too "
            "long, ask them to fetch the set now."
        )
        for kid in folder.signers() - signing:
            click.echo(f"{kid} signs now. An EHR refuses launches until it has fetched that key.")
        return
    for stored, until in folder.superseded():
        if until <= now:
            folder.retire(stored.kid)
            click.echo(f"{stored.kid} is gone.")
        else:
            click.echo(f"{stored.kid} stays until {_told(until)}.")


def _tell(folder: KeyFolder, keys: list[Stored]) -> None:
    click.echo(f"{folder.path}:")
    if not keys:
        click.echo(f"no keys. {ROTATE}")
    signing = folder.signers()
    old = {stored.kid: until for stored, until in folder.superseded()}
    for stored in keys:
        if stored.kid in signing:
            state = "signs"
        elif stored.kid in old:
            state = f"signs no more, may be retired from {_told(old[stored.kid])}"
        else:
            state = f"published, signs from {_told(stored.signs_from)}"
        click.echo(f"{stored.kid}  {stored.alg}  {state}")


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"
