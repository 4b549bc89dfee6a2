"""Morphine milligram equivalents (MME): the factor of each opioid, and what a product holds.

Factors of CDC 2022 (see `data/thresholds/opioids.toml`), not those of 2016, which some open
libraries still carry. An opioid without a factor here cannot be counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from clinical import thresholds
from clinical.code_systems import RXNORM, is_possible
from clinical.ingredients import codes, rows
from fhir.records import CodeableConcept

OPIOIDS = thresholds.load("opioids", thresholds.Thresholds)
# By ingredient: MME for each milligram. Of fentanyl only the patch has a factor.
FACTORS: Mapping[str, float] = {
    name: value.value for name, value in OPIOIDS.values.items() if value.unit == "MME/mg"
}
FENTANYL_PATCH = OPIOIDS["fentanyl-transdermal"]
PATCH = "Transdermal System"

Unit = Literal["MG", "MG/ML", "MG/HR", "MG/ACTUAT"]


@dataclass(frozen=True, slots=True)
class Strength:
    """How much of one opioid a product holds: in one unit of it, a millilitre, an hour, a puff.

    Two salts of one opioid stand apart, and so does a strength that is told in two units.
    """

    ingredient: str
    strength: float
    unit: Unit
    form: str


def strengths(concepts: Iterable[CodeableConcept]) -> tuple[Strength, ...]:
    """What the product that is coded holds; nothing where no table knows it."""
    found = (_PRODUCTS.get(code.strip()) for system, code in codes(concepts) if system == RXNORM)
    return next((each for each in found if each), ())


def _read(path: Path) -> Mapping[str, tuple[Strength, ...]]:
    """Raises ValueError with the file's name when anything in it is wrong."""
    products: dict[str, tuple[Strength, ...]] = {}
    for row in rows(path):
        code, unit = row["code"], row["unit"]
        if not is_possible(RXNORM, code) or not row["display"] or not row["form"]:
            raise ValueError(f"{path.name}: {code!r} is no product with a display and a form")
        if unit not in get_args(Unit):
            raise ValueError(f"{path.name}: {code} is measured in {unit}, which is not known")
        amount = float(row["strength"])
        if not (math.isfinite(amount) and amount > 0):
            raise ValueError(f"{path.name}: {code} has no strength")
        strength = Strength(row["ingredient"], amount, unit, row["form"])  # type: ignore[arg-type]
        earlier = products.get(code, ())
        if strength in earlier:
            raise ValueError(f"{path.name}: {code} stands there twice")
        products[code] = (*earlier, strength)
    return products


_PRODUCTS = _read(Path(__file__).with_name("data") / "medicines" / "opioids.csv")
