"""The pictures of the README are taken from the running product."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.server import ROOT

pytest.importorskip("playwright.sync_api")


def test_the_script_takes_every_picture_small_and_as_large_as_the_window(tmp_path: Path) -> None:
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        pytest.skip("chromium is not on PATH")
    command = [sys.executable, "docs/screenshots.py", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {
        file.name for file in (ROOT / "docs").glob("*.png")
    }
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", content[16:24]) == (1440, 900)
        assert len(content) < 300_000
        # Not a page of one colour.
        assert len(content) > 30_000
