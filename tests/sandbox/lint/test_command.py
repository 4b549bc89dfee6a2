"""`flask --app sandbox lint URL`: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hooks.registry import find
from sandbox.survey.command import lint
from tests.demo.client import Client
from tests.demo.server import ROOT, free_port, serving
from tests.sandbox.cds.scripted import Raw, Scripted
from tests.sandbox.lint.documents import ANSWER
from web.trust import DEVELOPMENT

ONE = ("--patient", "sandbox-renal")


def run(*arguments: str) -> Result:
    """In this process, since a new one takes a second to start."""
    return CliRunner().invoke(lint, arguments)


def flask(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As people run it."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "sandbox", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture(scope="module")
def ours() -> Iterator[Client]:
    """The application with its own services and the trust of `make run`."""
    with serving(find(), trust=DEVELOPMENT) as client:
        yield client


def test_our_own_services_are_clean(ours: Client) -> None:
    ran = run(ours.base)
    assert ran.exit_code == 0, ran.stdout
    assert "Nothing found, in the discovery document and 150 answers" in ran.stdout
    # There is something to judge: cards.
    assert " (0 cards)" not in ran.stdout
    assert "Calling" in ran.stderr


@pytest.mark.req("CH-142")
def test_the_public_sandbox_may_call_ours(ours: Client) -> None:
    ran = run(ours.base, *ONE, "--origin", "https://sandbox.cds-hooks.org")
    # Its calls have a token of its own, which is what the one warning is about.
    assert "0 rules broken, 1 warning" in ran.stdout
    assert "POST cds-services/" in ran.stdout


def _answers(scripted: Scripted, answer: Any = None, hook: str = "patient-view") -> None:
    def says(body: Any) -> Any:
        if not body or "hook" not in body:
            return Raw(400)
        return answer or {"cards": []}

    scripted.offer("mine", hook, says, title="Mine")


def test_findings_are_told_with_rule_place_and_text(scripted: Scripted) -> None:
    card = {**ANSWER["cards"][0], "indicator": "red", "suggestions": [], "links": []}
    _answers(scripted, {"cards": [card]})
    ran = run(f"{scripted.url}/cds-services/", *ONE)
    assert ran.exit_code == 1
    assert "mine, patient-view, 1 call" in ran.stdout
    assert "  error    CH-091  cards[0].indicator  for sandbox-renal" in ran.stdout
    assert "It is 'red'. An indicator is info, warning or critical." in ran.stdout
    assert "  error    CH-005  cards[0].links  for sandbox-renal" in ran.stdout


def test_programs_read_json(scripted: Scripted) -> None:
    _answers(scripted)
    ran = run(scripted.url, *ONE, "--json")
    assert ran.exit_code == 1
    told = json.loads(ran.stdout)
    assert told["url"] == f"{scripted.url}/cds-services"
    assert told["discovery"]["findings"] == []
    (call,) = told["calls"]
    assert (call["service"], call["hook"], call["patient"], call["status"]) == (
        "mine",
        "patient-view",
        "sandbox-renal",
        200,
    )
    (found,) = call["findings"]
    assert found["rule"] == "CH-011"


def test_orders_are_sent_to_services_that_judge_orders(scripted: Scripted) -> None:
    _answers(scripted, hook="order-select")
    _answers(scripted, hook="order-dispatch")
    ran = run(scripted.url, *ONE)
    contexts = [each.body["context"] for each in scripted.asked if "hook" in (each.body or {})]
    asked = [each for each in contexts if "draftOrders" in each]
    (context,) = asked
    drafts = [entry["resource"] for entry in context["draftOrders"]["entry"]]
    assert {"MedicationRequest", "ServiceRequest"} == {each["resourceType"] for each in drafts}
    assert context["selections"] == [f"{each['resourceType']}/{each['id']}" for each in drafts]
    assert (
        "Not called, since this EHR does not fire their hooks: mine (order-dispatch)" in ran.stdout
    )


def test_a_service_that_is_silent_is_called_once(scripted: Scripted) -> None:
    # What is too large is no answer either.
    scripted.offer("mine", "patient-view", Raw(200, b"[" * 2_000_001), title="Mine")
    ran = run(scripted.url)
    assert ran.exit_code == 1
    assert "mine, patient-view, 1 call\n" in ran.stdout
    assert "There was no answer. It sent more than 2 MB." in ran.stdout
    assert len([each for each in scripted.calls("mine") if "context" in (each.body or {})]) == 1


@pytest.mark.req("CH-127")
def test_a_service_that_knows_no_tokens_of_ours_is_called_without(scripted: Scripted) -> None:
    def says(body: Any) -> Any:
        signed = "authorization" in scripted.asked[-1].headers
        return Raw(401, b"") if signed else {"cards": []}

    scripted.offer("mine", "patient-view", says, title="Mine")
    ran = run(scripted.url, *ONE, "--json")
    (call,) = json.loads(ran.stdout)["calls"]
    assert call["status"] == 200
    assert [each.headers.get("authorization") is None for each in scripted.calls("mine")[:2]] == [
        False,
        True,
    ]


def test_a_server_that_is_not_there_ends_with_2() -> None:
    ran = flask("lint", f"http://127.0.0.1:{free_port()}")
    assert ran.returncode == 2
    assert "Nothing listens at" in ran.stderr
    assert ran.stdout == ""


def test_what_is_no_discovery_document_is_a_finding(scripted: Scripted) -> None:
    scripted.discovery = Raw(404, b"<h1>Not here</h1>", "text/html")
    ran = run(scripted.url)
    assert ran.exit_code == 1
    assert "CH-012  HTTP status" in ran.stdout
    assert "CH-012  $" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "write http(s)://host/path"),
        (("file:///etc/passwd",), "write http(s)://host/path"),
        (("http://127.0.0.1:1", "--patient", "nobody"), "There is no patient 'nobody'"),
    ],
)
def test_what_cannot_be_asked_is_told(arguments: tuple[str, ...], said: str) -> None:
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert isinstance(ran.exception, SystemExit)


def test_a_server_cannot_write_to_the_terminal_as_it_likes(scripted: Scripted) -> None:
    scripted.offer("a\x1b[2Jb", "patient\x1b]0;x", {}, title="Mine")
    ran = run(scripted.url)
    assert ran.stdout
    assert "\x1b" not in ran.stdout
    assert isinstance(ran.exception, SystemExit)


def test_the_commands_are_lint_and_load() -> None:
    ran = flask("--help")
    assert "\n  lint " in ran.stdout
    assert "\n  load " in ran.stdout
