"""Load on one server: a body posted over and over on some connections, for some seconds.

Every call has a hookInstance of its own, as an EHR's calls have, and where tokens are given one of
them, which no other call has.

The client is wrk where it is installed. Else it is Python's http.client in up to two processes,
which takes as much of the machine as the server does, so that fast servers look alike.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bodies import INSTANCE

WRK = shutil.which("wrk")
CLIENT = "wrk" if WRK else "Python (no wrk on PATH: ratios of fast servers come out too small)"
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Figures:
    """Latencies in milliseconds; `failed` counts answers that are not 2xx and broken calls.

    `cpu`: seconds of processor time that the client took. `sent`: calls begun, which is more than
    there were tokens where they ran out, and then the figures are worth nothing.
    """

    calls: int
    seconds: float
    p50: float
    p99: float
    failed: int
    sent: int
    cpu: float


def run(
    url: str, body: Path, connections: int, seconds: float, tokens: Sequence[str] | None = None
) -> Figures:
    """Post the body for so many seconds, each time with the next of the tokens."""
    if WRK is None:
        return _python(url, body, connections, seconds, tokens)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(tokens or ()))
        file.flush()
        named = [] if tokens is None else [file.name]
        before = _client_cpu()
        # wrk takes whole seconds only, so `timeout` ends it: SIGINT lets it report.
        done = subprocess.run(
            [
                *("timeout", "--signal=INT", f"{seconds}", WRK, "-t1", f"-c{connections}", "-d60s"),
                *("-s", str(_SCRIPT), url, "--", str(body), f"{random.getrandbits(32):08x}"),
                *named,
            ],
            capture_output=True,
            text=True,
            timeout=seconds + 30,
            check=False,
        )
        cpu = _client_cpu() - before
    for line in done.stdout.splitlines():
        if line.startswith("figures "):
            calls, lasted, p50, p99, failed, sent = map(float, line.split()[1:])
            return Figures(int(calls), lasted, p50, p99, int(failed), int(sent), cpu)
    raise RuntimeError(f"wrk said nothing that can be read: {done.stdout}{done.stderr}")


def exactly(url: str, body: Path, connections: int, tokens: Sequence[str]) -> Figures:
    """Post the body once with each token."""
    return _python(url, body, connections, 300.0, tokens)


def _client_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _python(
    url: str, body: Path, connections: int, seconds: float, tokens: Sequence[str] | None
) -> Figures:
    processes = min(connections, 2)
    threads = connections // processes
    started, before = time.perf_counter(), _client_cpu()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        work = [
            (url, body.read_bytes(), threads, seconds, tokens and tokens[number::processes])
            for number in range(processes)
        ]
        spans = [span for part in pool.starmap(_process, work) for span in part]
        pool.close()
        pool.join()
    lasted = max((end for _, end, _ in spans), default=time.perf_counter()) - min(
        (start for start, _, _ in spans), default=started
    )
    times = sorted((end - start) * 1000 for start, end, _ in spans) or [0.0]
    failed = sum(not ok for _, _, ok in spans)
    cpu = _client_cpu() - before
    return Figures(len(spans), lasted, _at(times, 0.5), _at(times, 0.99), failed, len(spans), cpu)


Span = tuple[float, float, bool]


def _process(
    url: str, body: bytes, threads: int, seconds: float, tokens: Sequence[str] | None
) -> list[Span]:
    with ThreadPoolExecutor(threads) as pool:
        work = [
            pool.submit(_connection, url, body, seconds, tokens and tokens[number::threads])
            for number in range(threads)
        ]
        return [span for part in work for span in part.result()]


def _connection(url: str, body: bytes, seconds: float, tokens: Sequence[str] | None) -> list[Span]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    spans: list[Span] = []
    end = time.perf_counter() + seconds
    for headers, content in _requests(body, tokens):
        start = time.perf_counter()
        if start >= end:
            break
        connection.request("POST", address.path, content, headers)
        answer = connection.getresponse()
        answer.read()
        spans.append((start, time.perf_counter(), 200 <= answer.status < 300))
    connection.close()
    return spans


def _requests(body: bytes, tokens: Sequence[str] | None) -> Iterator[tuple[dict[str, str], bytes]]:
    head, _, tail = body.partition(INSTANCE.encode())
    run = random.getrandbits(32)
    for number, token in enumerate(itertools.repeat(None) if tokens is None else tokens):
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        yield headers, b"%s%08x-0000-4000-8000-%012x%s" % (head, run, number, tail)


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]
