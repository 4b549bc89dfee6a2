"""`python -m web.server` as a process: what it says when it cannot start, and how it ends."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.demo.client import Client
from tests.demo.server import ROOT, free_port, process, wait_until_ready

DEVELOPMENT = {"CHARTSIDE_MODE": "development"}
SERVED = ROOT / "tests" / "demo" / "served"


def refusal(tmp_path: Path, *options: str, **environment: str) -> str:
    """The one line with which it refuses to start."""
    log = tmp_path / "log"
    with process(*options, cwd=SERVED, log=log, **environment) as running:
        try:
            status = running.wait(20)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not refuse to start: {log.read_text()}")
    assert status not in (0, -signal.SIGTERM)
    told = log.read_text()
    assert "Traceback" not in told
    return told


def test_a_taken_port_is_told_with_another_one_to_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refusal(tmp_path, "--port", port, **DEVELOPMENT)
    assert told == (
        f"Error: port {port} is taken. Stop what listens there, or choose another: "
        "make run PORT=5050\n"
    )


def test_production_without_trust_records_does_not_start(tmp_path: Path) -> None:
    for environment in ({}, {"CHARTSIDE_MODE": "production"}):
        told = refusal(tmp_path, "--port", str(free_port()), **environment)
        assert told.startswith("Error: Production needs trust records")
        assert "CHARTSIDE_MODE=development" in told
        assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHARTSIDE_BODY_LIMIT", "many"),
        ("CHARTSIDE_PUBLIC_URL", "localhost:5000"),
    ],
)
def test_a_bad_variable_is_told_by_its_name(tmp_path: Path, variable: str, value: str) -> None:
    told = refusal(tmp_path, "--port", str(free_port()), **{**DEVELOPMENT, variable: value})
    assert told.startswith("Error: ")
    assert variable in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "options", [("--port", "70000"), ("--workers", "0"), ("--no-such-option",)]
)
def test_a_bad_option_is_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert "Error: " in refusal(tmp_path, *options, **DEVELOPMENT)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_on_this_machine_only_and_ends_when_told_to(
    tmp_path: Path, stop: signal.Signals
) -> None:
    log, port = tmp_path / "log", free_port()
    options = ("--port", str(port), "--workers", "2")
    with process(*options, cwd=SERVED, log=log, **DEVELOPMENT) as running:
        wait_until_ready(running, port, log)
        assert Client(f"http://127.0.0.1:{port}").get("/cds-services").status == 200
        assert set(listening(port)) == {f"0100007F:{port:04X}"}
        running.send_signal(stop)
        assert running.wait(10) == 0
    told = log.read_text()
    assert told.startswith(f"Chartside on http://localhost:{port} (Ctrl-C stops it)\n")
    assert "Traceback" not in told
    assert listening(port) == []


def listening(port: int) -> list[str]:
    """The addresses on which something listens at this port, as the kernel writes them."""
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    addresses = [line.split()[1] for line in tables.splitlines() if " 0A " in line]
    return [each for each in addresses if each.endswith(f":{port:04X}")]


def test_a_path_prefix_comes_with_the_public_url(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    options = ("--port", str(port), "--workers", "1")
    public = f"http://localhost:{port}/cds/v1"
    environment = {**DEVELOPMENT, "CHARTSIDE_PUBLIC_URL": public}
    with process(*options, cwd=SERVED, log=log, **environment) as running:
        wait_until_ready(running, port, log)
        assert Client(f"http://127.0.0.1:{port}/cds/v1").discovery()
        assert Client(f"http://127.0.0.1:{port}").get("/cds-services").status == 404
    assert public in log.read_text()
