"""How many of the server's threads the app's pages may hold: a page waits for its EHR for seconds.

Hook calls are served by the same threads and have half a second, so a slow EHR must not hold all of
them, nor the pages of another EHR.
"""

from __future__ import annotations

from contextlib import ExitStack

from flask import g

from web.allowance import Load
from web.trust import Trust

ALL = 14
OF_ONE_EHR = 10


class Places:
    """The places of one process."""

    def __init__(self, trust: Trust) -> None:
        self._all = Load(ALL)
        self._of = {ehr.id: Load(OF_ONE_EHR) for ehr in trust.ehrs if ehr.smart}

    def take(self, ehr_id: str) -> None:
        """Take a place for this request, once. Raises Problem (503) where there is none."""
        if "place" in g:
            return
        with ExitStack() as taken:
            taken.enter_context(self._of[ehr_id])
            taken.enter_context(self._all)
            g.place = taken.pop_all()

    def leave(self) -> None:
        """Give the place of this request back, if it has one."""
        if taken := g.pop("place", None):
            taken.close()
