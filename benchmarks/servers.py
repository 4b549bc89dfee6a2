"""Servers under load: started on a free port of 127.0.0.1, watched by /proc, ended by their id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).parent.parent
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """One running server. `path` is where its services are."""

    name: str
    pid: int
    port: int
    path: str

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}/{service}"

    def post(self, service: str, body: bytes, token: str | None = None) -> bytes:
        """The answer to one call."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url(service), body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content: bytes = answer.read()
                return content
        except OSError as error:
            raise RuntimeError(f"{self.name} does not answer {service}: {error}") from None

    def discovery(self) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.path}", timeout=30) as got:
            return json.load(got)

    @property
    def cpu(self) -> float:
        """Seconds of processor time that the server's processes have used."""
        return cpu(self.pid)

    @property
    def worker(self) -> int:
        """The process that answers calls: the largest one."""
        return max(family(self.pid), key=lambda pid: memory(pid)["Rss"])

    def drain(self) -> None:
        """Wait until nothing of the last load is still worked on."""
        for _ in range(200):
            before = self.cpu
            time.sleep(0.05)
            if self.cpu == before:
                return


@contextmanager
def shipped(folder: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Chartside as it is shipped, with one worker, set up by these variables."""
    port = _free_port()
    command = [sys.executable, "-m", "web.server", "--workers", "1", "--port", str(port)]
    with _running("Chartside", command, port, folder, variables=variables) as server:
        yield server


@contextmanager
def granian(
    name: str,
    target: str,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    workers: int = 1,
) -> Iterator[Server]:
    """Another application on the same server with the same settings."""
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.start", target, str(port), str(workers)]
    with _running(name, command, port, folder, variables=variables) as server:
        yield server


@contextmanager
def uvicorn(name: str, python: Path, folder: Path) -> Iterator[Server]:
    """The peer as installed, with one worker; without access log, as the others have none."""
    port = _free_port()
    command = [str(python), "-m", "uvicorn", "peer:app", "--workers", "1", "--no-access-log"]
    command += ["--app-dir", str(Path(__file__).parent), "--port", str(port)]
    with _running(name, command, port, folder, cwd=folder, path="/cds/cds-services") as server:
        yield server


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    port: int,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    path: str = "/cds-services",
    cwd: Path = ROOT,
) -> Iterator[Server]:
    """A process; `folder` is where its database is, if `variables` do not name one."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("CHARTSIDE_")}
    environment = own | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "CHARTSIDE_MODE": "development",
        "CHARTSIDE_DATABASE": f"sqlite:///{folder}/{port}.db",
        **(variables or {}),
    }
    with tempfile.TemporaryFile("w+", dir=folder) as said:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _await(process, port, name, said)
            yield Server(name, process.pid, port, path)
        finally:
            _end(process)


def _await(process: subprocess.Popen[bytes], port: int, name: str, said: TextIO) -> None:
    for _ in range(300):
        if process.poll() is not None:
            said.seek(0)
            raise RuntimeError(f"{name} did not start: {said.read().strip() or 'no word on why'}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not listen within 30 seconds")


def _end(process: subprocess.Popen[bytes]) -> None:
    workers = family(process.pid)[1:]
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        for pid in (*workers, process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(10)


def family(pid: int) -> list[int]:
    """A process and its children."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]
    return [pid]


def memory(pid: int) -> dict[str, int]:
    """What a process takes, in kB: Rss, Pss and so on."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(number) for name, number, _ in map(str.split, lines)}


def cpu(pid: int) -> float:
    """Seconds of processor time that a process and its children have used."""
    return sum(map(_cpu, family(pid)))


def _cpu(pid: int) -> float:
    with suppress(OSError):
        # The name, in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # Its own, and that of its children that have ended.
        return sum(map(int, fields[11:15])) / _TICK
    return 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
