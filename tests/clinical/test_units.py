"""Units: converted where they are known, None where a guess would be needed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import units
from fhir.records import Quantity


@pytest.mark.parametrize(
    ("value", "unit", "mg_per_dl"),
    [
        (1.9, "mg/dL", 1.9),
        (1.9, "MG/DL", 1.9),
        (168, "umol/L", 168 / 88.4),
        (168, "\N{MICRO SIGN}mol/L", 168 / 88.4),
        (168, "\N{GREEK SMALL LETTER MU}mol/l", 168 / 88.4),
        (168, " umol/L ", 168 / 88.4),
        (1.9, "mmol/L", None),
        (1.9, "g/L", None),
        (1.9, "mg/dL/1.73m2", None),
        (1.9, "mg", None),
        (1.9, "", None),
        (1.9, None, None),
    ],
)
def test_creatinine(value: float, unit: str | None, mg_per_dl: float | None) -> None:
    for quantity in (Quantity(value, code=unit), Quantity(value, unit=unit)):
        assert units.creatinine(quantity) == mg_per_dl


@pytest.mark.parametrize(
    ("unit", "known"),
    [
        ("mL/min/{1.73_m2}", True),
        ("mL/min/1.73m2", True),
        ("mL/min/1.73 m²", True),
        ("mL/min", True),
        ("mL/s", False),
        ("L/min", False),
        ("%", False),
    ],
)
def test_egfr(unit: str, known: bool) -> None:
    assert units.egfr(Quantity(44.9, unit=unit, code=unit)) == (44.9 if known else None)


@pytest.mark.parametrize(
    ("value", "unit", "percent"),
    [
        (7.2, "%", 7.2),
        (9.04, "%", 9.04),
        (53, "mmol/mol", 7.0),
        (75, "mmol/mol", 9.0),
        (76, "mmol/mol", 9.1),
        (7.2, "mmol/L", None),
        (0.072, "1", None),
    ],
)
def test_hba1c_in_percent_ngsp(value: float, unit: str, percent: float | None) -> None:
    assert units.hba1c(Quantity(value, unit=unit, code=unit)) == percent


@pytest.mark.parametrize("value", [None, 0, -1, math.nan, math.inf, -math.inf])
def test_a_value_that_cannot_be_measured_is_not_a_number(value: float | None) -> None:
    quantity = Quantity(value, unit="mg/dL")
    assert units.creatinine(quantity) is None
    assert units.why_not(quantity) == "without a usable number"
    assert units.hba1c(Quantity(value, unit="mmol/mol")) is None


def test_a_comparator_is_not_an_exact_number() -> None:
    quantity = Quantity(15, "<", "mL/min")
    assert units.egfr(quantity) is None
    assert units.why_not(quantity) == "not an exact number"
    assert units.recorded(quantity) == "<15 mL/min"


def test_the_code_speaks_before_the_unit_for_people() -> None:
    assert units.creatinine(Quantity(1.9, unit="mg per dL", code="mg/dL")) == 1.9
    assert units.creatinine(Quantity(1.9, unit="mg/dL", code="local")) is None


def test_a_code_and_a_unit_that_contradict_each_other_are_not_believed() -> None:
    assert units.creatinine(Quantity(1.9, unit="mg/dL", code="umol/L")) is None
    assert units.hba1c(Quantity(75, unit="%", code="mmol/mol")) is None


def test_no_quantity_is_no_number() -> None:
    assert units.creatinine(None) is None
    assert units.why_not(None) == "without a usable number"
    assert units.recorded(None) == ""


@given(
    st.builds(
        Quantity,
        st.none() | st.floats(),
        st.none() | st.text(max_size=3),
        st.none() | st.text() | st.sampled_from(["mg/dL", "umol/L", "%", "mmol/mol", "mL/min"]),
        st.none(),
        st.none() | st.text() | st.sampled_from(["mg/dL", "umol/L", "%", "mmol/mol", "mL/min"]),
    )
)
def test_any_quantity_is_a_positive_number_or_none(quantity: Quantity) -> None:
    for convert in (units.creatinine, units.egfr, units.hba1c):
        value = convert(quantity)
        assert value is None or (math.isfinite(value) and value > 0)
        assert value is None or not quantity.comparator
    assert units.why_not(quantity)
    assert isinstance(units.recorded(quantity), str)
