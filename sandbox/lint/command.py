"""`flask --app sandbox lint URL`: does the CDS server at URL keep to CDS Hooks?"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from sandbox.cds.discovery import Discovered
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.lint import LintFinding, Report, lint_discovery
from sandbox.lint.calls import HOOKS, Call, calls

_UNREACHABLE = 2


@click.command()
@click.argument("url")
@click.option(
    "--patient", "patients", multiple=True, metavar="ID", help="Call for this patient only."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def lint(url: str, patients: tuple[str, ...], as_json: bool) -> None:
    """Say which rules of CDS Hooks the server at URL breaks.

    URL is its base or its discovery address. Its services for patient-view, order-select and
    order-sign are called for the synthetic patients of the development EHR. The exit code is 0 if
    nothing was found, 1 if something was, and 2 if the server cannot be reached.
    """
    try:
        settings = CdsSettings(servers=(url,))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
    with DevelopmentEhr(shipped_bundles(), (), cds=settings) as ehr:
        known = [each["id"] for each in ehr.fhir.store.all("Patient")]
        if unknown := [each for each in patients if each not in known]:
            raise click.BadParameter(
                f"There is no patient {unknown[0]!r}. There are: {', '.join(known)}.",
                param_hint="--patient",
            )
        [found] = ehr.cds.discovered()
        if found.status is None:
            click.echo(f"{found.url}/cds-services: {found.error}", err=True)
            sys.exit(_UNREACHABLE)
        report = lint_discovery(found.document, found.status, found.headers)
        made = list(_progress(ehr, found, patients or known))
    click.echo(_as_json(found, report, made) if as_json else _as_text(found, report, made))
    sys.exit(1 if report.findings or any(call.findings for call in made) else 0)


def _progress(ehr: DevelopmentEhr, found: Discovered, patients: Sequence[str]) -> Iterator[Call]:
    services = [service for service in found.services if service.hook in HOOKS]
    most = len(services) * len(patients)
    # On the error stream, so that what is printed can be read by a program.
    with click.progressbar(
        calls(ehr, services, patients), length=most, label="Calling", file=sys.stderr
    ) as bar:
        yield from bar


def _as_json(found: Discovered, report: Report, made: Sequence[Call]) -> str:
    told: dict[str, Any] = {
        "url": f"{found.url}/cds-services",
        "discovery": report,
        "calls": [
            {
                "service": call.service.id,
                "hook": call.service.hook,
                "patient": call.patient_id,
                "status": call.exchange.status,
                "ms": call.exchange.ms,
                "findings": call.findings,
            }
            for call in made
        ],
    }
    return json.dumps(msgspec.to_builtins(told), indent=2, ensure_ascii=False)


def _as_text(found: Discovered, report: Report, made: Sequence[Call]) -> str:
    return "\n".join(_lines(found, report, made))


def _lines(found: Discovered, report: Report, made: Sequence[Call]) -> Iterator[str]:
    yield f"{found.url}/cds-services: {_counted(len(found.services), 'service')}"
    if report.findings:
        yield "\nDiscovery"
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
    every = [*report.findings, *(finding for call in made for finding in call.findings)]
    kinds = {(each.rule, each.severity) for each in every}
    errors = sum(severity == "error" for _, severity in kinds)
    summary = (
        f"{_counted(errors, 'rule')} broken, {_counted(len(kinds) - errors, 'warning')}"
        if every
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
