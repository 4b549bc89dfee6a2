"""The coding systems of our tables: how each is spelled and what its codes look like.

The OIDs are those of HL7 Terminology (THO). LOINC and SNOMED CT codes end in a check digit, so
that a mistyped one is caught when a table is loaded.
"""

from __future__ import annotations

import re

LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
CVX = "http://hl7.org/fhir/sid/cvx"

_OIDS = {
    LOINC: "urn:oid:2.16.840.1.113883.6.1",
    SNOMED_CT: "urn:oid:2.16.840.1.113883.6.96",
    RXNORM: "urn:oid:2.16.840.1.113883.6.88",
    ICD_10_CM: "urn:oid:2.16.840.1.113883.6.90",
    CVX: "urn:oid:2.16.840.1.113883.12.292",
}
_SYSTEMS = {spelling: system for system, oid in _OIDS.items() for spelling in (system, oid)}

_FORMS = {
    LOINC: re.compile(r"\d{1,7}-\d"),
    # A concept: the two digits before the check digit say so (00, or 10 in an extension).
    SNOMED_CT: re.compile(r"[1-9]\d{2,14}[01]0\d"),
    RXNORM: re.compile(r"[1-9]\d{0,7}"),
    ICD_10_CM: re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    CVX: re.compile(r"\d{1,3}"),
}


def canonical(system: str) -> str:
    """The one spelling of a system that our tables use."""
    if known := _SYSTEMS.get(system):
        return known
    plain = system.strip().rstrip("/")
    plain = f"http://{plain.removeprefix('https://')}" if plain.startswith("https://") else plain
    return _SYSTEMS.get(plain, plain)


def spelled(system: str, code: str) -> str:
    """The one spelling of a code that our tables use; ICD-10-CM is also sent without its dot."""
    plain = code.strip()
    if system == ICD_10_CM:
        plain = plain.upper()
        if len(plain) > 3 and "." not in plain:
            plain = f"{plain[:3]}.{plain[3:]}"
    return plain


def usual_spellings(system: str, code: str) -> list[tuple[str, str]]:
    """A row of our tables as nearly every record has it: system and code."""
    codes = {code, code.replace(".", "")} if system == ICD_10_CM else {code}
    if system == CVX:
        codes.add(code.lstrip("0"))
    return [(spelling, each) for spelling in (system, _OIDS[system]) for each in codes]


def folded(code: str) -> str:
    """A code without what any of its spellings may add. Codes that `spelled` makes one are one
    here too, but for the dot.
    """
    return code.strip().upper()


def is_possible(system: str, code: str) -> bool:
    """Whether a code can belong to its system; False for a system that no table uses."""
    form = _FORMS.get(system)
    if form is None or not form.fullmatch(code) or not code.isascii():
        return False
    if system == LOINC:
        return _luhn(code.replace("-", ""))
    return system != SNOMED_CT or _verhoeff(code)


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0


_SHUFFLE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff(digits: str) -> bool:
    """SNOMED CT's check: the product of the shuffled digits, as symmetries of a pentagon, is 0."""
    product = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = _SHUFFLE[digit]
        turn = (product + digit if product < 5 else product - digit) % 5
        product = turn + 5 * ((product < 5) != (digit < 5))
    return product == 0
