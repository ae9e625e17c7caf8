"""Codes of the emulator's sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_1810"
down_revision = "2026_11_25_1100"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "authorization_code",
        sa.Column("code_digest", KEY_TEXT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="what it stands for"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code_digest", name=op.f("pk_authorization_code")),
    )


def downgrade() -> None:
    op.drop_table("authorization_code")
