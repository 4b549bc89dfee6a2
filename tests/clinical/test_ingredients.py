"""From an order, a statement or an allergy to ingredients: by code, else by name, else not."""

from pathlib import Path

import pytest

from clinical import ingredients
from clinical.ingredients import members, of, of_concept
from fhir.records import Contained, Ingredient, Medication, Records, Reference
from tests.clinical.build import RXNORM, SNOMED, chart, concept, draft, medication, statement

IBUPROFEN = (RXNORM, "5640", "ibuprofen")
OTHER = (RXNORM, "1992169", "insulin glargine")


@pytest.mark.parametrize(
    ("asked", "names", "basis"),
    [
        (concept(IBUPROFEN), {"ibuprofen"}, "code"),
        (concept((RXNORM, " 5640 ", None)), {"ibuprofen"}, "code"),
        (concept(("urn:oid:2.16.840.1.113883.6.88", "5640", None)), {"ibuprofen"}, "code"),
        # A product with two ingredients, and one name for two codes.
        (concept((RXNORM, "10831", None)), {"sulfamethoxazole", "trimethoprim"}, "code"),
        (concept((RXNORM, "1037042", None)), {"dabigatran"}, "code"),
        # Text is never used where a code is understood.
        (concept(IBUPROFEN, text="warfarin 5 mg"), {"ibuprofen"}, "code"),
        # Where RxNorm names another medicine its text is not used, its display is.
        (concept(OTHER, text="warfarin 5 mg"), set(), "unmapped"),
        (concept((RXNORM, "1", "warfarin 5 mg")), {"warfarin"}, "name"),
        (concept(text="Warfarin Sodium 5 MG Oral Tablet"), {"warfarin"}, "name"),
        (concept((SNOMED, "1", "Product containing warfarin")), {"warfarin"}, "name"),
        # The longest name first, over any blanks; whole words only.
        (concept(text="isosorbide  MONONITRATE 30 mg"), {"isosorbide mononitrate"}, "name"),
        (concept(text="warfarina"), set(), "unmapped"),
        (concept(text="aspirin and ibuprofen"), {"aspirin", "ibuprofen"}, "name"),
        # The code of another system is no RxNorm code.
        (concept(("http://hospital.example", "5640", None)), set(), "unmapped"),
        (concept(text=" "), set(), "unmapped"),
        (None, set(), "unmapped"),
    ],
)
def test_what_a_concept_names(asked, names, basis):
    found = of_concept(asked)
    assert (found.names, found.basis) == (names, basis)


@pytest.mark.parametrize(
    ("text", "systemic"),
    [
        ("diclofenac 1 % topical gel", False),
        ("Diclofenac Ophthalmic solution", False),
        ("timolol eye drops", False),
        ("fluticasone nasal  spray", False),
        ("estradiol vaginal cream", False),
        ("fentanyl 25 ug/h transdermal patch", True),
        ("omeprazole gelatin capsule", True),
        ("isotretinoin 20 mg soft gel capsule", True),
        ("ibuprofen 200 mg liquid gel", True),
        ("ibuprofen 200 mg liquid-gel", True),
        ("clindamycin vaginal capsule", False),
        ("nitroglycerin 2 % topical ointment", True),
        ("fentanyl 0.1 mg/actuation metered dose nasal spray", True),
        ("sumatriptan nasal spray", True),
        ("ibuprofen oral tablet", True),
    ],
)
def test_what_stays_where_it_is_put_is_not_systemic(text, systemic):
    assert of_concept(concept(text=text)).systemic is systemic


def test_our_own_name_of_a_product_tells_its_form_too():
    names = dict(ingredients._TABLES.displays)
    gel = next(
        code for code, name in names.items() if "diclofenac" in name.lower() and "Gel" in name
    )
    assert of_concept(concept((RXNORM, gel, None))).systemic is False


def test_the_medicine_of_a_reference():
    inside = Contained("#m", concept(IBUPROFEN))
    within = draft(medication_reference=Reference("#m"), contained=[inside]).resource
    assert of(chart(), within).names == {"ibuprofen"}
    made_of = Medication("x", ingredient=[Ingredient(concept(IBUPROFEN))])
    beside = Records((), included={"Medication/x": made_of})
    order = medication(medication_reference=Reference("Medication/x"))
    said = statement(medication_reference=Reference("https://ehr.example/Medication/x"))
    assert of(chart(medications=beside), order).names == {"ibuprofen"}
    assert of(chart(statements=beside), said).names == {"ibuprofen"}
    assert of(chart(), order).basis == "unmapped"
    named = medication(medication_reference=Reference("Medication/x", "ibuprofen 200 mg"))
    assert of(chart(), named).basis == "name"


def test_the_members_of_a_class():
    assert {"ibuprofen", "naproxen"} <= members("nsaid")
    assert "phenelzine" in members("maoi-classic")
    with pytest.raises(ValueError, match="no ingredient is of the class"):
        members("nsaids")
    assert of_concept(concept(IBUPROFEN)).of("nsaid", "statin") == {"ibuprofen"}
    assert of_concept(concept(IBUPROFEN)).of("statin") == set()


HEAD = "# title: t\n# source: s\n# licence: l\n# checked: 2026-11-24\n"
GOOD = "name,code,display,classes,source\nibuprofen,5640,ibuprofen,nsaid,a/b\n"
PRODUCTS = "code,display,ingredients,source\n5641,ibuprofen 200,ibuprofen,a/b\n"


@pytest.mark.parametrize(
    ("made_of", "products", "wrong"),
    [
        (GOOD.replace("5640", "x"), PRODUCTS, "RxNorm has no code like 'x'"),
        (GOOD.replace("a/b", ""), PRODUCTS, "no display or no source"),
        (GOOD, PRODUCTS.replace(",ibuprofen,", ",iboprofen,"), "which is no ingredient"),
        (GOOD + "naproxen,5640,naproxen,nsaid,a/b\n", PRODUCTS, "stands there twice"),
    ],
)
def test_a_wrong_table_is_told_with_its_file(tmp_path, made_of, products, wrong):
    (tmp_path / "ingredients.csv").write_text(HEAD + made_of)
    (tmp_path / "products.csv").write_text(HEAD + products)
    with pytest.raises(ValueError, match=wrong):
        ingredients._read(tmp_path)


def test_a_table_without_its_origin_is_told(tmp_path: Path):
    (tmp_path / "t.csv").write_text("# title: t\nname\n")
    with pytest.raises(ValueError, match="does not tell the source"):
        ingredients.rows(tmp_path / "t.csv")
