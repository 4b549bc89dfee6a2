"""A table of cases: one row a boundary of a finding, with the chart on one side of it.

A module beside this one holds the cases of one group of checks:

    CHECKS = (retests,)
    BOUNDARIES = {"labdup.tsh": "interval status missing drafts"}
    CASES = (
        fires("labdup.tsh", "interval", "27 days after the last", chart(...)),
        silent("labdup.tsh", "interval", "28 days after the last", chart(...)),
    )

`BOUNDARIES` names every finding that the group can make, with the boundaries that it has; each of
them needs a row on either side. A comprehension makes the rows of findings that differ in their
data only. Records are made with `tests/clinical/build.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from clinical.chart import Chart
from clinical.finding import Indicator

# exclusion: hospice, death, an allergy that is denied, a drug that is exempt, and the like.
Boundary = Literal[
    "age",
    "sex",
    "interval",
    "value",
    "unit",
    "status",
    "code",
    "dose",
    "route",
    "exclusion",
    "missing",
    "drafts",
]
BOUNDARY_KINDS: tuple[Boundary, ...] = get_args(Boundary)


@dataclass(frozen=True, slots=True)
class Case:
    """What a chart should give of one finding. `says` stands in what is told of it: in the summary
    or the detail where it fires, in a gap where it is silent.
    """

    rule: str
    boundary: Boundary
    name: str
    chart: Chart
    fires: bool
    indicator: Indicator | None = None
    says: str = ""


def fires(
    rule: str,
    boundary: Boundary,
    name: str,
    chart: Chart,
    indicator: Indicator | None = None,
    says: str = "",
) -> Case:
    """The finding is made."""
    return Case(rule, boundary, name, chart, True, indicator, says)


def silent(rule: str, boundary: Boundary, name: str, chart: Chart, gap: str = "") -> Case:
    """The finding is not made; `gap`: and this is told as not checked."""
    return Case(rule, boundary, name, chart, False, says=gap)
