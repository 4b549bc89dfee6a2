"""The README does what it says: its call, its answer, its service, its settings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks import registry
from tests.demo.client import Client
from tests.demo.server import serving
from web import settings, trust_file

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def _without_what_differs(text: str) -> str:
    return re.sub(r'"uuid":\s*"[^"]*"|\s', "", text)


@pytest.fixture
def shipped() -> Iterator[Client]:
    """The shipped services on the day that the README was written."""
    with serving(registry.find()) as client:
        yield client


def test_it_opens_with_a_picture_of_the_ehr_above_the_one_command() -> None:
    picture, command = README.index("<picture>"), README.index("```sh\nmake run")
    assert picture < command < README.index("\n## ")
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert pictures
    for name in pictures:
        file = (ROOT / name).read_bytes()
        assert file.startswith(b"\x89PNG")
        assert len(file) < 300_000


def test_its_commands_of_the_development_ehr_are_there() -> None:
    named = re.findall(r"flask --app sandbox (\w+)", README)
    assert {"load", "lint"} <= set(named)
    for name in named:
        command = [sys.executable, "-m", "flask", "--app", "sandbox", name, "--help"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_its_curl_call_is_answered_as_it_shows(shipped: Client) -> None:
    path, file = re.findall(r"localhost:5000(/\S+) .*?-d @(\S+)", README, re.DOTALL)[0]
    answer = shipped.call(path.rpartition("/")[2], (ROOT / file).read_bytes())
    (shown,) = _blocks("json")
    assert _without_what_differs(answer.body.decode()).startswith(_without_what_differs(shown))


def test_its_second_example_is_answered_with_the_critical_card(shipped: Client) -> None:
    answer = shipped.call("medication-safety", (ROOT / "docs/order-sign.json").read_bytes())
    assert answer.card["indicator"] == "critical"
    assert "eGFR 27." in answer.card["summary"]


def test_its_service_is_found_in_a_folder_listed_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = _blocks("python")
    (tmp_path / "readme_services").mkdir()
    (tmp_path / "readme_services" / "record_quality.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    found = registry.find(tmp_path / "readme_services", "readme_services")
    with serving(found) as client:
        (entry,) = client.discovery()
        body = {
            "hook": "patient-view",
            "hookInstance": "1f0a3e5c-1d2b-4a6e-8c7f-2b4d6f8a0c1e",
            "context": {"userId": "Practitioner/1", "patientId": "p"},
            "prefetch": {"patient": {"resourceType": "Patient", "id": "p", "birthDate": "1970"}},
        }
        card = client.call(entry["id"], body).card
    assert card["source"]["topic"]["display"] == "record.birth-date"
    sys.modules.pop("readme_services.record_quality", None)


def test_it_names_every_setting() -> None:
    named = set(re.findall(r"^\| `(CHARTSIDE_[A-Z_]+)`", README, re.MULTILINE))
    assert named == {settings._CONFIG, *settings._VARIABLES}


def test_its_trust_record_is_one(tmp_path: Path) -> None:
    (example,) = _blocks("toml")
    (tmp_path / "trust.toml").write_text(example)
    (ehr,) = trust_file.load(tmp_path / "trust.toml").ehrs
    assert ehr.cds is not None
    assert ehr.cds.profile.selection_behaviors == ("any",)
