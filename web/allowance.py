"""How much each EHR may call, and how much the server takes on at once.

Counted in the memory of each process: with n workers an EHR gets up to n times its allowance. That
keeps one EHR from starving the others, which is what the limit is for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from web.errors import Problem


class Rate:
    """Calls a minute of each EHR."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, ehr_id: str, calls_a_minute: int) -> None:
        """Raises Problem (429) where the EHR has used up its allowance."""
        item = RateLimitItemPerMinute(calls_a_minute)
        if not self._limiter.hit(item, ehr_id):
            reset = self._limiter.get_window_stats(item, ehr_id).reset_time
            wait = max(1, round(reset - time.time()))
            raise Problem(
                429,
                "throttled",
                "This EHR calls more often than agreed.",
                headers={"Retry-After": str(wait)},
            )


class Load:
    """Sheds what would wait too long: a card that comes late helps nobody."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises Problem (503) where enough calls are running already."""
        with self._lock:
            if self._running >= self._most:
                raise Problem(
                    503, "throttled", "The server is busy. Try again.", headers={"Retry-After": "1"}
                )
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
