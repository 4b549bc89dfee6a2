"""Does a CDS service keep to the specification? CDS Hooks 1.0, 2.0 and 3.0 (ballot).

It judges what can be seen from the outside: a discovery document, and the answer to one call.
Anyone's service is judged, so nothing that it sends makes the lint fail.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.lint.report import LintFinding as LintFinding
from sandbox.lint.report import Report as Report


def lint_discovery(
    document: Any, status: int | None = 200, headers: Mapping[str, str] | None = None
) -> Report:
    """A discovery answer: its JSON (None if it is none), its status and its headers.

    Names of headers are in any letter case. With `headers` None, only the document is judged.
    """
    return Report((), 0)


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
    return Report((), 0)
