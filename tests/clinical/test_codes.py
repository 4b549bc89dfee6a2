"""Code sets: what is in one, and which tables may not be loaded."""

from pathlib import Path
from typing import Any

import pytest

from clinical import codes
from fhir.records import Observation
from tests.clinical.build import ICD, LOINC, RXNORM, SNOMED, concept

FOLDER = Path(codes.__file__).with_name("data") / "codes"
HEAD = "# title: T\n# source: S\n# licence: L\n# checked: 2026-11-24\nsystem,code,display,source\n"
ROW = f"{LOINC},2160-0,Creatinine,somewhere\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_each_table_of_the_project_is_sound(path: Path) -> None:
    assert list(codes.read(path))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_each_source_of_a_row_has_its_licence_in_the_head(path: Path) -> None:
    table = codes.read(path)
    assert {source for row in table for source in row.source.split()} <= set(
        table.licence.replace(",", " ").replace(":", " ").split()
    )


def test_any_coding_of_a_concept_may_be_the_one() -> None:
    creatinine = codes.load("creatinine")
    assert concept(("http://local", "CREA", None), (LOINC, "2160-0", None)) in creatinine
    assert concept(("urn:oid:2.16.840.1.113883.6.1", "2160-0", None)) in creatinine
    assert concept(("https://loinc.org/", " 2160-0 ", None)) in creatinine
    assert concept((ICD, "e119", None)) in codes.load("diabetes")


@pytest.mark.parametrize(
    "other",
    [
        None,
        concept(),
        concept(text="Creatinine"),
        concept((None, "2160-0", None)),
        concept((LOINC, None, None)),
        concept((RXNORM, "2160-0", None)),
        concept((LOINC, "2160-1", None)),
        concept((ICD, "E11.9", None)),
    ],
)
def test_another_code_or_another_system_is_not_in_it(other: object) -> None:
    assert other not in codes.load("creatinine")


def test_a_code_can_be_taken_out_for_an_order() -> None:
    coding = codes.load("creatinine").coding("2160-0")
    assert coding.system == LOINC
    assert coding.display == "Creatinine [Mass/volume] in Serum or Plasma"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD + ROW + ROW, "twice"),
        (HEAD + f"{LOINC},,Creatinine,somewhere\n", "no code like ''"),
        (HEAD + f"{LOINC},2160-1,Creatinine,somewhere\n", "no code like '2160-1'"),
        (HEAD + "urn:oid:2.16.840.1.113883.6.1,2160-0,C,s\n", "no code like"),
        (HEAD + f"{LOINC},2160-0,,somewhere\n", "no display"),
        (HEAD + f"{LOINC},2160-0,Creatinine\n", "no source"),
        (HEAD + f"{LOINC},2160-0,Creatinine,s,more\n", "columns"),
        (HEAD, "no codes"),
        (HEAD.replace("# source: S\n", "") + ROW, "source"),
        (HEAD.replace("# licence: L", "# licence:") + ROW, "licence"),
        (HEAD.replace("system,", "# names: Glucovance\nsystem,") + ROW, "names-source"),
        (ROW, "title"),
        ("", "title"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"wrong\.csv: .*" + complaint):
        codes.read(path)


def test_the_metformin_table_names_ingredient_and_brands() -> None:
    names = {row.name for row in codes.load("metformin")}
    assert {"metformin", "Glucophage", "Janumet", "Synjardy"} <= names
    assert all("metformin" in row.display.lower() for row in codes.load("metformin"))
    assert {"Glucovance", "Zituvimet"} <= set(codes.load("metformin").names)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("diabetes", (SNOMED, "73211009", "Diabetes mellitus")),
        ("esrd", (ICD, "Z99.2", "Dependence on renal dialysis")),
        ("esrd", (ICD, "I12.0", None)),
        ("ckd-4", (ICD, "N18.4", None)),
        ("ckd-4", (SNOMED, "431857002", None)),
        ("hospice-palliative-visits", (ICD, "Z51.5", None)),
        ("metabolic-panels", (LOINC, "24320-4", None)),
    ],
)
def test_what_problem_lists_and_orders_use_is_in_a_table(table: str, code: Any) -> None:
    assert concept(code) in codes.load(table)


def test_no_code_stands_for_two_stages_of_kidney_disease() -> None:
    assert not {row.code for row in codes.load("ckd-4")} & {row.code for row in codes.load("esrd")}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_the_records_of_a_set_are_those_whose_code_is_in_it(path: Path) -> None:
    table = codes.read(path)
    rows = [(row.system, row.code) for row in table][:20]
    spellings = [
        spelling
        for system, code in rows
        for spelling in (
            (system, code),
            (system.replace("http:", "https:") + "/", f" {code} "),
            (system, code.lower().replace(".", "")),
            ("http://other", code),
            (system, None),
            (None, code),
            (system, f"{code}9"),
        )
    ]
    labs = [
        Observation(str(n), code=concept(*chosen))
        for n, chosen in enumerate(
            [*([(*each, None)] for each in spellings), [(*each, None) for each in spellings], []]
        )
    ]
    labs.append(Observation("without"))
    found = [(each, table.find(each.code)) for each in labs]
    assert list(table.among(labs)) == [(each, row) for each, row in found if row]
