"""The start page over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from fhir.records import Observation, Patient
from hooks import Finding, service
from tests.demo.server import new_database
from web.settings import Settings

LABS = "Observation?patient={{context.patientId}}&category=laboratory,vital-signs"


@service(
    "order-select",
    "order-sign",
    id="kidney-dose",
    title="Kidney dose",
    description="Checks doses against **kidney function**.",
    version="2.3.4",
    prefetch={"patient": "Patient/{{context.patientId}}", "labs": LABS},
)
def kidney_dose(patient: Patient, labs: list[Observation] | None, today: date) -> Iterator[Finding]:
    yield from ()


@service(
    "patient-view",
    id="hostile",
    title="<script>alert('title')</script>",
    description='</p><img src=x onerror=alert(1)> & "quotes" {{ 7 * 7 }}',
)
def hostile() -> Iterator[Finding]:
    yield from ()


class Page(HTMLParser):
    """A page as its reader gets it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "code"):
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def links(self) -> list[str]:
        found = [each.get("href") or each.get("src") for _, each in self.tags]
        return [link for link in found if link]


def client_of(*services: Callable[..., Any], **settings: Any) -> FlaskClient:
    given = {"mode": "development", "database": new_database(), **settings}
    return create_app(Settings(**given), services).test_client()


def discovered(client: FlaskClient) -> list[dict[str, Any]]:
    document: dict[str, Any] = client.get("/cds-services").get_json()
    return list(document["services"])


def page_of(client: FlaskClient, path: str = "/") -> Page:
    return Page(client.get(path).text)


def test_it_is_a_page_with_a_strict_policy() -> None:
    answer = client_of(kidney_dose).get("/")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_on_it_needs_a_weaker_policy() -> None:
    page = page_of(client_of(kidney_dose, hostile))
    assert not {"script", "style", "form", "iframe", "base"} & {tag for tag, _ in page.tags}
    attributes = {name for _, each in page.tags for name in each}
    assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_it_lists_each_service_as_discovery_does() -> None:
    client = client_of(kidney_dose, hostile)
    text = page_of(client).text
    for entry in discovered(client):
        for name in ("hook", "id", "title", "description", "version"):
            assert entry[name] in text
        for key, template in entry.get("prefetch", {}).items():
            assert f"{key} {template}" in text


def test_it_lists_every_service_that_ships() -> None:
    client = create_app(Settings(mode="development", database=new_database())).test_client()
    text = page_of(client).text
    for entry in discovered(client):
        assert entry["id"] in text


def test_it_tells_needed_keys_from_optional_ones() -> None:
    text = page_of(client_of(kidney_dose)).text
    assert "2 keys, 1 needed" in text
    assert "patient Patient/{{context.patientId}} needed" in text
    assert f"labs {LABS} optional" in text


def test_it_says_when_a_service_asks_for_nothing() -> None:
    page = page_of(client_of(hostile))
    assert "details" not in [tag for tag, _ in page.tags]
    assert "none, the context is enough" in page.text


def test_what_a_service_says_of_itself_stays_text() -> None:
    html = client_of(hostile).get("/").text
    assert "<script" not in html
    assert "<img src=x" not in html
    text = Page(html).text
    assert "<script>alert('title')</script>" in text
    assert '</p><img src=x onerror=alert(1)> & "quotes" {{ 7 * 7 }}' in text


@pytest.mark.parametrize(
    ("public_url", "prefix"),
    [
        ("http://localhost:5000", ""),
        ("http://localhost:5000/", ""),
        ("https://h/x/y", "/x/y"),
        ("https://h/x/y/", "/x/y"),
    ],
)
def test_it_works_under_a_path_prefix(public_url: str, prefix: str) -> None:
    client = client_of(kidney_dose, public_url=public_url)
    page = page_of(client, prefix + "/")
    address = public_url.rstrip("/") + "/cds-services"
    assert f"Discovery address {address} " in page.text
    inside = [link for link in page.links() if link.startswith("/")]
    kinds = {link: client.get(link, buffered=True) for link in inside}
    assert [link for link, answer in kinds.items() if answer.status_code != 200] == []
    assert [link for link, answer in kinds.items() if answer.mimetype == "text/css"] == [
        f"{prefix}/static/base.css",
        f"{prefix}/static/components.css",
    ]
    assert f"{prefix}/cds-services" in kinds


@pytest.mark.req("T-10", "SL-004")
def test_a_prefix_without_its_last_slash_is_the_page_and_no_redirect() -> None:
    client = client_of(kidney_dose, public_url="https://h/x/y")
    assert client.get("/x/y").status_code == 200
    assert client.get("/").status_code == 404


def test_it_opens_the_public_sandbox_with_this_server() -> None:
    outside = [link for link in page_of(client_of(kidney_dose)).links() if "//" in link]
    assert outside == [
        "https://sandbox.cds-hooks.org/?serviceDiscoveryURL=http%3A//localhost%3A5000/cds-services"
    ]


def test_without_services_it_tells_the_next_step() -> None:
    page = page_of(client_of())
    assert "No services yet. Add a file under hooks/services/" in page.text
    # The public sandbox refuses an empty list.
    assert not [link for link in page.links() if "//" in link]


def test_it_says_that_development_mode_is_for_this_machine() -> None:
    assert "This machine only" in page_of(client_of(kidney_dose)).text
    text = page_of(client_of(kidney_dose, mode="production")).text
    assert "Development mode" not in text
    assert "This machine only" not in text


def test_it_tells_nothing_of_the_trust_record() -> None:
    html = client_of(kidney_dose, secret="7f3a-secret").get("/").text
    assert "7f3a-secret" not in html
    assert "5001/fhir" not in html


@pytest.mark.parametrize("services", [(), (kidney_dose, hostile)])
def test_headings_and_landmarks_are_in_order(services: tuple[Callable[..., Any], ...]) -> None:
    page = page_of(client_of(*services))
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert tags.count("main") == tags.count("h1") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [each["id"] for _, each in page.tags if "id" in each]
    assert len(set(ids)) == len(ids)
    named = [each["aria-labelledby"] for _, each in page.tags if "aria-labelledby" in each]
    assert named
    assert set(named) <= set(ids)
