"""JSON objects as strictly as a safety decision needs: no member may stand twice.

Parsers disagree on which of two equal members wins, so two systems could read two patients from
one body. `members` decodes an object of objects in one pass and leaves the values raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

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

Member = Mapping[str, Raw] | list[Raw] | str | float | bool | None


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
    return {
        name: _unique(value, name) if isinstance(value, dict) else value
        for name, value in _unique(top, None).items()
    }


def _unique(named: Mapping[_Name, Any], path: str | None) -> dict[str, Any]:
    unique = {name.text: value for name, value in named.items()}
    if len(unique) != len(named):
        raise Problem(400, "duplicate", "A member stands twice in this object.", path)
    return unique
