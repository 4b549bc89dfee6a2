"""Replay entries, calls, cards, feedback, comments and drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replay",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("replay_until", "replay", ["until"])
    op.create_table(
        "calls",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("hook", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("hook_instance", sa.String, nullable=False),
        sa.Column("patient_hash", sa.String(32), nullable=False),
        sa.Column("user_hash", sa.String(32)),
        sa.Column("gaps", sa.Integer, nullable=False),
        sa.Column("took_ms", sa.Integer),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cards",
        sa.Column(
            "call", sa.String(32), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("card", sa.String(36), primary_key=True),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("finding_hash", sa.String(32), nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.Column("indicator", sa.String(8), nullable=False),
        sa.Column("drug", sa.String),
        sa.Column("severity", sa.Double),
        sa.Column("suggestions", sa.JSON, nullable=False),
        sa.Column("hidden", sa.String),
        sqlite_with_rowid=False,
    )
    op.create_index("cards_card", "cards", ["card"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("hook", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("call", sa.String(32), nullable=False),
        sa.Column("card", sa.String(36), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("outcome_at", sa.BigInteger, nullable=False),
        sa.Column("suggestions", sa.JSON, nullable=False),
        sa.Column("reason_code", sa.String),
        sa.Column("reason_system", sa.String),
        sa.Column("patient_hash", sa.String(32), nullable=False),
        sa.Column("user_hash", sa.String(32)),
        sa.Column("finding_hash", sa.String(32), nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.Column("indicator", sa.String(8), nullable=False),
        sa.Column("drug", sa.String),
        sa.Column("severity", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_index("feedback_person", "feedback", ["patient_hash", "user_hash"])
    op.create_table(
        "comments",
        sa.Column(
            "feedback",
            sa.String(32),
            sa.ForeignKey("feedback.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "drafts",
        sa.Column("ehr", sa.String, primary_key=True),
        sa.Column("card", sa.String(36), primary_key=True),
        sa.Column("patient_hash", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
