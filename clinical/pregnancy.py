"""Whether a pregnancy is on record.

A live diagnosis of a current pregnancy, or the newest answer of US Core's pregnancy status. Records
often keep a pregnancy on the problem list after the birth: one that began, or was noted, longer ago
than any pregnancy lasts is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from clinical import codes, problems, thresholds
from clinical.chart import Chart
from clinical.dates import When
from clinical.problems import Diagnosis
from clinical.text import one_line

PREGNANT = codes.load("cond-pregnancy-current")
STATUS = codes.load("obs-pregnancy-status")
LONGEST = thresholds.load("pregnancy", thresholds.Thresholds)["longest"]

_LONGEST_NAME = 50
_SETTLED = ("final", "amended", "corrected")


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """What shows it, and when that was. `week`: of gestation today, at most; None where no code
    tells it.
    """

    what: str
    when: When
    week: int | None = None

    @property
    def told(self) -> str:
        """For a card: "Pregnant, recorded 02 Jan 2026"."""
        what = one_line(self.what, _LONGEST_NAME)
        return f"{what}, {self.when.told}" if self.when.told else what


def is_pregnant(chart: Chart) -> bool | None:
    """None where nothing says so and the problem list is not fully known."""
    if of(chart):
        return True
    return False if problems.are_known(chart) else None


def of(chart: Chart) -> Pregnancy | None:
    """The pregnancy on record, told by its newest diagnosis, else by the newest answer."""
    diagnoses = list(_diagnoses(chart))
    if not diagnoses:
        return _answered(chart)
    weeks = [week for each in diagnoses if (week := _week(chart, each))]
    newest = max(diagnoses, key=lambda each: each.when.latest or date.min)
    return Pregnancy(newest.name, newest.when, max(weeks, default=None))


def _diagnoses(chart: Chart) -> Iterator[Diagnosis]:
    for each in problems.all_live(chart, PREGNANT):
        began = each.when.latest
        if began is None or began >= _since(chart):
            yield each


def _week(chart: Chart, diagnosis: Diagnosis) -> int | None:
    """Of gestation today, where ICD-10-CM told the week of a known day (Z3A.08 to Z3A.49)."""
    block, _, week = diagnosis.code.code.partition(".")
    day = diagnosis.when.day
    if block != "Z3A" or not week.isdecimal() or not int(week) or day is None:
        return None
    return int(week) + (chart.today - day).days // 7


def _answered(chart: Chart) -> Pregnancy | None:
    answers = [
        (when.day, each.value_codeable_concept in PREGNANT, when)
        for each, _ in chart.among(chart.social, STATUS)
        if each.status in _SETTLED and (when := chart.drawn(each)).day
    ]
    recent = [each for each in answers if each[0] and _since(chart) <= each[0] <= chart.today]
    # Of one day the answer that calls for more care.
    newest = max(recent, key=lambda each: each[:2], default=None)
    return Pregnancy("Pregnancy status: pregnant", newest[2]) if newest and newest[1] else None


def _since(chart: Chart) -> date:
    return chart.today - timedelta(days=LONGEST)
