"""A launch from the EHR's link to the chart, against the round trips that no app can save.

With the discovery document and all keys at hand those are three: the browser fetches a code, the
code is changed for tokens, and the chart is read, everything at once. They are made right after
each launch, with the requests that the EHR saw of it (`round_trips.py`). What Chartside adds is its
own four answers to the browser, the signature by which the EHR knows it, the check of the id_token,
the database and the page.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks import production, servers
from benchmarks.round_trips import CLIENT, RoundTrips
from benchmarks.servers import Server
from benchmarks.site import POSTGRESQL, SQLITE, postgresql
from benchmarks.table import Row, at_most, show
from launch.keys import KeyFolder
from sandbox.auth.clients import Client
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.http.listener import Request
from store import database
from tests.launch.browser import Browser

DELAY = 0.05
_TARGET = 1.25
_PATIENT = "sandbox-renal"
_APP = "https://cds.example"
_CALLBACK = f"{_APP}/smart/callback/benchmark"
_TRIPS = ("code", "tokens", "reads")
# They fetch the discovery document and the keys, which are at hand from then on.
_FIRST = 2


@dataclass(frozen=True, slots=True)
class Launch:
    """Seconds of one launch and of its three round trips."""

    whole: float
    trips: tuple[float, ...]

    @property
    def added(self) -> float:
        return self.whole - sum(self.trips)

    @property
    def ratio(self) -> float:
        return self.whole / sum(self.trips)


def run(folder: Path, launches: int) -> None:
    """Launch the app, on each database in turn, and print how that compares."""
    keys = KeyFolder(folder / "client-keys")
    keys.ensure()
    with postgresql() as cluster, ExitStack() as stack:
        ehr = stack.enter_context(DevelopmentEhr(shipped_bundles(), [_client(keys)], delay=DELAY))
        urls = {SQLITE: production.sqlite(folder, "launches")}
        if cluster:
            urls[POSTGRESQL] = cluster.database()
        apps = {kind: stack.enter_context(_app(folder, url, ehr)) for kind, url in urls.items()}
        trips = RoundTrips(ehr.origin, keys, _CALLBACK)
        measured: dict[str, list[Launch]] = {kind: [] for kind in apps}
        for _ in range(_FIRST + launches):
            for kind, app in apps.items():
                measured[kind].append(_measured(app, ehr, trips))
    show(
        "A launch / its three round trips: production mode, one worker, EHR that takes 50 ms",
        f"{launches} launches in turn; milliseconds, medians; added: to the round trips",
        ("", "launch", *_TRIPS, "added", "ratio", "launches"),
        [_row(kind, times[_FIRST:]) for kind, times in measured.items()],
    )


def _row(kind: str, times: Sequence[Launch]) -> Row:
    ratios = [each.ratio for each in times]
    return (
        kind,
        _ms([each.whole for each in times]),
        *(_ms([each.trips[n] for each in times]) for n in range(len(_TRIPS))),
        _ms([each.added for each in times]),
        at_most(median(ratios), _TARGET),
        f"{min(ratios):.2f}-{max(ratios):.2f}",
    )


def _ms(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1000:.1f}"


def _client(keys: KeyFolder) -> Client:
    """The app as the EHR knows it, with its keys at hand."""
    return Client(
        id=CLIENT,
        redirect_uris=(_CALLBACK,),
        launch_urls=(f"{_APP}/smart/launch",),
        jwks=keys.published(),
    )


@contextmanager
def _app(folder: Path, url: str, ehr: DevelopmentEhr) -> Iterator[Server]:
    engine = database.connect(url, patience=60)
    database.migrate(engine)
    engine.dispose()
    config = folder / "trust-launch.toml"
    config.write_text(
        f"""
[ehr.benchmark]
time_zone = "Europe/Oslo"
fhir_bases = ["{ehr.iss}"]

[ehr.benchmark.smart]
client_id = "{CLIENT}"
frame_ancestors = ["{ehr.origin}"]
"""
    )
    variables = {
        "CHARTSIDE_MODE": "production",
        "CHARTSIDE_CONFIG": str(config),
        "CHARTSIDE_SECRET": secrets.token_urlsafe(32),
        "CHARTSIDE_PUBLIC_URL": _APP,
        "CHARTSIDE_DATABASE": url,
        "CHARTSIDE_KEYS_FOLDER": str(folder / "client-keys"),
    }
    with servers.shipped(folder, variables) as server:
        yield server


def _measured(app: Server, ehr: DevelopmentEhr, trips: RoundTrips) -> Launch:
    ehr.seen.clear()
    link = ehr.launch_url(f"{_APP}/smart/launch", _launch(ehr))
    # One that was not here before: the ninth launch of a browser ends its first.
    browser = Browser(proxies={urlsplit(_APP).netloc: itertools.repeat(app.port)})
    started = time.perf_counter()
    page = browser.follow(link)
    whole = time.perf_counter() - started
    reads = [each for each in ehr.seen if _is_read(each)]
    if page.status != 200 or "/app/" not in page.url or not reads:
        raise RuntimeError(f"a launch ended with {page.status} at {urlsplit(page.url).path}")
    return Launch(whole, trips.timed(_launch(ehr), reads))


def _launch(ehr: DevelopmentEhr) -> str:
    return ehr.launch(CLIENT, patient=_PATIENT)


def _is_read(request: Request) -> bool:
    return request.path.startswith("/fhir/") and ".well-known" not in request.path
