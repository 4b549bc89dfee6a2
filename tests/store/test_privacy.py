"""No clinical text is stored, and no name, identifier or comment in the clear."""

from pathlib import Path

from sqlalchemy import JSON, Engine, LargeBinary, String

from store import drafts
from store.feedback import add_feedback
from store.hashes import Hashes
from store.story import record_call
from store.tables import metadata
from tests.store.build import NOW, SEAL, call, card, overridden, rows

# What may stand in a column of text, and why it is neither clinical text nor an identifier.
OURS = {"service", "hook", "version", "rule", "indicator", "drug", "outcome", "hidden", "ehr"}
DIGESTS = {"key", "patient_hash", "user_hash", "finding_hash", "call", "feedback", "id"}
# Of random values that only a browser or a process knows.
SECRETS = {"cookie", "state", "jar", "handle", "lease"}
UUIDS = {"card", "hook_instance", "suggestions"}
AGREED = {"issuer"}  # by the trust record
CODES = {"reason_code", "reason_system"}  # cut to what looks like a code
SEALED = {"sealed"}

WORDS = (
    "Žofie",
    "zofie-1957",
    "Practitioner/17",
    "MedicationRequest/5",
    "She would rather not",
    "reads like a sentence",
)


def test_every_column_of_text_is_accounted_for() -> None:
    of_text = {
        column.name
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String | JSON | LargeBinary)
    }
    assert of_text == OURS | DIGESTS | SECRETS | UUIDS | AGREED | CODES | SEALED


def test_every_table_tells_when_and_for_which_ehr() -> None:
    for name, table in metadata.tables.items():
        assert "at" in table.columns
        assert ("issuer" if name == "replay" else "ehr") in table.columns


def test_nothing_of_a_chart_can_be_read_in_the_database(engine: Engine, tmp_path: Path) -> None:
    hashes = Hashes("a secret of more than 32 characters")
    patient = hashes.of("north", "patient", "zofie-1957")
    record = card(finding_hash=hashes.of("north", "finding", "renal|MedicationRequest/5"))
    user = hashes.of("north", "user", "Practitioner/17")
    record_call(engine, call(patient_hash=patient, user_hash=user), [record])
    item = overridden(record, comment="She would rather not", reason_code="reads like a sentence")
    add_feedback(engine, SEAL, "north", [item], NOW)
    drafts.keep(
        engine, SEAL, "north", record.card, patient, "MedicationRequest/5 Žofie".encode(), NOW
    )
    everything = "".join(
        str(tuple(row)) for table in metadata.tables.values() for row in rows(engine, table)
    )
    assert record.card in everything
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for word in WORDS:
        assert word not in everything
        assert word.encode() not in raw
