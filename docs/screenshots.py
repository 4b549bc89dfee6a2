"""Takes the pictures of the README from what `make run` starts: `python docs/screenshots.py`.

Needs the environment of the tests and Chromium. A folder may be named to put the pictures in.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

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
            taken = picture(browser, ehr, scheme)
            (folder / f"{name}.png").write_bytes(smaller(browser, taken))
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


def picture(browser: Browser, ehr: str, scheme: Literal["light", "dark"]) -> bytes:
    """A PNG of the page, as large as the window."""
    context = browser.new_context(
        viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{ehr}/patients/{PATIENT}")
    page.get_by_role("link", name="Order entry").click()
    page.get_by_role("button", name=ORDER).click()
    page.get_by_text("Critical").first.wait_for()
    page.get_by_role("button", name="Open Chartside").click()
    app = page.frame_locator("#app-frame")
    app.get_by_role("heading", name="Laboratory results").wait_for()
    page.evaluate("scrollTo(0, 0)")
    taken = page.screenshot()
    context.close()
    return taken


def smaller(browser: Browser, png: bytes) -> bytes:
    """The picture with 256 colours: a page has few, and the shades between them are not missed."""
    pixels = decoded(browser.new_page(), png)
    counted = Counter(pixels)
    palette = [colour for colour, _ in counted.most_common(256)]
    place = {colour: nearest(colour, palette) for colour in counted}
    width, height = SIZE
    rows = (pixels[row * width : (row + 1) * width] for row in range(height))
    # Each row says first that it is not filtered (PNG, "Filtering").
    image = b"".join(b"\0" + bytes(map(place.__getitem__, row)) for row in rows)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(struct.pack("<I", colour)[:3] for colour in palette)),
        (b"IDAT", zlib.compress(image, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def nearest(colour: int, palette: list[int]) -> int:
    """The place of the colour in the palette that is most like it."""
    red, green, blue = colour & 255, colour >> 8 & 255, colour >> 16 & 255

    def distance(place: int) -> int:
        other = palette[place]
        return (
            (red - (other & 255)) ** 2
            + (green - (other >> 8 & 255)) ** 2
            + (blue - (other >> 16 & 255)) ** 2
        )

    return min(range(len(palette)), key=distance)


DECODED = """async png => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"),
    { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768)
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}"""


def decoded(page: Page, png: bytes) -> memoryview:
    """The pixels, a number each: red, green, blue and alpha, the lowest byte first."""
    text: str = page.evaluate(DECODED, b64encode(png).decode())
    page.close()
    return memoryview(b64decode(text)).cast("I")


def free_port() -> str:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
