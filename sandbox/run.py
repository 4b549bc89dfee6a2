"""`make run`: the app and the development EHR side by side, two processes that end together.

The app is at PORT, else 5000, and the development EHR at EHR_PORT, else 5001. The EHR is told where
the app is (EHR_APP), the app reads EHR_PORT itself; besides that they meet over HTTP only.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress

_PORTS = {"PORT": 5000, "EHR_PORT": 5001}
_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE = 10.0
"""Seconds that a process has to end by itself."""

_Pair = dict[str, subprocess.Popen[bytes]]


def main() -> int:
    """Runs both until SIGINT or SIGTERM, or until one of them ends; the exit code."""
    if sys.argv[1:]:
        return _complain("It takes no options, only PORT and EHR_PORT from the environment.", 2)
    if os.environ.get("CHARTSIDE_MODE", "development") != "development":
        return _complain("The development EHR runs with CHARTSIDE_MODE=development only.", 2)
    ports = {name: os.environ.get(name, str(usual)) for name, usual in _PORTS.items()}
    for name, port in ports.items():
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            return _complain(f"{name} must be a port number, not {port!r}.", 2)
        if not _is_free(int(port)):
            return _complain(
                f"Port {port} is taken. Stop the process that listens there, "
                f"or choose another: make run {name}={_PORTS[name] + 50}",
                1,
            )
    if ports["PORT"] == ports["EHR_PORT"]:
        return _complain("PORT and EHR_PORT must be two ports.", 2)
    environment = {
        "EHR_APP": f"http://localhost:{ports['PORT']}",
        **os.environ,
        **ports,
        "CHARTSIDE_MODE": "development",
    }
    told = threading.Event()
    for each in _STOP:
        signal.signal(each, lambda *_: told.set())
    pair = {
        "The development EHR": _started(environment, "sandbox"),
        "The app": _started(environment, "web.server", "--port", ports["PORT"]),
    }
    try:
        return _watched(pair, [int(port) for port in ports.values()], told)
    finally:
        _end(pair.values())


def _watched(pair: _Pair, ports: list[int], told: threading.Event) -> int:
    greeted = False
    while not told.wait(0.1 if greeted else 0.02):
        for name, process in pair.items():
            if process.poll() is not None:
                (rest,) = (other for other in pair if other != name)
                return _complain(f"{name} has ended, so {rest[0].lower()}{rest[1:]} ends too.", 1)
        if not greeted and all(map(_is_open, ports)):
            print(f"Open http://127.0.0.1:{ports[1]} (Ctrl-C stops EHR and app)", flush=True)
            greeted = True
    return 0


def _started(environment: dict[str, str], *module: str) -> subprocess.Popen[bytes]:
    # A session of its own: what the terminal sends on Ctrl-C reaches each process once, by way of
    # this one. Complaints go to the terminal, what they print when all is well does not.
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        # Whatever is left of its session, itself included.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _complain(reason: str, code: int) -> int:
    print(reason, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
