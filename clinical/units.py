"""Measured quantities in the one unit that each is computed in, or the reason why not.

The unit is read from `code`, then from `unit`; a unit that is not listed is never guessed. A value
that is missing, zero, negative, infinite, marked as absent, or outside of what the quantity can be
is not used, and neither is one whose `code` and `unit` contradict each other. Laboratories that
send their results as text tell a number or a bound as valueString ("60", ">60 (calc)"): read where
nothing but a unit known here follows it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clinical import thresholds
from clinical.bounds import Bounds
from clinical.text import one_line
from fhir.records import Observation, Quantity

NO_NUMBER = "without a number"
NO_VALUE = "not a value that can be read here"


class _Units(thresholds.Thresholds, frozen=True):
    spellings: dict[str, dict[str, list[str]]]


Convert = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Scale:
    """One quantity: how a value in each spelling of a unit converts, and which values can be true.

    `bare` is the unit of a number that is told as text without one; only where no other unit is in
    use for the quantity.
    """

    spellings: Mapping[str, Convert]
    lowest: float
    highest: float
    bare: str | None = None

    def read(self, lab: Observation) -> Bounds | str:
        """What a result says, or why it is not used: words that can follow the value."""
        quantity = self._quantity(lab)
        if lab.data_absent_reason is not None:
            return "marked as not available"
        if quantity is None or quantity.value is None or not _is_measure(quantity.value):
            return NO_VALUE if holds_value(lab) else NO_NUMBER
        bounds = Bounds.of(quantity.value, quantity.comparator)
        if bounds is None:
            return "with a comparator not known here"
        convert = self._convert(quantity)
        if convert is None:
            return "in a unit not known here"
        if not self.lowest <= convert(quantity.value) <= self.highest:
            return "not a plausible value"
        return bounds.rising(convert)

    def _quantity(self, lab: Observation) -> Quantity | None:
        if lab.value_quantity is not None and lab.value_quantity.value is not None:
            return lab.value_quantity
        told = _TOLD.fullmatch(lab.value_string or "")
        if told is None:
            return None
        comparator = _SIGNS.get(told[1], told[1])
        return Quantity(float(told[2]), comparator, told[3] or self.bare)

    def _convert(self, quantity: Quantity) -> Convert | None:
        spelled = [_folded(unit) for unit in (quantity.code, quantity.unit) if unit]
        if not spelled:
            return None
        convert = self.spellings.get(spelled[0])
        return convert if self.spellings.get(spelled[-1], convert) is convert else None


def holds_value(lab: Observation) -> bool:
    """Whether the record tells a value, be it one that cannot be read here."""
    quantity = lab.value_quantity
    told = quantity is not None and quantity.value is not None
    return told or any(each.isdigit() for each in lab.value_string or "")


def recorded(lab: Observation) -> str:
    """The value as the record has it, for people; record text, to be escaped."""
    quantity = lab.value_quantity
    if quantity is not None and quantity.value is not None:
        unit = quantity.unit or quantity.code or ""
        return f"{quantity.comparator or ''}{quantity.value:.10g} {unit}".strip()
    text = one_line(lab.value_string or "", _LONGEST_QUOTE)
    return f"“{text}”" if text else ""


_LONGEST_QUOTE = 60
_SIGNS = {"≤": "<=", "≥": ">="}
# A sign, a number, a full stop, a unit, a remark in brackets: all but the number may be missing.
_TOLD = re.compile(
    r"\s*([<>]=?|[≤≥]|)\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\.?\s*([^\s(][^(]*?)?\s*(?:\([^()]*\)\s*)?"
)


def _is_measure(value: float) -> bool:
    return math.isfinite(value) and value > 0


_SAME = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u", "²": "2"})
_MARKS = re.compile(r"[\s{}\[\]_^]")


def _folded(unit: str) -> str:
    """A spelling without what is written in many ways: case, blanks, the brackets of UCUM."""
    return _MARKS.sub("", unit.translate(_SAME).lower())


_UNITS = thresholds.load("units", _Units)
_UMOL_PER_MG = _UNITS["creatinine-umol-per-mg"]
_POUND = _UNITS["pound-in-kg"]
_SLOPE, _INTERCEPT = _UNITS["hba1c-slope"], _UNITS["hba1c-intercept"]


def _same(value: float) -> float:
    return value


def _mg_per_dl(umol_per_l: float) -> float:
    return umol_per_l / _UMOL_PER_MG


def _kg(grams: float) -> float:
    return grams / 1000


def _kg_of_pounds(pounds: float) -> float:
    return pounds * _POUND


def _ngsp(mmol_per_mol: float) -> float:
    # NGSP % is reported with one decimal; unrounded, 75 mmol/mol would be "above 9.0 %".
    return round(_SLOPE * mmol_per_mol + _INTERCEPT, 1)


def _scale(name: str, bare: str | None = None, **units: Convert) -> Scale:
    """The quantity of this name in the data, with the way from each of its units."""
    spellings = _UNITS.spellings[name]
    return Scale(
        {_folded(each): units[unit] for unit, listed in spellings.items() for each in listed},
        _UNITS[f"{name}-lowest"],
        _UNITS[f"{name}-highest"],
        bare,
    )


CREATININE = _scale("creatinine", mg_per_dl=_same, umol_per_l=_mg_per_dl)  # mg/dL
EGFR = _scale("egfr", "mL/min", ml_per_min=_same)  # mL/min/1.73 m2
HBA1C = _scale("hba1c", percent=_same, mmol_per_mol=_ngsp)  # % NGSP
PRESSURE = _scale("pressure", mm_hg=_same)  # mm[Hg]
BMI = _scale("bmi", kg_per_m2=_same)  # kg/m2
PACK_YEARS = _scale("pack-years", pack_years=_same)  # {PackYears}
POTASSIUM = _scale("potassium", mmol_per_l=_same)  # mmol/L
QT = _scale("qt", ms=_same)  # ms
WEIGHT = _scale("weight", kg=_same, g=_kg, pounds=_kg_of_pounds)  # kg, of adults
