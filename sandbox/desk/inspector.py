"""The inspector: each request to a CDS service, key by key what it was given, and its lint."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox.cds.exchange import Exchange, FetchedBack, Log, Prefetched

_LONGEST = 60_000

_OUTCOMES = {
    "given": ("done", "done", "given"),
    "empty": ("unknown", "empty", "empty"),
    "fetched": ("info", "late", "fetched"),
    "left out": ("warning", "unknown", "left out"),
    "not filled": ("warning", "unknown", "not filled"),
    "refused": ("warning", "lock", "refused"),
}


@dataclass(frozen=True)
class Key:
    """A prefetch key: the colour, the shape and the word of its outcome, and what is said of it."""

    prefetched: Prefetched
    severity: str
    mark: str
    word: str
    note: str
    entries: str


@dataclass(frozen=True)
class Inspected:
    """One exchange made ready for the page. `others` was read without belonging to a key."""

    exchange: Exchange
    keys: tuple[Key, ...]
    counts: str
    others: tuple[FetchedBack, ...]
    findings: tuple[Any, ...]
    lint: str


def inspected(exchange: Exchange) -> Inspected:
    """The exchange, ready for the page."""
    keys = tuple(map(_key, exchange.prefetched))
    of_keys = {id(each) for key in exchange.prefetched for each in key.fetched}
    counts = Counter(key.word for key in keys)
    known = [f"{counts[word]} {word}" for word in dict.fromkeys(k.word for k in keys)]
    graveness = Counter(each.severity for each in exchange.lint)
    return Inspected(
        exchange,
        keys,
        f"{len(keys)} {'key' if len(keys) == 1 else 'keys'}: {', '.join(known)}" if keys else "",
        tuple(each for each in exchange.fetched if id(each) not in of_keys),
        tuple(sorted(exchange.lint, key=lambda each: each.severity != "error")),
        ", ".join(
            f"{graveness[s]} {s}{'' if graveness[s] == 1 else 's'}"
            for s in ("error", "warning")
            if graveness[s]
        )
        or "no rule broken",
    )


def chosen(log: Log, exchange_id: str | None) -> Exchange | None:
    """The exchange of this id, else the newest service call, else the newest of all."""
    if exchange_id and (found := log.find(exchange_id)):
        return found
    newest_first = list(log)[::-1]
    calls = (each for each in newest_first if each.kind == "call")
    return next(calls, newest_first[0] if newest_first else None)


def json_text(value: Any, longest: int = _LONGEST) -> tuple[str, bool]:
    """JSON for a person, and whether it is cut."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text[:longest], len(text) > longest


def curl(exchange: Exchange, token: str) -> str:
    """The request as a command, signed with this token where it was signed.

    The access token that it lent has ended, so it lends none.
    """
    lines = [f"curl -i {shlex.quote(exchange.url)}"]
    for name, value in exchange.request_headers.items():
        shown = f"Bearer {token}" if name == "Authorization" else value
        lines.append(f"-H {shlex.quote(f'{name}: {shown}')}")
    if exchange.method == "POST":
        body = {n: v for n, v in exchange.request.items() if n != "fhirAuthorization"}
        lines.append(f"--data-raw {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def _key(prefetched: Prefetched) -> Key:
    back = prefetched.fetched
    fetched = [each for each in back if each.status == 200]
    outcome: str = prefetched.outcome
    if back and outcome not in ("given", "empty"):
        outcome = "fetched" if fetched else "refused"
    note = prefetched.reason
    entries = "\N{EN DASH}" if prefetched.entries is None else f"{prefetched.entries:,}"
    if back and outcome in ("fetched", "refused"):
        status = "" if fetched else f"{back[-1].status}, "
        note = f"{prefetched.outcome}, {status}{sum(each.ms for each in back):.0f} ms"
        told = [each.entries for each in fetched if each.entries is not None]
        entries = f"{sum(told):,}" if told else entries
    return Key(prefetched, *_OUTCOMES[outcome], note, entries)
