"""The charts that are open; there are as many of them as people have opened."""

import threading
from collections.abc import Callable

from sandbox.cds.chart import Chart
from sandbox.cds.client import CdsClient
from sandbox.cds.visit import Visit
from sandbox.fhir.store import Store

# Each has its requests and answers with it, which may be long.
_MOST = 50


class Visits:
    """Visits by ids that nobody guesses.

    Of too many, the one that was not used for the longest time is closed, one with unsigned orders
    only if all have some.
    """

    def __init__(self, client: CdsClient, store: Store, clock: Callable[[], float]) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Visit] = {}

    def start(self, patient_id: str, user: str, encounter_id: str | None = None) -> Visit:
        """A new visit. Nothing is fired yet. LookupError for a patient that there is not."""
        if self._store.read("Patient", patient_id) is None:
            raise LookupError(f"there is no patient {patient_id!r}")
        chart = Chart(patient_id, user, encounter_id)
        visit = Visit(self._client, self._store, chart, self._clock)
        with self._lock:
            if len(self._open) >= _MOST:
                idle = (each.id for each in self._open.values() if not each.drafts)
                del self._open[next(idle, next(iter(self._open)))]
            self._open[visit.id] = visit
        return visit

    def find(self, visit_id: str) -> Visit | None:
        """The visit of this id, while it is open."""
        with self._lock:
            visit = self._open.pop(visit_id, None)
            if visit:
                self._open[visit_id] = visit
        return visit

    def all(self) -> list[Visit]:
        """Those that are open, the one that was used last first."""
        with self._lock:
            return list(reversed(self._open.values()))
