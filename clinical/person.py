"""Whom preventive care is for: alive, of a known age, not in hospice or palliative care.

The same three questions stand before every care gap, so they are asked in one place, and what is
not known is told in one set of words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical.chart import Chart
from clinical.finding import Gap
from clinical.hospice import in_hospice, may_be_in_hospice
from clinical.text import markdown

_RULE = "prevention"


@dataclass(frozen=True, slots=True)
class Person:
    """`age` in whole years today. `sex` only where the record says female or male: what hangs on
    it is silent for all others. `hospice` is None where nobody can tell.
    """

    age: int
    sex: str | None
    hospice: bool | None

    @property
    def doubts(self) -> Iterator[Gap]:
        """What is not known of whom is judged."""
        if self.hospice is None:
            yield Gap(_RULE, markdown("hospice and palliative care: not fully known"))


def who(chart: Chart) -> Person | Gap | None:
    """Whom the chart is of; a Gap where that is not known, None where nothing is to be said."""
    if chart.deceased:
        return None
    age = chart.age_on(chart.today)
    if age is None:
        return Gap(_RULE, markdown("care gaps: the birth date is not fully known"))
    hospice = in_hospice(chart)
    if hospice:
        return Gap(_RULE, markdown("care gaps: hospice or palliative care is on record"))
    if may_be_in_hospice(chart):
        return Gap(_RULE, markdown("care gaps: hospice or palliative care may be on record"))
    gender = (chart.patient.gender or "").lower()
    return Person(age, gender if gender in ("female", "male") else None, hospice)
