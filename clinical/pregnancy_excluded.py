"""What excludes a pregnancy: a test of the last days, or that there is no uterus.

A test is read by its words. A number is not judged here, so it excludes nothing: neither does a
test whose words say neither yes nor no. One without any result was not done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from clinical import codes, dates, problems
from clinical.chart import Chart, effective
from clinical.dates import When
from clinical.prescribed import names_of
from clinical.units import holds_value
from fhir.records import Observation

TEST = codes.load("lab-pregnancy-test")
HYSTERECTOMY = codes.load("proc-hysterectomy-no-cervix")
NO_CERVIX = codes.load("cond-no-cervix")

_NO_RESULT = frozenset({"entered-in-error", "cancelled", "registered"})
_NEGATIVE = re.compile(
    r"\s*(?:neg|negative|(?:not|none) detected|non-?reactive|not pregnant)\b", re.IGNORECASE
)
_POSITIVE = re.compile(r"\b(?:pos|positive|detected|reactive|pregnant)\b", re.IGNORECASE)

Answer = Literal["negative", "positive", "not read"]


@dataclass(frozen=True, slots=True)
class Tested:
    """A pregnancy test that was done, and what it says."""

    when: When
    answer: Answer


def tests_of(chart: Chart, first: date) -> list[Tested]:
    """The tests from a day on, and those of which nobody can tell the day."""
    found = (each for each, _ in chart.among(chart.labs, TEST) if each.status not in _NO_RESULT)
    return [
        Tested(chart.drawn(each), answer)
        for each in found
        if _may_be_since(chart, each, first) and (answer := _read(each))
    ]


def is_impossible(chart: Chart) -> bool:
    """Whether the uterus was removed, or the cervix is absent."""
    removed = chart.among(chart.procedures, HYSTERECTOMY)
    done = any(each.status in ("completed", None) for each, _ in removed)
    return done or problems.live(chart, NO_CERVIX) is not None


def _may_be_since(chart: Chart, test: Observation, first: date) -> bool:
    last = chart.drawn(test).latest
    span = dates.span(effective(test), chart.zone)
    return last is None or (last >= first and (span is None or span[0] <= chart.today))


def _read(test: Observation) -> Answer | None:
    """What the test says; None where it says nothing, as one that was not performed."""
    concept = test.value_codeable_concept
    said = [test.value_string, *(names_of(concept) if concept else ())]
    words = [each for each in said if each and each.strip()]
    if any(_NEGATIVE.match(each) for each in words):
        return "negative"
    if any(_POSITIVE.search(each) for each in words):
        return "positive"
    known = bool(words) or concept is not None or holds_value(test)
    return "not read" if known and test.data_absent_reason is None else None
