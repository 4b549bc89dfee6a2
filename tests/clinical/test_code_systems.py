"""What a code of each coding system can look like."""

import pytest

from clinical.code_systems import (
    ICD_10_CM,
    LOINC,
    RXNORM,
    SNOMED_CT,
    canonical,
    is_possible,
    spelled,
)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (LOINC, "2160-0"),
        (LOINC, "98979-8"),
        (SNOMED_CT, "44054006"),
        (SNOMED_CT, "236435004"),
        (SNOMED_CT, "138881000119106"),
        (RXNORM, "6809"),
        (ICD_10_CM, "E11.9"),
        (ICD_10_CM, "E13.37X9"),
        (ICD_10_CM, "I10"),
    ],
)
def test_a_real_code_is_possible(system: str, code: str) -> None:
    assert is_possible(system, code)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (LOINC, ""),
        (LOINC, "2160"),
        (LOINC, "2160-1"),
        (LOINC, "2610-0"),
        (LOINC, "٢160-0"),
        (SNOMED_CT, "44054007"),
        (SNOMED_CT, "44045006"),
        (SNOMED_CT, "44054016"),
        (SNOMED_CT, "04405400"),
        (SNOMED_CT, "E11.9"),
        (RXNORM, "06809"),
        (RXNORM, "metformin"),
        (ICD_10_CM, "E119"),
        (ICD_10_CM, "E11."),
        (ICD_10_CM, "e11.9"),
        ("http://example.org/local", "1"),
        ("", "2160-0"),
    ],
)
def test_a_mistyped_code_is_not(system: str, code: str) -> None:
    assert not is_possible(system, code)


@pytest.mark.parametrize(
    ("sent", "system"),
    [
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED_CT),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.90", ICD_10_CM),
        ("http://loinc.org/", LOINC),
        ("https://loinc.org", LOINC),
        (" http://snomed.info/sct ", SNOMED_CT),
        ("https://www.nlm.nih.gov/research/umls/rxnorm/", RXNORM),
        ("http://example.org/local", "http://example.org/local"),
        ("", ""),
    ],
)
def test_other_spellings_are_the_same_system(sent: str, system: str) -> None:
    assert canonical(sent) == system


@pytest.mark.parametrize(
    ("system", "sent", "code"),
    [
        (RXNORM, " 6809 ", "6809"),
        (ICD_10_CM, "E119", "E11.9"),
        (ICD_10_CM, "e11.9", "E11.9"),
        (ICD_10_CM, "I10", "I10"),
        (ICD_10_CM, "E1337X9", "E13.37X9"),
        (LOINC, "2160-0", "2160-0"),
    ],
)
def test_other_spellings_are_the_same_code(system: str, sent: str, code: str) -> None:
    assert spelled(system, sent) == code
