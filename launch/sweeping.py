"""Ends launches that are over, every five minutes, in a thread of each server process."""

from __future__ import annotations

import threading

from launch.session import Sessions
from web.errors import place
from web.logs import log

EVERY = 300.0


def start(sessions: Sessions, every: float = EVERY) -> threading.Event:
    """Begin to sweep; it stops when the event that this returns is set, or with the process."""
    stop = threading.Event()

    def sweep() -> None:
        while not stop.wait(every):
            try:
                sessions.sweep()
            except Exception as error:
                # The next time must come, whatever went wrong this time.
                log.error("launches not swept", error=type(error).__name__, place=place(error))

    threading.Thread(target=sweep, name="sweeper", daemon=True).start()
    return stop
