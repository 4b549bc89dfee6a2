"""The event loop of all that goes out: FHIR requests, and the key sets of EHRs.

Threads hand their requests to one loop, because only there does a deadline end everything at once:
a slow connect, a server that drips its headers, a body without an end.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own; ends with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="outgoing", daemon=True)
        self._thread.start()
        atexit.register(self._end)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def at_end(self, closer: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._closers.append(closer)

    def _end(self) -> None:
        async def close() -> None:
            # Not everything has somebody who waits for it, so some may still be under way.
            pending = asyncio.all_tasks() - {asyncio.current_task()}
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for closer in self._closers:
                await closer()

        self.submit(close()).result(2)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2)
        self._loop.close()


_the_loop: Loop | None = None
_the_loop_lock = threading.Lock()


def loop() -> Loop:
    """Made at the first use, so that a server that forks its workers gets one a process."""
    global _the_loop
    with _the_loop_lock:
        if _the_loop is None:
            _the_loop = Loop()
        return _the_loop
