"""Numbers and amounts in words, with the digits of the record: none rounded, none dropped."""

# ruff: noqa: RUF001 - the texts are typeset, with their own dashes

from __future__ import annotations

from decimal import Decimal

from clinical.text import one_line
from fhir.display import Quantity

_COMPARATORS = {"": "", "<": "<", ">": ">", "<=": "≤", ">=": "≥"}
# An exponent can ask for a number of any length in a few characters; no result needs more.
_LONGEST = 20


def number(value: Decimal) -> str:
    """The number as the record has it, its thousands set apart.

    A last zero tells how finely was measured (7.40), and a rounded value can lie on the other side
    of a bound that it is printed beside.
    """
    plain = abs(value.adjusted()) <= _LONGEST
    said = f"{value:,f}" if plain else str(value)
    return said.replace("-", "−")


def amount(quantity: Quantity) -> tuple[str, str]:
    """A quantity's number, with its comparator, and its unit."""
    if quantity.value is None:
        return ("?", "")
    unit = one_line(quantity.unit or quantity.code or "", 24)
    comparator = quantity.comparator or ""
    # A comparator that is not one of FHIR's would read as a part of the number.
    sign = _COMPARATORS.get(comparator, f"({comparator}) ")
    return (sign + number(quantity.value), unit)


def phrase(quantity: Quantity | None) -> str:
    """A quantity in one piece."""
    return " ".join(filter(None, amount(quantity))) if quantity else "?"
