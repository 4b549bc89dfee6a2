"""One page of a search result.

FHIR R4, "Search" and "Bundle": the total counts the matches on all pages, included resources
count nowhere, and the `next` link is the same search further on.
"""

from urllib.parse import urlencode

from sandbox.fhir.access import Access
from sandbox.fhir.store import Params, Store
from sandbox.http.answer import Resource


def searchset(
    store: Store,
    base: str,
    resource_type: str,
    params: Params,
    page_size: int,
    access: Access | None = None,
) -> Resource:
    """The page that `_count` and `_offset` ask for, of what `access` reaches; None is everything.

    ValueError for a malformed parameter.
    """
    asked = dict(params)
    count = min(_number(asked.get("_count", str(page_size))), page_size)
    offset = _number(asked.get("_offset", "0"))
    matches = [
        match
        for match in store.search(resource_type, params)
        if access is None or access.sees(match, "s")
    ]
    page = matches[offset : offset + count]
    further = [(name, value) for name, value in params if name != "_offset"]
    further.append(("_offset", str(offset + count)))
    links = [("self", params)]
    if count and offset + count < len(matches):
        links.append(("next", further))
    found = [("match", match) for match in page]
    found += [
        ("include", resource)
        for resource in store.included(page, params)
        if access is None or access.sees(resource, "r")
    ]
    entries = [
        {
            "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "search": {"mode": mode},
        }
        for mode, resource in found
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(matches),
        "link": [
            {"relation": relation, "url": f"{base}/{resource_type}?{urlencode(query)}"}
            for relation, query in links
        ],
    }
    # FHIR JSON has no empty arrays.
    return {**bundle, "entry": entries} if entries else bundle


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a number of resources")
    return int(text)
