"""Launches of the app, waiting and live."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("cookie", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32)),
        sa.Column("jar", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("pending_jar", "pending", ["jar"])
    op.create_table(
        "launches",
        sa.Column("handle", sa.String(32), primary_key=True),
        sa.Column("ehr", sa.String, nullable=False),
        sa.Column("cookie", sa.String(32), nullable=False),
        sa.Column("jar", sa.String(32), nullable=False),
        sa.Column("user_hash", sa.String(32)),
        sa.Column("patient_hash", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("launches_jar", "launches", ["jar"])
