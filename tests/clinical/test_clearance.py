"""Creatinine clearance by Cockcroft and Gault."""

import pytest

from clinical.clearance import clearances, cockcroft_gault, last_weight
from clinical.labs import Reading
from tests.clinical.build import ago, chart, creatinine, patient, weight


def found(known):
    return next(iter(clearances(known, last_weight(known), 30)))


@pytest.mark.parametrize(
    ("mg", "age", "kg", "factor", "value"),
    [
        (1.5, 82, 62, 1, 33.3),
        (1.5, 86, 62, 0.85, 26.35),
        (2.0, 80, 72, 1, 30.0),
        (0.9, 40, 90, 1, 138.9),
    ],
)
def test_the_equation(mg, age, kg, factor, value):
    assert cockcroft_gault(mg, age, kg, factor) == pytest.approx(value, abs=0.06)


def test_the_age_is_that_of_today_and_the_weight_the_newest():
    man = patient(gender="male", birth_date="1946-06-15")
    vitals = [weight(90, ago(300)), weight(72, ago(20)), weight(60, ago(366))]
    reading = found(chart(patient=man, labs=[creatinine(2.0, ago(100))], vitals=vitals))
    assert isinstance(reading, Reading)
    assert reading.shown == "30.0 mL/min"
    assert reading.bounds.low == 30
    assert "weight 72 kg on 26 May 2026, as male, at the age of 80" in reading.how


def test_of_one_day_the_lower_weight():
    known = chart(vitals=[weight(72), weight(70), weight(75)])
    assert last_weight(known).shown == "70 kg"


def test_where_the_sex_is_not_told_both_are_computed():
    known = chart(patient=patient(gender=None), labs=[creatinine(1.0)], vitals=[weight(72)])
    bounds = found(known).bounds
    assert bounds.high == 70
    assert bounds.low == pytest.approx(59.5)


def test_a_value_is_not_rounded_over_a_limit():
    man = patient(gender="male", birth_date="1946-06-15")
    near = chart(patient=man, labs=[creatinine(2.0)], vitals=[weight(72.05)])
    assert found(near).shown == "30.02 mL/min"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"vitals": None}, "without a weight"),
        ({"patient": patient(birth_date=None)}, "at an age that is not known"),
        ({"patient": patient(birth_date="2010-01-01")}, "drawn before the age of 18"),
        ({"labs": [creatinine(None)]}, "without a number"),
    ],
)
def test_what_cannot_be_used(changes, why):
    known = chart(**{"labs": [creatinine(1)], "vitals": [weight(70)]} | changes)
    assert found(known).why == why
