"""The result of a lint, as text for people and as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.cds.discovery import Discovered
from sandbox.lint.report import LintFinding, Report
from sandbox.survey.calls import HOOKS, Call


@dataclass(frozen=True)
class Result:
    """What is said of a discovery document, of other requests to its server, and of each call."""

    found: Discovered
    discovery: Report
    site: Report
    calls: Sequence[Call]

    @property
    def findings(self) -> list[LintFinding]:
        """All of them."""
        called = [finding for call in self.calls for finding in call.findings]
        return [*self.discovery.findings, *self.site.findings, *called]


def as_json_text(result: Result) -> str:
    """As a JSON document."""
    told: dict[str, Any] = {
        "url": f"{result.found.url}/cds-services",
        "discovery": result.discovery,
        "site": result.site,
        "calls": [
            {
                "service": call.service.id,
                "hook": call.service.hook,
                "patient": call.patient_id,
                "status": call.exchange.status,
                "ms": call.exchange.ms,
                "findings": call.findings,
            }
            for call in result.calls
        ],
    }
    return json.dumps(msgspec.to_builtins(told), indent=2, ensure_ascii=False)


def as_text(result: Result) -> str:
    """As lines for a terminal."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    found, made = result.found, result.calls
    yield f"{found.url}/cds-services: {_counted(len(found.services), 'service')}"
    for title, report in (("Discovery", result.discovery), ("Other requests", result.site)):
        if report.findings:
            yield f"\n{title}"
        for finding in report.findings:
            yield from _told(finding, "")
    by_service: dict[tuple[str, str], list[Call]] = {}
    for call in made:
        by_service.setdefault((call.service.id, call.service.hook), []).append(call)
    for (id_, hook), own in by_service.items():
        yield from _about_service(f"{id_}, {hook}", own)
    idle = [s for s in found.services if s.hook not in HOOKS]
    if idle:
        names = ", ".join(f"{_plain(s.id)} ({_plain(s.hook)})" for s in idle)
        yield f"\nNot called, since this EHR does not fire their hooks: {names}."
    kinds = {(each.rule, each.severity) for each in result.findings}
    errors = sum(severity == "error" for _, severity in kinds)
    summary = (
        f"{_counted(errors, 'rule')} broken, {_counted(len(kinds) - errors, 'warning')}"
        if result.findings
        else "Nothing found"
    )
    answers = sum(call.exchange.status is not None for call in made)
    cards = sum(len(call.exchange.cards) for call in made)
    judged = f"the discovery document and {_counted(answers, 'answer')} ({_counted(cards, 'card')})"
    yield f"\n{summary}, in {judged}."


def _about_service(name: str, own: Sequence[Call]) -> Iterator[str]:
    """What was found in the answers of a service; the same in several is told once."""
    places: dict[LintFinding, list[str]] = {}
    for call in own:
        for finding in dict.fromkeys(call.findings):
            places.setdefault(finding, []).append(call.patient_id)
    if not places:
        return
    yield f"\n{_plain(name)}, {_counted(len(own), 'call')}"
    for finding, patients in places.items():
        others = f" and {len(patients) - 1} more" if len(patients) > 1 else ""
        yield from _told(finding, f"  for {patients[0]}{others}")


def _told(finding: LintFinding, where: str) -> Iterator[str]:
    yield f"  {finding.severity:<7}  {finding.rule}  {_plain(finding.path)}{where}"
    yield f"           {_plain(finding.text)}"


def _plain(text: str) -> str:
    """Without the control characters by which a server could write to the terminal as it likes."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
