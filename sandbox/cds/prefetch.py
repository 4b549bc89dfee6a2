"""What the EHR gives along with a call. CDS Hooks 2.0, "Providing FHIR Resources to a CDS Service".

Queries go the way of a request to the FHIR server, with a token for this patient, so that a
service gets what it would get there: pages and their links, totals, refusals, planted faults.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.cds.exchange import FetchedBack, Outcome, Prefetched
from sandbox.cds.fill import Unfillable, filled
from sandbox.cds.settings import CdsSettings
from sandbox.http.answer import Answer, Resource
from sandbox.http.listener import Request

_MOST_KEYS = 100
_MOST_BYTES = 20_000_000

Get = Callable[[str], Answer]
"""The answer to a GET under the FHIR base, given by `Type/id` or `Type?query`."""


@dataclass(frozen=True)
class Given:
    """The `prefetch` of a request, and what became of each key."""

    values: Mapping[str, Any]
    rows: tuple[Prefetched, ...]


def get_request(target: str, token: str) -> Request:
    """The request for something under the FHIR base, as the listener would have read it."""
    address = urlsplit(f"/fhir/{target}")
    return Request(
        method="GET",
        path=unquote(address.path),
        params=parse_qsl(address.query),
        authorization=f"Bearer {token}",
        target=f"/fhir/{target}",
    )


def satisfied(
    templates: Mapping[str, str],
    context: Mapping[str, Any],
    user: str,
    today: date,
    settings: CdsSettings,
    get: Get,
) -> Given:
    """The templates, filled and asked for, in the order in which the service names them.

    Whatever a service asks for, the request stays within `_MOST_KEYS` and about `_MOST_BYTES`.
    """
    get = cache(get)

    def resolve(reference: str) -> Resource | None:
        answer = get(reference)
        return _resource(answer) if answer.status == 200 else None

    values: dict[str, Any] = {}
    rows: list[Prefetched] = []
    size = 0
    for key, template in templates.items():
        if reason := _too_much(len(rows), size):
            rows.append(Prefetched(key, template, None, "left out", reason=reason))
            continue
        try:
            query = filled(
                template,
                context,
                user,
                today,
                values,
                resolve,
                tokens_only=settings.version == "2.0",
            )
        except Unfillable as why:
            rows.append(Prefetched(key, template, None, "not filled", reason=str(why)))
            continue
        if not settings.gives(key):
            # The query is known all the same, so that what a service fetches back is told with it.
            reason = "The settings of this EHR leave it out."
            rows.append(Prefetched(key, template, query, "left out", reason=reason))
            continue
        answer = get(query)
        size += len(answer.body)
        row, value = _asked(Prefetched(key, template, query, "given"), answer)
        rows.append(row)
        if row.outcome != "refused" or value is not None:
            values[key] = value
    return Given(values, tuple(rows))


def _too_much(n_before: int, size: int) -> str:
    if n_before >= _MOST_KEYS:
        return f"Only the first {_MOST_KEYS} keys of a service are filled."
    if size > _MOST_BYTES:
        return f"The request has more than {_MOST_BYTES // 1_000_000} MB already."
    return ""


def _asked(row: Prefetched, answer: Answer) -> tuple[Prefetched, Resource | None]:
    resource = _resource(answer)
    is_search = "?" in (row.query or "")
    if answer.status in (404, 410) and not is_search:
        return replace(row, outcome="empty", entries=0, reason="There is no such resource."), None
    if answer.status != 200 or resource is None:
        reason = f"The FHIR server answered {answer.status}: {_diagnostics(resource)}"
        return replace(row, outcome="refused", reason=reason), resource
    if resource.get("resourceType") != "Bundle":
        return replace(row, entries=1), resource
    entries = len(resource.get("entry", ()))
    outcome: Outcome = "given" if entries else "empty"
    return replace(row, outcome=outcome, entries=entries, reason=_found(resource)), resource


def _found(bundle: Resource) -> str:
    if any(link.get("relation") == "next" for link in bundle.get("link", ())):
        return f"This is the first page of {bundle.get('total')}."
    return "" if bundle.get("entry") else "Nothing was found."


def _resource(answer: Answer) -> Resource | None:
    try:
        resource = answer.resource
    except ValueError:  # a planted fault may have spoilt it
        return None
    return resource if isinstance(resource, dict) else None


def _diagnostics(outcome: Resource | None) -> str:
    issues = (outcome or {}).get("issue") or [{}]
    return str(issues[0].get("diagnostics", "no reason is given."))


def with_fetched(
    rows: tuple[Prefetched, ...], fetched: tuple[FetchedBack, ...]
) -> tuple[Prefetched, ...]:
    """The rows, each with the requests that got what it is about.

    That is its very query, else one for the same type by somebody who was not given it.
    """
    taken = {each: row.key for row in rows for each in fetched if _same(row, each)}
    for each in fetched:
        wanting = [r for r in rows if r.outcome not in ("given", "empty") and _type(r) == _of(each)]
        if wanting:
            taken.setdefault(each, wanting[0].key)
    return tuple(
        replace(row, fetched=tuple(each for each in fetched if taken.get(each) == row.key))
        for row in rows
    )


def _same(row: Prefetched, fetched: FetchedBack) -> bool:
    return row.query is not None and _asks(f"/fhir/{row.query}") == _asks(fetched.target)


def _asks(target: str) -> tuple[str, list[tuple[str, str]]]:
    address = urlsplit(target)
    return unquote(address.path).removesuffix("/_search"), sorted(parse_qsl(address.query))


def _type(row: Prefetched) -> str:
    return row.template.partition("?")[0].partition("/")[0]


def _of(fetched: FetchedBack) -> str:
    return fetched.target.removeprefix("/fhir/").partition("?")[0].partition("/")[0]
