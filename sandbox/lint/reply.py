"""Rules about an answer as HTTP has it. CDS Hooks 2.0, "Use of JSON", "HTTP Status Codes"."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from typing import Any

from sandbox.lint.nodes import a, type_of
from sandbox.lint.rule import Broken, quoted, rule

STATUS, BODY = "HTTP status", "HTTP body"


@dataclass(frozen=True)
class Reply:
    """`document` is the JSON of `body`; `problem` says why there is none.

    The names of `headers` are in lower case. `satisfied`: the call brought every prefetch key.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    document: Any = None
    problem: str | None = None
    satisfied: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def failed(self) -> bool:
        return self.status >= 400


@rule("CH-012", "error", "Discovery answers GET with 200.")
def discovery_status(reply: Reply) -> Broken:
    if not reply.ok:
        yield STATUS, f"It is {_named(reply.status)}."


@rule("CH-012", "error", "Discovery answers with a JSON object that holds services.")
def discovery_object(reply: Reply) -> Broken:
    if not isinstance(reply.document, dict):
        told = (
            "There is no JSON" if reply.document is None else f"It is {a(type_of(reply.document))}"
        )
        yield "$", f"{told}."


@rule("CH-031", "error", "A sound call is answered with 200, or 412 if data cannot be had.")
def call_status(reply: Reply) -> Broken:
    if not 200 <= reply.status < 300 and reply.status not in (401, 403, 412):
        yield STATUS, f"It is {_named(reply.status)}."


@rule("CH-127", "warning", "A service says which clients it knows; this one it does not judge.")
def caller_admitted(reply: Reply) -> Broken:
    if reply.status in (401, 403):
        yield STATUS, f"It is {_named(reply.status)}: the service does not admit this client."


@rule("CH-089", "error", 'A service that has nothing to say answers 200 with {"cards": []}.')
def says_nothing_in_json(reply: Reply) -> Broken:
    if 200 < reply.status < 300:
        yield STATUS, f"It is {_named(reply.status)}."
    elif reply.ok and not reply.body.strip():
        yield BODY, "It is empty."


@rule("CH-003", "error", "The answer is JSON.")
def is_json(reply: Reply) -> Broken:
    if reply.ok and reply.body.strip() and reply.problem:
        yield BODY, reply.problem


@rule("CH-031", "error", "The answer is a JSON object that holds cards.")
def answer_object(reply: Reply) -> Broken:
    if reply.ok and reply.problem is None and not isinstance(reply.document, dict):
        yield "$", f"It is {a(type_of(reply.document))}."


@rule("CH-003", "error", "The Content-Type of JSON is application/json.")
def content_type(reply: Reply) -> Broken:
    given = reply.headers.get("content-type", "")
    media = given.partition(";")[0].strip().lower()
    sound = media == "application/json" or (media.startswith("application/") and "+json" in media)
    if reply.ok and not sound:
        told = f"It is {quoted(given)}" if given else "There is none"
        yield _header("Content-Type"), f"{told}."


@rule("CH-004", "error", "JSON is sent in UTF-8.")
def charset(reply: Reply) -> Broken:
    given = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", reply.headers.get("content-type", ""), re.I)
    if given and given[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        yield _header("Content-Type"), f"The charset is {quoted(given[1])}."


@rule("CH-004", "error", "JSON is UTF-8 without a byte order mark.")
def encoding(reply: Reply) -> Broken:
    try:
        if reply.body.decode().startswith("\ufeff"):
            yield BODY, "It begins with a byte order mark."
    except UnicodeDecodeError as error:
        yield BODY, f"Byte {error.start} is not UTF-8."


@rule("CH-003", "warning", "A member stands in an object once; of several, clients take any.")
def members_once(reply: Reply) -> Broken:
    for name in _doubled(reply.body) if reply.problem is None else ():
        yield BODY, f"An object has the member {quoted(name)} more than once."


@rule("CH-011", "warning", "Answers about patients are sent with Cache-Control: no-store.")
def not_cached(reply: Reply) -> Broken:
    given = reply.headers.get("cache-control", "").lower()
    if reply.ok and "no-store" not in given:
        told = f"It is {quoted(given)}" if given else "There is none"
        yield _header("Cache-Control"), f"{told}."


@rule("CH-142", "error", "What any origin may read goes without credentials; browsers refuse both.")
def no_credentials_for_all(reply: Reply) -> Broken:
    if (
        reply.headers.get("access-control-allow-origin") == "*"
        and reply.headers.get("access-control-allow-credentials", "").lower() == "true"
    ):
        yield _header("Access-Control-Allow-Credentials"), "It is true and any origin is allowed."


@rule("CH-070", "warning", "A 412 is for data that is neither in prefetch nor on the FHIR server.")
def precondition_failed(reply: Reply) -> Broken:
    if reply.status == 412 and reply.satisfied:
        yield STATUS, "It is 412, and every prefetch key of the service was given."


@rule("CH-115", "warning", "An error is told with an OperationOutcome.")
def outcome(reply: Reply) -> Broken:
    # A 401 says nothing, so that nobody learns how tokens are checked.
    if not reply.failed or reply.status == 401:
        return
    document = reply.document if isinstance(reply.document, dict) else {}
    if document.get("resourceType") != "OperationOutcome":
        yield BODY, f"The answer with status {reply.status} has none."
    elif not _has_issue(document):
        yield BODY, "Its issue has no severity or no code."


@rule("CH-115", "error", "An error tells nothing of the inside of the server.")
def no_stack_trace(reply: Reply) -> Broken:
    if reply.failed and (found := _TRACE.search(reply.body)):
        yield BODY, f"It has a stack trace: {quoted(found[0].decode(errors='replace'))}."


@rule("CH-127", "warning", "A 401 says with WWW-Authenticate: Bearer how to be admitted.")
def challenge(reply: Reply) -> Broken:
    if reply.status == 401 and "bearer" not in reply.headers.get("www-authenticate", "").lower():
        yield _header("WWW-Authenticate"), "There is no Bearer challenge."


@rule("CH-033", "warning", "A 405 says in Allow which methods there are.")
def allow(reply: Reply) -> Broken:
    if reply.status == 405 and not reply.headers.get("allow"):
        yield _header("Allow"), "There is none."


DISCOVERY_HTTP = (discovery_status, content_type, charset, no_credentials_for_all)
DISCOVERY_DOCUMENT = (discovery_object,)
ANSWER_HTTP = (
    call_status,
    caller_admitted,
    says_nothing_in_json,
    is_json,
    answer_object,
    content_type,
    charset,
    encoding,
    members_once,
    not_cached,
    no_credentials_for_all,
    precondition_failed,
    outcome,
    no_stack_trace,
    challenge,
    allow,
)

_TRACE = re.compile(
    rb"Traceback \(most recent call last\)|Exception in thread"
    rb"|\n[ \t]+at [\w.$<>]+\([^)\n]{0,200}\)"
    rb"|\bat [\w.$]+ \(?/[^)\n]{1,200}:\d+:\d+\)?"
)


def _named(status: int) -> str:
    if not status:
        return "none, since there was no answer"
    phrase = responses.get(status)
    return f"{status} ({phrase})" if phrase else str(status)


def _header(name: str) -> str:
    return f"HTTP header {name}"


def _has_issue(document: Mapping[str, Any]) -> bool:
    issues = document.get("issue")
    return isinstance(issues, list) and any(
        isinstance(each, dict) and each.get("severity") and each.get("code") for each in issues
    )


def _doubled(body: bytes) -> list[str]:
    found: dict[str, None] = {}

    def pairs(members: list[tuple[str, Any]]) -> None:
        times = Counter(name for name, _ in members)
        found.update(dict.fromkeys(name for name, count in times.items() if count > 1))

    try:
        json.loads(body, object_pairs_hook=pairs, parse_int=str)
    except (ValueError, RecursionError):
        return []
    return list(found)[:20]
