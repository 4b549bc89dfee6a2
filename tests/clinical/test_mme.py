"""Factors of opioids, and what a product holds."""

import pytest

from clinical import mme
from clinical.mme import FACTORS, FENTANYL_PATCH, PATCH, strengths
from tests.clinical.build import RXNORM, concept
from tests.clinical.test_ingredients import HEAD


def test_the_factors_are_those_of_2022():
    assert FACTORS == {
        "codeine": 0.15,
        "hydrocodone": 1,
        "hydromorphone": 5,
        "methadone": 4.7,
        "morphine": 1,
        "oxycodone": 1.5,
        "oxymorphone": 3,
        "tapentadol": 0.4,
        "tramadol": 0.2,
    }
    assert FENTANYL_PATCH == 2.4


def test_what_a_product_holds():
    (patch,) = strengths([concept((RXNORM, "197696", None))])
    assert (patch.ingredient, patch.strength, patch.unit, patch.form) == (
        "fentanyl",
        0.075,
        "MG/HR",
        PATCH,
    )
    # Two salts of one opioid.
    two = strengths([concept((RXNORM, "637540", None))])
    assert [(each.ingredient, each.strength) for each in two] == [
        ("oxycodone", 4.5),
        ("oxycodone", 0.38),
    ]
    assert strengths([concept(("http://hospital.example", "197696", None))]) == ()
    assert strengths([]) == ()


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("x,d,f,morphine,5,MG", "is no product"),
        ("5640,,f,morphine,5,MG", "is no product"),
        ("5640,d,f,morphine,5,G", "measured in G"),
        ("5640,d,f,morphine,0,MG", "has no strength"),
        ("5640,d,f,morphine,5,MG\n5640,d,f,morphine,5,MG", "stands there twice"),
    ],
)
def test_a_wrong_row_is_told_with_its_file(tmp_path, row, wrong):
    file = tmp_path / "opioids.csv"
    file.write_text(f"{HEAD}code,display,form,ingredient,strength,unit\n{row}\n")
    with pytest.raises(ValueError, match=rf"opioids\.csv.*{wrong}"):
        mme._read(file)
