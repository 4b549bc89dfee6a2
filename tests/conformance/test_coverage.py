"""Each requirement of the checklist is named by a test that proves it.

But for CH-001 and CH-002 (TLS), which belong to the proxy in front: the server listens on 127.0.0.1
only, see tests/web/test_server.py. And for CH-143 (speed), which `make bench` measures.
"""

import re

from tests.demo.server import ROOT

GROUPS = {f"CH-{number:03d}" for number in range(3, 146)} - {"CH-143"}


def test_every_requirement_has_a_test() -> None:
    named: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        text = file.read_text("utf-8")
        for marker in re.findall(r"pytest\.mark\.req\(([^)]*)\)", text):
            named |= set(re.findall(r"CH-\d{3}", marker))
        # The first member of a table's row is the requirement of that case.
        named |= set(re.findall(r'\(\s*"(CH-\d{3})",', text))
    assert GROUPS - named == set()
