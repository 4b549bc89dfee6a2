"""Units: converted where they are known; the reason why where a guess would be needed."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import units
from clinical.bounds import Bounds
from clinical.units import CREATININE, EGFR, HBA1C, NO_NUMBER, NO_VALUE, Scale
from fhir.records import CodeableConcept, Observation, Quantity

NO_UNIT = "in a unit not known here"
NOT_PLAUSIBLE = "not a plausible value"


def read(scale: Scale, value: float | None, unit: str | None, comparator: str | None = None) -> Any:
    """An exact value as a number, a bound as such, else the reason."""
    answers = [
        scale.read(Observation(value_quantity=Quantity(value, comparator, **{place: unit})))
        for place in ("code", "unit")
    ]
    assert answers[0] == answers[1]
    return exact(answers[0])


def exact(answer: Bounds | str) -> Any:
    return answer.low if isinstance(answer, Bounds) and answer.exact else answer


@pytest.mark.parametrize(
    ("value", "unit", "mg_per_dl"),
    [
        (1.9, "mg/dL", 1.9),
        (1.9, "MG/DL", 1.9),
        (168, "umol/L", 168 / 88.4),
        (168, "\N{MICRO SIGN}mol/L", 168 / 88.4),
        (168, "\N{GREEK SMALL LETTER MU}mol/l", 168 / 88.4),
        (168, " umol/L ", 168 / 88.4),
        (168, "mcmol/L", 168 / 88.4),
        (168, "micromol/L", 168 / 88.4),
        (1.9, "mmol/L", NO_UNIT),
        (1.9, "g/L", NO_UNIT),
        (1.9, "mg/dL/1.73m2", NO_UNIT),
        (1.9, "mg", NO_UNIT),
        (1.9, "", NO_UNIT),
        (1.9, None, NO_UNIT),
        # The label of another unit: 168 umol/L, and 1.9 mg/dL.
        (168, "mg/dL", NOT_PLAUSIBLE),
        (1.9, "umol/L", NOT_PLAUSIBLE),
        (0.1, "mg/dL", 0.1),
        (0.09, "mg/dL", NOT_PLAUSIBLE),
        (30, "mg/dL", 30),
        (30.1, "mg/dL", NOT_PLAUSIBLE),
    ],
)
def test_creatinine(value: float, unit: str | None, mg_per_dl: Any) -> None:
    assert read(CREATININE, value, unit) == mg_per_dl


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (44.9, "mL/min/{1.73_m2}", 44.9),
        (44.9, "mL/min/[1.73_m2]", 44.9),
        (44.9, "mL/min/1.73m2", 44.9),
        (44.9, "mL/min/1.73 m²", 44.9),
        (44.9, "mL/min/1.73m^2", 44.9),
        (44.9, "mL/min/1.73 sq m", 44.9),
        (44.9, "mL/min/1.73 sq. m", NO_UNIT),
        (44.9, "mL/min/1.73", 44.9),
        (44.9, "mL/min", 44.9),
        (44.9, "mL/s", NO_UNIT),
        (44.9, "L/min", NO_UNIT),
        (44.9, "%", NO_UNIT),
        (44.9, None, NO_UNIT),
        (1, "mL/min", 1),
        (0.9, "mL/min", NOT_PLAUSIBLE),
        (250, "mL/min", 250),
        (251, "mL/min", NOT_PLAUSIBLE),
    ],
)
def test_egfr(value: float, unit: str | None, expected: Any) -> None:
    assert read(EGFR, value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "percent"),
    [
        (7.2, "%", 7.2),
        (7.2, "%{Hb}", 7.2),
        (7.2, "% of total Hgb", 7.2),
        (7.2, "% of Hgb", 7.2),
        (7.2, "% NGSP", 7.2),
        (9.04, "%", 9.04),
        (53, "mmol/mol", 7.0),
        (75, "mmol/mol", 9.0),
        (76, "mmol/mol", 9.1),
        (7.2, "mmol/L", NO_UNIT),
        (0.072, "1", NO_UNIT),
        # The label of another unit, and a fraction.
        (53, "%", NOT_PLAUSIBLE),
        (7.5, "mmol/mol", NOT_PLAUSIBLE),
        (0.112, "%", NOT_PLAUSIBLE),
        (3, "%", 3),
        (2.9, "%", NOT_PLAUSIBLE),
        (25, "%", 25),
        (25.1, "%", NOT_PLAUSIBLE),
    ],
)
def test_hba1c_in_percent_ngsp(value: float, unit: str, percent: Any) -> None:
    assert read(HBA1C, value, unit) == percent


@pytest.mark.parametrize("value", [None, 0, -1, math.nan, math.inf, -math.inf])
def test_a_value_that_cannot_be_measured_is_not_used(value: float | None) -> None:
    expected = NO_NUMBER if value is None else NO_VALUE
    assert read(CREATININE, value, "mg/dL") == expected
    assert read(HBA1C, value, "mmol/mol") == expected


@pytest.mark.parametrize(
    ("comparator", "bounds"),
    [
        ("<", Bounds(0, 15, True)),
        ("<=", Bounds(0, 15)),
        (">=", Bounds(15, math.inf)),
        (">", Bounds(15, math.inf, True)),
        ("ad", "with a comparator not known here"),
    ],
)
def test_a_comparator_is_a_bound(comparator: str, bounds: Any) -> None:
    assert read(EGFR, 15, "mL/min", comparator) == bounds


def test_a_bound_is_converted_and_must_be_plausible_too() -> None:
    assert read(HBA1C, 130, "mmol/mol", ">") == Bounds(14.0, math.inf, True)
    assert read(CREATININE, 168, "mg/dL", ">") == NOT_PLAUSIBLE


@pytest.mark.parametrize(
    ("scale", "text", "expected"),
    [
        (EGFR, ">60", Bounds(60, math.inf, True)),
        (EGFR, ">=60", Bounds(60, math.inf)),
        (EGFR, " > 60 ", Bounds(60, math.inf, True)),
        (EGFR, "<15 mL/min/1.73m2", Bounds(0, 15, True)),
        (EGFR, ">60 mL/s", NO_UNIT),
        (EGFR, ">60 (normal)", Bounds(60, math.inf, True)),
        (EGFR, ">60 mL/min (calc)", Bounds(60, math.inf, True)),
        (EGFR, ">60 (calc) mL/min", NO_VALUE),
        (EGFR, ">60.", Bounds(60, math.inf, True)),
        (EGFR, "≥60", Bounds(60, math.inf)),
        (EGFR, "≤15", Bounds(0, 15)),
        (EGFR, "60", Bounds(60, 60)),
        (EGFR, "60.5 mL/min", Bounds(60.5, 60.5)),
        (EGFR, "60 to 65", NO_UNIT),
        (EGFR, "60-65", NO_UNIT),
        (EGFR, "about >60", NO_VALUE),
        (EGFR, "GREATER THAN 60", NO_VALUE),
        (EGFR, ">6O", NO_UNIT),
        (EGFR, ">", NO_NUMBER),
        (EGFR, "Specimen hemolyzed", NO_NUMBER),
        (EGFR, "", NO_NUMBER),
        (EGFR, None, NO_NUMBER),
        (HBA1C, ">14 %", Bounds(14, math.inf, True)),
        (HBA1C, ">130 mmol/mol", Bounds(14.0, math.inf, True)),
        # Per cent or mmol/mol, mg/dL or umol/L? Without a unit it would be a guess.
        (HBA1C, ">14", NO_UNIT),
        (HBA1C, "11", NO_UNIT),
        (HBA1C, "11.2 %", Bounds(11.2, 11.2)),
        (CREATININE, "1.9", NO_UNIT),
        (CREATININE, ">15", NO_UNIT),
        (CREATININE, ">15 mg/dL", Bounds(15, math.inf, True)),
    ],
)
def test_of_a_text_a_number_or_a_bound_is_read(
    scale: Scale, text: str | None, expected: Any
) -> None:
    assert scale.read(Observation(value_string=text)) == expected


def test_a_result_that_is_marked_as_absent_is_no_result() -> None:
    absent = CodeableConcept(text="error")
    quantity = Quantity(1.9, None, "mg/dL")
    lab = Observation(value_quantity=quantity, data_absent_reason=absent)
    assert CREATININE.read(lab) == "marked as not available"


def test_the_code_speaks_before_the_unit_for_people() -> None:
    def both(unit: str, code: str) -> Any:
        quantity = Quantity(1.9, unit=unit, code=code)
        return exact(CREATININE.read(Observation(value_quantity=quantity)))

    assert both("mg per dL", "mg/dL") == 1.9
    assert both("mg/dL", "local") == NO_UNIT
    # A code and a unit that contradict each other are not believed.
    assert both("mg/dL", "umol/L") == NO_UNIT


@pytest.mark.parametrize(
    ("lab", "shown"),
    [
        (Observation(value_quantity=Quantity(15, "<", "mL/min")), "<15 mL/min"),
        (Observation(value_quantity=Quantity(1.9, code="mg/dL")), "1.9 mg/dL"),
        (Observation(value_string=">60"), "“>60”"),
        (Observation(value_string="x" * 100), "“" + "x" * 59 + "…”"),
        (Observation(value_string=" \n"), ""),
        (Observation(), ""),
    ],
)
def test_a_value_is_shown_as_it_was_recorded(lab: Observation, shown: str) -> None:
    assert units.recorded(lab) == shown


some_units = st.sampled_from(["mg/dL", "umol/L", "%", "mmol/mol", "mL/min"])


@given(
    st.builds(
        Observation,
        value_quantity=st.none()
        | st.builds(
            Quantity,
            st.none() | st.floats(),
            st.none() | st.sampled_from(["<", "<=", ">=", ">"]) | st.text(max_size=3),
            st.none() | st.text() | some_units,
            st.none(),
            st.none() | st.text() | some_units,
        ),
        value_string=st.none() | st.text() | st.from_regex(r"[<>]=?\s*[0-9.]+ ?(%|mg/dL)?"),
    )
)
def test_any_result_has_bounds_or_a_reason(lab: Observation) -> None:
    for scale in (CREATININE, EGFR, HBA1C):
        answer = scale.read(lab)
        if isinstance(answer, Bounds):
            assert 0 <= answer.low <= answer.high
            assert not answer.exact or scale.lowest <= answer.low <= scale.highest
        else:
            assert answer
    assert isinstance(units.recorded(lab), str)
