"""Logs: one JSON line an event, made of keys on a list and of nothing else.

Patient data, tokens, URLs and bodies cannot reach a log because no key for them exists; what other
libraries say is cut down to who said it, since their messages quote URLs and values.
"""

from __future__ import annotations

import logging
import os
import random
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask, Response, request

KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "route",
        "method",
        "status",
        "ms",
        "ehr",
        "service",
        "hook",
        "cards",
        "gaps",
        "left_out",
        "unmapped",
        "stored",
        "items",
        "reason",
        "error",
        "place",
        "logger",
        "launch",
        "user",
    }
)


class Log:
    """Writes lines; `values` without a place on the list are left out."""

    def info(self, event: str, **values: Any) -> None:
        _write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        _write("warning", event, values)

    def error(self, event: str, **values: Any) -> None:
        _write("error", event, values)


log = Log()


class _Visit(msgspec.Struct):
    """One request, as far as its line tells of it."""

    id: str
    began: float
    noted: dict[str, Any]


_visit: ContextVar[_Visit | None] = ContextVar("visit", default=None)


def note(**values: Any) -> None:
    """Add to the line that this request will leave."""
    if visit := _visit.get():
        visit.noted.update(values)


def request_id() -> str | None:
    """The id under which this request stands in the log."""
    visit = _visit.get()
    return visit.id if visit else None


def init_app(app: Flask) -> None:
    """Give each request an id, and leave one line about it when it is answered."""

    @app.before_request
    def begin() -> None:
        # An id that nobody has to guess. Also for what is logged on the way, in this thread.
        _visit.set(_Visit(f"{random.getrandbits(64):016x}", time.perf_counter(), {}))

    @app.after_request
    def end(answer: Response) -> Response:
        rule, method, visit = request.url_rule, request.method, _visit.get()
        assert visit
        log.info(
            "request",
            # The route, not the address: an address may hold what its sender put there.
            route=rule.rule if rule else None,
            method=method if method in _METHODS else "other",
            status=answer.status_code,
            ms=round((time.perf_counter() - visit.began) * 1000, 1),
            **visit.noted,
        )
        return answer


def configure() -> None:
    """Send every logger of this process through the list."""
    logging.root.handlers = [_WhoOnly()]
    logging.root.setLevel(logging.WARNING)


class _WhoOnly(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _write(record.levelname.lower(), "library", {"logger": record.name})


# What is no JSON is told by its type: its own text may quote anything.
_encode = msgspec.json.Encoder(enc_hook=lambda value: type(value).__name__).encode
_STANDARD_ERROR = 2


def _write(level: str, event: str, values: dict[str, Any]) -> None:
    line = {key: value for key, value in values.items() if key in KEYS}
    line |= {"event": event, "level": level, "timestamp": datetime.now(UTC)}
    if visit := _visit.get():
        line["request_id"] = visit.id
    # In one piece, so that lines of several threads and processes do not mix.
    os.write(_STANDARD_ERROR, _encode(line) + b"\n")


_METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}
