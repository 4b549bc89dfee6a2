"""The lint page: which rules the discovery document of a CDS server breaks."""

from collections.abc import Mapping

from sandbox.cds.client import CdsClient
from sandbox.cds.discovery import Discovered, discover
from sandbox.cds.settings import base_url
from sandbox.http.answer import Answer
from sandbox.lint import Report, lint_discovery
from sandbox.pages.page import page


def shown(cds: CdsClient, query: Mapping[str, str]) -> Answer:
    """The form and, for the address `url` of the query, the report."""
    url = query.get("url", "").strip()
    found: Discovered | None = None
    report: Report | None = None
    wrong = ""
    if url:
        try:
            found = discover(base_url(url))
            if found.status is not None:
                report = lint_discovery(found.document, found.status, found.headers)
        except ValueError as error:
            wrong = str(error)
    return page(
        "lint.html",
        400 if wrong else 200,
        url=url or next(iter(cds.settings.servers), ""),
        wrong=wrong,
        found=found,
        report=report,
    )
