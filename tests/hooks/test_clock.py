"""`today` and `zone` are those of the EHR, whatever the clock of the machine says."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from hooks import Finding, Source, service
from tests.demo.bodies import raw
from tests.demo.server import nameless, serving


@service("patient-view", id="day", title="Day", description="Says what day it is.")
def day(today: date, zone: tzinfo) -> Iterator[Finding]:
    yield Finding(
        rule="day", summary=f"{today} in {zone}", indicator="info", source=Source("Clock")
    )


def late(zone: tzinfo) -> datetime:
    """Half past eleven in the evening in London."""
    return datetime(2026, 11, 24, 23, 30, tzinfo=UTC).astimezone(zone)


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("UTC", "2026-11-24"),
        ("America/New_York", "2026-11-24"),
        ("Pacific/Honolulu", "2026-11-24"),
        ("Europe/Berlin", "2026-11-25"),
        ("Pacific/Auckland", "2026-11-25"),
    ],
)
def test_today_is_the_date_at_the_ehr(zone: str, today: str) -> None:
    with serving([day], nameless("there", zone=ZoneInfo(zone)), late) as client:
        card = client.call("day", raw("shared-patient-view")).card
    assert card["summary"] == f"{today} in {zone}"
