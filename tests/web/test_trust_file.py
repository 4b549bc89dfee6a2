"""Trust records from a file: what they say, and how a wrong one stops the start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from web.errors import StartError
from web.trust_file import load

GOOD = """\
[ehr.hospital]
time_zone = "Europe/Oslo"
fhir_bases = ["https://fhir.hospital.example/r4/"]

[ehr.hospital.cds]
issuer = "https://fhir.hospital.example/r4"
jku = "https://fhir.hospital.example/.well-known/jwks.json"
tenants = ["north"]
services = ["medication-safety", "care-gaps"]
origins = ["https://ehr.hospital.example"]

[ehr.hospital.cds.profile]
selection_behaviors = ["any"]
suggestion_actions = 1

[ehr.app-only]
time_zone = "America/Chicago"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "trust.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_record_says_what_was_agreed(tmp_path: Path) -> None:
    trust = load(written(tmp_path, GOOD))
    ehr = trust.of_issuer("https://fhir.hospital.example/r4")
    assert ehr is not None
    assert ehr.cds is not None
    assert (ehr.id, ehr.zone.key) == ("hospital", "Europe/Oslo")
    assert ehr.fhir_bases == ("https://fhir.hospital.example/r4",)
    assert ehr.cds.tenants == {"north"}
    assert ehr.cds.may_call("care-gaps")
    assert not ehr.cds.may_call("another")
    assert ehr.cds.profile.selection_behaviors == ("any",)
    assert trust.origins == {"https://ehr.hospital.example"}
    assert ehr.cds.grades == {}
    assert trust.nameless is None
    assert [each.id for each in trust.ehrs] == ["hospital", "app-only"]


def test_a_record_grades_findings_by_id(tmp_path: Path) -> None:
    grades = '[ehr.hospital.cds.grades]\n"dup.class.ppi" = "info"\n"appt.noshow" = "off"\n\n'
    text = GOOD.replace("[ehr.hospital.cds.profile]", f"{grades}[ehr.hospital.cds.profile]")
    (hospital, _) = load(written(tmp_path, text)).ehrs
    assert hospital.cds is not None
    assert hospital.cds.grades == {"dup.class.ppi": "info", "appt.noshow": "off"}


def test_keys_may_be_pinned_in_a_file_beside_it(tmp_path: Path) -> None:
    key = {"kty": "EC", "crv": "P-384", "kid": "k", "x": "x", "y": "y"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
    text = GOOD.replace(
        'jku = "https://fhir.hospital.example/.well-known/jwks.json"', 'keys = "keys.json"'
    )
    cds = load(written(tmp_path, text)).ehrs[0].cds
    assert cds is not None
    assert (cds.jku, cds.keys) == (None, (key,))


WRONG = {
    "a misspelt key": (("issuer =", "isuer ="), 6, "ehr.hospital.cds.isuer", "misspelt"),
    "a missing key": (
        ('issuer = "https://fhir.hospital.example/r4"\n', ""),
        5,
        "ehr.hospital.cds.issuer",
        "is required",
    ),
    "another type": (('["north"]', '"north"'), 8, "ehr.hospital.cds.tenants", "array"),
    "no service": (
        ('["medication-safety", "care-gaps"]', "[]"),
        9,
        "ehr.hospital.cds.services",
        "length",
    ),
    "no time zone": (("Europe/Oslo", "Europe/Atlantis"), 2, "ehr.hospital.time_zone", "Europe/"),
    "no time zone at all": (('time_zone = "Europe/Oslo"\n', ""), 1, "time_zone", "is required"),
    "plain http": (('jku = "https', 'jku = "http'), 7, "ehr.hospital.cds.jku", "https"),
    "a base with a user": (("https://fhir.h", "https://u@fhir.h"), 3, "fhir_bases", "without user"),
    "an origin with a path": (
        ('ehr.hospital.example"]', 'ehr.hospital.example/x"]'),
        10,
        "ehr.hospital.cds.origins",
        "is no web origin. Write it like https://",
    ),
    "an unknown behaviour": (
        ('["any"]', '["some"]'),
        13,
        "selection_behaviors",
        "There are: at-most-one, any.",
    ),
    "a grade that no site may give": (
        ("[ehr.hospital.cds.profile]", '[ehr.hospital.cds.grades]\n"dup.class.ppi" = "critical"\n'),
        12,
        "grades",
        "There are: off, info, warning.",
    ),
    "an unknown table": (("[ehr.hospital.cds]", "[ehr.hospital.cdss]"), 5, "cdss", "misspelt"),
    "an unknown part": (("[ehr.app-only]", "[app]"), 16, "app", "[ehr.<id>]"),
    "an id of other letters": (("[ehr.app-only]", "[ehr.App_Only]"), 16, "ehr.App_Only", "lower"),
    "keys and their address": (
        ("tenants =", 'keys = "k.json"\ntenants ='),
        5,
        "ehr.hospital.cds",
        "either jku or keys",
    ),
}


@pytest.mark.parametrize(("change", "line", "key", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_told_with_line_key_and_remedy(
    tmp_path: Path, change: tuple[str, str], line: int, key: str, reason: str
) -> None:
    path = written(tmp_path, GOOD.replace(*change, 1))
    with pytest.raises(StartError) as told:
        load(path)
    assert str(told.value).startswith(f"{path}, line {line}: ")
    assert key in str(told.value)
    assert reason in str(told.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "there is no record"), ("[ehr.x", "end of document"), ("[ehr.x]\ny = \n", "line 2")],
)
def test_what_is_no_file_of_records_is_told(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(StartError, match=reason):
        load(written(tmp_path, text))


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "content", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "EC", "d": "secret"}]}']
)
def test_pinned_keys_are_public_and_there(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    text = GOOD.replace(
        'jku = "https://fhir.hospital.example/.well-known/jwks.json"', 'keys = "keys.json"'
    )
    with pytest.raises(StartError, match=r"cds\.keys: .*keys\.json"):
        load(written(tmp_path, text))


def test_an_issuer_belongs_to_one_record(tmp_path: Path) -> None:
    twice = GOOD + GOOD.replace("ehr.hospital", "ehr.second").replace("ehr.app-only", "ehr.third")
    with pytest.raises(StartError, match="is also that of hospital"):
        load(written(tmp_path, twice))
