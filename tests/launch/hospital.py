"""Server processes in production mode, behind one name, with a development EHR to launch them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from launch.keys import KeyFolder
from sandbox.auth.clients import Client as Registered
from sandbox.auth.vault import Lifetimes
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.demo.client import Client
from tests.demo.hospital import command
from tests.demo.server import Granian, free_port, keys_folder, process, wait_until_ready
from tests.launch.browser import Browser, Page
from tests.launch.stage import PATIENT, SECRET

NAME = "app.test"
ORIGIN = f"https://{NAME}"

_RECORD = """
[ehr.north]
time_zone = "Europe/Oslo"
label = "The EHR north"
fhir_bases = ["{base}"]

[ehr.north.smart]
client_id = "chartside"
refresh = "online"
frame_ancestors = ["{origin}"]
"""


@dataclass
class Hospital:
    """An EHR, and what the processes have in common."""

    ehr: DevelopmentEhr
    variables: dict[str, str]
    folder: Path
    logs: list[Path] = field(default_factory=list)

    @contextmanager
    def servers(self, number: int = 1) -> Iterator[list[Granian]]:
        """So many processes, each with one worker."""
        with ExitStack() as stack:
            started = []
            for _ in range(number):
                log, port = self.folder / f"log-{len(self.logs)}", free_port()
                options = ("--port", str(port), "--workers", "1")
                running = stack.enter_context(process(*options, log=log, **self.variables))
                wait_until_ready(running, port, log)
                self.logs.append(log)
                client = Client(f"http://127.0.0.1:{port}")
                started.append(Granian(client, log, self.folder, running.pid))
            yield started

    def link(self, **launch: Any) -> str:
        value = self.ehr.launch("chartside", **{"patient": PATIENT, **launch})
        return self.ehr.launch_url(f"{ORIGIN}/smart/launch", value)

    def callback(self, browser: Browser, **launch: Any) -> str:
        return browser.until(self.link(**launch), "/smart/callback/")

    def open(self, browser: Browser, **launch: Any) -> Page:
        return browser.follow(self.link(**launch))

    def token_requests(self) -> list[dict[str, str]]:
        return [dict(each.form) for each in self.ehr.seen if each.path == "/auth/token"]

    def logged(self) -> str:
        return "".join(log.read_text() for log in self.logs)


@contextmanager
def hospital(folder: Path, database: str, access: int = 300) -> Iterator[Hospital]:
    """The EHR running, and the database ready."""
    keys = KeyFolder(Path(keys_folder()))
    keys.ensure()
    client = Registered(
        id="chartside",
        redirect_uris=(f"{ORIGIN}/smart/callback/north",),
        launch_urls=(f"{ORIGIN}/smart/launch",),
        jwks=keys.published(),
    )
    with DevelopmentEhr(shipped_bundles(), [client], lifetimes=Lifetimes(access=access)) as ehr:
        config = folder / "trust.toml"
        config.write_text(_RECORD.format(base=ehr.base, origin=ehr.origin))
        variables = {
            "CHARTSIDE_CONFIG": str(config),
            "CHARTSIDE_SECRET": SECRET,
            "CHARTSIDE_PUBLIC_URL": ORIGIN,
            "CHARTSIDE_DATABASE": database,
            "CHARTSIDE_KEYS_FOLDER": keys_folder(),
        }
        done = command("store", "migrate", **variables)
        assert done.returncode == 0, done.stderr
        yield Hospital(ehr, variables, folder)


def browser_for(servers: list[Granian], browser: Browser | None = None) -> Browser:
    """A browser whose requests go to these processes in turn."""
    browser = browser or Browser()
    browser.proxies[NAME] = cycle([server.client.port for server in servers])
    return browser
