"""Discovery documents: what breaks a rule, and what comes close and does not."""

import json
from typing import Any

import pytest

from sandbox.lint import lint_discovery
from tests.conformance.test_published_examples import FOLDER, needs_folder
from tests.sandbox.lint.documents import (
    DISCOVERY,
    GONE,
    JSON,
    RULES,
    case,
    check_broken,
    of_discovery,
)

A, B = "services.0", "services.1"

CASES = [
    case("discovery.entries_once", {f"{B}.id": "orders", f"{B}.hook": "order-sign"}, "services"),
    case("discovery.id_is_a_segment", {f"{A}.id": "orders/new"}, "services[0].id"),
    case("discovery.id_is_a_segment", {f"{A}.id": ".."}, "services[0].id"),
    case("discovery.id_is_a_segment", {f"{A}.id": "my orders"}, "services[0].id"),
    case("discovery.id_is_a_segment", {f"{A}.id": "orders?"}, "services[0].id"),
    case("discovery.hook_is_known", {f"{B}.hook": "Patient-View"}, "services[1].hook"),
    case("discovery.hook_is_known", {f"{B}.hook": "patient_view"}, "services[1].hook"),
    case("discovery.hook_is_known", {f"{B}.hook": "chart-open"}, "services[1].hook"),
    case("discovery.hook_is_current", {f"{B}.hook": "medication-prescribe"}, "services[1].hook"),
    case("discovery.hook_is_current", {f"{B}.hook": "order-review"}, "services[1].hook"),
    case("discovery.templates_are_text", {f"{B}.prefetch.a": 7}, "services[1].prefetch.a"),
    case("discovery.templates_are_text", {f"{B}.prefetch.a": " "}, "services[1].prefetch.a"),
    case(
        "discovery.keys_are_names",
        {f"{B}.prefetch": {"the patient": "Patient/{{context.patientId}}"}},
        "services[1].prefetch",
    ),
    case("discovery.version_is_semantic", {f"{A}.version": "1.0"}, "services[0].version"),
    case("discovery.version_is_semantic", {f"{A}.version": "v1.0.0"}, "services[0].version"),
    case(
        "discovery.hook_version_is_published",
        {f"{A}.hookVersion": "2.0"},
        "services[0].hookVersion",
    ),
]

KEPT = [
    ("CH-015", {"services": []}),
    ("CH-018", {f"{A}.prefetch": GONE}),
    ("CH-019", {f"{A}.id": "orders-1.2_~"}),
    ("CH-020", {f"{B}.id": "orders"}),
    ("CH-021", {f"{B}.id": "orders", f"{B}.hook": "order-select"}),
    ("CH-016", {f"{B}.hook": "order-dispatch"}),
    ("CH-027", {f"{A}.version": "1.0.0-rc.1+5"}),
    ("CH-028", {f"{A}.hookVersion": "1.1.0"}),
    ("CH-028", {f"{B}.hookVersion": "99"}),
    ("CH-030", {"extension": {"davinci-crd.options": [1]}}),
]


@pytest.mark.parametrize(("rule", "changes", "place"), CASES)
def test_a_rule_is_broken(rule: str, changes: Any, place: str) -> None:
    check_broken(of_discovery(changes), rule, place)


@pytest.mark.parametrize(
    "changes", [pytest.param(changes, marks=pytest.mark.req(number)) for number, changes in KEPT]
)
def test_rules_are_kept(changes: Any) -> None:
    assert of_discovery(changes).findings == ()


def test_the_sound_document_keeps_every_rule() -> None:
    report = lint_discovery(DISCOVERY, 200, JSON)
    assert report.findings == ()
    assert report.kept > 40


@pytest.mark.req("CH-012")
def test_a_broken_rule_is_not_counted_as_kept() -> None:
    kept = of_discovery({}).kept
    assert of_discovery({f"{A}.version": "1.0"}).kept == kept - 1


HTTP = [
    case("reply.discovery_status", 204, JSON, "HTTP status"),
    case("reply.discovery_status", 302, JSON, "HTTP status"),
    case("reply.content_type", 200, {"Content-Type": "text/html"}, "HTTP header Content-Type"),
    case("reply.content_type", 200, {}, "HTTP header Content-Type"),
    case(
        "reply.charset",
        200,
        {"Content-Type": "application/json; charset=ISO-8859-1"},
        "HTTP header Content-Type",
    ),
    case(
        "reply.no_credentials_for_all",
        200,
        {
            **JSON,
            "access-control-allow-origin": "*",
            "ACCESS-CONTROL-ALLOW-CREDENTIALS": "true",
        },
        "HTTP header Access-Control-Allow-Credentials",
    ),
]


@pytest.mark.parametrize(("rule", "status", "headers", "place"), HTTP)
def test_a_rule_of_http_is_broken(rule: str, status: int, headers: Any, place: str) -> None:
    check_broken(lint_discovery(DISCOVERY, status, headers), rule, place)


@pytest.mark.req("CH-012")
@pytest.mark.parametrize("document", [None, [], "services", 7, True])
def test_a_document_is_an_object(document: Any) -> None:
    (found,) = lint_discovery(document, 200, JSON).findings
    assert (found.rule, found.path) == ("CH-012", "$")
    assert found.text.endswith(RULES["reply.discovery_object"].wants)


def test_without_headers_only_the_document_is_judged() -> None:
    assert lint_discovery(DISCOVERY).findings == ()


@pytest.mark.req("CH-012")
def test_no_answer_is_told() -> None:
    first, _ = lint_discovery(None, None, JSON).findings
    assert first.text.startswith("It is none, since there was no answer.")


@needs_folder
def test_the_published_example_has_warnings_only() -> None:
    document = json.loads((FOLDER / "discovery.json").read_bytes())
    report = lint_discovery(document, 200, JSON)
    assert {each.severity for each in report.findings} == {"warning"}
    # It lists deprecated hooks, and its templates go further than is recommended.
    assert {each.rule for each in report.findings} == {"CH-024", "CH-065"}
