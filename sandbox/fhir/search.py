"""What a search asks for, and which resources satisfy it.

FHIR R4, "Search". A parameter that a type does not have is ignored, as lenient servers do: a
typing error in a template then shows as too many results. Who wants to know asks for strict
handling and gets the names of what was ignored.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from sandbox.fhir.dates import date_test
from sandbox.fhir.keys import asked_tokens, folded
from sandbox.fhir.parameters import INCLUDES, Parameter, parameters

Params = list[tuple[str, str]]
Order = tuple[tuple[str, bool], ...]
"""Parameters to sort by, and whether from the last value to the first."""

Test = Callable[[Any], bool]

# Parameters that ask for nothing that is not done anyway.
_UNHEARD = ("_format", "_pretty", "_total", "_contained")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of a search: a resource has one of the `keys`, or a value passes a test."""

    name: str
    keys: frozenset[str] = frozenset()
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search of a type.

    `used` is what of the request is heeded, in a query `encoded`; `ignored` the names of the rest.
    """

    resource_type: str
    criteria: tuple[Criterion, ...] = ()
    order: Order = ()
    includes: tuple[str, ...] = ()
    count: int | None = None
    offset: int = 0
    total_only: bool = False
    used: tuple[tuple[str, str], ...] = ()
    encoded: str = ""
    ignored: tuple[str, ...] = ()


def query(resource_type: str, params: Iterable[tuple[str, str]]) -> Query:
    """The search that these parameters ask for; ValueError for a malformed value."""
    return _query(resource_type, tuple(params))


# Clients ask the same again and again, with a hundred codes in one search.
@lru_cache(maxsize=512)
def _query(resource_type: str, params: tuple[tuple[str, str], ...]) -> Query:
    known = parameters(resource_type)
    included = INCLUDES.get(resource_type, {})
    criteria, used, ignored, includes = [], [], [], []
    order: Order = ()
    controls: dict[str, str] = {}
    for name, value in params:
        if name in known:
            criteria.append(criterion(resource_type, name, value))
        elif name.split(":")[0] == "_sort" and (asked := _order(known, name, value)):
            order = asked
        elif name == "_include" and value in included:
            includes.append(included[value])
        elif name in ("_count", "_offset") or (name == "_summary" and value in ("count", "false")):
            controls[name] = value
        else:
            if name not in _UNHEARD:
                ignored.append(name)
            continue
        used.append((name, value))
    return Query(
        resource_type=resource_type,
        criteria=tuple(criteria),
        order=order,
        includes=tuple(includes),
        count=_number(controls["_count"]) if "_count" in controls else None,
        offset=_number(controls.get("_offset", "0")),
        total_only=controls.get("_summary") == "count",
        used=tuple(used),
        encoded=urlencode(used),
        ignored=tuple(ignored),
    )


def criterion(resource_type: str, name: str, value: str) -> Criterion:
    """`name=value` for a type; a comma in the value means "or".

    ValueError if the value is malformed; a parameter that the type does not have finds nothing.
    """
    parameter = parameters(resource_type).get(name)
    parts = [part for part in value.split(",") if part]
    match parameter.kind if parameter else None:
        case "date":
            return Criterion(name, tests=tuple(date_test(part) for part in parts))
        case "string":
            return Criterion(name, tests=tuple(_starting(part) for part in parts))
        case "token":
            keys = [key for part in parts for key in asked_tokens(part)]
        case "reference":
            keys = ["/".join(part.split("/")[-2:]) for part in parts]
        case "uri":
            keys = parts
        case _:
            keys = []
    return Criterion(name, frozenset(f"{name}={key}" for key in keys))


def _starting(text: str) -> Callable[[str], bool]:
    asked = folded(text)
    return lambda own: own.startswith(asked)


def _order(known: dict[str, Parameter], name: str, value: str) -> Order | None:
    # `_sort:desc=date` is DSTU2, and still what some launchers send.
    backwards = {"_sort": False, "_sort:asc": False, "_sort:desc": True}.get(name)
    parts = [(part.lstrip("-"), part.startswith("-")) for part in value.split(",")]
    if backwards is None or not all(p in known and _sortable(p, known[p]) for p, _ in parts):
        return None
    return tuple((part, descending != backwards) for part, descending in parts)


def _sortable(name: str, parameter: Parameter) -> bool:
    return parameter.kind in ("date", "string") or name == "_id"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text!r} is not a number of resources")
    return int(text)
