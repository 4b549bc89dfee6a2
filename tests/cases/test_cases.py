"""Each finding on both sides of each of its boundaries, and the census of the cases.

The census knows the findings of this project from the sources of the checks and from the rules in
the data, not from the cases: a finding without cases fails here.
"""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clinical.chart import evaluate
from clinical.finding import Finding
from tests.cases.table import BOUNDARY_KINDS, Case
from tests.clinical.build import gaps, said

HERE = Path(__file__).parent
CLINICAL = HERE.parents[1] / "clinical"
GROUPS = [
    importlib.import_module(f"tests.cases.{path.stem}")
    for path in sorted(HERE.glob("*.py"))
    if path.stem not in ("table", "test_cases")
]
CASES = [(group, case) for group in GROUPS for case in group.CASES]
DECLARED = {rule: boundaries.split() for g in GROUPS for rule, boundaries in g.BOUNDARIES.items()}
# What a finding is called: a group, a dot, and the rest.
_GROUPS = "ddi allergy dup opioid preg renal monitor labdup lab gap imm dm ckd bp result appt care"
_ID = re.compile(rf"({_GROUPS.replace(' ', '|')})[.][a-z0-9.-]*[a-z0-9]")
# Every finding is about a record that may be void, and rests on one that may be missing.
_ALWAYS = {"status", "missing"}


def _name(item: tuple[ModuleType, Case]) -> str:
    _, case = item
    return f"{case.rule}-{case.boundary}-{case.name}"


@pytest.mark.parametrize("item", CASES, ids=_name)
def test_a_case_comes_out(item: tuple[ModuleType, Case]) -> None:
    group, case = item
    results = list(evaluate(case.chart, *group.CHECKS))
    found = [r for r in results if isinstance(r, Finding) and r.rule == case.rule]
    assert bool(found) == case.fires, [r.rule for r in results]
    told = "\n".join(f"{each.summary}\n{said(each)}" for each in found) or gaps(results)
    assert case.says in told
    if case.indicator:
        assert {each.indicator for each in found} == {case.indicator}


def test_no_case_stands_twice() -> None:
    assert [name for name, n in Counter(map(_name, CASES)).items() if n > 1] == []


@pytest.mark.parametrize("rule", sorted(DECLARED))
def test_a_finding_has_cases_on_both_sides_of_each_boundary(rule: str) -> None:
    boundaries = DECLARED[rule]
    assert set(boundaries) <= set(BOUNDARY_KINDS)
    assert set(boundaries) >= _ALWAYS
    of_rule = [case for _, case in CASES if case.rule == rule]
    for side in (True, False):
        has = {case.boundary for case in of_rule if case.fires is side}
        assert set(boundaries) - has == set(), "fires" if side else "silent"


def test_each_case_is_of_a_declared_boundary() -> None:
    stray = [_name((g, c)) for g, c in CASES if c.boundary not in g.BOUNDARIES.get(c.rule, "")]
    assert stray == []


def test_each_finding_of_the_checks_and_of_the_data_has_cases() -> None:
    assert sorted(_findings() - set(DECLARED)) == []


def test_no_check_finds_what_no_table_declares() -> None:
    found = {
        each.rule
        for group, case in CASES
        for each in evaluate(case.chart, *group.CHECKS)
        if isinstance(each, Finding)
    }
    assert sorted(found - set(DECLARED)) == []


def _findings() -> set[str]:
    """Ids in the sources of the checks, but for what only begins others, and ids in the data."""
    named = {
        text
        for path in sorted((CLINICAL / "checks").glob("*.py"))
        for text in _texts(path)
        if _ID.fullmatch(text)
    }
    begins = {
        each for each in named for other in named if other.startswith((f"{each}.", f"{each}-"))
    }
    data = [tomllib.loads(path.read_text()) for path in sorted((CLINICAL / "data").rglob("*.toml"))]
    return named - begins | {each for table in data for each in _ids(table)}


def _texts(path: Path) -> Iterator[str]:
    """The texts of a module, with the constants filled in that they are made of."""
    module = importlib.import_module(f"clinical.checks.{path.stem}")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [_part(module, part) for part in node.values]
            if all(isinstance(part, str) for part in parts):
                yield "".join(map(str, parts))


def _part(module: ModuleType, part: ast.expr) -> object:
    if isinstance(part, ast.Constant):
        return part.value
    if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
        return getattr(module, part.value.id, None)
    return None


def _ids(table: Any) -> Iterator[str]:
    """Every `id` and `rule` of the data that names a finding."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key in ("id", "rule") and isinstance(value, str) and _ID.fullmatch(value):
                yield value
            yield from _ids(value)
    elif isinstance(table, list):
        for value in table:
            yield from _ids(value)
