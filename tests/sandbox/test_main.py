"""`python -m sandbox` as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest


def start(port: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        env={**os.environ, "SANDBOX_PORT": port},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(stop: signal.Signals) -> None:
    with start("0") as process:
        assert process.stdout
        base = process.stdout.readline().split()[-1]
        patients = process.stdout.readline()
        assert "sandbox-renal" in patients
        with urllib.request.urlopen(f"{base}/Patient/sandbox-renal") as answer:
            assert answer.status == 200
        process.send_signal(stop)
        _, complaints = process.communicate(timeout=5)
    assert (process.returncode, complaints) == (0, "")


def test_a_taken_port_is_told_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(port) as process:
            _, complaints = process.communicate(timeout=5)
    assert process.returncode == 1
    assert f"Port {port} is taken" in complaints
    assert "SANDBOX_PORT" in complaints


@pytest.mark.parametrize("port", ["", "abc", "65536"])
def test_a_port_that_is_none_is_told(port: str) -> None:
    with start(port) as process:
        _, complaints = process.communicate(timeout=5)
    assert process.returncode == 2
    assert "SANDBOX_PORT must be a port number" in complaints
