"""Two medicines that both prolong the QT interval, and what makes that more dangerous.

The class is that of the ONC list, which names no members: those here were collected from labels and
mostly not read again, so the pair is a warning. It is critical with long QT syndrome on record, a
QTc of 500 ms or more, or a low potassium or magnesium. A QT interval counts as corrected only where
the record calls it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from clinical import codes, ingredients, orders, problems, rules, thresholds, units
from clinical.bounds import Limit
from clinical.chart import Chart
from clinical.checks.interactions import Pair, indicator, removals, told_of
from clinical.finding import OPEN_CHART, Create, Finding, Gap, LabOrder, Result, Suggestion
from clinical.labs import Kind, Measurement, Reading, Results
from clinical.newest import Newest, newest
from clinical.prescribed import names_of
from clinical.regimen import Medicine, Regimen
from clinical.regimen import of as regimen_of
from clinical.rules import Rule, Rules
from clinical.text import Markdown, Value, bullets, join, markdown
from fhir.records import Observation

PROLONGS = ingredients.members("qt-known-risk")
LONG_QT = codes.load("cond-long-qt")
INTERVAL = codes.load("obs-qt")
POTASSIUM = codes.load("lab-potassium")
MAGNESIUM = codes.load("lab-magnesium")
PANELS = codes.load("metabolic-panels")

RULES = rules.load("qt", Rules[Rule])
_LIMITS = thresholds.load("qt", thresholds.Thresholds)
QTC_FROM = _LIMITS["qtc-from"]
ECG_SPEAKS_FOR = _LIMITS["ecg-speaks-for"]
LOW_POTASSIUM = Limit("potassium", "below", _LIMITS["potassium-below"])
ELECTROLYTES_SPEAK_FOR = _LIMITS["electrolytes-speak-for"]

_RULE = "ddi.qt-pair"
_OVERRIDES = (
    "ecg-reviewed",
    "short-term-only",
    "benefit-outweighs-risk",
    "specialist-advice",
    "data-wrong",
)
_CORRECTED = ("qtc", "corrected")
_SETTLED = frozenset({"final", "amended", "corrected"})
_LOW = frozenset({"L", "LL"})
_ORDER = Suggestion(
    "Order potassium", (Create("Order potassium", LabOrder(POTASSIUM.coding("2823-3"))),)
)
_MEMBERS_NOTE = markdown(
    "The list of medicines that prolong QT was collected from labels, and most of them were not "
    "read again."
)


@dataclass(frozen=True, slots=True)
class Danger:
    """What raises the risk: for a summary, and for the detail."""

    short: str
    told: Markdown


def qt_pairs(chart: Chart) -> Iterator[Result]:
    """Each order of this session that prolongs QT beside another medicine that does."""
    if chart.deceased:
        return
    regimen = regimen_of(chart)
    pairs = list(_pairs(regimen))
    if pairs:
        potassium = newest(
            Results(chart, Kind("potassium", POTASSIUM, _read)),
            LOW_POTASSIUM,
            chart.today - timedelta(days=ELECTROLYTES_SPEAK_FOR),
        )
        yield _card(chart, regimen, pairs, list(_dangers(chart, potassium)))
        yield from _gaps(chart, potassium)
    if not regimen.empty:
        yield from regimen.gaps()


def _pairs(regimen: Regimen) -> Iterator[Pair]:
    seen = set[frozenset[str]]()
    for ordered in regimen.ordered:
        for other in regimen.beside(ordered):
            if not (ordered.ingredients.systemic and other.ingredients.systemic):
                continue
            for drug in _prolong(ordered):
                for other_drug in _prolong(other):
                    key = frozenset((ordered.reference, other.reference, drug, other_drug))
                    if drug != other_drug and key not in seen:
                        seen.add(key)
                        yield Pair(ordered, drug, other, other_drug)


def _prolong(medicine: Medicine) -> list[str]:
    return sorted(medicine.ingredients.names & PROLONGS)


def _dangers(chart: Chart, potassium: Newest) -> Iterator[Danger]:
    if diagnosis := problems.live(chart, LONG_QT):
        told = markdown("On record: {diagnosis}.", diagnosis=diagnosis.told)
        yield Danger(f"{diagnosis.name} on record", told)
    yield from _long_interval(chart)
    if potassium.crossed and potassium.reading:
        reading = potassium.reading
        when = reading.of.when.told
        told = markdown("Potassium **{how}** {when}.", how=reading.how, when=when)
        yield Danger(f"potassium {reading.shown} {when}", told)
    yield from _low_magnesium(chart)


def _long_interval(chart: Chart) -> Iterator[Danger]:
    """The newest corrected interval of the last months, of one day the longest."""
    first = chart.today - timedelta(days=ECG_SPEAKS_FOR)
    found = []
    for each, _ in chart.among(chart.vitals, INTERVAL):
        day, read = chart.drawn(each).day, units.QT.read(each)
        usable = each.status in _SETTLED and not isinstance(read, str) and _is_corrected(each)
        if usable and not isinstance(read, str) and day and first <= day <= chart.today:
            found.append((day, read.low, each))
    day, length, last = max(found, key=lambda each: each[:2], default=(None, 0, None))
    if last and day and length >= QTC_FROM:
        when = chart.drawn(last).told
        value = units.recorded(last)
        yield Danger(f"QTc {value} {when}", markdown("QTc **{v}** {w}.", v=value, w=when))


def _is_corrected(interval: Observation) -> bool:
    said = names_of(interval.code) if interval.code else []
    return any(word in name.lower() for name in said if name for word in _CORRECTED)


def _low_magnesium(chart: Chart) -> Iterator[Danger]:
    """The newest one of the last days, where the laboratory calls it low."""
    first = chart.today - timedelta(days=ELECTROLYTES_SPEAK_FOR)
    found = [
        (day, each)
        for each, _ in chart.among(chart.labs, MAGNESIUM)
        if each.status in _SETTLED
        and (day := chart.drawn(each).day)
        and first <= day <= chart.today
    ]
    day, last = max(found, key=lambda each: each[0], default=(None, None))
    if last and _is_low(last):
        value, when = units.recorded(last) or "low", chart.drawn(last).told
        told = markdown("Magnesium **{value}** {when}, low.", value=value, when=when)
        yield Danger(f"low magnesium {value} {when}", told)


def _is_low(lab: Observation) -> bool:
    marks = lab.interpretation if isinstance(lab.interpretation, tuple) else (lab.interpretation,)
    return any(coding.code in _LOW for mark in marks for coding in mark.coding)


def _read(result: Measurement, day: date) -> Reading | str:
    bounds = units.POTASSIUM.read(result.lab)
    if isinstance(bounds, str):
        return bounds
    told = units.recorded(result.lab)
    how = partial(markdown, "{told}", told=told)
    return Reading(result, day, bounds, told, "", how)


def _card(chart: Chart, regimen: Regimen, pairs: list[Pair], dangers: list[Danger]) -> Finding:
    pairs = sorted(pairs, key=lambda pair: pair.other.stale)
    first = pairs[0]
    rule = RULES[f"{_RULE}.critical" if dangers and not first.other.stale else _RULE]
    both = f"{first.drug} with {first.other_drug}{first.other.short}"
    more = f"; {len(pairs) - 1} more" if len(pairs) > 1 else ""
    if dangers:
        summary = f"Avoid {both}: both prolong QT; {dangers[0].short}{more}"
    else:
        summary = f"{both[0].upper()}{both[1:]}: both prolong QT, check ECG and potassium{more}"
    ordered = orders.is_ordered(chart, POTASSIUM, PANELS)
    return Finding(
        rule=rule.id,
        summary=summary,
        indicator=rule.indicator if dangers else indicator(rule, first),
        source=RULES.source(rule),
        detail=join(
            told_of(regimen, pairs),
            bullets([danger.told for danger in dangers]),
            _MEMBERS_NOTE,
        ),
        drug=first.drug,
        about=tuple(dict.fromkeys(pair.ordered.reference for pair in pairs)),
        suggestions=(*removals(regimen, pairs), *(() if ordered else (_ORDER,))),
        overrides=_OVERRIDES,
        links=OPEN_CHART,
    )


def _gaps(chart: Chart, potassium: Newest) -> Iterator[Gap]:
    if not problems.are_known(chart):
        yield _gap("long QT syndrome: the problem list is not fully known")
    if potassium.reading is None:
        yield _gap("potassium: no usable result of {n} days", n=ELECTROLYTES_SPEAK_FOR)
    if chart.vitals is None:
        yield _gap("the QT interval: no ECG is read here")


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
