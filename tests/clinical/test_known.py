"""The list of all findings, and what they rest on."""

import tomllib
from pathlib import Path

import pytest

from clinical import known
from clinical.known import FINDINGS, is_not_re_read
from tests.cases.test_cases import DECLARED


def test_it_knows_exactly_the_findings_that_have_cases() -> None:
    assert set(FINDINGS) == set(DECLARED)


def test_what_rests_on_documents_that_nobody_read_again_is_told_apart() -> None:
    assert is_not_re_read("dup.class.ppi")
    assert not is_not_re_read("labdup.pending")
    assert not is_not_re_read("renal.metformin.contraindicated")
    assert not is_not_re_read("house.rule")


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [('["local"]', "is not cited"), ("[]", "nothing is not cited")],
)
def test_a_finding_that_rests_on_nothing_stops_the_start(
    listed: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "thresholds").mkdir()
    (tmp_path / "thresholds" / "x.toml").write_text("[evidence]\n")
    (tmp_path / "findings.toml").write_text(f'[x]\n"a.b" = {{ rests-on = {listed} }}\n')
    with pytest.raises(ValueError, match=complaint):
        known._read(tmp_path)


def test_a_finding_does_not_stand_in_two_places(tmp_path: Path) -> None:
    evidence = '[evidence.e]\ntitle = "t"\nlevel = "local"\nsays = "s"\n'
    for folder in ("rules", "thresholds"):
        (tmp_path / folder).mkdir()
    (tmp_path / "thresholds" / "x.toml").write_text(evidence)
    rules = f'{evidence}[[rules]]\nid = "a.b"\nrests-on = ["e"]\n'
    (tmp_path / "rules" / "x.toml").write_text(rules)
    (tmp_path / "findings.toml").write_text('[x]\n"a.b" = { rests-on = ["e"] }\n')
    assert tomllib.loads(rules)
    with pytest.raises(ValueError, match="has a row of its own"):
        known._read(tmp_path)
