"""What excludes a pregnancy: a test of the last days, or that there is no uterus.

A test is read by its words; a number is not judged here, and counts as a test that was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clinical import codes, dates, problems
from clinical.chart import Chart, effective
from clinical.dates import When
from clinical.prescribed import names_of
from fhir.records import Observation

TEST = codes.load("lab-pregnancy-test")
HYSTERECTOMY = codes.load("proc-hysterectomy-no-cervix")
NO_CERVIX = codes.load("cond-no-cervix")

_NO_RESULT = frozenset({"entered-in-error", "cancelled", "registered"})
_POSITIVE = ("positive", "detected")


@dataclass(frozen=True, slots=True)
class Tested:
    """A pregnancy test that was done; `positive`: it calls itself so."""

    when: When
    positive: bool


def tests_of(chart: Chart, first: date) -> list[Tested]:
    """The tests from a day on, and those of which nobody can tell the day."""
    found = (each for each, _ in chart.among(chart.labs, TEST) if each.status not in _NO_RESULT)
    return [
        Tested(chart.drawn(each), _is_positive(each))
        for each in found
        if _may_be_since(chart, each, first)
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


def _is_positive(test: Observation) -> bool:
    concept = test.value_codeable_concept
    said = [test.value_string, *(names_of(concept) if concept else ())]
    return any(each.strip().lower().startswith(_POSITIVE) for each in said if each)
