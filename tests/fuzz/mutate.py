"""Mutations of a valid body, from a seeded source, so that a failing call can be repeated."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

HOSTILE: list[Any] = [
    None,
    "",
    " ",
    0,
    -1,
    1e308,
    2**70,
    True,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": ""},
    "\x00",
    "\u202e",
    "../../x",
    "Patient/../x",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "{{context.patientId}}",
    "%0d%0aX: y",
    "http://169.254.169.254/",
    "9999-99-99",
    "0000-00-00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2024-02-30",
    "2024-01-01T00:00:00+99:99",
    "NaN",
    "é" * 300,
    "x" * 20_000,
    {"resourceType": "OperationOutcome"},
    {"resourceType": "Bundle", "entry": [None, {}, {"resource": None}, {"resource": []}]},
    {"resourceType": "Patient"},
    {"resourceType": ["Patient"]},
]

RAW: list[bytes] = [
    b"1e999",
    b"-0",
    b"0.1e-400",
    b"NaN",
    b"Infinity",
    b"'x'",
    b'"\\ud800"',
    b'"\xff\xfe"',
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"",
    b"//",
]


def mutants(body: dict[str, Any], random_: random.Random) -> Iterator[bytes]:
    """Endless: changed values, dropped, renamed, doubled and moved members, spoilt bytes."""
    plain = json.dumps(body).encode()
    while True:
        kind = random_.random()
        if kind < 0.70:
            copy = json.loads(plain)
            for _ in range(random_.choice((1, 1, 1, 2, 4))):
                _spoil(copy, random_)
            yield json.dumps(copy, ensure_ascii=random_.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )
        elif kind < 0.85:
            yield _raw(plain, random_)
        else:
            yield _bytes(plain, random_)


def _spoil(root: dict[str, Any], random_: random.Random) -> None:
    holder, name = random_.choice(list(_places(root)))
    action = random_.randrange(5)
    if action == 0:
        del holder[name]
    elif action == 1 and isinstance(holder, dict):
        holder[str(name) + random_.choice((" ", "\u0000", "X", "\u00e9"))] = holder.pop(name)
    elif action == 2:
        holder[name] = [holder[name]]
    elif action == 3:
        other, elsewhere = random_.choice(list(_places(root)))
        holder[name] = json.loads(json.dumps(other[elsewhere]))
    else:
        holder[name] = random_.choice(HOSTILE)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    members = node.items() if isinstance(node, dict) else enumerate(node)
    for name, value in list(members):
        yield node, name
        if isinstance(value, dict | list):
            yield from _places(value)


def _raw(plain: bytes, random_: random.Random) -> bytes:
    """One value replaced by text that is no JSON, or that parsers read differently."""
    starts = [at for at, char in enumerate(plain) if char == ord(":")]
    at = random_.choice(starts) + 1
    end = next((e for e in range(at, len(plain)) if plain[e] in b",}]"), len(plain))
    return plain[:at] + random_.choice(RAW) + plain[end:]


def _bytes(plain: bytes, random_: random.Random) -> bytes:
    spoilt = bytearray(plain)
    for _ in range(random_.choice((1, 3, 10))):
        at = random_.randrange(len(spoilt))
        match random_.randrange(4):
            case 0:
                spoilt[at] = random_.randrange(256)
            case 1:
                del spoilt[at : at + random_.randrange(1, 40)]
            case 2:
                spoilt[at:at] = spoilt[at : at + random_.randrange(1, 40)]
            case _:
                del spoilt[at:]
        if not spoilt:
            break
    return bytes(spoilt)
