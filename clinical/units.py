"""Measured quantities in the one unit that each is computed in, or None: never a guess.

The unit is read from `code`, then from `unit`, without regard to case; the micro sign and the
Greek mu are a u. A unit that is not listed, a comparator ("<5"), a missing, zero, negative or
infinite value is not a number, and so is a quantity whose `code` and `unit` contradict each other.
Analysers tell the gravest results as a bound ("<15", ">14"); a bound is read by its own function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeGuard

import msgspec

from clinical import thresholds
from fhir.records import Quantity

Accepted = Mapping[str, Callable[[float], float]]

_FACTORS = thresholds.load("units", thresholds.Thresholds)
_UMOL_PER_MG = _FACTORS["creatinine-umol-per-mg"]
_SLOPE, _INTERCEPT = _FACTORS["hba1c-slope"], _FACTORS["hba1c-intercept"]


def creatinine(quantity: Quantity | None) -> float | None:
    """In mg/dL."""
    return _convert(quantity, _CREATININE)


def egfr(quantity: Quantity | None) -> float | None:
    """In mL/min/1.73 m2."""
    return _convert(quantity, _EGFR)


def hba1c(quantity: Quantity | None) -> float | None:
    """In % NGSP."""
    return _convert(quantity, _HBA1C)


def egfr_below(quantity: Quantity | None) -> float | None:
    """The N of an eGFR told as "<N", in mL/min/1.73 m2."""
    return _convert(_bound(quantity, "<"), _EGFR)


def hba1c_above(quantity: Quantity | None) -> float | None:
    """The N of an HbA1c told as ">N", in % NGSP."""
    return _convert(_bound(quantity, ">"), _HBA1C)


def recorded(quantity: Quantity | None) -> str:
    """The value as the record has it, for people; record text, to be escaped."""
    if quantity is None or quantity.value is None:
        return ""
    unit = quantity.unit or quantity.code or ""
    return f"{quantity.comparator or ''}{quantity.value:.10g} {unit}".strip()


def why_not(quantity: Quantity | None) -> str:
    """Why a quantity that did not convert is not a number."""
    if quantity is None or not _is_measure(quantity.value):
        return "without a usable number"
    return "not an exact number" if quantity.comparator else "in a unit not known here"


def _ngsp(mmol_per_mol: float) -> float:
    # NGSP % is reported with one decimal; unrounded, 75 mmol/mol would be "above 9.0 %".
    return round(_SLOPE * mmol_per_mol + _INTERCEPT, 1)


def _mg_per_dl(umol_per_l: float) -> float:
    return umol_per_l / _UMOL_PER_MG


_CREATININE: Accepted = {"mg/dl": float, "umol/l": _mg_per_dl}
# Spellings of one unit. Laboratories also send mL/min for a code that says "per 1.73 sq M".
_EGFR: Accepted = dict.fromkeys(
    (
        "ml/min/{1.73_m2}",
        "ml/min/{1.73m2}",
        "ml/min/1.73_m2",
        "ml/min/1.73m2",
        "ml/min/1.73 m2",
        "ml/min",
    ),
    float,
)
_HBA1C: Accepted = {"%": float, "mmol/mol": _ngsp}


def _bound(quantity: Quantity | None, comparator: str) -> Quantity | None:
    if quantity is None or quantity.comparator != comparator:
        return None
    return msgspec.structs.replace(quantity, comparator=None)


def _convert(quantity: Quantity | None, accepted: Accepted) -> float | None:
    if quantity is None or quantity.comparator or not _is_measure(quantity.value):
        return None
    spelled = [_folded(unit) for unit in (quantity.code, quantity.unit) if unit]
    convert = accepted.get(spelled[0]) if spelled else None
    if convert is None or accepted.get(spelled[-1], convert) is not convert:
        return None
    value = convert(quantity.value)
    return value if _is_measure(value) else None


def _is_measure(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and value > 0


_SAME = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u", "²": "2"})


def _folded(unit: str) -> str:
    return unit.strip().lower().translate(_SAME)
