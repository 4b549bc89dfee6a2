"""security.txt (RFC 9116): only where the site says whom to write to."""

from __future__ import annotations

from datetime import UTC, datetime

from app import create_app
from tests.demo.server import new_database
from web.settings import Settings

PATH = "/.well-known/security.txt"


def test_it_tells_contact_expiry_and_its_own_address() -> None:
    app = create_app(
        Settings(
            mode="development",
            database=new_database(),
            public_url="http://localhost:5000/x/y",
            security_contact="mailto:security@hospital.example",
            security_expires=datetime(2027, 6, 30, tzinfo=UTC),
        )
    )
    answer = app.test_client().get(PATH)
    assert answer.mimetype == "text/plain"
    assert answer.text.splitlines() == [
        "Contact: mailto:security@hospital.example",
        "Expires: 2027-06-30T00:00:00+00:00",
        f"Canonical: http://localhost:5000{PATH}",
    ]


def test_there_is_none_without_a_contact() -> None:
    app = create_app(Settings(mode="development", database=new_database()))
    assert app.test_client().get(PATH).status_code == 404
