"""What became of segments and measures at each evaluation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_25_1025"
down_revision = "2026_11_25_1020"
branch_labels = None
depends_on = None

KEY_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON_DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "insight_evaluation",
        sa.Column("instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", KEY_TEXT, nullable=False, comment="measure or segment"),
        sa.Column("name", KEY_TEXT, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("evaluated_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="null where it succeeded"),
        sa.Column(
            "record_count",
            sa.BigInteger(),
            nullable=True,
            comment="members, or customers with a value; null where it failed",
        ),
        sa.Column("output", JSON_DOCUMENT, nullable=True, comment="of a scalar measure"),
        sa.PrimaryKeyConstraint("instance_id", "kind", "name", "generation", name=op.f("pk_insight_evaluation")),
    )


def downgrade() -> None:
    op.drop_table("insight_evaluation")
