"""The tokens of one EHR: signed before they are needed, since each may be used once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.demo.tokens import Pair, pair, token

ISSUER = "https://ehr.test"
AUDIENCE = "https://cds.test"
PAIRS = {"RS384": pair("rs384", "RSA-2048"), "ES384": pair("es384", "P-384")}
# The longest life that is accepted is an hour; no run lasts for longer.
_LIFE = 3000


def key_set() -> dict[str, Any]:
    """The public halves, as a JWK set."""
    return {"keys": [each.jwk() for each in PAIRS.values()]}


class Stock:
    """Tokens for calls of one service. What was not used is used by the next run.

    `spent`: how many were used.
    """

    def __init__(self, algorithm: str, service: str) -> None:
        self._pair: Pair = PAIRS[algorithm]
        self._service = service
        self._ready: list[str] = []
        self.spent = 0

    def at_least(self, number: int) -> Sequence[str]:
        """So many tokens or more, none of which was used."""
        with ThreadPoolExecutor(2) as pool:  # signing lets other threads run
            missing = range(number - len(self._ready))
            self._ready += pool.map(lambda _: self._signed(), missing)
        return self._ready

    def used(self, number: int) -> None:
        """The first so many are used."""
        self._ready = self._ready[number:]
        self.spent += number

    def one(self) -> str:
        """One token."""
        (found, *_) = self.at_least(1)
        self.used(1)
        return found

    def _signed(self) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": f"{AUDIENCE}/cds-services/{self._service}",
            "exp": now + _LIFE,
        }
        return token(self._pair, claims=claims, now=now)
