"""Each requirement of the development EHR is named by a test, and so is each of its tables."""

import re

from tests.demo.server import ROOT

NUMBERED = {f"SL-{number}" for number in range(201, 216)}
TABLES = {f"SL-5.{number}" for number in range(1, 5)}

# Why there is no test.
WITHOUT = {
    "SL-215": "needs Inferno's SMART server suite, a service of its own that is run by hand",
}


def test_every_requirement_of_the_development_ehr_has_a_test() -> None:
    named: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        for marker in re.findall(r"pytest\.mark\.req\(([^)]*)\)", file.read_text("utf-8")):
            named |= set(re.findall(r'"(SL-(?:\d{3}|5\.\d))"', marker))
    assert (NUMBERED | TABLES) - named == set(WITHOUT)
