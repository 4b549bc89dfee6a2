"""What a result says of a quantity: exactly, or only as a bound ("<15", ">60").

FHIR R4, Quantity.comparator: <, <=, >= and >. A bound decides a limit only where every value
within it lies on one side; where it does not, nobody knows, and a check may conclude nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bounds:
    """All values from `low` to `high`; of an exact one both are the value.

    `open`: the end that was told is itself left out, as 15 in "<15".
    """

    low: float
    high: float
    open: bool = False

    @classmethod
    def of(cls, value: float, comparator: str | None = None) -> Bounds | None:
        """As a FHIR quantity tells it; None for a comparator that is not known."""
        match comparator:
            case None | "":
                return cls(value, value)
            case "<" | "<=":
                return cls(0, value, comparator == "<")
            case ">" | ">=":
                return cls(value, math.inf, comparator == ">")
        return None

    @property
    def exact(self) -> bool:
        return self.low == self.high

    def rising(self, convert: Callable[[float], float]) -> Bounds:
        """Through a conversion that gives more for more."""
        low = convert(self.low) if self.low > 0 else 0
        return Bounds(low, convert(self.high) if self.high < math.inf else math.inf, self.open)

    def falling(self, convert: Callable[[float], float]) -> Bounds:
        """Through a conversion that gives less for more."""
        low = convert(self.high) if self.high < math.inf else 0
        return Bounds(low, convert(self.low) if self.low > 0 else math.inf, self.open)

    def is_below(self, limit: float) -> bool | None:
        """None where the bounds do not decide it."""
        if self.high < limit or (self.open and self.high == limit):
            return True
        return False if self.low >= limit else None

    def is_above(self, limit: float) -> bool | None:
        """None where the bounds do not decide it."""
        if self.low > limit or (self.open and self.low == limit):
            return True
        return False if self.high <= limit else None

    def told(self, number: Callable[[float], str]) -> str:
        """For people, with each number as `number` writes it."""
        if self.exact:
            return number(self.low)
        if self.high == math.inf:
            return f"{'above' if self.open else 'at least'} {number(self.low)}"
        if self.low == 0:
            return f"{'below' if self.open else 'at most'} {number(self.high)}"
        return f"{number(self.low)} to {number(self.high)}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that a check asks about: is the value of a quantity below it, or above it?"""

    of: str
    side: Literal["below", "above"]
    value: float

    def crossed(self, bounds: Bounds) -> bool | None:
        """None where the bounds do not decide it."""
        return (bounds.is_below if self.side == "below" else bounds.is_above)(self.value)

    def __str__(self) -> str:
        return f"{self.side} {self.value:g}"

    @property
    def question(self) -> str:
        """For a sentence: "whether eGFR is below 45"."""
        return f"whether {self.of} is {self}"


def plain(limits: tuple[float, ...], value: float) -> str:
    """A number with at most two decimals, unless that would move it to the other side of a limit.

    Some records hold ten digits of what nobody can measure to one.
    """
    rounded = round(value, 2)
    sides = [[(each < limit, each > limit) for limit in limits] for each in (value, rounded)]
    return f"{rounded if sides[0] == sides[1] else value:.10g}"
