"""Whatever a server sends, the lint ends soon and says what is wrong."""

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.lint import Report, lint_answer, lint_discovery
from sandbox.lint.members import KINDS
from sandbox.lint.nodes import MOST
from tests.sandbox.lint.documents import (
    ANSWER,
    DISCOVERY,
    JSON,
    PREFETCH,
    REQUEST,
    SENT,
    changed,
)

NAMES = sorted({name for members in KINDS.values() for name in members} | {"resource", "prefetch"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)
PATHS = [
    "cards",
    "cards.0",
    *(
        f"cards.0.{name}"
        for name in ("source", "suggestions", "suggestions.0", "links.0", "overrideReasons")
    ),
    "cards.0.suggestions.0.actions",
    "cards.0.suggestions.0.actions.1",
    "cards.0.suggestions.0.actions.1.resource",
    "systemActions",
]


def _answer(body: bytes, request: Any = REQUEST) -> Report:
    return lint_answer(PREFETCH, request, 200, SENT, body)


@settings(max_examples=150, deadline=None)
@given(document=VALUES)
def test_any_discovery_document_can_be_judged(document: Any) -> None:
    report = lint_discovery(document, 200, JSON)
    assert report.kept >= 0
    sound = isinstance(document, dict) and "services" in document
    assert sound or report.findings


@settings(max_examples=150, deadline=None)
@given(value=VALUES, path=st.sampled_from(["services", "services.0", "services.0.prefetch"]))
def test_any_part_of_a_discovery_document_can_be_judged(value: Any, path: str) -> None:
    assert lint_discovery(changed(DISCOVERY, {path: value}), 200, JSON).kept >= 0


@settings(max_examples=300, deadline=None)
@given(value=VALUES, path=st.sampled_from(PATHS), context=VALUES)
def test_any_part_of_an_answer_can_be_judged(value: Any, path: str, context: Any) -> None:
    body = json.dumps(changed(ANSWER, {path: value})).encode()
    assert _answer(body, {**REQUEST, "context": context}).kept >= 0


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(min_value=100, max_value=999))
def test_any_bytes_can_be_judged(body: bytes, status: int) -> None:
    report = lint_answer(PREFETCH, REQUEST, status, {}, body)
    assert report.findings or status == 412


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40), name=st.sampled_from(["summary", "detail", "indicator", "uuid"]))
def test_any_text_can_be_judged(text: str, name: str) -> None:
    assert _answer(json.dumps(changed(ANSWER, {f"cards.0.{name}": text})).encode()).kept >= 0


@settings(max_examples=300, deadline=None)
@given(template=st.text("{}context.patientId?&=|%today()- Patient/:_$", max_size=40))
def test_any_template_can_be_judged(template: str) -> None:
    lint_discovery(changed(DISCOVERY, {"services.0.prefetch.labs": template}), 200, JSON)


CARD = json.dumps(ANSWER["cards"][0])
MANY = 40_000
LONG: dict[str, bytes] = {
    "deep": b'{"cards":' * 30_000,
    "deep and closed": b'{"cards":' + b"[" * 90 + b"]" * 90 + b"}",
    "many empty cards": b'{"cards":[' + b"{}," * MANY + b"{}]}",
    "many cards": f'{{"cards":[{",".join([CARD] * 500)}]}}'.encode(),
    "many members": b'{"cards":[],' + b'"a":1,' * MANY + b'"b":1}',
    "many names": json.dumps({f"a{n}": n for n in range(MANY)}).encode(),
    "many nulls": b'{"cards":[' + b"null," * MANY + b"null]}",
    "long number": b'{"cards":' + b"9" * 100_000 + b"}",
}
# What a backtracking pattern would be slow on.
SLOW = [
    "`",
    " ",
    "<a ",
    "<a =",
    "<",
    "[",
    "](",
    "](  ",
    "<a on",
    "\n",
    "x" * 5 + "\n \t",
    "{{",
    "{",
    "\\",
    "<a| ona=",
    "<a|=data:",
    "<a|='  ",
    "](|<",
    "[a]:|\n",
    "\n at |x",
    "at x /|:1",
]


@pytest.mark.parametrize("body", LONG.values(), ids=LONG.keys())
def test_a_long_answer_is_judged_soon(body: bytes) -> None:
    start = time.process_time()
    report = _answer(body)
    assert time.process_time() - start < 8
    assert report.findings
    # Nobody reads the same a thousand times.
    assert len(report.findings) < 400


@pytest.mark.parametrize("piece", SLOW)
def test_a_long_text_is_judged_soon(piece: str) -> None:
    first, _, again = piece.rpartition("|")
    text = first + again * (300_000 // len(again))
    start = time.process_time()
    _answer(json.dumps(changed(ANSWER, {"cards.0.detail": text, "cards.0.summary": text})).encode())
    lint_answer(PREFETCH, REQUEST, 500, SENT, text.encode())
    lint_discovery(changed(DISCOVERY, {"services.0.prefetch.labs": text}), 200, JSON)
    assert time.process_time() - start < 8


def test_a_document_nested_without_end_is_judged() -> None:
    document: Any = {}
    for _ in range(50_000):
        document = {"services": [document]}
    assert lint_discovery(document, 200, JSON).findings


@pytest.mark.req("CH-143")
def test_a_service_with_too_many_objects_is_told_that_the_rest_was_not_judged() -> None:
    report = _answer(b'{"cards":[' + b"{}," * MOST + b"{}]}")
    assert any(each.rule == "CH-143" and "not judged" in each.text for each in report.findings)


def test_a_deep_and_long_document_takes_little_memory() -> None:
    keys = [f"{n:02}" + "k" * 57 for n in range(31)]
    nested = "".join(f'{{"{key}":' for key in keys)
    body = f"{nested}[{'0,' * 30_000}0]{'}' * len(keys)}".encode()
    tracemalloc.start()
    _answer(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_many_keys_of_prefetch_are_judged_soon() -> None:
    prefetch = {f"k{n}": "Patient/{{context.patientId}}" for n in range(100_000)}
    start = time.process_time()
    lint_discovery(changed(DISCOVERY, {"services.0.prefetch": prefetch}), 200, JSON)
    assert time.process_time() - start < 8


def test_what_a_server_wrote_is_told_on_one_short_line() -> None:
    nasty = "\x1b[2J\r\n" + "x" * 100_000
    report = _answer(json.dumps(changed(ANSWER, {"cards.0.indicator": nasty})).encode())
    for found in report.findings:
        assert found.text.isprintable()
        assert len(found.text) < 400
