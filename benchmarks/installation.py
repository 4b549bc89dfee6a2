"""The peer's own environment, benchmarks/.peer: made at the first run, git-ignored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEER = "healthchain==0.16.1"
_FOLDER = Path(__file__).parent / ".peer"


def peer_python() -> Path | None:
    """The interpreter that has the peer, or None (and a word on why) where pip cannot get it."""
    python = _FOLDER / "bin" / "python"
    complete = _FOLDER / PEER
    if complete.exists():
        return python
    print(f"Installing {PEER} into {_FOLDER} (first run only) ...", flush=True)
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(_FOLDER)],
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", PEER],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            print(f"  the peer is left out: {(done.stderr.splitlines() or ['pip failed'])[-1]}")
            return None
    complete.touch()
    return python
