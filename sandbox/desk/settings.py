"""The settings page: which CDS servers are called, and how."""

from typing import Any

from sandbox.cds.client import CdsClient
from sandbox.cds.settings import CdsSettings
from sandbox.http.answer import Answer, redirect
from sandbox.http.listener import Pairs
from sandbox.pages.page import page


def shown(cds: CdsClient, saved: bool = False) -> Answer:
    """The form, and what the servers of it have now."""
    settings = cds.settings
    return _page(cds, "\n".join(settings.servers), " ".join(sorted(settings.left_out)), saved=saved)


def changed(cds: CdsClient, form: Pairs) -> Answer:
    """Takes the form over, or shows it again with what is wrong."""
    given = dict(form)
    servers, left_out = given.get("servers", ""), given.get("left_out", "")
    choices: dict[str, Any] = {
        "sign": "sign" in given,
        "authorization": "authorization" in given,
        "prefetch": "none" if given.get("prefetch") == "none" else "all",
        "version": "2.0" if given.get("version") == "2.0" else "3.0",
        "left_out": frozenset(left_out.replace(",", " ").split()),
    }
    try:
        cds.settings = CdsSettings(servers=tuple(servers.split()), **choices)
    except ValueError as error:
        return _page(cds, servers, left_out, str(error))
    cds.rediscover()
    return redirect("/settings?saved=1")


def _page(
    cds: CdsClient, servers: str, left_out: str, wrong: str = "", saved: bool = False
) -> Answer:
    found = cds.discovered()
    keys = sorted({key for server in found for each in server.services for key in each.prefetch})
    return page(
        "settings.html",
        400 if wrong else 200,
        servers=servers,
        left_out=left_out,
        wrong=wrong,
        saved=saved,
        settings=cds.settings,
        found=found,
        keys=keys,
    )
