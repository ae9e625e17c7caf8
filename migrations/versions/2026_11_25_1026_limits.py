"""Ledgers of limited callers."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_1026"
down_revision = "2026_11_25_1025"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "call_ledger",
        sa.Column("caller", KEY_TEXT, nullable=False, comment="a digest"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="another number after each write"),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_call_ledger")),
    )


def downgrade() -> None:
    op.drop_table("call_ledger")
