"""The pages of the development EHR over HTTP, with a CDS server that says what a test wants."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest

from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.sandbox.apps import CLIENTS, Reply, send
from tests.sandbox.cds.scripted import Scripted


@dataclass
class Chart:
    """One opened chart, as a browser without scripts has it; `page` is what it shows now."""

    ehr: DevelopmentEhr
    base: str
    page: Reply = field(repr=False)

    def open(self, path: str = "") -> str:
        """The text of a page below the chart's address."""
        self.page = send(f"{self.ehr.origin}{self.base}{path}")
        assert self.page.status == 200, self.page.text
        return self.page.text

    def act(self, path: str, **form: Any) -> str:
        """Sends a form and follows to the page that it leads to."""
        sent = {"to": f"{self.base}/orders", **form}
        self.page = send(f"{self.ehr.origin}{self.base}{path}", sent)
        assert self.page.status == 303, self.page.text
        place = self.page.headers["Location"].partition("#")[0]
        return self.open(place.removeprefix(self.base))

    @property
    def said(self) -> str:
        """The words of the notice on the page."""
        found = re.search(r'id="said".*?</div></div>|id="said"[^>]*></div>', self.page.text, re.S)
        return words(found[0]).partition('role="status">')[2] if found else ""

    def ids(self, path: str, act: str) -> list[str]:
        """What stands between `path` and `act` in the addresses of the page's forms."""
        pattern = rf'action="{re.escape(self.base)}{path}([^/"]+){act}"'
        return list(dict.fromkeys(re.findall(pattern, self.page.text)))


def words(html: str) -> str:
    """What a piece of a page says."""
    spaced = re.sub(r"<(?:small|t[dhr]|li|p)\b", r" \g<0>", html)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", spaced))).strip()


@pytest.fixture(scope="module")
def ehr() -> Iterator[DevelopmentEhr]:
    """A development EHR with an app registered; its records change as tests write."""
    with DevelopmentEhr(shipped_bundles(), CLIENTS) as running:
        yield running


@pytest.fixture
def scripted(ehr: DevelopmentEhr) -> Iterator[Scripted]:
    """The one CDS server of the EHR, without services yet."""
    with Scripted() as running:
        ehr.cds.settings = CdsSettings(servers=(running.url,))
        yield running


def opened(ehr: DevelopmentEhr, patient: str = "sandbox-renal") -> Chart:
    """The chart of a patient, opened by a click in the list."""
    reply = send(f"{ehr.origin}/patients/{patient}")
    assert reply.status == 303
    chart = Chart(ehr, reply.headers["Location"], reply)
    chart.open()
    return chart
