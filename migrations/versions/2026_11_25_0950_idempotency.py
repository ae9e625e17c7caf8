"""What was answered under idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_0950"
down_revision = "2026_11_25_0940"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_digest", KEY_TEXT, nullable=False, comment="of principal and key"),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="of the write that happened under it"),
        sa.Column("valid_until", sa.BigInteger(), nullable=False, comment="that of the write"),
        sa.Column("customer_id", KEY_TEXT, comment="null where an activity waited"),
        sa.Column("activity_id", KEY_TEXT),
        sa.Column("document", sa.Text(), comment="of the activity, as it was answered"),
        sa.PrimaryKeyConstraint("instance_id", "key_digest", name=op.f("pk_idempotency_key")),
    )
    op.create_index(
        op.f("ix_idempotency_key_valid_until_instance_id"), "idempotency_key", ["valid_until", "instance_id"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_idempotency_key_valid_until_instance_id"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
