"""The demo services, which use every member of a card, come out clean for every hook."""

import json
from typing import Any

import pytest

from sandbox.fhir.server import FhirServer
from sandbox.lint import Report, lint_answer, lint_discovery
from tests.conformance.test_published_examples import FOLDER, cases, needs_folder, sent
from tests.demo.bodies import SERVICES, body, encoded
from tests.demo.client import Client

SENT = {"Content-Type": "application/json"}


def _answer(client: Client, path: str, request: bytes) -> Report:
    reply = client.request("POST", path, request, SENT)
    assert reply.status == 200, reply.body
    call = json.loads(request)
    services = client.request("GET", "/cds-services").json["services"]
    keys = next(
        each.get("prefetch", {})
        for each in services
        if (each["id"], each["hook"]) == (path.rpartition("/")[2], call["hook"])
    )
    return lint_answer(keys, call, reply.status, dict(reply.headers.items()), reply.body)


def test_discovery_is_clean_but_for_what_is_deprecated(demo: Client) -> None:
    reply = demo.request("GET", "/cds-services")
    report = lint_discovery(reply.json, reply.status, dict(reply.headers.items()))
    assert {(each.rule, each.severity) for each in report.findings} == {("CH-065", "warning")}


@pytest.mark.parametrize("name", SERVICES)
def test_the_answer_to_a_call_is_clean(demo: Client, record: FhirServer, name: str) -> None:
    report = _answer(demo, f"/cds-services/{SERVICES[name]}", encoded(body(name, record.base)))
    assert report.findings == ()


@needs_folder
@pytest.mark.parametrize(
    "case",
    [
        row
        for row in cases(FOLDER)
        if "feedback" not in str(row.id) and "discovery" not in str(row.id)
    ],
)
def test_the_answer_to_a_published_example_is_clean(
    demo: Client, record: FhirServer, case: Any
) -> None:
    assert _answer(demo, case["path"], sent(FOLDER, case["file"], record)).findings == ()
