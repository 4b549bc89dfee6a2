"""The daily dose of opioids in morphine milligram equivalents, order by order.

Doses a day times the dose in milligrams times the factor of CDC 2022; as needed counts at its most.
What cannot be counted makes the total a minimum: no dose, no frequency, no known strength, an
injection, fentanyl other than a patch, an opioid without a factor, an order of long ago.
Buprenorphine is never counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical import dates, ingredients, mme
from clinical.chart import Chart
from clinical.mme import FACTORS, FENTANYL_PATCH, PATCH, Strength
from clinical.prescribed import concepts
from clinical.regimen import Medicine, Regimen, renews
from clinical.text import Markdown, markdown
from fhir.records import Dosage, Quantity, Repeat

OPIOIDS = ingredients.members("opioid")
_NOT_COUNTED = frozenset({"buprenorphine"})
# Swallowed or absorbed as a whole, as the factors mean it.
_FORMS = ("Oral", "Rectal", "Extended Release")
_NO_FORM = ("inject", "syringe", "spray", "lozenge", "buccal", "sublingual", "implant", "topical")

_PIECES = frozenset({"{tbl}", "tbl", "tablet", "tablets", "tab", "1", "capsule", "capsules", "cap"})
_PIECES |= {"{capsule}", "{cap}", "{tablet}", "{patch}", "patch", "patches", "suppository"}
_A_DAY = {"s": 86400.0, "min": 1440.0, "h": 24.0, "d": 1.0, "wk": 1 / 7}


@dataclass(frozen=True, slots=True)
class Line:
    """One opioid order: its dose in MME a day, None where it cannot be counted, and how."""

    medicine: Medicine
    drug: str
    mme: float | None
    how: Markdown


@dataclass(frozen=True, slots=True)
class Total:
    """The dose of all orders that could be counted."""

    lines: tuple[Line, ...]

    @property
    def mme(self) -> float:
        """A day, of those that could be counted."""
        return round(sum(line.mme for line in self.lines if line.mme), 6)

    @property
    def uncounted(self) -> int:
        """How many orders could not be counted."""
        return sum(line.mme is None for line in self.lines)


def total(chart: Chart, regimen: Regimen) -> Total:
    """All opioid orders of the session and of the record; what patients report stands there too."""
    orders = [each for each in regimen.all if not (each.reported or each.ended)]
    drafts = [each for each in orders if each.draft]
    current = [each for each in orders if not any(renews(draft, each) for draft in drafts)]
    return Total(tuple(line for each in current if (line := _line(chart, each))))


def _line(chart: Chart, medicine: Medicine) -> Line | None:
    opioids = sorted(medicine.ingredients.names & OPIOIDS - _NOT_COUNTED)
    if not opioids or medicine.ingredients.names & _NOT_COUNTED:
        return None
    drug = " and ".join(opioids)
    counted = _counted(chart, medicine, opioids)
    if isinstance(counted, str):
        return Line(medicine, drug, None, markdown("not counted: {why}", why=counted))
    return Line(medicine, drug, *counted)


def _counted(chart: Chart, medicine: Medicine, opioids: list[str]) -> tuple[float, Markdown] | str:
    if medicine.stale:
        return "it was written long ago, and whether it is still taken is not known"
    held = mme.strengths(concepts(chart, medicine.record))
    if opioids == ["fentanyl"]:
        return _patch(held)
    if len(opioids) > 1 or opioids[0] not in FACTORS:
        return "no factor is known for it"
    told = medicine.ingredients.told.lower()
    forms = [each.form for each in held]
    if any(not form.startswith(_FORMS) for form in forms) or any(w in told for w in _NO_FORM):
        return "no factor is known for this form"
    dosages = [each for each in medicine.dosage if not _is_over(chart, each)]
    if not dosages:
        return "no dose is told"
    parts = [
        _dose(each, held, opioids[0], len(medicine.ingredients.names) == 1) for each in dosages
    ]
    wrong = [part for part in parts if isinstance(part, str)]
    if wrong:
        return wrong[0]
    doses = [part for part in parts if not isinstance(part, str)]
    factor = FACTORS[opioids[0]]
    amount = sum(milligrams * a_day for milligrams, a_day in doses)
    said = Markdown(" + ").join(
        markdown("{mg} mg, {n} a day", mg=_short(mg), n=_short(n)) for mg, n in doses
    )
    how = markdown(
        "{said}; factor {factor}: **{mme} MME**",
        said=Markdown(said),
        factor=_short(factor),
        mme=_short(amount * factor),
    )
    return amount * factor, how


def _patch(held: tuple[Strength, ...]) -> tuple[float, Markdown] | str:
    an_hour = [each.strength * 1000 for each in held if (each.form, each.unit) == (PATCH, "MG/HR")]
    if len(an_hour) != 1:
        return "of fentanyl only a patch of known strength has a factor"
    dose = an_hour[0] * FENTANYL_PATCH
    how = markdown(
        "patch of {strength} ug/h; factor {factor}: **{mme} MME**",
        strength=_short(an_hour[0]),
        factor=_short(FENTANYL_PATCH),
        mme=_short(dose),
    )
    return dose, how


def _dose(
    dosage: Dosage, held: tuple[Strength, ...], drug: str, alone: bool
) -> tuple[float, float] | str:
    """Milligrams of a dose, and doses a day."""
    a_day = _a_day(dosage.timing.repeat if dosage.timing else None)
    if a_day is None:
        return "how often is not told in a way that can be read here"
    quantities = list(_quantities(dosage))
    if len(quantities) != 1:
        return "the dose is not told in a way that can be read here"
    milligrams = _milligrams(quantities[0], held, drug, alone)
    if milligrams is None:
        return "the dose is in a unit, or the product of a strength, that is not known here"
    return milligrams, a_day


def _quantities(dosage: Dosage) -> Iterator[Quantity]:
    """Of a range the most that may be taken."""
    for each in dosage.dose_and_rate:
        quantity = each.dose_quantity or (each.dose_range.high if each.dose_range else None)
        if quantity:
            yield quantity
    if not dosage.dose_and_rate and dosage.dose_quantity:
        yield dosage.dose_quantity


def _milligrams(
    quantity: Quantity, held: tuple[Strength, ...], drug: str, alone: bool
) -> float | None:
    value, unit = quantity.value, (quantity.code or quantity.unit or "").strip().lower()
    if value is None or not value > 0 or quantity.comparator:
        return None
    known = next((each for each in held if each.ingredient == drug), None)
    match unit.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u"):
        case "mg" if alone:
            return value
        case "ug" | "mcg" if alone:
            return value / 1000
        case "ml" if known and known.unit == "MG/ML":
            return value * known.strength
        case each if known and known.unit == "MG" and each in _PIECES:
            return value * known.strength
    return None


def _a_day(repeat: Repeat | None) -> float | None:
    """Doses a day, at most. FHIR R4, Timing: the frequency is 1 where it is not told."""
    if repeat is None or not repeat.period or repeat.period <= 0:
        return None
    periods = _A_DAY.get(repeat.period_unit or "")
    frequency = repeat.frequency_max or repeat.frequency or 1
    return frequency * periods / repeat.period if periods else None


def _is_over(chart: Chart, dosage: Dosage) -> bool:
    repeat = dosage.timing.repeat if dosage.timing else None
    period = repeat.bounds_period if repeat else None
    end = dates.last_day(period.end, chart.zone) if period else None
    return end is not None and end < chart.today


def _short(value: float) -> str:
    return f"{round(value, 2):g}"
