"""Takes the pictures of the README from what `make run` starts: `python docs/screenshots.py`.

Needs the environment of the tests and Chromium. A folder may be named to put the pictures in.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

DOCS = Path(__file__).parent
SIZE = (1440, 900)
# Metformin, ordered at an eGFR below 30.
PATIENT, ORDER = "sandbox-renal", "metformin 500 mg tablet"


def main(folder: Path = DOCS) -> None:
    """The chart in which the order is held, the app beside it, the inspector; light and dark."""
    with running() as ehr, sync_playwright() as tool:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        schemes: dict[str, Literal["light", "dark"]] = {"ehr": "light", "ehr-dark": "dark"}
        for name, scheme in schemes.items():
            take(browser, ehr, scheme, folder / f"{name}.png")
        browser.close()


@contextmanager
def running() -> Iterator[str]:
    """The address of the development EHR, while it and the app run."""
    with TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PORT": free_port(),
            "EHR_PORT": free_port(),
            "CHARTSIDE_MODE": "development",
            "CHARTSIDE_DATABASE": f"sqlite:///{folder}/chartside.db",
            "CHARTSIDE_KEYS_FOLDER": f"{folder}/keys",
        }
        command = [sys.executable, "-m", "sandbox.run"]
        with subprocess.Popen(
            command, cwd=DOCS.parent, env=environment, stdout=subprocess.PIPE, text=True
        ) as pair:
            assert pair.stdout
            try:
                greeting = re.search(r"http://\S+", pair.stdout.readline())
                if greeting is None:
                    raise SystemExit("The EHR and the app did not start.")
                yield greeting[0]
            finally:
                pair.terminate()


def take(browser: Browser, ehr: str, scheme: Literal["light", "dark"], path: Path) -> None:
    """Saves a picture of the page, as large as the window."""
    context = browser.new_context(
        viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{ehr}/patients/{PATIENT}")
    page.get_by_role("link", name="Order entry").click()
    page.get_by_role("button", name=ORDER).click()
    page.get_by_text("Critical").first.wait_for()
    page.get_by_role("button", name="Open the chart in Chartside").click()
    app = page.frame_locator("#app-frame")
    app.get_by_role("heading", name="Laboratory results").wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path)
    context.close()


def free_port() -> str:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
