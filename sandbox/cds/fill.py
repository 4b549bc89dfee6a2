"""Prefetch templates, filled. CDS Hooks 2.0, "Prefetch tokens"; 3.0, "Simpler FHIRPath".

An expression is one or more paths joined by `|`. A path begins at `context`, at `%key` for an
earlier prefetch key, or is one of the four user ids; its steps are names of elements,
`ofType(Type)` and `resolve()`. `today()` may have so many days, weeks, months or years added.
A collection becomes a list with commas, which means "or" in a search.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

Resolve = Callable[[str], dict[str, Any] | None]
"""The resource of a reference such as `Type/id`, None if there is none."""

USER_TOKENS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}

_LONGEST = 10_000
_LONGEST_QUERY = 100_000
# Resources that name each other multiply with each step.
_MOST_VALUES = 10_000
# No brace inside: a run of them would be read again from each of its places.
_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
_SIMPLE = re.compile(r"context\.\w+")
_TODAY = re.compile(r"today\(\)(?:\s*([+-])\s*(\d{1,5})\s*'?(day|week|month|year)s?'?)?")
_STEP = re.compile(r"(\w+)(?:\((\w*)\))?")


class Unfillable(Exception):
    """Why a template cannot be filled, in words."""


def filled(
    template: str,
    context: Mapping[str, Any],
    user: str,
    today: date,
    earlier: Mapping[str, Any] | None = None,
    resolve: Resolve = lambda _: None,
    *,
    tokens_only: bool = False,
) -> str:
    """The query that a template asks for; Unfillable if something is missing.

    `user` is `Practitioner/id` or the like, `earlier` are the prefetch values of the keys before.
    `tokens_only`: what is newer than CDS Hooks 2.0 is not filled.
    """
    if len(template) > _LONGEST:
        raise Unfillable(f"It is longer than {_LONGEST:,} characters.")
    before, question, _ = template.partition("?")
    room = _LONGEST_QUERY

    def value(token: re.Match[str]) -> str:
        nonlocal room
        expression = token[1].strip()
        in_query = bool(question) and token.start() > len(before)
        if tokens_only and not _SIMPLE.fullmatch(expression) and expression not in USER_TOKENS:
            raise Unfillable(f"{token[0]} is newer than CDS Hooks 2.0.")
        texts = _texts(expression, context, user, today, earlier, resolve)
        found = [text for text in dict.fromkeys(texts) if text]
        if not found:
            raise Unfillable(f"There is no value for {token[0]}.")
        if len(found) > 1 and not in_query:
            raise Unfillable(f"{token[0]} has {len(found)} values, and a read is for one.")
        # So that no value ends the parameter, or the path, that it stands in.
        text = ",".join(quote(each, safe=":|" if in_query else "/") for each in found)
        room -= len(text)
        if room < 0:
            raise Unfillable(f"The query is longer than {_LONGEST_QUERY:,} characters.")
        return text

    query = _TOKEN.sub(value, template)
    if "{" in query or "}" in query:
        raise Unfillable("It has braces that are no token.")
    return query


def _texts(
    expression: str,
    context: Mapping[str, Any],
    user: str,
    today: date,
    earlier: Mapping[str, Any] | None,
    resolve: Resolve,
) -> Iterator[str]:
    for path in map(str.strip, expression.split("|")):
        if path in USER_TOKENS:
            type_, _, id_ = user.partition("/")
            if type_ == USER_TOKENS[path]:
                yield id_
        elif path.startswith("today"):
            yield _day(path, today).isoformat()
        else:
            for found in _walked(path, context, earlier or {}, resolve):
                yield _text(found, path)


def _text(value: Any, path: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise Unfillable(f"{path} is not a simple value.")


def _day(path: str, today: date) -> date:
    parts = _TODAY.fullmatch(path)
    if parts is None:
        raise Unfillable(f"{path!r} is no date: write today() - 90 days.")
    sign, count, unit = parts.groups()
    distance = int(count or 0) * (-1 if sign == "-" else 1)
    try:
        if unit in (None, "day", "week"):
            return today + timedelta(days=distance * (7 if unit == "week" else 1))
        months = today.year * 12 + today.month - 1 + distance * (12 if unit == "year" else 1)
        year, month = months // 12, months % 12 + 1
        return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    except (OverflowError, ValueError):
        raise Unfillable(f"{path} is no date.") from None


def _walked(
    path: str, context: Mapping[str, Any], earlier: Mapping[str, Any], resolve: Resolve
) -> list[Any]:
    root, *steps = path.split(".")
    if root == "context":
        found: list[Any] = [context]
    elif root.startswith("%"):
        if root[1:] not in earlier:
            raise Unfillable(f"{root} is no earlier key that was satisfied.")
        found = [earlier[root[1:]]]
    else:
        raise Unfillable(f"{path!r} is no token that is known here.")
    for step in steps:
        parts = _STEP.fullmatch(step)
        if parts is None or (parts[2] is not None and parts[1] not in ("ofType", "resolve")):
            raise Unfillable(f"{step!r} in {path} is not supported.")
        found = _next(found, parts[1], parts[2], resolve)
        if len(found) > _MOST_VALUES:
            raise Unfillable(f"{path[:80]} has more than {_MOST_VALUES:,} values.")
    return found


def _next(elements: list[Any], name: str, argument: str | None, resolve: Resolve) -> list[Any]:
    if argument is None:
        return [child for element in elements for child in _children(element, name)]
    if name == "ofType":
        return [e for e in elements if isinstance(e, dict) and e.get("resourceType") == argument]
    references = [e.get("reference") if isinstance(e, dict) else e for e in elements]
    resolved = (_resolved(each, resolve) for each in references if isinstance(each, str))
    return [resource for resource in resolved if resource is not None]


def _children(element: Any, name: str) -> list[Any]:
    if not isinstance(element, dict):
        return []
    # FHIRPath calls `medicationReference` and its likes by their common beginning.
    names = [name] if name in element else [n for n in element if _is_choice(n, name)]
    found = [element[n] for n in names if element[n] is not None]
    return [item for value in found for item in (value if isinstance(value, list) else [value])]


def _is_choice(member: str, name: str) -> bool:
    return member.startswith(name) and member[len(name) : len(name) + 1].isupper()


def _resolved(reference: str, resolve: Resolve) -> dict[str, Any] | None:
    found = resolve(reference)
    if found is not None:
        return found
    # Type and id are known without the resource, and mostly all that is asked for.
    type_, _, id_ = reference.partition("/")
    return {"resourceType": type_, "id": id_} if id_ and "/" not in id_ else None
