"""JSON objects as strictly as a safety decision needs: no member may stand twice.

Parsers disagree on which of two equal members wins, so two systems could read two patients from
one body. `members` decodes an object of objects in one pass and leaves the values raw;
`typed_members` is a short cut for calls in which nothing is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw

from fhir.bundle import UNREADABLE, Value
from web.errors import Problem


class _Name:
    """A member name that equals only itself, so that a dict keeps both of two equal names."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_Object = dict[_Name, Raw]
# The two outer levels in one pass: each value an object of raw members, or anything else.
_decode = msgspec.json.Decoder(
    dict[_Name, _Object | list[Raw] | str | int | float | bool | None],
    dec_hook=lambda _, text: _Name(text),
).decode

# A member of a member: JSON still, or read already.
Inner = Raw | Value | str | int
Member = Mapping[str, Inner] | list[Raw] | str | float | bool | None


def members(body: bytes) -> dict[str, Member]:
    """The members of the top-level object; raises Problem (400) for anything that is not one."""
    try:
        if not body.isascii():
            body.decode()
        top: dict[_Name, Any] = _decode(body)
    except UnicodeDecodeError:
        raise Problem(400, "structure", "The body is not UTF-8.") from None
    except RecursionError:
        raise Problem(400, "structure", "The body is nested too deeply.") from None
    except msgspec.ValidationError:
        raise Problem(400, "structure", "The body is not a JSON object.") from None
    except msgspec.DecodeError:
        raise Problem(400, "structure", "The body is not well-formed JSON.") from None
    return _all_unique(top)


def typed_members(body: bytes, names: frozenset[str]) -> dict[str, Member] | None:
    """The same with every inner value read: a text, a number, or an answer for prefetch.

    None for anything else, be it wrong or only unusual: then `members` tells. So is a body with
    other names, top or inner, than `names`: a value that nobody asked for is not worth reading.
    """
    try:
        if not body.isascii():
            body.decode()
        top = _decoder(names)(body)
    except (*UNREADABLE, UnicodeDecodeError):
        return None
    return _all_unique(top)


@cache
def _decoder(names: frozenset[str]) -> Callable[[bytes], dict[_Name, Any]]:
    def name(_: type, text: str) -> _Name:
        if text not in names:
            raise ValueError  # a ValidationError to the caller
        return _Name(text)

    inner = dict[_Name, Value | str | int]
    return msgspec.json.Decoder(dict[_Name, inner | str | None], dec_hook=name).decode


def reader(type_: Any) -> Callable[[Inner], Any]:
    """Reads an inner value as this type; raises one of UNREADABLE."""
    decode = msgspec.json.Decoder(type_).decode

    def read(value: Inner) -> Any:
        return decode(value) if isinstance(value, Raw) else msgspec.convert(value, type_)

    return read


def _all_unique(top: Mapping[_Name, Any]) -> dict[str, Member]:
    return {
        name: _unique(value, name) if isinstance(value, dict) else value
        for name, value in _unique(top, None).items()
    }


def _unique(named: Mapping[_Name, Any], path: str | None) -> dict[str, Any]:
    unique = {name.text: value for name, value in named.items()}
    if len(unique) != len(named):
        raise Problem(400, "duplicate", "A member stands twice in this object.", path)
    return unique
