"""What a user has overridden stays hidden, and what brings it back. No database."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from store.overrides import HIDDEN_FOR, Outcome, Past, Subject, hides, last_override
from tests.store.build import METFORMIN, NOW

AGO = timedelta(days=10)


def over(
    subject: Subject = METFORMIN, ago: timedelta = AGO, outcome: Outcome = "overridden"
) -> Past:
    return Past(subject=subject, outcome=outcome, at=NOW - ago)


def is_hidden(subject: Subject, *past: Past) -> bool:
    order = random.Random(7)
    found = set()
    for _ in range(5):
        found.add(hides(subject, order.sample(past, len(past)), NOW))
    (hidden,) = found  # whatever the order they come in
    return hidden


def test_an_override_hides_the_same_finding() -> None:
    assert is_hidden(METFORMIN, over())
    assert is_hidden(replace(METFORMIN, indicator="info"), over())


def test_nothing_is_hidden_without_an_override() -> None:
    assert not is_hidden(METFORMIN)
    assert not is_hidden(METFORMIN, over(outcome="accepted"))


@pytest.mark.parametrize(
    ("ago", "hidden"),
    [
        (timedelta(0), True),
        (timedelta(days=90) - timedelta(seconds=1), True),
        (timedelta(days=90), False),
        (timedelta(days=400), False),
    ],
)
def test_an_override_counts_for_90_days(ago: timedelta, hidden: bool) -> None:
    assert timedelta(days=90) == HIDDEN_FOR
    assert is_hidden(METFORMIN, over(ago=ago)) is hidden


@pytest.mark.parametrize(
    ("now", "then", "hidden"),
    [
        (-35.0, -35.0, True),
        (-36.0, -35.0, True),
        (-34.9, -35.0, False),
        (None, None, True),
        (None, -35.0, False),
        (-35.0, None, False),
        (float("nan"), -35.0, False),
        (-35.0, float("nan"), False),
    ],
)
def test_a_worse_value_brings_it_back(now: float | None, then: float | None, hidden: bool) -> None:
    known = replace(METFORMIN, severity=then)
    assert is_hidden(replace(METFORMIN, severity=now), over(known)) is hidden


def test_a_graver_indicator_brings_it_back() -> None:
    assert not is_hidden(METFORMIN, over(replace(METFORMIN, indicator="info")))


@pytest.mark.parametrize(
    "other",
    [
        replace(METFORMIN, drug="apixaban"),
        replace(METFORMIN, drug=None),
        replace(METFORMIN, rule="renal.metformin.continue-review"),
    ],
)
def test_another_drug_or_rule_is_another_matter(other: Subject) -> None:
    assert not is_hidden(other, over())
    assert not is_hidden(METFORMIN, over(other))


def test_critical_is_never_hidden_and_tells_of_the_override() -> None:
    critical = replace(METFORMIN, indicator="critical")
    known = over(critical)
    assert not is_hidden(critical, known)
    assert last_override(critical, [known]) == known


def test_whoever_accepted_since_sees_it_again() -> None:
    once, later = timedelta(days=10), timedelta(days=9)
    assert not is_hidden(METFORMIN, over(ago=once), over(ago=later, outcome="accepted"))
    assert is_hidden(METFORMIN, over(ago=once, outcome="accepted"), over(ago=later))
    # At the same moment: nobody knows which came last.
    assert not is_hidden(METFORMIN, over(), over(outcome="accepted"))


def test_the_last_override_counts_and_not_the_gravest() -> None:
    worse, better = replace(METFORMIN, severity=-31.0), replace(METFORMIN, severity=-44.0)
    past = (over(worse, timedelta(days=20)), over(better, timedelta(days=5)))
    assert not is_hidden(METFORMIN, *past)
    assert is_hidden(better, *past)


def test_of_overrides_at_the_same_moment_the_mildest_counts() -> None:
    mildest = replace(METFORMIN, severity=-44.0)
    assert not is_hidden(METFORMIN, over(), over(mildest))
    assert is_hidden(mildest, over(), over(mildest))
    unknown = replace(METFORMIN, severity=None)
    assert not is_hidden(METFORMIN, over(), over(unknown))
