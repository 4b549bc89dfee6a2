"""Errors as the caller sees them: an OperationOutcome that names the field and the remedy.

CDS Hooks 3.0 asks for OperationOutcome bodies on 4xx and 5xx. Texts here are ours and fixed; they
never quote the request, so no patient data and no token can come back in an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from traceback import walk_tb
from typing import Literal

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from web.logs import log, note, request_id

IssueCode = Literal[
    "invalid",
    "structure",
    "required",
    "value",
    "duplicate",
    "not-found",
    "forbidden",
    "not-supported",
    "too-long",
    "timeout",
    "throttled",
    "incomplete",
    "login",
    "exception",
]


class StartError(SystemExit):
    """The server cannot start like this; the text names the file or variable and the remedy.

    Ends whatever is about to start, a command as well, with its text and without a traceback.
    """

    def __init__(self, text: str) -> None:
        super().__init__(f"Error: {text}")
        self.text = text

    def __str__(self) -> str:
        return self.text


class Problem(Exception):
    """A request that cannot be answered; `field` is a path such as `context.userId`.

    `reason` is for the log where the caller is not to know it.
    """

    def __init__(
        self,
        status: int,
        code: IssueCode,
        text: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.field = field
        self.headers = headers or {}
        self.reason: str | None = None


class _Issue(msgspec.Struct, omit_defaults=True):
    severity: str
    code: str
    diagnostics: str
    expression: list[str] = []


class _Outcome(
    msgspec.Struct, tag_field="resourceType", tag="OperationOutcome", omit_defaults=True
):
    issue: list[_Issue]
    id: str | None = None


def outcome(problem: Problem) -> Response:
    """The problem as the body of an answer (FHIR R4 OperationOutcome).

    Its id is that of the request in the log, but for 401: all of those are the same.
    """
    issue = _Issue("error", problem.code, problem.text, [problem.field] if problem.field else [])
    id_ = request_id() if problem.status != 401 else None
    answer = json_response(msgspec.json.encode(_Outcome([issue], id_)), problem.status)
    answer.headers.update(problem.headers)
    return answer


def json_response(body: bytes, status: int = 200) -> Response:
    """JSON that no cache keeps."""
    # One piece already: nothing to iterate over.
    return Response(body, status, _HEADERS, direct_passthrough=True)


_HEADERS = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]


def init_app(app: Flask) -> None:
    """Every error of the application leaves through here, in JSON."""

    @app.errorhandler(Problem)
    def known(problem: Problem) -> Response:
        if problem.reason:
            note(reason=problem.reason)
        return outcome(problem)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code, text = _HTTP.get(error.code or 500, ("invalid", "The request was refused."))
        answer = outcome(Problem(error.code or 500, code, text))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return answer

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        # The message of an exception may quote the record, its type and place may not.
        log.error("unhandled", error=type(error).__name__, place=place(error))
        return outcome(
            Problem(500, "exception", "This service failed. Decide without it and report the time.")
        )


# Where a fault of a service is looked for first: the code of clinical authors.
_AUTHORS = ("/hooks/services/", "/clinical/checks/")


def place(error: Exception) -> str:
    """File and line at fault: the last one of an author's code, else the last one of all."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    authors = [each for each in frames if any(part in each[0] for part in _AUTHORS)]
    file, line = (authors or frames)[-1]
    return f"{'/'.join(file.split('/')[-3:])}:{line}"


_HTTP: dict[int, tuple[IssueCode, str]] = {
    404: ("not-found", "There is nothing here. GET /cds-services lists the services."),
    405: ("not-supported", "This method is not served here; see the Allow header."),
    413: ("too-long", "The body is too large. Send fewer prefetch keys or narrower searches."),
    415: ("not-supported", "Send the body as application/json, uncompressed."),
}
