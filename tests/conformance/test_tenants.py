"""Two tenants of one EHR may use one id for two people: nothing of one counts for the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hooks import Finding, Source, service
from tests.demo.client import Client
from tests.demo.signing import NORTH, production


@service("patient-view", id="probe-view", title="Probe", description="Always warns.")
def probe_view() -> Iterator[Finding]:
    yield Finding(rule="probe", summary="Look", indicator="warning", source=Source("Demo"))


VIEW = {
    "hook": "patient-view",
    "hookInstance": "5b1f0c9a-7d20-4e6b-9a3c-0000000000ab",
    "context": {"patientId": "77", "userId": "Practitioner/1"},
}


@pytest.fixture
def client() -> Iterator[Client]:
    record = NORTH.record(tenants=frozenset({"a", "b"}))
    with production(record, services=[probe_view]) as running:
        yield running


@pytest.mark.req("CH-126", "CH-137")
def test_an_override_in_one_tenant_hides_nothing_in_another(client: Client) -> None:
    (card,) = NORTH.call(client, "probe-view", VIEW, tenant="a").cards
    (other,) = NORTH.call(client, "probe-view", VIEW, tenant="b").cards
    assert card["uuid"] != other["uuid"]
    item = {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-24T10:59:00Z",
    }
    # From the wrong tenant it counts for nobody, from the right one for its own user only.
    assert NORTH.feedback(client, "probe-view", item, tenant="b").status == 200
    assert len(NORTH.call(client, "probe-view", VIEW, tenant="a").cards) == 1
    assert NORTH.feedback(client, "probe-view", item, tenant="a").status == 200
    assert NORTH.call(client, "probe-view", VIEW, tenant="a").cards == []
    assert len(NORTH.call(client, "probe-view", VIEW, tenant="b").cards) == 1
