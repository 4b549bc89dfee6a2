"""A launch as its session keeps it, for a FHIR server, without the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from fhir.transport import Transport
from launch import scopes
from launch.identity import Identity
from launch.reader import Reader, Token
from launch.session import Launch
from sandbox.fhir.server import FhirServer
from tests.demo.server import ROOT
from tests.launch import charts
from web import logs
from web.trust import Ehr

NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
ALL = "patient/*.rs user/*.rs openid fhirUser"
TOKEN = "an-access-token-of-these-tests"


def launch_of(server: FhirServer, granted: str = ALL, **members: Any) -> Launch:
    """A launch on the patient of `charts`."""
    user = members.pop("user", ("Practitioner", "ada"))
    given: dict[str, Any] = {
        "handle": "general.handle",
        "ehr_id": "general",
        "iss": server.base,
        "patient": charts.ID,
        "encounter": None,
        "user": user and Identity(issuer=server.base, subject="u-1", fhir_user=user),
        "scopes": scopes.parse(granted),
        "banner": True,
        "intent": None,
        "tenant": None,
        "fhir_context": (),
        "app_context": None,
        "started": NOW,
        **members,
    }
    return Launch(**given)


def ehr_of(server: FhirServer) -> Ehr:
    return Ehr(
        id="general",
        label="General Hospital",
        fhir_bases=(server.base,),
        zone=ZoneInfo("Europe/Oslo"),
    )


def always(_: str | None) -> str:
    """A token that is never renewed."""
    return TOKEN


def reader_of(
    server: FhirServer,
    granted: str = ALL,
    token: Token = always,
    seconds: float = 8.0,
    **members: Any,
) -> Reader:
    """A reader with a transport of its own, which knows nothing of earlier failures."""
    ehr = ehr_of(server)
    launch = launch_of(server, granted, **members)
    return Reader(launch, ehr, token, Transport(ehr.fhir_bases), seconds)


@contextmanager
def flask_app() -> Iterator[Flask]:
    """An application with our templates and nothing else, in a request."""
    app = Flask("pages", root_path=str(ROOT))
    logs.init_app(app)
    with app.test_request_context("/app/general.handle/"):
        app.preprocess_request()
        yield app


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def text_of(html: str) -> str:
    """What can be read of a piece of HTML, on one line."""
    parser = _Texts()
    parser.feed(html)
    return " ".join(" ".join(parser.texts).split())


@dataclass(frozen=True)
class Shown:
    """A page as it was made."""

    html: str
    status: int

    @property
    def text(self) -> str:
        return text_of(self.html)

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.html)
        assert found
        return found[1]

    def part(self, tag: str, id: str) -> str:
        """The text of one section, by its id, or of the element with this class."""
        found = re.search(rf'<{tag} [^>]*(?:id|class)="{id}[ "].*?</{tag}>', self.html, re.DOTALL)
        return text_of(found[0]) if found else ""

    def section(self, id: str) -> str:
        return self.part("section", f'section" id="{id}')
