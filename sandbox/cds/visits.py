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
    """Visits by ids that nobody guesses; of too many, the oldest are closed."""

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
            self._open[visit.id] = visit
            while len(self._open) > _MOST:
                del self._open[next(iter(self._open))]
        return visit

    def find(self, visit_id: str) -> Visit | None:
        """The visit of this id, while it is open."""
        return self._open.get(visit_id)

    def all(self) -> list[Visit]:
        """Those that are open, the newest first."""
        with self._lock:
            return list(reversed(self._open.values()))
