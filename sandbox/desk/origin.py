"""Whether a request comes from a page of the EHR itself.

A form of another site must not act in an opened chart. Browsers say where a request comes from in
`Sec-Fetch-Site`, and in `Origin`, which is "null" for forms of pages without a referrer, as ours
are. What says neither is no browser, and could not be misled. "none" is an address that somebody
has typed.
"""

import re

from sandbox.http.listener import Request

# Pages that read records in a browser and are no apps: the public CDS Hooks sandbox, and whatever
# runs on this machine, such as that sandbox itself.
_TOOL = re.compile(r"https://sandbox\.cds-hooks\.org|https?://(localhost|127\.0\.0\.1)(:\d{1,5})?")


def of_tool(request: Request) -> bool:
    """Whether a page of a tool for CDS Hooks has made it, by `Origin`."""
    return _TOOL.fullmatch(request.headers.get("origin", "")) is not None


def same_origin(request: Request) -> bool:
    """Whether this is no request that a page of another origin has made."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin in (None, f"http://{request.headers.get('host')}")
