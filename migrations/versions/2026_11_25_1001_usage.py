"""Calls of each instance by the hour, and the service's counters."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_1001"
down_revision = "2026_11_25_1000"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_usage",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation", KEY_TEXT, nullable=False),
        sa.Column("table_name", KEY_TEXT, nullable=False, comment="empty where there is none"),
        sa.Column("caller", KEY_TEXT, nullable=False, comment="empty where the caller is not known"),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("error", KEY_TEXT, nullable=False, comment="its code; empty where there is none"),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.Column("microseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "instance_id", "hour", "operation", "table_name", "caller", "status", "error", name=op.f("pk_api_usage")
        ),
    )
    op.create_index(op.f("ix_api_usage_hour"), "api_usage", ["hour"])
    op.create_table(
        "counter",
        sa.Column("name", KEY_TEXT, nullable=False),
        sa.Column("labels", KEY_TEXT, nullable=False, comment="a JSON array"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_counter")),
    )


def downgrade() -> None:
    op.drop_table("counter")
    op.drop_index(op.f("ix_api_usage_hour"), table_name="api_usage")
    op.drop_table("api_usage")
