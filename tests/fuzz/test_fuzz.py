"""Thousands of spoilt calls: no 5xx, nothing but JSON, no answer that takes two seconds.

The seed is fixed, so a failure repeats; the body that failed stands in the message.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from itertools import islice
from pathlib import Path

import pytest

from tests.demo.client import Client, Reply, judge
from tests.demo.server import Granian
from tests.fuzz.mutate import mutants

HERE = Path(__file__).parents[2]
SLOWEST = 2.0
SEED = 20261124

DEMO = sorted((HERE / "tests" / "bodies").glob("*.json"))
SHIPPED = [("care-gaps", "patient-view"), ("medication-safety", "order-sign")]


def _fuzz(client: Client, service: str, body: Path, calls: int) -> None:
    seeded = random.Random(f"{SEED} {service} {body.name}")
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    for spoilt in islice(mutants(json.loads(body.read_text()), seeded), calls):
        start = time.monotonic()
        connection.request(
            "POST",
            f"/cds-services/{service}",
            spoilt,
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        taken = time.monotonic() - start
        try:
            judge(reply)
            assert taken < SLOWEST
        except AssertionError:
            pytest.fail(f"{reply.status} after {taken:.2f} s for {spoilt[:4000]!r}")
    connection.close()


@pytest.mark.req("CH-006", "CH-007", "CH-047")
@pytest.mark.parametrize("body", DEMO, ids=lambda body: body.stem)
def test_no_spoilt_call_of_any_hook_breaks_the_server(demo: Client, body: Path) -> None:
    hook = json.loads(body.read_text())["hook"]
    service = "demo-shared" if body.stem.startswith("shared") else f"demo-{hook}"
    _fuzz(demo, service, body, 100)


@pytest.mark.req("CH-006", "CH-007", "CH-047")
@pytest.mark.parametrize(("service", "body"), SHIPPED)
def test_no_spoilt_call_breaks_a_clinical_service(
    shipped: Granian, service: str, body: str
) -> None:
    _fuzz(shipped.client, service, HERE / "docs" / f"{body}.json", 600)
