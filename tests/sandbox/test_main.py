"""`python -m sandbox` as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from sandbox.__main__ import main


def start(port: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        env={**os.environ, "EHR_PORT": port, **environment},
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
    assert "EHR_PORT" in complaints


@pytest.mark.parametrize("port", ["", "abc", "65536", "²", "9" * 5000])
def test_a_port_that_is_none_is_told(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EHR_PORT", port)
    assert main() == 2
    assert "EHR_PORT must be a port number" in capsys.readouterr().err


@pytest.mark.req("SL-214", "T-30")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CHARTSIDE_MODE", "production", "CHARTSIDE_MODE=production"),
        ("EHR_TOKENS", "maybe", "EHR_TOKENS must be"),
        ("EHR_APP", "http://elsewhere.example", "EHR_APP must be"),
    ],
)
def test_what_it_is_not_meant_for_is_told(
    name: str,
    value: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main() == 2
    assert reason in capsys.readouterr().err


def test_the_app_is_opened_where_it_runs() -> None:
    with start("0", EHR_APP="http://localhost:5055") as process:
        assert process.stdout
        base = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{base.removesuffix('/fhir')}/ehr") as answer:
            assert b"http://localhost:5055/smart/launch?iss=" in answer.read()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)


def test_tokens_can_be_required() -> None:
    with start("0", EHR_TOKENS="required") as process:
        assert process.stdout
        base = process.stdout.readline().split()[-1]
        with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
            urllib.request.urlopen(f"{base}/Patient/sandbox-renal")
        refusal.value.close()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
