"""Segments and measures in the snapshot."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_1000"
down_revision = "2026_11_24_0900"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "measure_record",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", JSON_DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "customer_id", "generation_from", name=op.f("pk_measure_record")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "segment_membership",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment", KEY_TEXT, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False, comment="empty on the row by which the segment exists"),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "segment", "customer_id", "generation_from", name=op.f("pk_segment_membership")
        ),
    )
    op.create_index(
        op.f("ix_segment_membership_customer_id_instance_id"),
        "segment_membership",
        ["customer_id", "instance_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_segment_membership_customer_id_instance_id"), table_name="segment_membership")
    op.drop_table("segment_membership")
    op.drop_table("measure_record")
