"""Who may import whom: the contracts of pyproject.toml, kept by import-linter."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.demo.server import ROOT

LINT = Path(sys.executable).with_name("lint-imports")
PACKAGES = {"clinical", "fhir", "hooks", "launch", "sandbox", "store", "web"}


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_every_import_keeps_to_the_contracts() -> None:
    done = subprocess.run(
        [LINT, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(contracts())} kept, 0 broken." in done.stdout


def test_every_package_stands_in_a_contract() -> None:
    named: set[str] = set()
    for contract in contracts():
        for member in ("source_modules", "forbidden_modules", "modules"):
            modules = contract.get(member, [])
            assert isinstance(modules, list)
            named |= {str(module).partition(".")[0] for module in modules}
    assert named >= PACKAGES | {"app"}
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert folders <= PACKAGES | {"benchmarks"}


@pytest.mark.parametrize(
    ("source", "forbidden"),
    [
        ("clinical", "hooks"),
        ("clinical", "flask"),
        ("clinical", "fhir.transport"),
        ("fhir", "clinical"),
        ("fhir", "web"),
        ("web", "fhir"),
        ("web", "hooks"),
        ("sandbox", "hooks"),
        ("sandbox", "fhir"),
        ("hooks", "sandbox"),
        ("hooks", "app"),
        ("hooks.services", "fhir.transport"),
        ("hooks.services", "flask"),
    ],
)
def test_the_rules_of_the_design_are_contracts(source: str, forbidden: str) -> None:
    def names(contract: dict[str, object], member: str) -> list[str]:
        value = contract.get(member, [])
        assert isinstance(value, list)
        return value

    assert any(
        source in names(contract, "source_modules")
        and forbidden in names(contract, "forbidden_modules")
        for contract in contracts()
    )


def test_each_part_of_the_development_ehr_has_its_layer() -> None:
    (layers,) = (contract for contract in contracts() if contract["type"] == "layers")
    assert layers["containers"] == ["sandbox"]
    # A new part has to be given a place; nothing is excused from keeping its own.
    assert layers["exhaustive"]
    assert "ignore_imports" not in layers
