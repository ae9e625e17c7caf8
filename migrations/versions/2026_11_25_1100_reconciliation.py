"""What became of changes and activities at each refresh, and the report of each run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_1100"
down_revision = "2026_11_25_1026"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", KEY_TEXT, nullable=False, comment="the id that the call named"),
        sa.Column(
            "sequence", sa.BigInteger(), autoincrement=False, nullable=False, comment="of the change or activity"
        ),
        sa.Column("column_name", KEY_TEXT, nullable=False, comment="empty on an activity's row"),
        sa.Column("generation_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_to", sa.BigInteger(), nullable=False),
        sa.Column("activity_id", sa.Text(), nullable=True, comment="null on a change's row"),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "instance_id",
            "customer_id",
            "sequence",
            "column_name",
            "generation_from",
            name=op.f("pk_reconciliation"),
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.add_column(
        "generation",
        sa.Column(
            "judged_at", sa.BigInteger(), nullable=True, comment="when that refresh was held against the overlay"
        ),
    )
    op.add_column(
        "generation",
        sa.Column("outcomes", JSON_DOCUMENT, nullable=True, comment="how many of them, of changes and of activities"),
    )
    op.add_column(
        "job", sa.Column("report", JSON_DOCUMENT, nullable=True, comment="of the run; null until it has ended")
    )


def downgrade() -> None:
    op.drop_column("job", "report")
    op.drop_column("generation", "outcomes")
    op.drop_column("generation", "judged_at")
    op.drop_table("reconciliation")
