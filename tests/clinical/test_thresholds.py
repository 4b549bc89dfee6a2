"""Thresholds: each number rests on a cited document."""

from pathlib import Path

import pytest

from clinical import thresholds
from clinical.thresholds import Thresholds

FOLDER = Path(thresholds.__file__).with_name("data") / "thresholds"
EVIDENCE = '[evidence.e]\ntitle = "T"\nlevel = "primary"\nsays = "s"\n'
VALUE = '[values.v]\nvalue = 1\nunit = "u"\nrests-on = ["e"]\n'


@pytest.mark.parametrize(
    ("topic", "name", "value"),
    [
        ("metformin", "contraindicated-below", 30),
        ("metformin", "start-not-below", 45),
        ("metformin", "recheck-after", 90),
        ("diabetes", "interval", 183),
        ("diabetes", "uncontrolled-above", 9),
        ("hospice", "look-back", 365),
    ],
)
def test_the_numbers_are_those_that_were_signed_off(topic: str, name: str, value: float) -> None:
    assert thresholds.load(topic, Thresholds)[name] == value


def test_a_source_names_its_year() -> None:
    source = thresholds.load("metformin", Thresholds).source("fda-2016")
    assert source.label.endswith(", 2016")
    assert source.url is not None


@pytest.mark.parametrize(
    "text",
    [
        EVIDENCE + VALUE,
        "checked = 2026-11-24\n" + EVIDENCE + VALUE.replace('"e"', '"another"'),
        "checked = 2026-11-24\n" + EVIDENCE + VALUE.replace('["e"]', "[]"),
        "checked = 2026-11-24\n" + EVIDENCE + VALUE.replace("value = 1", 'value = "1"'),
        "checked = 2026-11-24\n" + EVIDENCE + VALUE + "note = 1\n",
        "checked = 2026-11-24\n" + EVIDENCE.replace("primary", "heard of") + VALUE,
        "checked =",
    ],
)
def test_a_wrong_file_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"wrong\.toml"):
        thresholds.read(path, Thresholds)
