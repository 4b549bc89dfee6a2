"""Runs the application under granian: `python -m web.server --port 5000`.

One process a core, 32 threads each: a thread that waits for an EHR's FHIR server leaves the others
free, and calls and pages have limits of their own below that (`calls_at_once`, `launch/places.py`).
Everything that can be wrong at the start is said here, in one line, before a worker starts.
"""

from __future__ import annotations

import os
import socket

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from werkzeug.utils import import_string

from web.errors import StartError

ADDRESS = "127.0.0.1"
THREADS = 32


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port on 127.0.0.1.")
@click.option("--workers", type=click.IntRange(1, 64), default=os.cpu_count(), help="Processes.")
def main(port: int, workers: int) -> None:
    """Serve Chartside on this machine."""
    if os.environ.get("CHARTSIDE_MODE") == "development":
        os.environ.setdefault("CHARTSIDE_PUBLIC_URL", f"http://localhost:{port}")
    try:
        checked = import_string("app:ready")()
        checked.extensions["chartside.engine"].dispose()
        settings = checked.extensions["chartside"]
    except StartError as error:
        raise click.ClickException(str(error)) from None
    if not _is_free(port):
        raise click.ClickException(
            f"port {port} is taken. Stop what listens there, or choose another: make run PORT=5050"
        )
    click.echo(f"Chartside on {settings.public_url} (Ctrl-C stops it)")
    Granian(
        "app:serve",
        factory=True,
        interface=Interfaces.WSGI,
        address=ADDRESS,
        port=port,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        # A worker that is told to end while it starts would otherwise never hear of it.
        workers_kill_timeout=3,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    ).serve()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
