"""Whether a request comes from a page of the EHR itself.

A form of another site must not act in an opened chart. Browsers say where a request comes from in
`Sec-Fetch-Site`, and in `Origin`, which is "null" for forms of pages without a referrer, as ours
are. What says neither is no browser, and could not be misled.
"""

from sandbox.http.listener import Request


def same_origin(request: Request) -> bool:
    """Whether this is no request that a page of another origin has made."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin in (None, f"http://{request.headers.get('host')}")
