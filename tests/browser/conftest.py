"""A headless Chromium over its debugging pipe, as small as the tests here need it."""

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 30
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Tab:
    """One tab. `seen`: every event of the Chrome DevTools Protocol that it sent so far."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._session: str | None = None
        self._sent = 0
        self._unread = b""
        self.seen: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Run a command and return its result."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        answer = self._next(lambda each: each.get("id") == self._sent)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str, width: int, dark: bool = False) -> None:
        """Load the page at this width, until its load event."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.seen.clear()
        loader = self.send("Page.navigate", url=url)["loaderId"]

        def loaded(event: dict[str, Any]) -> bool:
            told = event.get("params", {})
            return (told.get("name"), told.get("loaderId")) == ("load", loader)

        if not any(map(loaded, self.seen)):
            self._next(loaded)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to on the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """One click with the left button in the middle of an element."""
        box = self.value(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        place = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, **place)

    def press(self, key: str) -> None:
        """Tab or Enter goes down and up."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
        keys = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **keys)
        self.send("Input.dispatchKeyEvent", type="keyUp", **keys)

    def _next(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        end = time.monotonic() + _SECONDS
        while True:
            while b"\0" in self._unread:
                first, _, self._unread = self._unread.partition(b"\0")
                message: dict[str, Any] = json.loads(first)
                if "method" in message:
                    self.seen.append(message)
                if wanted(message):
                    return message
            ready, _, _ = select.select([source], [], [], max(0, end - time.monotonic()))
            assert ready, f"Chromium did not answer in {_SECONDS} seconds"
            read = os.read(source, 1 << 20)
            assert read, "Chromium ended"
            self._unread += read


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One tab for all tests; each opens its own page in it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not on PATH")
    profile: Path = tmp_path_factory.mktemp("chromium")
    # The pipe is file descriptors 3 and 4 of the browser.
    command = ["sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 </dev/null >&2', chromium, *_FLAGS]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield Tab(process)
        finally:
            # The end of the pipe ends the browser, and lets it take its own processes along.
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
