"""How much each EHR may call, and how much the server takes on at once.

Counted in the memory of each process: with n workers an EHR gets up to n times its allowance. That
keeps one EHR from starving the others, which is what the limit is for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import ceil
from queue import Empty, SimpleQueue

from web.errors import Problem


class Rate:
    """Calls a minute of each EHR. `clock`: seconds since any moment.

    A minute is counted from full minute to full minute, and what is left of the last sixty seconds
    in the minute before as if its calls had come evenly: a window that slides, in two numbers.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # By EHR: the minute, the calls in it, those in the minute before.
        self._calls: dict[str, tuple[float, int, int]] = {}
        self._minute = 0.0

    def admit(self, ehr_id: str, calls_a_minute: int) -> None:
        """Raises Problem (429) where the EHR has used up its allowance."""
        minute, second = divmod(self._clock(), 60)
        with self._lock:
            if minute != self._minute:
                # Strangers have addresses without end, and those of a quiet minute are not needed.
                old, self._minute = self._calls, minute
                self._calls = {id: each for id, each in old.items() if each[0] >= minute - 1}
            known, calls, before = self._calls.get(ehr_id, (minute, 0, 0))
            if known != minute:
                calls, before = 0, calls if known == minute - 1 else 0
            admitted = calls + int(before * (1 - second / 60)) < calls_a_minute
            self._calls[ehr_id] = (minute, calls + admitted, before)
        if not admitted:
            raise Problem(
                429,
                "throttled",
                "This EHR calls more often than agreed.",
                headers={"Retry-After": str(ceil(60 - second))},
            )


class Load:
    """Sheds what would wait too long: a card that comes late helps nobody.

    `with` takes one of its places, or raises Problem (503) where all are taken.
    """

    def __init__(self, most: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._free.put(None)

    def __enter__(self) -> None:
        try:
            self._free.get_nowait()
        except Empty:
            raise Problem(
                503, "throttled", "The server is busy. Try again.", headers={"Retry-After": "1"}
            ) from None

    def __exit__(self, *_: object) -> None:
        self._free.put(None)
