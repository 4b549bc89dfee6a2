"""`flask --app sandbox lint URL`: does the CDS server at URL keep to CDS Hooks?"""

import sys
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import click

from sandbox.cds.discovery import Discovered
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from sandbox.lint import lint_discovery
from sandbox.lint.site import Site, lint_site
from sandbox.survey.calls import HOOKS, Call, calls
from sandbox.survey.terminal import Result, as_json_text, as_text

_UNREACHABLE = 2


@click.command()
@click.argument("url")
@click.option(
    "--patient", "patients", multiple=True, metavar="ID", help="Call for this patient only."
)
@click.option("--origin", metavar="ORIGIN", help="Pages of this origin should be able to call it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def lint(url: str, patients: tuple[str, ...], origin: str | None, as_json: bool) -> None:
    """Say which rules of CDS Hooks the server at URL breaks.

    URL is its base or its discovery address. Its services for patient-view, order-select and
    order-sign are called for the synthetic patients of the development EHR. The exit code is 0 if
    nothing was found, 1 if something was, and 2 if the server cannot be reached. docs/lint.md tells
    the rules by their numbers.
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
        asked = lint_site(_site(ehr, found, origin))
    result = Result(found, report, asked, made)
    click.echo(as_json_text(result) if as_json else as_text(result))
    sys.exit(1 if result.findings else 0)


def _site(ehr: DevelopmentEhr, found: Discovered, origin: str | None) -> Site:
    own = next((quote(service.id, safe="") for service in found.services), None)

    def token(url: str) -> str | None:
        return ehr.cds.signer.token(url) if ehr.cds.settings.sign else None

    return Site(found.url, own, token, origin)


def _progress(ehr: DevelopmentEhr, found: Discovered, patients: Sequence[str]) -> Iterator[Call]:
    services = [service for service in found.services if service.hook in HOOKS]
    most = len(services) * len(patients)
    # On the error stream, so that what is printed can be read by a program.
    with click.progressbar(
        calls(ehr, services, patients), length=most, label="Calling", file=sys.stderr
    ) as bar:
        yield from bar
