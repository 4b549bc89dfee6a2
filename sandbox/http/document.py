"""JSON from other people's servers, and what a status other than 200 means."""

from http.client import responses
from typing import Any

import msgspec

from sandbox.http.sending import Reply

_DEEPEST = 100


class NotJson(ValueError):
    """The body is no JSON that can be used; the text is for people."""


def parsed(body: bytes) -> Any:
    """The JSON of a body. NotJson too for what is nested so deep that no page could show it."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise NotJson(f"It is not JSON: {error}.") from None
    except UnicodeDecodeError:
        # Not of msgspec's own errors, and for text within the JSON only.
        raise NotJson("It is not JSON: it is not UTF-8.") from None
    except RecursionError:
        raise NotJson("It is nested too deep.") from None
    if _deeper(document, _DEEPEST):
        raise NotJson("It is nested too deep.")
    return document


def trouble(reply: Reply) -> str | None:
    """What is wrong with a status, in words; None for a 200."""
    status = reply.status
    if status == 200:
        return None
    said = f"It answered {status} ({responses.get(status, 'not a status of HTTP')})"
    if 300 <= status < 400:
        return f"{said}. A redirect is not followed: write the address that it leads to."
    if 200 < status < 300:
        return f"{said}. A service that has nothing to say answers 200 with an empty list of cards."
    reason = _reason(reply.body)
    return f"{said}: {reason}" if reason else f"{said}."


def text(body: bytes, most: int = 100_000) -> str:
    """A body as text, cut where it is long."""
    whole = body.decode(errors="replace")
    return whole if len(whole) <= most else f"{whole[:most]}… ({len(whole)} characters)"


def _reason(body: bytes) -> str:
    """What an OperationOutcome, or an error of another kind, says."""
    try:
        document = parsed(body)
    except NotJson:
        return ""
    if not isinstance(document, dict):
        return ""
    issues = document.get("issue")
    first = issues[0] if isinstance(issues, list) and issues else document
    if isinstance(first, dict):
        details = first.get("details")
        told = [
            first.get("diagnostics"),
            details.get("text") if isinstance(details, dict) else None,
            first.get("error"),
            first.get("message"),
        ]
        return next((each[:300] for each in told if isinstance(each, str) and each), "")
    return ""


def _deeper(document: Any, levels: int) -> bool:
    """Whether there is anything further down than so many levels."""
    layer = [document]
    for _ in range(levels):
        layer = [
            child
            for element in layer
            if isinstance(element, dict | list)
            for child in (element.values() if isinstance(element, dict) else element)
        ]
        if not layer:
            return False
    return True
