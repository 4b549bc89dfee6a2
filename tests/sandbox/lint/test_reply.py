"""Answers as HTTP has them: statuses, headers, bytes."""

import json
from typing import Any

import pytest

from sandbox.lint import Report, lint_answer
from tests.sandbox.lint.documents import (
    ANSWER,
    JSON,
    PREFETCH,
    REQUEST,
    SENT,
    case,
    check_found,
)

SOUND = json.dumps(ANSWER).encode()
OUTCOME = json.dumps(
    {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
).encode()
STATUS, BODY = "HTTP status", "HTTP body"


def _header(name: str) -> str:
    return f"HTTP header {name}"


def _of(status: int, headers: Any, body: bytes, request: Any = REQUEST) -> Report:
    return lint_answer(PREFETCH, request, status, headers, body)


CASES = [
    case("reply.call_status", 400, SENT, OUTCOME, STATUS),
    case("reply.call_status", 500, SENT, OUTCOME, STATUS),
    case("reply.call_status", 302, {"Location": "https://e.org"}, b"", STATUS),
    case("reply.call_status", 599, SENT, OUTCOME, STATUS),
    case("reply.caller_admitted", 401, {**JSON, "WWW-Authenticate": "Bearer"}, OUTCOME, STATUS),
    case("reply.caller_admitted", 403, JSON, OUTCOME, STATUS),
    case("reply.says_nothing_in_json", 204, {}, b"", STATUS),
    case("reply.says_nothing_in_json", 202, SENT, SOUND, STATUS),
    case("reply.says_nothing_in_json", 200, SENT, b" \n", BODY),
    case("reply.is_json", 200, SENT, b"<html>", BODY),
    case("reply.is_json", 200, SENT, b'{"cards": NaN}', BODY),
    case("reply.is_json", 200, SENT, b'{"cards": [', BODY),
    case("reply.is_json", 200, SENT, b"[" * 100_000, BODY),
    case("reply.answer_object", 200, SENT, b"[]", "$"),
    case("reply.answer_object", 200, SENT, b"null", "$"),
    case(
        "reply.content_type",
        200,
        {**SENT, "Content-Type": "text/plain"},
        SOUND,
        _header("Content-Type"),
    ),
    case(
        "reply.charset",
        200,
        {**SENT, "Content-Type": 'application/json; charset="latin1"'},
        SOUND,
        _header("Content-Type"),
    ),
    case("reply.members_once", 200, SENT, SOUND[:-1] + b', "cards": []}', BODY),
    case("reply.not_cached", 200, JSON, SOUND, _header("Cache-Control")),
    case(
        "reply.not_cached",
        200,
        {**JSON, "Cache-Control": "max-age=60"},
        SOUND,
        _header("Cache-Control"),
    ),
    case(
        "reply.no_credentials_for_all",
        200,
        {**SENT, "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"},
        SOUND,
        _header("Access-Control-Allow-Credentials"),
    ),
    case("reply.encoding", 200, SENT, b"\xef\xbb\xbf" + SOUND, BODY),
    case("reply.encoding", 200, SENT, SOUND.replace(b"Think", b"\xff"), BODY),
    case("reply.no_stack_trace", 500, SENT, b"Traceback (most recent call last):\n  File", BODY),
    case("reply.no_stack_trace", 500, SENT, b"java.lang.X: y\n\tat com.e.A.b(A.java:1)", BODY),
    case("reply.no_stack_trace", 500, SENT, b"Error: x at f (/srv/app/a.js:10:2)", BODY),
    case("reply.outcome", 500, SENT, b'{"resourceType": "OperationOutcome", "issue": [{}]}', BODY),
    case("reply.allow", 405, SENT, OUTCOME, _header("Allow")),
    case("reply.precondition_failed", 412, SENT, OUTCOME, STATUS),
    case("reply.outcome", 403, SENT, b'{"error": "no"}', BODY),
    case("reply.challenge", 401, SENT, b"", _header("WWW-Authenticate")),
]


KEPT = [
    ("CH-003", 200, {**SENT, "content-type": "application/json; charset=UTF-8"}, SOUND),
    ("CH-003", 200, {**SENT, "Content-Type": "application/cds+json"}, SOUND),
    ("CH-011", 200, {**SENT, "Cache-Control": "private, no-store"}, SOUND),
    ("CH-142", 200, {**SENT, "Access-Control-Allow-Origin": "*"}, SOUND),
    ("CH-089", 200, SENT, b'{"cards": []}'),
]


@pytest.mark.parametrize(("rule", "status", "headers", "body", "place"), CASES)
def test_a_rule_is_broken(rule: str, status: int, headers: Any, body: bytes, place: str) -> None:
    check_found(_of(status, headers, body), rule, place)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [pytest.param(*row, marks=pytest.mark.req(number)) for number, *row in KEPT],
)
def test_rules_are_kept(status: int, headers: Any, body: bytes) -> None:
    assert _of(status, headers, body).findings == ()


@pytest.mark.req("CH-070")
@pytest.mark.parametrize("given", [None, {"resourceType": "OperationOutcome"}])
def test_412_is_for_what_was_not_given(given: Any) -> None:
    request = {**REQUEST, "prefetch": {"patient": given}}
    assert _of(412, SENT, OUTCOME, request).findings == ()
    assert _of(412, SENT, OUTCOME, {"hook": "order-sign"}).findings == ()


@pytest.mark.req("CH-115")
def test_a_401_need_not_give_a_reason() -> None:
    report = _of(401, {**JSON, "WWW-Authenticate": 'Bearer realm="x"'}, b"")
    assert [(each.rule, each.severity) for each in report.findings] == [("CH-127", "warning")]


@pytest.mark.req("CH-031")
def test_cards_of_an_error_are_not_judged() -> None:
    report = _of(500, SENT, b'{"cards": [{"indicator": "x"}]}')
    assert {each.path for each in report.findings} == {STATUS, BODY}
