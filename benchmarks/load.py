"""Load on one server: a body posted over and over on some connections, for some seconds.

The client is wrk where it is installed. Else it is Python's http.client in up to two processes,
which takes as much of the machine as the server does, so that fast servers look alike.
"""

from __future__ import annotations

import math
import multiprocessing
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

WRK = shutil.which("wrk")
CLIENT = "wrk" if WRK else "Python (no wrk on PATH: ratios of fast servers come out too small)"
_SCRIPT = Path(__file__).with_name("load.lua")
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Latencies in milliseconds; `failed` counts answers that are not 2xx and broken calls."""

    calls: int
    seconds: float
    p50: float
    p99: float
    failed: int


def run(url: str, body: Path, connections: int, seconds: float) -> Figures:
    """Post the body for so many seconds."""
    if WRK is None:
        return _python(url, body, connections, seconds, calls=10**9)
    # wrk takes whole seconds only, so `timeout` ends it: SIGINT lets it report.
    done = subprocess.run(
        [
            *("timeout", "--signal=INT", f"{seconds}", WRK, "-t1", f"-c{connections}", "-d60s"),
            *("-s", str(_SCRIPT), url, "--", str(body)),
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("figures "):
            calls, lasted, p50, p99, failed = map(float, line.split()[1:])
            return Figures(int(calls), lasted, p50, p99, int(failed))
    raise RuntimeError(f"wrk said nothing that can be read: {done.stdout}{done.stderr}")


def exactly(url: str, body: Path, connections: int, calls: int) -> Figures:
    """Post the body so many times."""
    return _python(url, body, connections, 300.0, calls)


def _python(url: str, body: Path, connections: int, seconds: float, calls: int) -> Figures:
    processes = min(connections, 2)
    threads = connections // processes
    share = math.ceil(calls / processes / threads)
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        work = [(url, body.read_bytes(), threads, seconds, share)] * processes
        spans = [span for part in pool.starmap(_process, work) for span in part]
    lasted = max((end for _, end, _ in spans), default=time.perf_counter()) - min(
        (start for start, _, _ in spans), default=started
    )
    times = sorted((end - start) * 1000 for start, end, _ in spans) or [0.0]
    failed = sum(not ok for _, _, ok in spans)
    return Figures(len(spans), lasted, _at(times, 0.5), _at(times, 0.99), failed)


Span = tuple[float, float, bool]


def _process(url: str, body: bytes, threads: int, seconds: float, calls: int) -> list[Span]:
    with ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(_connection, url, body, seconds, calls) for _ in range(threads)]
        return [span for part in work for span in part.result()]


def _connection(url: str, body: bytes, seconds: float, calls: int) -> list[Span]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    spans: list[Span] = []
    end = time.perf_counter() + seconds
    while len(spans) < calls and (start := time.perf_counter()) < end:
        connection.request("POST", address.path, body, _JSON)
        answer = connection.getresponse()
        answer.read()
        spans.append((start, time.perf_counter(), 200 <= answer.status < 300))
    connection.close()
    return spans


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]
