"""What a screening asks of a patient beside age and sex: smoking, or the body mass index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clinical import codes, smoking, units
from clinical.bounds import plain
from clinical.chart import Chart, unreadable
from clinical.done import anniversary
from clinical.screenings import DATA
from clinical.text import Markdown, markdown

BMI = codes.load("vital-bmi")
BMI_FROM, BMI_YEARS = DATA["bmi-from"], int(DATA["bmi-years"])
PACK_YEARS_FROM, QUIT_WITHIN = DATA["pack-years-from"], int(DATA["quit-within"])

_SETTLED = ("final", "amended", "corrected")


@dataclass(frozen=True, slots=True)
class Eligible:
    """`answer` is None where nobody can tell; `told` says why it is yes, or why it is not known."""

    answer: bool | None
    told: Markdown


def _heavy_smokers(chart: Chart) -> Eligible:
    found = smoking.smoking(chart)
    if found is None or found.kind == "never":
        return _no_smoker(chart)
    if found.pack_years is None or found.pack_years < PACK_YEARS_FROM:
        return Eligible(False, Markdown())
    pack_years = plain((PACK_YEARS_FROM,), found.pack_years)
    if found.kind == "current":
        told = markdown(
            "Smokes, {when}; {n} pack-years.", when=found.when.told, n=Markdown(pack_years)
        )
        return Eligible(True, told)
    # Without the day nobody can tell the limit, and most records have none.
    if found.quit is None or anniversary(found.quit, QUIT_WITHIN) <= chart.today:
        return Eligible(False, Markdown())
    told = markdown(
        "Stopped smoking on {day}; {n} pack-years.", day=found.quit, n=Markdown(pack_years)
    )
    return Eligible(True, told)


def _smokers_ever(chart: Chart) -> Eligible:
    found = smoking.smoking(chart)
    if found is None or found.kind == "never":
        return _no_smoker(chart)
    kind = "Smokes" if found.kind == "current" else "Former smoker"
    return Eligible(True, markdown("{kind}, {when}.", kind=kind, when=found.when.told))


def _no_smoker(chart: Chart) -> Eligible:
    if chart.social is None or unreadable(chart.social):
        return Eligible(None, markdown("what is recorded of smoking is not fully known"))
    if smoking.contradicts(chart):
        return Eligible(None, markdown("what is recorded of smoking contradicts itself"))
    return Eligible(False, Markdown())


def _overweight(chart: Chart) -> Eligible:
    found = [
        (when.day, value.low)
        for each, _ in chart.among(chart.vitals, BMI)
        if each.status in _SETTLED
        and (when := chart.drawn(each)).day
        and when.day <= chart.today < anniversary(when.day, BMI_YEARS)
        and not isinstance(value := units.BMI.read(each), str)
    ]
    if not found:
        if chart.vitals is None or unreadable(chart.vitals):
            return Eligible(None, markdown("the body mass index is not known"))
        return Eligible(False, Markdown())
    last = max(day for day, _ in found)
    # Of one day the lowest, which asks for less.
    lowest = min(value for day, value in found if day == last)
    told = markdown(
        "Body mass index {value} kg/m² on {day}.",
        value=Markdown(plain((BMI_FROM,), lowest)),
        day=last,
    )
    return Eligible(lowest >= BMI_FROM, told)


ONLY_FOR: Mapping[str, Callable[[Chart], Eligible]] = {
    "heavy-smokers": _heavy_smokers,
    "smokers-ever": _smokers_ever,
    "overweight": _overweight,
}
