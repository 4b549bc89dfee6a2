"""Logs: one JSON line an event, made of keys on a list and of nothing else.

Patient data, tokens, URLs and bodies cannot reach a log because no key for them exists; what other
libraries say is cut down to who said it, since their messages quote URLs and values.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog import contextvars
from structlog.typing import EventDict, WrappedLogger

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

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def note(**values: Any) -> None:
    """Add to the line that this request will leave."""
    g.note.update(values)


def init_app(app: Flask) -> None:
    """Give each request an id, and leave one line about it when it is answered."""

    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(8)
        # Also for what is logged on the way, in this thread.
        contextvars.clear_contextvars()
        contextvars.bind_contextvars(request_id=g.request_id)
        g.began = time.perf_counter()
        g.note = {}

    @app.after_request
    def end(answer: Response) -> Response:
        log.info(
            "request",
            # The route, not the address: an address may hold what its sender put there.
            route=request.url_rule.rule if request.url_rule else None,
            method=request.method if request.method in _METHODS else "other",
            status=answer.status_code,
            ms=round((time.perf_counter() - g.began) * 1000, 1),
            **g.note,
        )
        return answer


def configure() -> None:
    """Send every logger of this process through the list, as JSON on standard error."""
    ours: list[structlog.typing.Processor] = [
        contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _listed_only,
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[_who_only, *ours],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[*ours, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _listed_only(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: value for key, value in event.items() if key in KEYS or key.startswith("_")}


def _who_only(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    return {**event, "event": "library", "logger": record.name}


_METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}
