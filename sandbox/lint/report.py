"""What the lint says."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class LintFinding:
    """One place where one rule is broken.

    An error breaks a MUST of CDS Hooks; a warning breaks a SHOULD, or troubles clients that are in
    use. `rule` is its number. `path` is where: "cards[0].suggestions[1].label", "$" for the whole
    document, "HTTP status", "HTTP header Content-Type" or "HTTP body". `text` says in words what is
    wrong there, and then what the rule wants.
    """

    severity: Severity
    rule: str
    path: str
    text: str


@dataclass(frozen=True)
class Report:
    """All findings, in the order of the document. `kept` counts the rules that were not broken."""

    findings: tuple[LintFinding, ...]
    kept: int
