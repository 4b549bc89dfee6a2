"""Whether a pregnancy is on record.

A live diagnosis of a current pregnancy, or the newest answer of US Core's pregnancy status. Records
often keep a pregnancy on the problem list after the birth: one that began, or was noted, longer ago
than any pregnancy lasts is over.
"""

from __future__ import annotations

from datetime import date, timedelta

from clinical import codes, problems, thresholds
from clinical.chart import Chart

PREGNANT = codes.load("cond-pregnancy-current")
STATUS = codes.load("obs-pregnancy-status")
LONGEST = thresholds.load("pregnancy", thresholds.Thresholds)["longest"]

_SETTLED = ("final", "amended", "corrected")


def is_pregnant(chart: Chart) -> bool | None:
    """None where nothing says so and the problem list is not fully known."""
    if _diagnosed(chart) or _answered(chart):
        return True
    return False if problems.are_known(chart) else None


def _diagnosed(chart: Chart) -> bool:
    dates = (each.when.latest for each in problems.all_live(chart, PREGNANT))
    return any(began is None or began >= _since(chart) for began in dates)


def _answered(chart: Chart) -> bool:
    answers = [
        (day, each.value_codeable_concept in PREGNANT)
        for each, _ in chart.among(chart.social, STATUS)
        if each.status in _SETTLED and (day := chart.drawn(each).day)
    ]
    recent = [each for each in answers if _since(chart) <= each[0] <= chart.today]
    # Of one day the answer that calls for more care.
    return max(recent, default=(date.min, False))[1]


def _since(chart: Chart) -> date:
    return chart.today - timedelta(days=LONGEST)
