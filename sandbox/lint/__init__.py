"""Does a CDS service keep to the specification? CDS Hooks 1.0, 2.0 and 3.0 (ballot).

It judges what can be seen from the outside: a discovery document, and the answer to one call.
Anyone's service is judged, so nothing that it sends makes the lint fail.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.http.document import NotJson, parsed
from sandbox.lint.actions import ACTIONS
from sandbox.lint.cards import ANSWER
from sandbox.lint.discovery import DISCOVERY
from sandbox.lint.links import LINK
from sandbox.lint.nodes import nodes
from sandbox.lint.reply import ANSWER_HTTP, DISCOVERY_DOCUMENT, DISCOVERY_HTTP, Reply
from sandbox.lint.report import LintFinding as LintFinding
from sandbox.lint.report import Report as Report
from sandbox.lint.rule import Judgement, Rule
from sandbox.lint.templates import TEMPLATE, templates
from sandbox.lint.whole import SIZE, WHOLE

OF_DISCOVERY: Mapping[str, tuple[Rule, ...]] = {
    "HTTP": DISCOVERY_HTTP,
    "document": DISCOVERY_DOCUMENT,
    **DISCOVERY,
    "template": TEMPLATE,
    "size": SIZE,
    "whole": WHOLE,
}
OF_ANSWERS: Mapping[str, tuple[Rule, ...]] = {
    "HTTP": ANSWER_HTTP,
    **ANSWER,
    **ACTIONS,
    "link": LINK,
    "size": SIZE,
    "whole": WHOLE,
}
"""The rules, by what they are about."""


def lint_discovery(
    document: Any, status: int | None = 200, headers: Mapping[str, str] | None = None
) -> Report:
    """A discovery answer: its JSON (None if it is none), its status and its headers.

    With `headers` None, only the document is judged. The names of headers are in any letter case.
    """
    judgement = Judgement()
    reply = Reply(status or 0, _lowered(headers or {}), document=document)
    if headers is not None:
        judgement.judge(reply, "", OF_DISCOVERY["HTTP"])
    judgement.judge(reply, "", OF_DISCOVERY["document"])
    if isinstance(document, dict):
        found = nodes(document, "discovery document")
        judgement.judge(found, "$", OF_DISCOVERY["size"])
        for node in found:
            judgement.judge(node, node.path, OF_DISCOVERY[node.kind])
            if node.kind == "service":
                for template in templates(node):
                    judgement.judge(template, template.path, OF_DISCOVERY["template"])
        judgement.judge(document, "$", OF_DISCOVERY["whole"], where_sound=True)
    return judgement.report


def lint_answer(
    prefetch: Mapping[str, str],
    request: Mapping[str, Any],
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> Report:
    """The answer to a call that was sound: `request` is its JSON, `prefetch` are the templates of
    the service by key.
    """
    judgement = Judgement()
    document, problem = _read(body)
    satisfied = _satisfied(prefetch, request)
    reply = Reply(status, _lowered(headers), body, document, problem, satisfied)
    judgement.judge(reply, "", OF_ANSWERS["HTTP"])
    if reply.ok and isinstance(document, dict):
        found = nodes(document, "answer", request)
        judgement.judge(found, "$", OF_ANSWERS["size"])
        for node in found:
            judgement.judge(node, node.path, OF_ANSWERS[node.kind])
    if problem is None:
        judgement.judge(document, "$", OF_ANSWERS["whole"], where_sound=True)
    return judgement.report


def _read(body: bytes) -> tuple[Any, str | None]:
    try:
        return parsed(body), None
    except NotJson as why:
        return None, str(why)


def _satisfied(prefetch: Mapping[str, str], request: Mapping[str, Any]) -> bool:
    """Whether the call brought a resource for every key that the service asks for."""
    given = request.get("prefetch")
    values = given if isinstance(given, dict) else {}
    return bool(prefetch) and all(
        isinstance(values.get(key), dict) and values[key].get("resourceType") != "OperationOutcome"
        for key in prefetch
    )


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
