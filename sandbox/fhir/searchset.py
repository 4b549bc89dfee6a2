"""One page of a search result.

FHIR R4, "Search" and "Bundle": the total counts the matches on all pages, included resources
count nowhere, and the `next` link is the same search further on.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from sandbox.fhir.access import Access
from sandbox.fhir.index import Kept
from sandbox.fhir.search import Query
from sandbox.fhir.store import Store


def searchset(
    store: Store, base: str, asked: Query, page_size: int, access: Access | None = None
) -> bytes:
    """The Bundle of the page that is asked for, of what `access` reaches; None is everything."""
    limits = access.limits(asked.resource_type, "s") if access else [()]
    matches = store.find(asked, limits)
    count = page_size if asked.count is None else min(asked.count, page_size)
    end = asked.offset + count
    page = [] if asked.total_only else matches[asked.offset : end]
    links = [("self", asked.encoded)]
    if page and end < len(matches):
        further = [(name, value) for name, value in asked.used if name != "_offset"]
        links.append(("next", urlencode([*further, ("_offset", str(end))])))
    head = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(matches),
        "link": [
            {"relation": relation, "url": f"{base}/{asked.resource_type}?{query}"}
            for relation, query in links
        ],
    }
    others = [
        kept for kept in store.included(page, asked) if access is None or access.sees(kept, "r")
    ]
    entries = [*_entries(base, page, "match"), *_entries(base, others, "include")]
    # FHIR JSON has no empty arrays.
    if not entries:
        return msgspec.json.encode(head)
    return b"".join([msgspec.json.encode(head)[:-1], b',"entry":[', b",".join(entries), b"]}"])


def _entries(base: str, found: Sequence[Kept], mode: str) -> list[bytes]:
    # The resources are encoded once for all searches: what is left is to join their bytes.
    start, end = f'{{"fullUrl":"{base}/'.encode(), f',"search":{{"mode":"{mode}"}}}}'.encode()
    return [start + kept.entry + end for kept in found]
