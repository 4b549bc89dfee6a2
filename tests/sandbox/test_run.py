"""`python -m sandbox.run`, which is `make run`: two processes that start and end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.server import ROOT, free_port, keys_folder, new_database

SECONDS = 30


@contextmanager
def pair(**variables: str) -> Iterator[subprocess.Popen[str]]:
    """The pair with this environment and no other, in a session of its own."""
    running = subprocess.Popen(
        [sys.executable, "-m", "sandbox.run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "CHARTSIDE_DATABASE": new_database(),
            "CHARTSIDE_KEYS_FOLDER": keys_folder(),
            **variables,
        },
    )
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=SECONDS)


def ports() -> dict[str, str]:
    return {"PORT": str(free_port()), "EHR_PORT": str(free_port())}


def refusal(**variables: str) -> tuple[int, str]:
    """The status and the complaints with which it ends by itself."""
    with pair(**variables) as running:
        said, complaints = running.communicate(timeout=SECONDS)
    assert said == ""
    assert "Traceback" not in complaints
    return running.returncode, complaints


def processes_with(mark: str) -> list[str]:
    """The processes in whose environment this stands."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_text())
            except OSError:
                continue  # it has ended meanwhile, or is not ours
    return found


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_both_until_it_is_told_to_stop_and_leaves_nothing_behind(
    stop: signal.Signals,
) -> None:
    given = ports()
    mark = f"EHR_PORT={given['EHR_PORT']}"
    with pair(**given) as running:
        assert running.stdout
        greeting = running.stdout.readline()
        assert greeting.startswith(f"Open http://127.0.0.1:{given['EHR_PORT']} ")
        app, ehr = (f"http://127.0.0.1:{port}" for port in given.values())
        with urllib.request.urlopen(f"{app}/cds-services") as answer:
            assert answer.status == 200
        # The EHR calls the app where it is, and the app knows the EHR by its signature.
        with urllib.request.urlopen(f"{ehr}/patients/sandbox-diabetes") as answer:
            assert "HbA1c may be due" in answer.read().decode()
        # So it does for launches.
        with urllib.request.urlopen(f"{ehr}/ehr") as answer:
            link = f"http://localhost:{given['PORT']}/smart/launch?iss="
            assert link in answer.read().decode()
        launch = f"{app}/smart/launch?iss=http%3A%2F%2F127.0.0.1%3A{given['EHR_PORT']}%2Ffhir"
        request = urllib.request.Request(
            f"{launch}&launch=x", headers={"Host": f"localhost:{given['PORT']}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        # The pair, the EHR, the server and its workers.
        assert len(processes_with(mark)) >= 4
        running.send_signal(stop)
        said, complaints = running.communicate(timeout=SECONDS)
    assert (running.returncode, said) == (0, "")
    # What the app logs goes where complaints go.
    assert all(json.loads(line)["event"] == "request" for line in complaints.splitlines())
    assert processes_with(mark) == []


@pytest.mark.parametrize(("name", "other"), [("PORT", "5050"), ("EHR_PORT", "5051")])
def test_a_taken_port_is_told_with_another_one_to_use(name: str, other: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, complaints = refusal(**{**ports(), name: port})
    assert status == 1
    assert complaints == (
        f"Port {port} is taken. Stop the process that listens there, "
        f"or choose another: make run {name}={other}\n"
    )


@pytest.mark.parametrize("name", ["PORT", "EHR_PORT"])
@pytest.mark.parametrize("port", ["", "0", "abc", "65536"])
def test_a_port_that_is_none_is_told(name: str, port: str) -> None:
    status, complaints = refusal(**{**ports(), name: port})
    assert status == 2
    assert f"{name} must be a port number" in complaints


def test_the_two_need_two_ports() -> None:
    port = str(free_port())
    assert refusal(PORT=port, EHR_PORT=port) == (2, "PORT and EHR_PORT must be two ports.\n")


def test_an_option_is_refused_with_what_to_do_instead() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.run", "--port", "5050"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 2
    assert "PORT and EHR_PORT" in done.stderr


@pytest.mark.req("SL-214", "T-30")
@pytest.mark.parametrize("mode", ["production", ""])
def test_it_is_for_development_only(mode: str) -> None:
    status, complaints = refusal(**ports(), CHARTSIDE_MODE=mode)
    assert status == 2
    assert "CHARTSIDE_MODE=development only" in complaints


@pytest.mark.parametrize(
    ("variable", "value", "ended"),
    [("EHR_TOKENS", "maybe", "The development EHR"), ("CHARTSIDE_BODY_LIMIT", "many", "The app")],
)
def test_where_one_does_not_start_neither_stays(variable: str, value: str, ended: str) -> None:
    given = {**ports(), variable: value}
    status, complaints = refusal(**given)
    assert status == 1
    assert f"{variable} must be" in complaints or f"{variable}: " in complaints
    assert f"{ended} has ended, so " in complaints
    assert processes_with(f"EHR_PORT={given['EHR_PORT']}") == []
